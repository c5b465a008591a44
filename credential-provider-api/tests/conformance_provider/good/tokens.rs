//! Access tokens from a grant that rotates: each exchange is a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    Capability, Credential, CredentialError, CredentialKind, CredentialProvider, ErrorCode,
    ManualClock, ProviderDescriptor, Request, Revision, Revocation, async_trait,
};

use super::{Answer, Good, describe, only};
use crate::common::turn;

pub(crate) struct Tokens {
    descriptor: ProviderDescriptor,
    issuer: Issuer,
}

#[derive(Clone, Default)]
pub(crate) struct Issuer {
    issued: Arc<AtomicU64>,
    down: Arc<AtomicBool>,
    clock: ManualClock,
}

impl Good for Tokens {
    type World = Issuer;

    fn new(issuer: Issuer) -> Self {
        let descriptor =
            describe("issuer", "token", CredentialKind::OAuth2).with_capability(Capability::Revoke);
        Self { descriptor, issuer }
    }

    fn suite(
        issuer: Issuer,
        alter: impl Fn(Self) -> Arc<dyn CredentialProvider> + Send + Sync + 'static,
    ) -> ProviderSuite {
        let (begun, ended) = (issuer.down.clone(), issuer.down.clone());
        let clock = issuer.clock.clone();
        ProviderSuite::new(move || alter(Self::new(issuer.clone())))
            .credential("token")
            .clock(clock)
            .secret_mark("refresh-token")
            .outage(
                move || begun.store(true, Ordering::SeqCst),
                move || ended.store(false, Ordering::SeqCst),
            )
    }
}

#[async_trait]
impl CredentialProvider for Tokens {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Answer {
        only(request, "token")?;
        turn().await;
        let _guard = request.commit()?;
        turn().await;
        if self.issuer.down.load(Ordering::SeqCst) {
            return Err(CredentialError::new(ErrorCode::Unavailable, "the issuer is down"));
        }
        let number = self.issuer.issued.fetch_add(1, Ordering::SeqCst) + 1;
        turn().await;
        let token = format!("access-token-{number}");
        let end = request.now().plus(Duration::from_secs(3600));
        let revision = Revision::new(number).unwrap();
        let credential = Credential::oauth2(token.into()).with_expiry(end);
        Ok(credential.with_revision(revision).into())
    }

    async fn revoke(
        &self,
        _: &Request,
        _: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        Ok(Revocation::Remote)
    }
}
