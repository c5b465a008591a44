//! The form in which stores keep a record: fields of a tag, a length and bytes.

use secrecy::{ExposeSecret as _, SecretSlice};
use zeroize::Zeroizing;

use super::record::{Grant, Intent, Record, Refusal};
use crate::credential::Credential;
use crate::error::{CredentialError, Detail, ErrorCode, ReauthReason};
use crate::revision::Revision;
use crate::time::Timestamp;

/// Grows when a reader of the old form would misread the new one.
const VERSION: u8 = 1;

const GRANT: u8 = 1;
const CREDENTIAL: u8 = 2;
const ISSUED_AT_REVISION: u8 = 3;
const INTENT: u8 = 4;
const REFUSAL: u8 = 5;
const SIGNED_IN: u8 = 6;

impl Record {
    /// The record as bytes for a store to encrypt. This is a sink: the bytes hold the secrets.
    ///
    /// # Errors
    /// `internal` if the credential cannot be encoded, which no credential is known to cause.
    pub fn encode(&self) -> Result<SecretSlice<u8>, CredentialError> {
        let credential = self.credential.as_ref().map(Credential::encode).transpose()?;
        let credential = credential.as_ref().map(|bytes| bytes.expose_secret());
        let grant = self.grant.as_ref().map(Grant::expose);
        let room = grant.map_or(0, <[u8]>::len) + credential.map_or(0, <[u8]>::len);
        let texts = self.intent.as_ref().map_or(0, |intent| intent.holder.len())
            + self.refusal.as_ref().map_or(0, |refusal| refusal.detail.as_str().len());
        // Sized at once: a buffer that grows leaves copies of secrets behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(room + texts + 128));
        bytes.push(VERSION);
        if let Some(grant) = grant {
            field(&mut bytes, GRANT, &[grant])?;
        }
        if let Some(credential) = credential {
            field(&mut bytes, CREDENTIAL, &[credential])?;
        }
        if let Some(revision) = self.credential.as_ref().and_then(Credential::revision) {
            field(&mut bytes, ISSUED_AT_REVISION, &[&revision.get().to_be_bytes()])?;
        }
        if let Some(intent) = &self.intent {
            field(&mut bytes, INTENT, &[&time(intent.at), intent.holder.as_bytes()])?;
        }
        if let Some(refusal) = &self.refusal {
            let parts: [&[u8]; 4] = [
                &time(refusal.at),
                refusal.reason.as_str().as_bytes(),
                b" ",
                refusal.detail.as_str().as_bytes(),
            ];
            field(&mut bytes, REFUSAL, &parts)?;
        }
        if let Some(at) = self.signed_in {
            field(&mut bytes, SIGNED_IN, &[&time(at)])?;
        }
        Ok(std::mem::take(&mut *bytes).into())
    }

    /// Reads back what [`encode`](Self::encode) gave.
    ///
    /// # Errors
    /// `store_unreadable` if the bytes are damaged or of a newer version. They are not shown.
    pub fn decode(bytes: &[u8]) -> Result<Self, CredentialError> {
        let mut rest = match bytes.split_first() {
            Some((&VERSION, rest)) => rest,
            Some((newer, _)) if *newer > VERSION => {
                let detail = "a stored record was written by a newer version of this library";
                return Err(CredentialError::new(ErrorCode::StoreUnreadable, detail));
            }
            _ => return Err(damaged()),
        };
        let mut record = Self::default();
        let mut issued = None;
        while let Some((tag, value, after)) = next(rest)? {
            rest = after;
            match tag {
                GRANT => record.grant = Some(Grant::from(value.to_vec())),
                CREDENTIAL => record.credential = Some(Credential::decode(value)?),
                ISSUED_AT_REVISION => issued = Some(revision(value)?),
                INTENT => {
                    let (at, holder) = timed(value)?;
                    record.intent = Some(Intent::new(at, text(holder)?));
                }
                REFUSAL => record.refusal = Some(refusal(value)?),
                SIGNED_IN => record.signed_in = Some(timed(value)?.0),
                _ => return Err(damaged()),
            }
        }
        if let Some(revision) = issued {
            record.credential = record.credential.map(|found| found.with_revision(revision));
        }
        Ok(record)
    }
}

fn field(bytes: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) -> Result<(), CredentialError> {
    let length =
        u32::try_from(parts.iter().map(|part| part.len()).sum::<usize>()).map_err(|_| {
            CredentialError::new(ErrorCode::InvalidResponse, "a grant is too large to be kept")
        })?;
    bytes.push(tag);
    bytes.extend_from_slice(&length.to_be_bytes());
    for part in parts {
        bytes.extend_from_slice(part);
    }
    Ok(())
}

type Field<'a> = (u8, &'a [u8], &'a [u8]);

fn next(bytes: &[u8]) -> Result<Option<Field<'_>>, CredentialError> {
    let Some((tag, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| damaged())?;
    let (value, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
    Ok(Some((*tag, value, rest)))
}

const fn time(at: Timestamp) -> [u8; 8] {
    at.as_millis().to_be_bytes()
}

fn timed(value: &[u8]) -> Result<(Timestamp, &[u8]), CredentialError> {
    let (at, rest) = value.split_first_chunk::<8>().ok_or_else(damaged)?;
    Ok((Timestamp::from_millis(u64::from_be_bytes(*at)), rest))
}

fn revision(value: &[u8]) -> Result<Revision, CredentialError> {
    let number = u64::from_be_bytes(value.try_into().map_err(|_| damaged())?);
    Revision::new(number).ok_or_else(damaged)
}

fn text(bytes: &[u8]) -> Result<String, CredentialError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| damaged())
}

fn refusal(value: &[u8]) -> Result<Refusal, CredentialError> {
    let (at, rest) = timed(value)?;
    let said = text(rest)?;
    let (reason, detail) = said.split_once(' ').ok_or_else(damaged)?;
    let reason = ReauthReason::parse(reason).ok_or_else(damaged)?;
    Ok(Refusal::new(at, reason, Detail::composed(detail.to_owned())))
}

fn damaged() -> CredentialError {
    CredentialError::new(ErrorCode::StoreUnreadable, "a stored record is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole() -> Record {
        let credential = Credential::oauth2("t".into()).with_revision(Revision::new(7).unwrap());
        Record::new(Some(Grant::from(b"rt\0\xff".to_vec())), Some(credential))
            .with_intent(Intent::new(Timestamp::from_secs(3), "host:1"))
            .with_refusal(Refusal::new(Timestamp::from_secs(4), ReauthReason::GrantRejected, "no"))
            .with_sign_in(Timestamp::from_secs(2))
    }

    fn shown(record: &Record) -> String {
        let grant = record.grant.as_ref().map(|grant| grant.expose().to_vec());
        format!("{record:?} {grant:?}")
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let records = [
            whole(),
            Record::default(),
            Record::new(Some(Grant::from(Vec::new())), None),
            Record::new(None, Some(Credential::api_key("k".into()))),
        ];
        for record in records {
            let bytes = record.encode().unwrap();
            let back = Record::decode(bytes.expose_secret()).unwrap();
            assert_eq!(shown(&back), shown(&record));
        }
    }

    #[test]
    fn every_prefix_of_a_record_is_an_error_or_a_record_that_was_meant() {
        let bytes = whole().encode().unwrap();
        let bytes = bytes.expose_secret();
        let whole_fields: Vec<usize> = {
            let mut ends = vec![1];
            let mut rest = &bytes[1..];
            while let Some((_, _, after)) = next(rest).unwrap() {
                rest = after;
                ends.push(bytes.len() - rest.len());
            }
            ends
        };
        for end in 0..bytes.len() {
            assert_eq!(Record::decode(&bytes[..end]).is_ok(), whole_fields.contains(&end), "{end}");
        }
    }

    #[test]
    fn a_newer_record_says_so() {
        let error = Record::decode(&[VERSION + 1, 1, 2]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreUnreadable);
        assert!(error.to_string().contains("newer version"));
    }

    proptest! {
        #[test]
        fn damaged_records_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Record::decode(&bytes);
            bytes.insert(0, VERSION);
            let _ = Record::decode(&bytes);
        }
    }
}
