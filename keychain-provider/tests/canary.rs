//! No secret reaches a log, an error or a `Debug`, at the finest level.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fmt::Debug;
use std::io::Write;
use std::sync::{Arc, Mutex};

use common::{World, own};
use credential_provider_api::CredentialProvider as _;
use credential_store::KeySource as _;
use keychain_provider::{KeychainKeySource, OwnItem};

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seen {
    fn show(&self, value: &impl Debug) {
        writeln!(self.clone(), "{value:?}\n{value:#?}").unwrap();
    }
}

#[tokio::test]
async fn promise_6_nothing_that_is_shown_holds_a_secret() {
    let seen = Seen::default();
    let writer = seen.clone();
    let logged = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(logged).unwrap();
    std::panic::set_hook(Box::new(|_| {})); // A host's hook decides what is printed.
    let world = World::new();
    seen.show(&world.provider);
    for id in ["openai", "bot/1"] {
        for bad in [&b"canary\xff"[..], b"canary", b"", b"canary\n\n", b"***canary"] {
            world.fake.state().items.insert(own(id).attributes(), bad.to_vec());
            seen.show(&world.provider.resolve(&world.request(id)).await);
        }
        seen.show(&world.set(&world.request(id), &[("key", "canary"), ("token", "canary")]).await);
        world.fake.state().panics = Some("canary".into());
        seen.show(&world.provider.resolve(&world.request(id)).await.map(drop));
    }
    let mail = [("user", "canary"), ("password", "canary")];
    seen.show(&world.set(&world.request("mail"), &mail).await);
    seen.show(&world.read(&world.request("mail")).await);
    for bad in [r#"{"canary": 7}"#, r#"["canary"]"#, "canary", r#"{"user":"canary""#] {
        world.fake.state().items.insert(own("mail").attributes(), bad.into());
        seen.show(&world.provider.resolve(&world.request("mail")).await);
    }
    seen.show(&world.provider.list(&world.request("openai")).await);
    seen.show(&world.provider.check(&world.request("openai"), None).await);

    let item = OwnItem::new("store", "key").unwrap();
    let keychain = Arc::new(world.fake.clone());
    let lock = std::env::temp_dir().join(format!("keychain-canary-{}.lock", std::process::id()));
    let source =
        KeychainKeySource::new(keychain, Arc::new(world.clock.clone()), item.clone(), &lock);
    for bad in [&b"canary"[..], b"credential-store keys 1\ncanary\n", b"canary\xff"] {
        world.fake.put(&keychain_provider::Item::Own(item.clone()), &String::from_utf8_lossy(bad));
        seen.show(&source.load().await);
    }
    seen.show(&source);
    let text = String::from_utf8(seen.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("invalid_response") && text.contains("store_unreadable"),
        "errors were shown"
    );
    assert!(text.contains("panicked; it is opened again"), "the log was listened to");
    assert_eq!(
        text.lines().find(|line| line.contains("canary") && !line.contains("keychain-canary")),
        None
    );
}
