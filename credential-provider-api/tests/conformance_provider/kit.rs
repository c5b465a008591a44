//! How a wrong provider is made: a good one with a twist.

use std::sync::atomic::{AtomicUsize, Ordering};

use credential_provider_api::{
    Changes, Credential, CredentialDescriptor, CredentialError, CredentialProvider, Health,
    Observation, ProviderDescriptor, Reason, Request, Revocation, SignIn, async_trait,
};

use crate::good::{Answer, Good};

/// What differs from the good provider: nothing, until a method is written.
#[async_trait]
pub(crate) trait Twist<G: Good>: Default + Send + Sync + 'static {
    fn descriptor<'a>(&'a self, good: &'a G, _: &AtomicUsize) -> &'a ProviderDescriptor {
        good.descriptor()
    }
    async fn resolve(&self, good: &G, request: &Request, _: usize) -> Answer {
        good.resolve(request).await
    }
    async fn refresh(
        &self,
        good: &G,
        request: &Request,
        current: &Credential,
        why: Reason,
    ) -> Answer {
        good.refresh(request, current, why).await
    }
    async fn check(&self, good: &G, request: &Request) -> Result<Health, CredentialError> {
        good.check(request, None).await
    }
    async fn list(
        &self,
        good: &G,
        request: &Request,
    ) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        good.list(request).await
    }
    async fn revoke(&self, good: &G, request: &Request) -> Result<Revocation, CredentialError> {
        good.revoke(request, None).await
    }
    async fn report(
        &self,
        good: &G,
        request: &Request,
        seen: &Observation,
    ) -> Result<(), CredentialError> {
        good.report(request, seen).await
    }
    fn changes(&self, good: &G) -> Changes {
        good.changes()
    }
    fn sign_in<'a>(&self, good: &'a G) -> Option<&'a dyn SignIn> {
        good.sign_in()
    }
}

/// A good provider, twisted.
pub(crate) struct Twisted<T, G> {
    twist: T,
    good: G,
    calls: AtomicUsize,
}

impl<T: Twist<G>, G: Good> Twisted<T, G> {
    pub(crate) fn new(good: G) -> Self {
        Self { twist: T::default(), good, calls: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl<T: Twist<G>, G: Good> CredentialProvider for Twisted<T, G> {
    fn descriptor(&self) -> &ProviderDescriptor {
        self.twist.descriptor(&self.good, &self.calls)
    }
    async fn resolve(&self, request: &Request) -> Answer {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.twist.resolve(&self.good, request, call).await
    }
    async fn refresh(&self, request: &Request, current: &Credential, why: Reason) -> Answer {
        self.twist.refresh(&self.good, request, current, why).await
    }
    async fn check(
        &self,
        request: &Request,
        _: Option<&Credential>,
    ) -> Result<Health, CredentialError> {
        self.twist.check(&self.good, request).await
    }
    async fn revoke(
        &self,
        request: &Request,
        _: Option<&Credential>,
    ) -> Result<Revocation, CredentialError> {
        self.twist.revoke(&self.good, request).await
    }
    async fn list(&self, request: &Request) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        self.twist.list(&self.good, request).await
    }
    fn changes(&self) -> Changes {
        self.twist.changes(&self.good)
    }
    async fn report(&self, request: &Request, seen: &Observation) -> Result<(), CredentialError> {
        self.twist.report(&self.good, request, seen).await
    }
    fn sign_in(&self) -> Option<&dyn SignIn> {
        self.twist.sign_in(&self.good)
    }
}

/// A test: this twist of that good provider breaks this rule and no other.
macro_rules! wrong {
    ($($name:ident: $good:ty, breaks $rule:literal { $($method:tt)* })*) => {$(
        #[tokio::test]
        async fn $name() {
            #[derive(Default)]
            #[allow(dead_code, reason = "most faults need no memory")]
            struct Wrong {
                locked: std::sync::atomic::AtomicBool,
            }
            #[credential_provider_api::async_trait]
            impl $crate::kit::Twist<$good> for Wrong { $($method)* }

            let suite = <$good as $crate::good::Good>::suite(Default::default(), |good| {
                std::sync::Arc::new($crate::kit::Twisted::<Wrong, _>::new(good))
            });
            let suite = suite
                .limit(std::time::Duration::from_secs(1))
                .longest_poll(std::time::Duration::from_millis(600));
            $crate::common::breaks(&suite.run().await, $rule);
        }
    )*};
}
pub(crate) use wrong;
