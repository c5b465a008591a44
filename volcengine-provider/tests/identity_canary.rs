//! No secret of people, workloads or the vault reaches a log, an error, an event or a `Debug`, whatever
//! they do and whatever the service does, at the finest level.
#![allow(
    clippy::field_reassign_with_default,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking; it uses a part of the world"
)]

#[path = "identities/world.rs"]
mod world;

use std::fmt::Debug;
use std::io::Write;
use std::sync::{Arc, Mutex};

use credential_provider_api::{
    Credential, ExposeSecret as _, GrantStore as _, SignInAnswer, SignInMethod, Variant,
};
use serde_json::{Value, json};
use volcengine_provider::emulator::{EXAMPLE, Failure, Person, State};

use world::{CALLBACK, Host, World, member, name, page};

/// In every secret that the state says.
const MARK: &str = "canary7f3a";

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

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The example, with the mark in all its secrets but the signing key.
fn marked() -> State {
    fn mark(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let secret = matches!(
                        &**name,
                        "SecretAccessKey" | "ClientSecret" | "ApiKey" | "CredentialData"
                    );
                    match value {
                        Value::String(text) if secret => text.push_str(MARK),
                        other => mark(other),
                    }
                }
            }
            Value::Array(all) => all.iter_mut().for_each(mark),
            _ => {}
        }
    }
    let mut state: Value = serde_json::from_str(EXAMPLE).unwrap();
    mark(&mut state);
    State::from_json(&state.to_string()).unwrap()
}

/// What was really issued: tokens carry no mark, so each is looked for as it is.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn of(&mut self, credential: &Credential) {
        let all = credential.material().secrets().map(|(_, s)| s.expose_secret().to_owned());
        self.0.extend(all);
    }
}

const IDS: [&str; 6] = ["search", "calendar", "reports", "storage", "notes", "workload-token"];

async fn ask_for_all(world: &World, seen: &Seen, secrets: &mut Secrets) {
    for id in IDS {
        let answer = world.meanwhile(world.ask(id, "alice")).await;
        seen.show(&answer);
        match &answer {
            Ok(credential) => secrets.of(credential),
            Err(error) => writeln!(seen.clone(), "{error} {}", error.detail()).unwrap(),
        }
    }
}

#[tokio::test]
async fn promise_6_no_secret_of_an_identity_is_ever_shown() {
    let seen = Seen::default();
    let writer = seen.clone();
    tracing::subscriber::set_global_default(
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish(),
    )
    .unwrap();
    let mut host = Host::with(json!({
        "secretAccessKey": format!("gateway-example-secret{MARK}"),
        "roleTrn": format!("trn:iam::{}:role/agent", world::ACCOUNT),
        "workload": { "name": "openclaw-agent", "grantedTo": "consumers", "origins": ["{url}"] },
        "credentials": {
            "search": { "type": "api_key", "origins": ["{url}"] },
            "calendar": { "type": "oauth2", "flow": "user_federation", "origins": ["{url}"] },
            "reports": { "type": "oauth2", "flow": "m2m", "origins": ["{url}"] },
            "storage": { "type": "role", "useTip": true },
            "notes": { "type": "user_credential" },
        },
    }));
    host.state = marked();
    // The plugin's switch that logs what is sent to STS.
    host.environment.insert("IDENTITY_STS_DEBUG".into(), "1".into());
    let world = host.start().await;
    let mut events = world.engine.events();
    let mut secrets = Secrets::default();

    // Nobody is signed in; then alice is, by a page and its answer.
    ask_for_all(&world, &seen, &mut secrets).await;
    let flow = world.begin("identity", "alice").await.unwrap();
    let back = world.emulator.browse(&page(&flow), Person::Allows("alice")).await.unwrap();
    let code = url::Url::parse(&back).unwrap();
    let code = code.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    secrets.0.push(code);
    let answer = SignInAnswer::Pasted(back.into());
    seen.show(&answer);
    seen.show(&flow.answer(answer).await);
    let flow = world.begin("calendar", "alice").await.unwrap();
    world.emulator.browse(&page(&flow), Person::Allows("alice")).await.unwrap();
    world.pass(5);
    seen.show(&flow.answer(SignInAnswer::Poll).await);
    ask_for_all(&world, &seen, &mut secrets).await;

    // A value is typed; a token is put that is not believed, and one that is.
    let flow = world.begin("notes", "alice").await.unwrap();
    let typed = SignInAnswer::Fields([("value".to_owned(), format!("typed-{MARK}").into())].into());
    seen.show(&typed);
    seen.show(&flow.answer(typed).await);
    let good = world.emulator.id_token("people", "gateway-web", "bob").unwrap();
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    for token in [format!("{unsigned}.c2ln"), good.clone()] {
        let at = world.engine.administrator().at(&name("identity")).session(&member("bob"));
        let flow = at.sign_in().method(SignInMethod::Fields).start().await.unwrap();
        let fields = [
            ("id_token".to_owned(), token.as_str().into()),
            ("refresh_token".to_owned(), format!("refresh-{MARK}").into()),
        ];
        seen.show(&flow.answer(SignInAnswer::Fields(fields.into())).await);
        flow.cancel();
        secrets.0.push(token);
    }

    // Whatever the service says, and says again when it is asked anew.
    for (status, code) in [
        (400, "InvalidParameter.IdentityToken"),
        (401, "InvalidSecretToken"),
        (403, "AccessDenied"),
        (404, "NotFound.WorkloadIdentity"),
        (429, "FlowLimitExceeded"),
        (500, "InternalError"),
        (200, "UndefinedError"),
    ] {
        let mut failure = Failure::new("*", status, code, 40);
        failure.body = format!("sk-{MARK}-1234567890abcdef is wrong, alice's Bearer {good}");
        world.emulator.fail(failure);
        world.emulator.fail(Failure::page("*", 502, format!("<html>{MARK}{good}"), 2));
        for id in IDS {
            let at = world.engine.administrator().at(&name(id)).session(&member("alice"));
            at.invalidate().unwrap();
            seen.show(&world.meanwhile(at.check()).await);
        }
        ask_for_all(&world, &seen, &mut secrets).await;
        world.emulator.set_faults(volcengine_provider::emulator::Faults::default());
        world.pass(400);
        ask_for_all(&world, &seen, &mut secrets).await;
    }

    // Renewed, listed, refused, signed out.
    for _ in 0..2 {
        world.pass(3700);
        ask_for_all(&world, &seen, &mut secrets).await;
    }
    let other = Variant::builder().account("u-bob").build().unwrap();
    seen.show(&world.meanwhile(world.ask_for("search", "alice", &other)).await);
    seen.show(&world.engine.administrator().snapshot());
    seen.show(&world.engine.administrator().providers());
    for key in world.store.list().await.unwrap() {
        let loaded = world.store.load(&key).await.unwrap();
        seen.show(&loaded);
        let record = loaded.record.unwrap();
        record.credential.iter().for_each(|credential| secrets.of(credential));
        let grant: Value = serde_json::from_slice(record.grant.unwrap().expose()).unwrap();
        secrets.0.push(grant["refreshToken"].as_str().unwrap().to_owned());
    }
    let at = world.engine.administrator().at(&name("identity")).session(&member("alice"));
    seen.show(&at.sign_out().await);
    ask_for_all(&world, &seen, &mut secrets).await;
    world.engine.shutdown().await;
    while let Some(event) = events.next().await {
        seen.show(&event);
    }

    let text = seen.text();
    assert!(
        text.contains("a call was answered") && text.contains("SignedIn"),
        "it was listened to"
    );
    assert!(secrets.0.len() > 40, "{}", secrets.0.len());
    assert_eq!(text.lines().find(|line| line.contains(MARK)), None);
    secrets.0.retain(|secret| secret.len() >= 8);
    for secret in &secrets.0 {
        assert!(!text.contains(secret), "a secret of {} letters was shown", secret.len());
    }
    assert!(!text.contains(CALLBACK) || !text.contains("code="), "codes are secrets too");
    world.emulator.stop().await;
}
