//! Providers whose answers break a promise.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use credential_provider_api::{
    AccountId, Authorization, Credential, CredentialError, CredentialProvider as _, Detail,
    ErrorCode, Key, Material, OutgoingRequest, Reason, Request, Resolution, Revision, SignRequest,
    Timestamp,
};

use crate::common::turn;
use crate::good::{Answer, Derived, Keys, Personal, Signing, Tokens, person};
use crate::kit::wrong;

fn failure(code: ErrorCode) -> CredentialError {
    CredentialError::new(code, "a fault made for the test")
}

/// The good answer, altered.
fn altered(answer: Answer, alter: impl FnOnce(Credential) -> Credential) -> Answer {
    match answer? {
        Resolution::Credential(credential) => Ok(alter(*credential).into()),
        other => Ok(other),
    }
}

/// A request like this one for another key.
fn asking(request: &Request, key: Key) -> Request {
    Request::new(key, request.clock().clone())
}

struct SignsNothing;

impl SignRequest for SignsNothing {
    fn sign(
        &self,
        _: &Material,
        _: &OutgoingRequest<'_>,
        _: Timestamp,
    ) -> Result<Authorization, CredentialError> {
        Ok(Authorization::default())
    }
}

/// Counts a call for as long as it runs.
struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

wrong! {
    resolves_to_nothing: Signing, breaks "resolves" {
        async fn resolve(&self, good: &Signing, request: &Request, _: usize) -> Answer {
            good.resolve(request).await.map(|_| Resolution::Unchanged)
        }
    }
    selects_itself: Signing, breaks "resolves" {
        async fn resolve(&self, good: &Signing, request: &Request, _: usize) -> Answer {
            let id = request.key().credential.clone();
            good.resolve(request).await.map(|_| Resolution::Selected(id))
        }
    }
    another_kind: Keys, breaks "kind-as-described" {
        async fn resolve(&self, good: &Keys, request: &Request, _: usize) -> Answer {
            altered(good.resolve(request).await, |_| Credential::token("a-token".into()))
        }
    }
    expired: Tokens, breaks "never-expired" {
        async fn resolve(&self, good: &Tokens, request: &Request, _: usize) -> Answer {
            altered(good.resolve(request).await, |c| c.with_expiry(request.now()))
        }
    }
    masked: Keys, breaks "never-empty-or-masked" {
        async fn resolve(&self, good: &Keys, request: &Request, _: usize) -> Answer {
            altered(good.resolve(request).await, |_| Credential::api_key("********".into()))
        }
    }
    one_shot: Tokens, breaks "resolves-again" {
        async fn resolve(&self, good: &Tokens, request: &Request, call: usize) -> Answer {
            match call {
                1 => Err(failure(ErrorCode::Internal)),
                _ => good.resolve(request).await,
            }
        }
    }
    revision_used_twice: Tokens, breaks "revision-names-one-secret" {
        async fn resolve(&self, good: &Tokens, request: &Request, _: usize) -> Answer {
            altered(good.resolve(request).await, |c| c.with_revision(Revision::FIRST))
        }
    }
    signs_nothing: Signing, breaks "authorizes-its-origins" {
        async fn resolve(&self, good: &Signing, request: &Request, _: usize) -> Answer {
            altered(good.resolve(request).await, |c| c.with_signer(Arc::new(SignsNothing)))
        }
    }
    falls_back_to_somebody: Personal, breaks "session-required" {
        async fn resolve(&self, good: &Personal, request: &Request, _: usize) -> Answer {
            let key = request.key().clone();
            match key.session {
                Some(_) => good.resolve(request).await,
                None => good.resolve(&asking(request, key.in_session(person("alice")))).await,
            }
        }
    }
    mixes_up_sessions: Personal, breaks "sessions-never-share" {
        async fn resolve(&self, good: &Personal, request: &Request, _: usize) -> Answer {
            let alice = request.key().clone().in_session(person("alice"));
            match request.session()? == &person("bob") {
                true => good.resolve(&asking(request, alice)).await,
                false => good.resolve(request).await,
            }
        }
    }
    mixes_up_accounts: Personal, breaks "sessions-never-share" {
        async fn resolve(&self, good: &Personal, request: &Request, _: usize) -> Answer {
            let account = AccountId::new("everybody").unwrap();
            altered(good.resolve(request).await, |c| c.with_account(account))
        }
    }
    answers_for_any_id: Keys, breaks "unknown-id-is-refused" {
        async fn resolve(&self, good: &Keys, request: &Request, _: usize) -> Answer {
            match good.resolve(request).await {
                Err(error) if error.code() == ErrorCode::CredentialNotFound => {
                    Ok(Credential::api_key("sk-of-somebody".into()).into())
                }
                answer => answer,
            }
        }
    }
    retries_for_an_unknown_id: Keys, breaks "unknown-id-is-refused" {
        async fn resolve(&self, good: &Keys, request: &Request, _: usize) -> Answer {
            good.resolve(request).await.map_err(|error| match error.code() {
                ErrorCode::CredentialNotFound => failure(ErrorCode::Unavailable),
                _ => error,
            })
        }
    }
    panics_for_an_unknown_id: Keys, breaks "unknown-id-is-refused" {
        async fn resolve(&self, good: &Keys, request: &Request, _: usize) -> Answer {
            match good.resolve(request).await {
                Err(error) if error.code() == ErrorCode::CredentialNotFound => {
                    unreachable!("every id is known")
                }
                answer => answer,
            }
        }
    }
    hangs_for_an_unknown_id: Keys, breaks "unknown-id-is-refused" {
        async fn resolve(&self, good: &Keys, request: &Request, _: usize) -> Answer {
            match good.resolve(request).await {
                Err(error) if error.code() == ErrorCode::CredentialNotFound => pending().await,
                answer => answer,
            }
        }
    }
    ignores_the_variant: Keys, breaks "unknown-variant-is-refused" {
        async fn resolve(&self, good: &Keys, request: &Request, _: usize) -> Answer {
            let plain = Key::gateway(&request.key().reference());
            good.resolve(&asking(request, plain)).await
        }
    }
    gives_the_rejected_one_again: Keys, breaks "rejected-secret-is-not-given-again" {
        async fn refresh(&self, good: &Keys, request: &Request, _: &Credential, _: Reason) -> Answer {
            good.resolve(request).await
        }
    }
    renews_with_an_old_one: Tokens, breaks "renewal-outlives-the-old" {
        async fn refresh(&self, good: &Tokens, request: &Request, current: &Credential, why: Reason) -> Answer {
            match (why, current.expires_at()) {
                (Reason::Expiring, Some(end)) => {
                    altered(good.resolve(request).await, |c| c.with_expiry(end))
                }
                _ => good.resolve(request).await,
            }
        }
    }
    lets_keys_wait_for_each_other: Keys, breaks "two-keys-at-once" {
        async fn resolve(&self, good: &Keys, request: &Request, _: usize) -> Answer {
            static RUNNING: AtomicUsize = AtomicUsize::new(0);
            let others = RUNNING.fetch_add(1, Ordering::SeqCst);
            let _running = Running(&RUNNING);
            if others > 0 {
                pending::<()>().await;
            }
            turn().await;
            good.resolve(request).await
        }
    }
    stays_locked_when_dropped: Tokens, breaks "dropped-call-leaves-it-usable" {
        async fn resolve(&self, good: &Tokens, request: &Request, _: usize) -> Answer {
            if self.locked.swap(true, Ordering::SeqCst) {
                pending::<()>().await;
            }
            let answer = good.resolve(request).await;
            self.locked.store(false, Ordering::SeqCst);
            answer
        }
    }
    misreads_a_closed_gate: Tokens, breaks "closed-gate-is-obeyed" {
        async fn resolve(&self, good: &Tokens, request: &Request, _: usize) -> Answer {
            good.resolve(request).await.map_err(|error| match error.code() {
                ErrorCode::Cancelled => failure(ErrorCode::Internal),
                _ => error,
            })
        }
    }
    swallows_the_parents_error: Derived, breaks "source-error-is-passed-on" {
        async fn resolve(&self, good: &Derived, request: &Request, _: usize) -> Answer {
            good.resolve(request).await.map_err(|error| match error.code() {
                ErrorCode::NeedsReauth => failure(ErrorCode::Unavailable),
                _ => error,
            })
        }
    }
    gives_up_in_an_outage: Tokens, breaks "outage-is-transient" {
        async fn resolve(&self, good: &Tokens, request: &Request, _: usize) -> Answer {
            good.resolve(request).await.map_err(|error| match error.code() {
                ErrorCode::Unavailable => failure(ErrorCode::NeedsReauth),
                _ => error,
            })
        }
    }
    keeps_its_guard: Tokens, breaks "commit-guard-is-released" {
        async fn resolve(&self, good: &Tokens, request: &Request, _: usize) -> Answer {
            let answer = good.resolve(request).await;
            std::mem::forget(request.commit()?);
            answer
        }
    }
    blocks_the_thread: Keys, breaks "does-not-block-the-thread" {
        async fn refresh(&self, good: &Keys, request: &Request, current: &Credential, why: Reason) -> Answer {
            if request.key().credential.as_str() == "key/b" && why == Reason::Rejected {
                std::thread::sleep(Duration::from_millis(900));
            }
            good.refresh(request, current, why).await
        }
    }
    shows_the_secret_in_an_error: Tokens, breaks "secrets-stay-secret" {
        async fn resolve(&self, good: &Tokens, request: &Request, _: usize) -> Answer {
            good.resolve(request).await.map_err(|error| {
                let words = Detail::composed("the answer was refresh-token=1".to_owned());
                CredentialError::new(error.code(), words)
            })
        }
    }
    shows_the_secret_in_debug: Keys, breaks "secrets-stay-secret" {
        async fn resolve(&self, good: &Keys, request: &Request, _: usize) -> Answer {
            altered(good.resolve(request).await, |c| c.with_scopes(["sk-first-a"]))
        }
    }
}
