//! Credentials derived from others.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::subject::{Call, Subject, named};
use crate::conformance::report::{Checked, fail, skip};
use crate::credential::Credential;
use crate::error::{CredentialError, ErrorClass, ReauthReason};
use crate::provider::{Source, Want};
use crate::reference::CredentialRef;

pub(super) async fn error_is_passed_on(subject: &Subject) -> Checked {
    if subject.suite.source.is_none() {
        return skip("no source was given: give `.source(…)` if credentials are derived");
    }
    let mut tried = 0;
    for key in subject.keys() {
        let provider = subject.fresh().await?;
        let source = Arc::new(SignedOut::default());
        let request = subject.request_from(&key, source.clone());
        let answer = subject.send(&provider, request, Call::Resolve).await?;
        let Some(parent) = source.asked() else {
            continue;
        };
        tried += 1;
        let id = &key.credential;
        match answer {
            Ok(answer) => {
                return fail(format!(
                    "{id} was answered with {} though {parent} needs a sign-in",
                    named(&answer)
                ));
            }
            Err(error) if error.class() != ErrorClass::SignIn => {
                return fail(format!(
                    "{id} was answered with {} though {parent} needs a sign-in; pass it on with `?`",
                    error.code()
                ));
            }
            Err(error)
                if error.parent() != Some(&parent)
                    || error.reason() != Some(ReauthReason::NotSignedIn) =>
            {
                return fail(format!(
                    "the error of {id} does not name {parent} as the one to sign in to"
                ));
            }
            Err(_) => {}
        }
    }
    if tried == 0 {
        return skip("no credential named asked the source for another");
    }
    Ok(())
}

/// A source whose credentials all need a sign-in.
#[derive(Default)]
struct SignedOut {
    asked: Mutex<Option<CredentialRef>>,
}

impl SignedOut {
    fn asked(&self) -> Option<CredentialRef> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Source for SignedOut {
    async fn get(&self, want: Want) -> Result<Arc<Credential>, CredentialError> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| want.credential.clone());
        let error = CredentialError::needs_reauth(ReauthReason::NotSignedIn, "nobody signed in");
        Err(error.caused_by(&want.credential))
    }
}
