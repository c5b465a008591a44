//! How a credential stands in an item.
//!
//! An API key or token is the text itself, so that other programs can read and write it. A user value
//! is a JSON object of texts.

use std::collections::BTreeMap;

use credential_provider_api::{
    CredentialError, CredentialKind, ExposeSecret as _, Material, SecretString,
};
use secrecy::SecretSlice;
use zeroize::Zeroizing;

use crate::error::{garbled, unsupported};

/// The secret of an item for `material`.
pub(crate) fn to_bytes(material: &Material) -> Result<SecretSlice<u8>, CredentialError> {
    match material {
        Material::ApiKey(secret) | Material::Token(secret) => {
            Ok(secret.expose_secret().as_bytes().to_vec().into())
        }
        Material::UserValue(fields) => {
            let exposed: BTreeMap<_, _> =
                fields.iter().map(|(name, value)| (name, value.expose_secret())).collect();
            let room = exposed.iter().map(|(n, v)| 6 * (n.len() + v.len()) + 8).sum::<usize>() + 2;
            // Sized at once: a buffer that grows leaves copies behind.
            let mut json = Zeroizing::new(Vec::with_capacity(room));
            serde_json::to_writer(&mut *json, &exposed)
                .map_err(|_| garbled("the fields cannot be written as JSON"))?;
            Ok(exact(&json))
        }
        _ => Err(unsupported("the keychain keeps API keys, tokens and user values")),
    }
}

/// A copy that has no spare room. Making a buffer smaller may move it and leave the secret behind; this
/// leaves it to the caller's buffer, which wipes all of itself.
pub(crate) fn exact(buffer: &Zeroizing<Vec<u8>>) -> SecretSlice<u8> {
    buffer.as_slice().to_vec().into()
}

/// What stands in an item, as a credential of `kind`.
pub(crate) fn to_material(
    kind: CredentialKind,
    bytes: &SecretSlice<u8>,
) -> Result<Material, CredentialError> {
    let text = std::str::from_utf8(bytes.expose_secret())
        .map_err(|_| garbled("the item holds something that is not text"))?;
    match kind {
        CredentialKind::ApiKey => Ok(Material::ApiKey(one_line(text))),
        CredentialKind::Token => Ok(Material::Token(one_line(text))),
        CredentialKind::UserValue => {
            let fields: BTreeMap<String, SecretString> =
                serde_json::from_str(text).map_err(|_| {
                    garbled("the item holds something that is not a JSON object of texts")
                })?;
            Ok(Material::UserValue(fields))
        }
        _ => Err(unsupported("the keychain keeps API keys, tokens and user values")),
    }
}

/// Programs that are fed by a pipe often store the end of the line, too.
fn one_line(text: &str) -> SecretString {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: CredentialKind, bytes: &[u8]) -> Result<Material, CredentialError> {
        to_material(kind, &bytes.to_vec().into())
    }

    #[test]
    fn every_kind_comes_back() {
        let fields = [("user", "me"), ("password", "p\"\n\u{1}ä")];
        let fields = fields.map(|(n, v)| (n.to_owned(), SecretString::from(v)));
        for material in [
            Material::ApiKey("sk-1".into()),
            Material::Token("t".into()),
            Material::UserValue(fields.into()),
        ] {
            let bytes = to_bytes(&material).unwrap();
            let back = read(material.kind(), bytes.expose_secret()).unwrap();
            let shown = |m: &Material| {
                m.secrets()
                    .map(|(n, s)| (n.to_owned(), s.expose_secret().to_owned()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(shown(&back), shown(&material));
        }
    }

    #[test]
    fn the_end_of_a_line_is_not_part_of_a_key() {
        for stored in ["sk-1", "sk-1\n", "sk-1\r\n"] {
            let Material::ApiKey(key) = read(CredentialKind::ApiKey, stored.as_bytes()).unwrap()
            else {
                panic!("a key")
            };
            assert_eq!(key.expose_secret(), "sk-1");
        }
    }

    #[test]
    fn promise_6_what_cannot_be_read_is_not_shown() {
        for (kind, bytes) in [
            (CredentialKind::ApiKey, &b"canary\xff"[..]),
            (CredentialKind::UserValue, b"canary"),
            (CredentialKind::UserValue, br#"{"canary": 1}"#),
            (CredentialKind::OAuth2, b"canary"),
        ] {
            let error = read(kind, bytes).unwrap_err();
            assert!(!format!("{error:?}").contains("canary"), "{error}");
        }
    }

    #[test]
    fn other_kinds_are_not_kept() {
        to_bytes(&Material::OAuth2("x".into())).unwrap_err();
    }
}
