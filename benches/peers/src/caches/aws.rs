//! aws-config's cache of identities: `IdentityCache::lazy`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, ResolveIdentity, SharedIdentityCache,
    SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;
use benches::world::TOKEN;

use crate::backend::{Backend, Plan};
use crate::cache::Cache;

/// One cache; a key is an instance of a resolver. Its bound of 64 is raised, or most would be
/// evicted.
pub struct Aws {
    cache: SharedIdentityCache,
    components: RuntimeComponents,
    bag: ConfigBag,
    resolvers: Vec<SharedIdentityResolver>,
    backend: Arc<Backend>,
}

#[derive(Debug)]
struct Resolver(Arc<Backend>);

impl ResolveIdentity for Resolver {
    fn resolve_identity<'a>(
        &'a self,
        _: &'a RuntimeComponents,
        _: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async move {
            self.0.call().await?;
            let (token, end) = ("t".repeat(TOKEN), SystemTime::now() + Duration::from_secs(3600));
            Ok(Credentials::new("AKIDEXAMPLE", "secret", Some(token), Some(end), "bench").into())
        })
    }
}

impl Cache for Aws {
    const NAME: &'static str = "aws_lazy_cache";

    async fn build(plan: Plan, keys: usize) -> Self {
        let backend = Backend::new(plan);
        let components = RuntimeComponentsBuilder::for_tests()
            .with_time_source(Some(SystemTimeSource::new()))
            .with_sleep_impl(Some(TokioSleep::new()))
            .build()
            .expect("components");
        let cache = IdentityCache::lazy()
            .load_timeout(Duration::from_secs(5))
            .max_partitions(2 * keys)
            .build();
        let resolver = |_| SharedIdentityResolver::new(Resolver(backend.clone()));
        let resolvers = (0..keys).map(resolver).collect();
        Self { cache, components, bag: ConfigBag::base(), resolvers, backend }
    }

    async fn get(&self, nth: usize) -> bool {
        let resolver = self.resolvers[nth].clone();
        let found = self.cache.resolve_cached_identity(resolver, &self.components, &self.bag);
        black_box(found.await).is_ok()
    }

    fn calls(&self) -> usize {
        self.backend.calls()
    }
}
