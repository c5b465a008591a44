//! Keys in the credential file of a function's runtime (VeFaaS).

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use credential_provider_api::{AccessKey, CredentialError, ErrorCode, Timestamp};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::Deserialize;

use super::source::{Found, SourceKeys, alive, filled, filled_secret};
use super::variables::plain;
use crate::environment::Environment;
use crate::files::{FileProblem, Files, Stamp};
use crate::wire::parse_time;

const USUAL_PATH: &str = "/var/run/secrets/iam/credential";
const LONGEST: usize = 64 << 10;

pub(crate) struct CredentialFile {
    configured: Option<PathBuf>,
    /// The stamp of what was read last, `None` within if there was no file; `None` until then.
    last_read: Mutex<Option<Option<Stamp>>>,
}

#[derive(Deserialize)]
struct Content {
    access_key_id: Option<String>,
    secret_access_key: Option<SecretString>,
    session_token: Option<SecretString>,
    role_trn: Option<String>,
    expired_time: Option<String>,
}

impl CredentialFile {
    pub(crate) fn new(configured: Option<PathBuf>) -> Self {
        Self { configured, last_read: Mutex::default() }
    }

    /// The stamp of the file, if it is another than that of what was read last.
    pub(crate) async fn changed(
        &self,
        files: &dyn Files,
        environment: &dyn Environment,
    ) -> Option<Option<Stamp>> {
        let found = files.stamp(&self.path(environment)).await;
        let read = *self.last_read.lock().unwrap_or_else(PoisonError::into_inner);
        (read? != found).then_some(found)
    }

    fn path(&self, environment: &dyn Environment) -> PathBuf {
        let named = || plain(environment, "VOLCENGINE_CREDENTIALS_FILE").map(PathBuf::from);
        self.configured.clone().or_else(named).unwrap_or_else(|| USUAL_PATH.into())
    }

    pub(super) async fn find(
        &self,
        files: &dyn Files,
        environment: &dyn Environment,
        now: Timestamp,
    ) -> Result<Found, CredentialError> {
        let path = self.path(environment);
        // Before it is read: a change in between is then seen as one.
        let stamp = files.stamp(&path).await;
        *self.last_read.lock().unwrap_or_else(PoisonError::into_inner) = Some(stamp);
        let Some(content) = read(files, &path).await? else {
            return Ok(Found::Absent("there is no file"));
        };
        let invalid = |detail| CredentialError::new(ErrorCode::InvalidResponse, detail);
        let content: Content = serde_json::from_slice(content.expose_secret())
            .map_err(|_| invalid("the credential file is not the JSON of an access key"))?;
        let secret = filled_secret(content.secret_access_key);
        let (Some(id), Some(secret)) = (filled(content.access_key_id), secret) else {
            return Err(invalid("the credential file has no whole access key"));
        };
        let token = filled_secret(content.session_token);
        let temporary = token.is_some();
        let mut keys = SourceKeys::new(AccessKey::new(id, secret, token));
        if let Some(end) = filled(content.expired_time) {
            let end = parse_time(&end);
            keys.expires_at =
                Some(end.ok_or_else(|| invalid("the file's expired_time is no time"))?);
        }
        // Temporary keys are those of the role already.
        if !temporary {
            let named = || plain(environment, "RUNTIME_IAM_ROLE_TRN");
            keys.role = filled(content.role_trn).or_else(named);
        }
        alive(keys, now).map(Found::Keys)
    }
}

/// A small file; `None` if it is not there.
pub(super) async fn read(
    files: &dyn Files,
    path: &Path,
) -> Result<Option<SecretSlice<u8>>, CredentialError> {
    let detail = match files.read(path, LONGEST).await {
        Ok(content) => return Ok(Some(content)),
        Err(FileProblem::Missing) => return Ok(None),
        Err(FileProblem::TooLarge) => "a credential file is larger than 64 KiB",
        Err(FileProblem::Unreadable) => "a credential file is there and cannot be read",
    };
    Err(CredentialError::new(ErrorCode::NotConfigured, detail))
}
