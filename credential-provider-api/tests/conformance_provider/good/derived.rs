//! A token derived from another provider's.

use std::sync::Arc;

use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    Credential, CredentialError, CredentialKind, CredentialProvider, CredentialRef,
    ExposeSecret as _, ManualClock, ProviderDescriptor, Reason, Request, Resolution, Source, Want,
    async_trait,
};

use super::{Answer, Good, describe, only};
use crate::common::turn;

pub(crate) struct Derived {
    descriptor: ProviderDescriptor,
}

/// Gives out the parent.
struct Parents;

#[async_trait]
impl Source for Parents {
    async fn get(&self, _: Want) -> Result<Arc<Credential>, CredentialError> {
        turn().await;
        Ok(Arc::new(Credential::token("parent-token".into())))
    }
}

impl Good for Derived {
    type World = ();

    fn new((): ()) -> Self {
        Self { descriptor: describe("derived", "child", CredentialKind::Token) }
    }

    fn suite(
        (): (),
        alter: impl Fn(Self) -> Arc<dyn CredentialProvider> + Send + Sync + 'static,
    ) -> ProviderSuite {
        ProviderSuite::new(move || alter(Self::new(())))
            .credential("child")
            .clock(ManualClock::default())
            .source(Arc::new(Parents))
            .secret_mark("parent-token")
    }
}

#[async_trait]
impl CredentialProvider for Derived {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Answer {
        only(request, "child")?;
        let parent = CredentialRef::parse("idp/parent").unwrap();
        let parent = request.depend_on(Want::new(parent)).await?;
        let parent = parent.secret().unwrap().expose_secret();
        Ok(Credential::token(format!("derived-from-{parent}").into()).into())
    }

    async fn refresh(&self, request: &Request, _: &Credential, why: Reason) -> Answer {
        match why {
            Reason::Rejected => Ok(Resolution::Unchanged),
            _ => self.resolve(request).await,
        }
    }
}
