//! No secret reaches a log, an error or a `Debug`, whatever the issuer does, at the finest level.
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

use common::World;
use common::http::Reply;
use common::issuer::MARK;
use common::world::{answer, resolve};
use credential_provider_api::{SignIn as _, SignInAnswer};
use oauth_provider::callback;
use serde_json::json;

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

/// What reqwest says.
impl log::Log for Seen {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        writeln!(self.clone(), "log {} {}", record.target(), record.args()).unwrap();
    }
    fn flush(&self) {}
}

#[tokio::test]
async fn promise_6_nothing_that_is_shown_holds_a_secret() {
    let seen = Seen::default();
    log::set_logger(Box::leak(Box::new(seen.clone()))).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let writer = seen.clone();
    tracing::subscriber::set_global_default(
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish(),
    )
    .unwrap();
    let world = World::new().await;
    let provider = world.hasty();
    seen.show(&provider);
    for credential in ["mail", "identity", "files"] {
        let request = world.request(credential);
        seen.show(&world.sign_in(&provider, &request, "alice").await.unwrap());
        world.pass(301);
        seen.show(&resolve(&provider, &request).await.unwrap());
        for bad in bad_replies() {
            world.pass(301);
            world.issuer.script("/token", [bad]);
            seen.show(&resolve(&provider, &request).await.map(drop));
            let (mut state, page) = world.open(&provider, &request).await.unwrap();
            let SignInAnswer::Callback(found) =
                callback(&world.issuer.consent(&page, "alice")).unwrap().answer
            else {
                panic!("a callback")
            };
            let back = SignInAnswer::Callback(found);
            seen.show(&back);
            seen.show(&answer(&provider, &request, &mut state, back).await.map(drop));
            world.issuer.usual("/token");
            seen.show(&world.sign_in(&provider, &request, "alice").await.unwrap());
        }
        world.issuer.script("/revoke", [Reply::error(400, &format!("x-{MARK}-1234567890"))]);
        seen.show(&provider.sign_out(&request).await);
        world.issuer.usual("/revoke");
    }
    let claim = format!("sub-{MARK}-1234567890");
    world.issuer.state().claims = Some(Arc::new(move |c| c["iss"] = json!(claim.clone())));
    seen.show(&world.finish(&provider, &world.request("mail"), "alice").await.map(drop));
    let text = String::from_utf8(seen.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("log reqwest") || text.contains("log hyper"), "the log was listened to");
    assert!(text.contains("needs_reauth") && text.contains("invalid_grant"), "errors were shown");
    let line = text.lines().find(|line| line.contains(MARK));
    assert_eq!(line, None);
}

fn bad_replies() -> Vec<Reply> {
    let body = format!(
        r#"{{"access_token":"at-{MARK}-9","token_type":"mac","refresh_token":"rt-{MARK}-9"}}"#
    );
    let location = format!("/elsewhere?code={MARK}");
    vec![
        Reply::error(400, "invalid_grant"),
        Reply::error(401, "invalid_client"),
        Reply::error(400, &format!("code-{MARK}-1234567890")),
        Reply::of(200, &body),
        Reply::of(200, &format!("<html>{MARK}")),
        Reply::of(500, MARK),
        Reply::of(302, MARK).with("location", &location).with("x-token", MARK),
        Reply::of(429, MARK).with("retry-after", MARK),
        Reply::HangUp,
        Reply::Silence,
    ]
}
