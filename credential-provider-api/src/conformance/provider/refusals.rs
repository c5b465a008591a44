//! What a provider must refuse.

use super::subject::{Subject, named};
use crate::conformance::report::{Checked, fail, skip};
use crate::error::ErrorCode;
use crate::key::Key;
use crate::provider::Scope;
use crate::variant::Variant;

pub(super) async fn session_required(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    let mut tried = 0;
    for key in subject.keys() {
        if subject.scope(&key.credential) != Scope::Session {
            continue;
        }
        tried += 1;
        let nobody = Key { session: None, ..key };
        match subject.resolve(&provider, &nobody).await? {
            Err(error) if error.code() == ErrorCode::SessionRequired => {}
            Err(error) => {
                return fail(format!(
                    "{} without a session was answered with {}",
                    nobody.credential,
                    error.code()
                ));
            }
            Ok(answer) => {
                return fail(format!(
                    "{} without a session was answered with {}",
                    nobody.credential,
                    named(&answer)
                ));
            }
        }
    }
    if tried == 0 {
        return skip("no credential named belongs to a session");
    }
    Ok(())
}

pub(super) async fn unknown_id(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    // With a session, so that its absence is not the answer.
    let key = subject.key_of(&subject.suite.unknown)?.in_session(subject.one.clone());
    match subject.resolve(&provider, &key).await? {
        Err(error) if error.code() == ErrorCode::CredentialNotFound => Ok(()),
        Err(error) => fail(format!(
            "{} was answered with {} in place of credential_not_found",
            key.credential,
            error.code()
        )),
        Ok(answer) => fail(format!(
            "{} was answered with {} in place of credential_not_found",
            key.credential,
            named(&answer)
        )),
    }
}

pub(super) async fn unknown_variant(subject: &Subject) -> Checked {
    let provider = subject.fresh().await?;
    for key in subject.keys() {
        let mut builder = Variant::builder().parameter("conformance_unknown", "1");
        for (name, value) in key.variant.iter() {
            builder = builder.parameter(name, &value);
        }
        let key = Key { variant: builder.build()?, ..key };
        match subject.resolve(&provider, &key).await? {
            Err(error) if error.code() == ErrorCode::Unsupported => {}
            Err(error) => {
                return fail(format!(
                    "{} with a parameter nobody knows was answered with {} in place of unsupported",
                    key.credential,
                    error.code()
                ));
            }
            Ok(answer) => {
                return fail(format!(
                    "{} with a parameter nobody knows was answered with {}",
                    key.credential,
                    named(&answer)
                ));
            }
        }
    }
    Ok(())
}
