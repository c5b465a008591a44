//! No secret reaches a log, an error or a `Debug`, whatever the service does, at the finest level.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fmt::Debug;
use std::io::Write;
use std::sync::{Arc, Mutex};

use common::service::MARK;
use common::world::{ROLE, configured, resolve};
use common::{Reply, Then, World};
use credential_provider_api::CredentialProvider as _;
use serde_json::{Value, json};
use volcengine_provider::HeldKeys;
use volcengine_provider::action::resource::{GetResourceApiKey, GetResourceOauth2Token};

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
    tracing::subscriber::set_global_default(
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish(),
    )
    .unwrap();
    let world = World::listening().await;
    // The switch by which the plugin logs what it sends to STS.
    world.variables.set("IDENTITY_STS_DEBUG", "1");
    let settings = configured(json!({
        "retries": 0, "roleTrn": ROLE, "sessionToken": format!("configured-{MARK}-token"),
    }));
    let provider = world.provider(settings).await;
    seen.show(&provider);
    seen.show(provider.client());
    world.service.script("AssumeRole", [Reply::assumed("AK-role", &world.time_in(3600))]);
    let keys = resolve(&provider, &world.request()).await.unwrap();
    seen.show(&keys);
    let keys = HeldKeys::new(Arc::new(keys));
    seen.show(&keys);
    let api_key = GetResourceApiKey::new(format!("tip-{MARK}").into(), "openai".to_owned());
    let oauth = GetResourceOauth2Token::new(format!("tip-{MARK}").into(), "google".to_owned());
    seen.show(&api_key);
    let good = json!({
        "ApiKey": format!("sk-{MARK}"), "AccessToken": format!("at-{MARK}"),
        "AuthorizationUrl": format!("https://idp.example/?state={MARK}"),
    });
    for action in ["AssumeRole", "GetResourceApiKey", "GetResourceOauth2Token", "GetCallerIdentity"]
    {
        for reply in replies(&good) {
            world.service.script(action, [reply]);
            seen.show(&resolve(&provider, &world.request()).await);
            seen.show(&provider.check(&world.request(), None).await);
            seen.show(&provider.client().call(&api_key, &keys).await);
            seen.show(&provider.client().call(&oauth, &keys).await);
        }
    }
    let text = String::from_utf8(seen.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("a call was answered"), "the log was listened to");
    assert!(text.contains("signaturedoesnotmatch") && text.contains("20251127AABBCCDD"));
    let line = text.lines().find(|line| line.contains(MARK));
    assert_eq!(line, None);
}

fn replies(good: &Value) -> Vec<Reply> {
    let id = format!("sk-{MARK}-1234567890");
    let metadata = json!({ "RequestId": id, "Error": { "Code": id, "Message": id } });
    vec![
        Reply::result(good),
        Reply::error(401, "SignatureDoesNotMatch"),
        Reply::error(403, &format!("Denied-{MARK}-1234567890")),
        Reply::of(400, &json!({ "ResponseMetadata": metadata }).to_string()),
        Reply::of(400, &json!({ "errorcode": id, "message": id }).to_string()),
        Reply::of(200, &format!("<html>{MARK}")),
        Reply::of(500, MARK),
        Reply::of(302, MARK).with("location", &format!("/?x={MARK}")).with("x-tt-logid", MARK),
        Reply::of(429, MARK).with("retry-after", MARK),
        Reply::then(Then::HangUp),
    ]
}
