//! Keys in environment variables.

use credential_provider_api::{AccessKey, CredentialError, ErrorCode};
use secrecy::ExposeSecret as _;

use super::source::{Found, SourceKeys, filled_secret};
use crate::environment::Environment;

const ID: &str = "VOLCENGINE_ACCESS_KEY";
const SECRET: &str = "VOLCENGINE_SECRET_KEY";
const TOKEN: &str = "VOLCENGINE_SESSION_TOKEN";

pub(super) fn find(environment: &dyn Environment) -> Result<Found, CredentialError> {
    let variable = |name| filled_secret(environment.variable(name));
    match (variable(ID), variable(SECRET)) {
        (None, None) => Ok(Found::Absent("VOLCENGINE_ACCESS_KEY is not set")),
        (Some(id), Some(secret)) => {
            let id = id.expose_secret().trim().to_owned();
            let key = AccessKey::new(id, secret, variable(TOKEN));
            Ok(Found::Keys(SourceKeys::new(key)))
        }
        // Half a key was meant to be one: the next source would be another identity.
        (Some(_), None) => Err(half("VOLCENGINE_ACCESS_KEY is set, VOLCENGINE_SECRET_KEY is not")),
        (None, Some(_)) => Err(half("VOLCENGINE_SECRET_KEY is set, VOLCENGINE_ACCESS_KEY is not")),
    }
}

fn half(detail: &'static str) -> CredentialError {
    CredentialError::new(ErrorCode::NotConfigured, detail)
}

/// A variable that is no secret.
pub(super) fn plain(environment: &dyn Environment, name: &str) -> Option<String> {
    let value = environment.variable(name)?;
    super::source::filled(Some(value.expose_secret().to_owned()))
}
