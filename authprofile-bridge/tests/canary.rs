//! Promise 6: no secret in what is shown, logged or written down, but in the store itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod authority;
mod common;
mod sink;

use std::fmt::{Debug, Write as _};
use std::fs;
use std::io;
use std::sync::{Arc, Mutex};

use authority::{Fake, reference};
use authprofile_bridge::delegation::{
    Delegation, Delegations, KeyMode, ModelAuth, ModelKey, Question, Tier,
};
use authprofile_bridge::migration::{Migration, Replacement};
use authprofile_bridge::openclaw::{AuthProfileStore, ProfileKind};
use authprofile_bridge::synthetic::{SyntheticProfile, SyntheticProfiles, SyntheticStanding};
use base64::Engine as _;
use common::{Folder, WallClock};
use credential_provider_api::{Credential, ErrorCode, ProviderId, State};
use sink::Memory;

const TOKEN: &str = "canary-token-0123456789";
const KEY: &str = "canary-key-0123456789";
const OTHER: &str = "canary-other-0123456789";

/// What was logged and shown.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<String>>);

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Heard {
    fn show(&self, shown: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{shown:?}\n{shown:#?}").unwrap();
    }

    fn say(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }

    fn sings(&self) -> bool {
        sings(&self.0.lock().unwrap())
    }
}

/// Whether a secret is in a text, in any form.
fn sings(text: &str) -> bool {
    [TOKEN, KEY, OTHER].iter().any(|secret| {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
        // Wherever it begins, all but the ends of it is there.
        let base64 = base64[4..base64.len() - 6].to_owned();
        let numbers = format!("{:?}", secret.as_bytes());
        let numbers = numbers.trim_matches(['[', ']']).to_owned();
        [(*secret).to_owned(), hex, base64, numbers].iter().any(|form| text.contains(form.as_str()))
    })
}

#[test]
fn a_canary_sings_for_every_form() {
    let encoded = base64::engine::general_purpose::STANDARD.encode(KEY);
    for text in [KEY.to_owned(), encoded, format!("{:?}", TOKEN.as_bytes())] {
        assert!(sings(&format!("x {text} x")));
    }
    assert!(!sings("openai:cp-gpt"));
}

#[tokio::test]
async fn promise_6_no_secret_is_shown_logged_or_written_elsewhere() {
    let heard = Heard::default();
    let writer = heard.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let folder = Folder::new();
    let stored = format!(
        r#"{{"version":1,"profiles":{{"openai:key":{{"type":"api_key","provider":"openai","key":"{KEY}"}},"groq:cp-x":{{"type":"token","provider":"groq","token":"{OTHER}"}}}}}}"#
    );
    folder.write("auth-profiles.json", &stored);
    let clock = Arc::new(WallClock);
    let store = || AuthProfileStore::new(folder.root(), clock.clone());
    let (authority, sink) = (Fake::new(), Memory::new());

    authority.answer("vault/gpt", Ok(Credential::token(TOKEN.into())));
    authority.answer("vault/x", Ok(Credential::token(TOKEN.into())));
    let builder = SyntheticProfiles::builder(store(), authority.clone(), clock.clone())
        .profile(SyntheticProfile::new(reference("vault/gpt"), "openai"))
        .profile(SyntheticProfile::new(reference("vault/x"), "groq"));
    heard.show(&builder);
    let mut profiles = builder.start().await.unwrap();
    while profiles
        .status()
        .iter()
        .any(|status| status.standing == SyntheticStanding::Unknown && status.error.is_none())
    {
        profiles.changed().await;
    }
    heard.show(&profiles);
    let statuses = profiles.status();
    assert!(statuses[1].error.is_some(), "theirs stands there");
    heard.say(&statuses[1].error.clone().unwrap().to_string());
    authority.state_is("vault/gpt", State::Revoked);
    authority.tell_of("vault/gpt");
    profiles.changed().await;
    heard.show(&profiles.status());
    authority.answer("vault/gpt", Ok(Credential::token(TOKEN.into())));
    authority.tell_of("vault/gpt");
    profiles.changed().await;
    profiles.shutdown().await;

    let work = Delegation::new("openai", ProfileKind::OAuth, reference("vault/gpt"));
    let environment =
        |_: &Question<'_>| Ok(Some(ModelKey::new(OTHER.into(), KeyMode::ApiKey, "env: OTHER")));
    let auth = ModelAuth::builder(store(), authority.clone(), clock.clone())
        .delegations(Delegations::none().with("openai:work", work))
        .tier(Tier::Environment, environment);
    heard.show(&auth);
    let auth = auth.build();
    heard.show(&auth);
    let asked = Question::new("openai");
    for question in [asked, asked.profile("openai:key"), Question::new("nobody")] {
        let key = auth.key(question).await.unwrap();
        heard.show(&key);
        heard.show(&key.prepared());
    }
    authority.fails("vault/gpt", ErrorCode::NeedsReauth);
    let error = auth.key(Question::new("openai")).await.unwrap_err();
    heard.say(&error.to_string());

    let replacement = Replacement::ExecReference { provider: "gateway".to_owned() };
    let provider = ProviderId::new("keychain").unwrap();
    let migration = Migration::new(store(), sink.clone(), provider, replacement);
    heard.show(&migration);
    let plan = migration.plan().await.unwrap();
    assert!(plan.to_string().contains("openai:cp-gpt (openai, token): stays: written here"));
    heard.show(&plan);
    heard.say(&plan.to_string());
    sink.fail_after(Some(3));
    heard.show(&migration.apply().await.unwrap());
    sink.fail_after(None);
    heard.show(&migration.apply().await.unwrap());
    for name in folder.names().iter().filter(|name| *name != "auth-profiles.json") {
        heard.say(&fs::read_to_string(folder.path(name)).unwrap());
    }
    assert_eq!(folder.names().len(), 4, "the store, the ledger and its lock, the journal");
    let text = fs::read_to_string(folder.path("auth-profiles.json")).unwrap();
    assert!(!text.contains(KEY) && text.contains(TOKEN));
    heard.show(&migration.undo().await.unwrap());

    assert!(heard.0.lock().unwrap().contains("WARN"), "the log was heard");
    assert!(!heard.sings(), "{}", heard.0.lock().unwrap());
}
