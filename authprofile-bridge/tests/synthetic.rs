//! Synthetic profiles: what is written, when it goes, and whose it is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod authority;
mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authority::{Fake, reference};
use authprofile_bridge::News;
use authprofile_bridge::openclaw::{AuthProfileStore, Database, Mark, Row};
use authprofile_bridge::synthetic::{
    SyntheticProfile, SyntheticProfiles, SyntheticProfilesBuilder, SyntheticStanding,
    SyntheticStatus,
};
use common::Folder;
use credential_provider_api::{
    Clock as _, Credential, CredentialError, ErrorCode, ManualClock, Scope, SecretString, State,
    Timestamp,
};
use serde_json::{Value, json};

const FILE: &str = "auth-profiles.json";
const LEDGER: &str = "auth-profiles.bridge.json";
/// Empty, and locked by the host that keeps profiles.
const HELD: &str = "auth-profiles.bridge.json.lock";
const ID: &str = "openai:cp-gpt";

struct World {
    folder: Folder,
    authority: Arc<Fake>,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::new(std::time::SystemTime::now().into());
        let world = Self { folder: Folder::new(), authority: Fake::new(), clock };
        world.folder.write(
            FILE,
            r#"{"version":1,"new":[1.50],"profiles":{"openai:own":{"type":"api_key","provider":"openai","key":"sk-own","new":{"a":1}}},"order":{"openai":["openai:cp-gpt","openai:own"]}}"#,
        );
        world
    }

    fn builder(&self) -> SyntheticProfilesBuilder {
        let store = AuthProfileStore::new(self.folder.root(), Arc::new(self.clock.clone()));
        let clock = Arc::new(self.clock.clone());
        SyntheticProfiles::builder(store, self.authority.clone(), clock)
    }

    fn gpt(&self) -> SyntheticProfilesBuilder {
        self.builder().profile(SyntheticProfile::new(reference("vault/gpt"), "OpenAI"))
    }

    /// One that lasts an hour from now.
    fn token(&self, text: &str) -> Credential {
        let now = self.clock.now();
        let credential = Credential::oauth2(text.into()).with_issue_time(now);
        credential.with_expiry(now.plus(Duration::from_secs(3600)))
    }

    fn gives(&self, text: &str) {
        self.authority.answer("vault/gpt", Ok(self.token(text)));
    }

    fn file(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.folder.path(FILE)).unwrap()).unwrap()
    }

    fn profile(&self) -> Value {
        self.file()["profiles"][ID].clone()
    }
}

/// Waits until the first profile is as wanted.
async fn until(
    profiles: &mut SyntheticProfiles,
    wanted: impl Fn(&SyntheticStatus) -> bool,
) -> SyntheticStatus {
    let limit = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let status = profiles.status().swap_remove(0);
            if wanted(&status) {
                return status;
            }
            profiles.changed().await;
        }
    });
    let last = limit.await;
    last.unwrap_or_else(|_| panic!("{:?}", profiles.status()))
}

fn is_written(status: &SyntheticStatus) -> bool {
    matches!(status.standing, SyntheticStanding::Written { .. })
}

fn is_absent(status: &SyntheticStatus) -> bool {
    status.standing == SyntheticStanding::Absent
}

fn failed_with(code: ErrorCode) -> impl Fn(&SyntheticStatus) -> bool {
    move |status| status.error.as_ref().is_some_and(|error| error.code() == code)
}

#[tokio::test]
async fn a_credential_becomes_a_token_that_ends_early_and_renews_nothing() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    let status = until(&mut profiles, is_written).await;
    let early = world.clock.now().plus(Duration::from_secs(55 * 60));
    assert_eq!(status.standing, SyntheticStanding::Written { until: Some(early) });
    assert_eq!(
        world.profile(),
        json!({"type":"token","provider":"openai","token":"at-one","expires":early.as_millis()})
    );
    let text = fs::read_to_string(world.folder.path(FILE)).unwrap();
    assert!(
        text.contains(r#"{"type":"api_key","provider":"openai","key":"sk-own","new":{"a":1}}"#)
    );
    assert!(text.contains("\"new\": [1.50]"), "{text}");
    #[cfg(unix)]
    for name in [FILE, LEDGER, HELD] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(world.folder.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    profiles.shutdown().await;
    assert_eq!(world.folder.names(), [LEDGER, HELD, FILE]);
}

#[tokio::test]
async fn a_new_revision_takes_the_place_of_the_old_and_what_others_added_to_it_stays() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    let mut file = world.file();
    file["profiles"][ID]["displayName"] = json!("mine");
    world.folder.write(FILE, &file.to_string());
    world.clock.advance(Duration::from_secs(60));
    world.gives("at-two");
    world.authority.tell_of("vault/gpt");
    profiles.changed().await;
    until(&mut profiles, is_written).await;
    assert_eq!(world.profile()["token"], "at-two");
    assert_eq!(world.profile()["displayName"], "mine");
    profiles.shutdown().await;
}

#[tokio::test]
async fn promise_4_it_goes_on_revocation_and_sign_out_and_keeps_its_place_for_when_it_returns() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    let code = |state| match state {
        State::Revoked => ErrorCode::Revoked,
        _ => ErrorCode::NeedsReauth,
    };
    for state in [State::Revoked, State::NeedsReauth] {
        // Whatever it still answers.
        world.authority.state_is("vault/gpt", state);
        let asked = world.authority.asked().len();
        world.authority.tell_of("vault/gpt");
        let status = until(&mut profiles, is_absent).await;
        assert_eq!(status.error.unwrap().code(), code(state));
        assert_eq!(world.profile(), Value::Null);
        assert_eq!(world.authority.asked().len(), asked, "asking would bring it back");
        assert_eq!(world.file()["order"]["openai"], json!([ID, "openai:own"]));
        world.gives("at-again");
        world.authority.tell_of("vault/gpt");
        until(&mut profiles, is_written).await;
        assert_eq!(world.profile()["token"], "at-again");
    }
    profiles.shutdown().await;
}

#[tokio::test]
async fn promise_4_a_revocation_is_not_kept_waiting_by_another_credential_that_hangs() {
    let world = World::new();
    world.gives("at-one");
    world.authority.answer("vault/slow", Ok(world.token("at-slow")));
    world.authority.hangs("vault/slow");
    let slow = SyntheticProfile::new(reference("vault/slow"), "groq");
    let mut profiles = world.gpt().profile(slow).start().await.unwrap();
    until(&mut profiles, is_written).await;
    world.authority.state_is("vault/gpt", State::Revoked);
    world.authority.tell_of("vault/gpt");
    until(&mut profiles, is_absent).await;
    assert_eq!(world.profile(), Value::Null);
    profiles.shutdown().await;
}

#[tokio::test]
async fn news_that_were_missed_are_made_up_for() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    world.authority.state_is("vault/gpt", State::Revoked);
    world.authority.tell(&News::Anything);
    until(&mut profiles, is_absent).await;
    profiles.shutdown().await;
}

#[tokio::test]
async fn promise_5_a_sessions_credential_is_refused_when_configured_and_when_written() {
    let world = World::new();
    world.gives("at-one");
    world.authority.scope_is("vault/gpt", Scope::Session);
    let error = world.gpt().start().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    assert_eq!(world.profile(), Value::Null);
    // A provider that is replaced later by one that says otherwise, and still answers.
    world.authority.scope_is("vault/gpt", Scope::Gateway);
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    world.authority.scope_is("vault/gpt", Scope::Session);
    world.gives("at-of-somebody");
    world.authority.scope_is("vault/gpt", Scope::Session);
    world.authority.tell_of("vault/gpt");
    let status = until(&mut profiles, is_absent).await;
    assert_eq!(status.error.unwrap().code(), ErrorCode::AccessDenied);
    assert_eq!(world.profile(), Value::Null);
    assert!(world.authority.asked().iter().all(|(_, session, _)| session.is_none()));
    profiles.shutdown().await;
}

#[tokio::test]
async fn promise_10_a_profile_of_somebody_else_is_neither_overwritten_nor_removed() {
    let world = World::new();
    world.gives("at-one");
    // Like one of ours in all but its making; and one made ours by hand.
    for theirs in [
        json!({"type":"token","provider":"openai","token":"at-theirs"}),
        json!({"type":"token","provider":"openai","token":"at-one"}),
        json!({"type":"oauth","provider":"openai","access":"a","refresh":"r","expires":1}),
        json!("no profile at all"),
    ] {
        let mut file = world.file();
        file["profiles"][ID] = theirs.clone();
        let path = world.folder.write(FILE, &file.to_string());
        let before = fs::read(&path).unwrap();
        let mut profiles = world.gpt().start().await.unwrap();
        let status = until(&mut profiles, failed_with(ErrorCode::ConfigurationInvalid)).await;
        assert!(status.error.unwrap().detail().contains(ID));
        world.authority.state_is("vault/gpt", State::Revoked);
        world.authority.tell_of("vault/gpt");
        until(&mut profiles, failed_with(ErrorCode::Revoked)).await;
        profiles.withdraw().await.unwrap();
        world.gives("at-one");
        assert_eq!(fs::read(path).unwrap(), before, "{theirs}");
    }
}

#[tokio::test]
async fn a_token_pasted_over_ours_is_theirs_from_then_on() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    let mut file = world.file();
    file["profiles"][ID]["token"] = json!("at-pasted");
    world.folder.write(FILE, &file.to_string());
    world.gives("at-two");
    world.authority.tell_of("vault/gpt");
    until(&mut profiles, failed_with(ErrorCode::ConfigurationInvalid)).await;
    world.authority.state_is("vault/gpt", State::Revoked);
    world.authority.tell_of("vault/gpt");
    until(&mut profiles, failed_with(ErrorCode::Revoked)).await;
    assert_eq!(world.profile()["token"], "at-pasted");
    profiles.shutdown().await;
}

#[tokio::test]
async fn leftovers_of_an_earlier_run_go_at_the_start_and_only_they() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    profiles.shutdown().await;
    let mut file = world.file();
    file["profiles"]["openai:cp-other"] = json!({"type":"token","provider":"openai","token":"x"});
    // OpenClaw saved it meanwhile: other order, nothing it does not know.
    world.folder.write(FILE, &serde_json::to_string_pretty(&file).unwrap());
    world.authority.answer("vault/new", Ok(world.token("at-new")));
    let new = SyntheticProfile::new(reference("vault/new"), "openai");
    let mut profiles = world.builder().profile(new).start().await.unwrap();
    until(&mut profiles, is_written).await;
    assert_eq!(world.profile(), Value::Null);
    assert_eq!(world.file()["profiles"]["openai:cp-other"]["token"], "x");
    assert_eq!(world.file()["profiles"]["openai:cp-new"]["token"], "at-new");
    // Nobody wants it any more: its place goes too.
    assert_eq!(world.file()["order"]["openai"], json!(["openai:own"]));
    profiles.withdraw().await.unwrap();
    assert_eq!(world.file()["profiles"]["openai:cp-new"], Value::Null);
    assert_eq!(world.file()["profiles"]["openai:cp-other"]["token"], "x");
}

#[tokio::test]
async fn an_openclaw_that_writes_back_what_it_had_in_memory_does_not_bring_a_token_back() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    let old = fs::read_to_string(world.folder.path(FILE)).unwrap();
    world.gives("at-two");
    world.authority.tell_of("vault/gpt");
    profiles.changed().await;
    world.authority.state_is("vault/gpt", State::Revoked);
    world.authority.tell_of("vault/gpt");
    until(&mut profiles, is_absent).await;
    world.folder.write(FILE, &old);
    world.clock.advance(Duration::from_secs(5 * 60));
    profiles.changed().await;
    assert_eq!(world.profile(), Value::Null, "the last token but one is known as ours");
    profiles.shutdown().await;
}

#[tokio::test]
async fn a_mark_is_never_written_and_nothing_that_is_no_one_text() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    let fields = [("user".to_owned(), SecretString::from("x"))];
    for (credential, code) in [
        (Credential::api_key("__OPENCLAW_REDACTED__".into()), ErrorCode::RedactedValue),
        (
            Credential::token("openclaw-oauth-refresh-fence:v1:0:access:0".into()),
            ErrorCode::RedactedValue,
        ),
        (Credential::token("${OPENAI_API_KEY}".into()), ErrorCode::RedactedValue),
        (Credential::token(" ".into()), ErrorCode::RedactedValue),
        (Credential::user_value(fields.into()), ErrorCode::Unsupported),
        (
            Credential::oauth2("at-bound".into()).with_property("binding", "dpop"),
            ErrorCode::Unsupported,
        ),
    ] {
        world.authority.answer("vault/gpt", Ok(credential));
        world.authority.tell_of("vault/gpt");
        let status = until(&mut profiles, failed_with(code)).await;
        assert!(is_absent(&status));
        assert_eq!(world.profile(), Value::Null);
        world.gives("at-good");
        world.authority.tell_of("vault/gpt");
        until(&mut profiles, is_written).await;
    }
    profiles.shutdown().await;
}

#[tokio::test]
async fn a_source_that_fails_for_now_leaves_it_until_the_end_written_in_it() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    world.authority.fails("vault/gpt", ErrorCode::Unavailable);
    world.authority.tell_of("vault/gpt");
    let status = until(&mut profiles, failed_with(ErrorCode::Unavailable)).await;
    assert!(is_written(&status));
    assert_eq!(world.profile()["token"], "at-one");
    world.clock.advance(Duration::from_secs(55 * 60));
    until(&mut profiles, is_absent).await;
    assert_eq!(world.profile(), Value::Null);
    world.gives("at-two");
    world.clock.advance(Duration::from_secs(30));
    until(&mut profiles, is_written).await;
    profiles.shutdown().await;
}

#[tokio::test]
async fn a_successor_is_asked_for_before_the_end_and_one_that_lasts_longer() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    let status = until(&mut profiles, is_written).await;
    let SyntheticStanding::Written { until: Some(early) } = status.standing else { panic!() };
    // Before OpenClaw stops using the old one.
    world.clock.set(early.minus(Duration::from_secs(60)));
    world.gives("at-two");
    until(&mut profiles, |status| is_written(status) && world.profile()["token"] == "at-two").await;
    let (_, _, at_least) = world.authority.asked().last().unwrap().clone();
    assert!(at_least > Duration::from_secs(6 * 60), "{at_least:?}");
    profiles.shutdown().await;
}

#[tokio::test]
async fn the_margin_is_configurable_and_never_more_than_a_fifth_of_a_short_life() {
    let world = World::new();
    let now = world.clock.now();
    let short = Credential::oauth2("at-short".into()).with_issue_time(now);
    let end = now.plus(Duration::from_secs(100));
    world.authority.answer("vault/gpt", Ok(short.with_expiry(end)));
    let margin = |secs| world.gpt().margin(Duration::from_secs(secs));
    for (secs, early) in [(300, 80), (7, 93), (0, 99)] {
        fs::remove_file(world.folder.path(FILE)).unwrap();
        let mut profiles = margin(secs).start().await.unwrap();
        until(&mut profiles, is_written).await;
        let expires = Timestamp::from_millis(world.profile()["expires"].as_u64().unwrap());
        assert_eq!(now.until(expires).as_secs(), early);
        assert!(expires < end, "always before the true one");
        profiles.shutdown().await;
    }
}

#[tokio::test]
async fn one_that_never_ends_says_so() {
    let world = World::new();
    world.authority.answer("vault/gpt", Ok(Credential::api_key("sk-one".into())));
    let mut profiles = world.gpt().start().await.unwrap();
    let status = until(&mut profiles, is_written).await;
    assert_eq!(status.standing, SyntheticStanding::Written { until: None });
    assert_eq!(world.profile(), json!({"type":"token","provider":"openai","token":"sk-one"}));
    profiles.shutdown().await;
}

#[tokio::test]
async fn one_that_was_removed_by_others_is_put_back_and_what_is_right_is_not_written_again() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    let path = world.folder.path(FILE);
    let modified = || fs::metadata(&path).unwrap().modified().unwrap();
    let before = modified();
    world.clock.advance(Duration::from_secs(5 * 60));
    profiles.changed().await;
    assert_eq!(modified(), before);
    let mut file = world.file();
    file["profiles"] = json!({});
    fs::write(&path, file.to_string()).unwrap();
    world.clock.advance(Duration::from_secs(5 * 60));
    profiles.changed().await;
    assert_eq!(world.profile()["token"], "at-one");
    profiles.shutdown().await;
}

#[tokio::test]
async fn two_credentials_are_never_one_profile() {
    let world = World::new();
    let other = SyntheticProfile::new(reference("other/gpt"), "openai");
    let error = world.gpt().profile(other).start().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
}

/// A database that has profiles, whatever the file.
#[derive(Debug)]
struct EraC;

impl Database for EraC {
    fn read(&self, _: &Path, _: &[Row]) -> Result<Vec<Option<SecretString>>, CredentialError> {
        Ok(vec![Some(r#"{"version":1,"profiles":{}}"#.into()), None])
    }
    fn mark(&self, _: &Path) -> Result<Mark, CredentialError> {
        panic!("nobody watches")
    }
}

#[tokio::test]
async fn where_nothing_can_be_written_the_exec_resolver_is_recommended_at_once() {
    let world = World::new();
    world.gives("at-one");
    let clock = Arc::new(world.clock.clone());
    let store = || AuthProfileStore::new(world.folder.root(), clock.clone());
    for store in [store().read_only(), store().with_database(Arc::new(EraC))] {
        let builder = SyntheticProfiles::builder(store, world.authority.clone(), clock.clone());
        let said = SyntheticProfile::new(reference("vault/gpt"), "openai");
        let error = builder.profile(said).start().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unsupported);
        assert!(error.detail().contains("exec resolver"), "{error}");
    }
    assert_eq!(world.folder.names(), [FILE]);
}

#[tokio::test]
async fn two_hosts_do_not_keep_profiles_by_one_ledger() {
    let world = World::new();
    world.gives("at-one");
    world.authority.answer("vault/new", Ok(world.token("at-new")));
    let other = || SyntheticProfile::new(reference("vault/new"), "openai");
    let of_other = || world.file()["profiles"]["openai:cp-new"]["token"].clone();
    let mut first = world.gpt().start().await.unwrap();
    until(&mut first, is_written).await;
    // It would take the first one's profile for a leftover of its own.
    let error = world.builder().profile(other()).start().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    assert!(error.detail().contains(LEDGER) && error.detail().contains("of its own"), "{error}");
    assert_eq!(world.profile()["token"], "at-one");
    // With one of its own both are kept, and each removes what is its own.
    let own = world.folder.path("other.json");
    let mut second = world.builder().profile(other()).ledger(&own).start().await.unwrap();
    until(&mut second, is_written).await;
    assert_eq!((world.profile()["token"].clone(), of_other()), (json!("at-one"), json!("at-new")));
    first.withdraw().await.unwrap();
    assert_eq!((world.profile(), of_other()), (Value::Null, json!("at-new")));
    second.shutdown().await;
    assert_eq!(of_other(), "at-new");
    // Once the first has ended, the next may keep them.
    let mut again = world.builder().profile(other()).start().await.unwrap();
    until(&mut again, failed_with(ErrorCode::ConfigurationInvalid)).await;
    again.shutdown().await;
}

#[tokio::test]
async fn after_shutdown_nothing_is_written() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    profiles.shutdown().await;
    let before = fs::read(world.folder.path(FILE)).unwrap();
    world.gives("at-two");
    world.authority.tell_of("vault/gpt");
    world.clock.advance(Duration::from_secs(3600));
    tokio::task::yield_now().await;
    assert_eq!(world.clock.next_sleeper(), None, "no task of ours waits for anything");
    assert_eq!(fs::read(world.folder.path(FILE)).unwrap(), before);
}

#[tokio::test]
async fn a_removal_that_meets_a_lock_is_made_up_for() {
    let world = World::new();
    world.gives("at-one");
    let mut profiles = world.gpt().start().await.unwrap();
    until(&mut profiles, is_written).await;
    // Of a process that lives, ourselves, and began before.
    let lock =
        format!("{{\"pid\":{},\"createdAt\":\"2999-01-01T00:00:00.000Z\"}}", std::process::id());
    world.folder.write("auth-profiles.json.lock", &lock);
    world.authority.state_is("vault/gpt", State::Revoked);
    world.authority.tell_of("vault/gpt");
    let clock = world.clock.clone();
    let moving = tokio::spawn(async move {
        loop {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_millis(10));
        }
    });
    until(&mut profiles, failed_with(ErrorCode::StoreLocked)).await;
    assert_eq!(world.profile()["token"], "at-one");
    fs::remove_file(world.folder.path("auth-profiles.json.lock")).unwrap();
    until(&mut profiles, is_absent).await;
    assert_eq!(world.profile(), Value::Null);
    moving.abort();
    profiles.shutdown().await;
}
