//! The provider keeps the promises of the trait, built as a host builds it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::service::MARK;
use common::world::ROLE;
use common::{Reply, World};
use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    AccessKey, Credential, CredentialError, CredentialProvider, ProviderFactory as _, ProviderId,
    Source, Variant, Want, async_trait,
};
use serde_json::json;

const FILE: &str = "/var/run/secrets/iam/credential";

/// The engine's part: the platform keys, for the role of a variant.
struct Platform;

#[async_trait]
impl Source for Platform {
    async fn get(&self, want: Want) -> Result<Arc<Credential>, CredentialError> {
        assert_eq!(want.credential.to_string(), "volc/platform");
        let secret = format!("platform-{MARK}-secret").into();
        let key = AccessKey::new("AK-platform".into(), secret, None);
        Ok(Arc::new(Credential::access_key(key)))
    }
}

fn put(world: &World, id: &str) {
    let keys = json!({
        "access_key_id": id, "secret_access_key": format!("{id}-{MARK}-secret"), "role_trn": ROLE,
    });
    world.files.put(FILE, &keys.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_promises_of_a_provider() {
    let world = Arc::new(World::new());
    put(&world, "AK-1");
    let (time, issued) = (world.time.clone(), std::sync::atomic::AtomicU32::new(0));
    let sts = world.clone();
    world.service.answer("AssumeRole", move |call| {
        let number = issued.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let role = call.body.rsplit("%2F").next().unwrap();
        let id = format!("{role}-of-{}-{number}", call.key().unwrap());
        Reply::assumed(&id, &sts.time_in(3600))
    });
    world.service.script("GetCallerIdentity", [Reply::result(&json!({ "AccountId": 1 }))]);
    let [made, down, up, outside] = std::array::from_fn(|_| world.clone());
    let suite = ProviderSuite::built_by(move || {
        let world = made.clone();
        async move {
            // A retry would wait for a time that nobody moves.
            let settings = world.settings(json!({ "retries": 0 }));
            let id = ProviderId::new("volc").unwrap();
            let built: Arc<dyn CredentialProvider> =
                world.factory().build(id, settings, &world.context()).await.unwrap();
            built
        }
    });
    let other = Variant::builder().role("trn:iam::1:role/other").build().unwrap();
    let report = suite
        .credential("platform")
        .credential_with_variant("platform", other)
        .source(Arc::new(Platform))
        .clock(time)
        .secret_mark(MARK)
        .outage(move || down.service.down(true), move || up.service.down(false))
        .change(move |_| {
            put(&outside, "AK-2");
            outside.time.advance(std::time::Duration::from_secs(5));
        })
        .run()
        .await;
    println!("{report}");
    report.assert();
}
