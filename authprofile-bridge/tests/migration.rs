//! Migration: what is moved, in which order, and back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;
mod sink;

use std::fs;
use std::sync::Arc;

use authprofile_bridge::delegation::{Delegation, Delegations};
use authprofile_bridge::migration::{Action, Migration, Outcome, Replacement, SecretSink, Undone};
use authprofile_bridge::openclaw::{AuthProfileStore, ProfileKind};
use common::{Folder, WallClock};
use credential_provider_api::{CredentialRef, ErrorCode, ProviderId};
use serde_json::{Value, json};
use sink::Memory;

const FILE: &str = "auth-profiles.json";
const STORE: &str = r#"{"version":1,"new":1.50,"profiles":{
  "openai:default":{"type":"api_key","provider":"openai","key":"sk-canary-one","new":{"a":[1]}},
  "openai:old":{"mode":"api_key","provider":"openai","apiKey":"sk-canary-two"},
  "anthropic:a@x":{"type":"token","provider":"anthropic","token":"sk-canary-three","expires":1900000000000},
  "codex:default":{"type":"oauth","provider":"codex","access":"at-canary","refresh":"rt-canary","expires":1},
  "groq:mask":{"type":"api_key","provider":"groq","key":"__OPENCLAW_REDACTED__"},
  "groq:fence":{"type":"token","provider":"groq","token":"openclaw-oauth-refresh-fence:v1:0:access:0"},
  "groq:ref":{"type":"api_key","provider":"groq","keyRef":{"source":"env","provider":"default","id":"X"}},
  "groq:template":{"type":"api_key","provider":"groq","key":"${GROQ}"},
  "groq:both":{"type":"api_key","provider":"groq","key":"sk-canary-4","keyRef":{"source":"env","provider":"default","id":"X"}},
  "groq:twice":{"type":"api_key","provider":"groq","key":"sk-canary-5","apiKey":"sk-canary-6"},
  "groq:nothing":{"type":"token","provider":"groq"},
  "groq:new":{"type":"magic","provider":"groq","wand":"sk-canary-7"}
},"order":{"openai":["openai:old"]},"usageStats":{"openai:old":{"new":true}}}"#;

struct World {
    folder: Folder,
    sink: Arc<Memory>,
}

impl World {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write(FILE, STORE);
        Self { folder, sink: Memory::new() }
    }

    fn store(&self) -> AuthProfileStore {
        AuthProfileStore::new(self.folder.root(), Arc::new(WallClock))
    }

    fn migration(&self, replacement: Replacement) -> Migration {
        let provider = ProviderId::new("keychain").unwrap();
        let sink: Arc<dyn SecretSink> = self.sink.clone();
        Migration::new(self.store(), sink, provider, replacement).prefix("main.")
    }

    fn exec(&self) -> Migration {
        self.migration(Replacement::ExecReference { provider: "gateway".to_owned() })
    }

    fn text(&self) -> String {
        fs::read_to_string(self.folder.path(FILE)).unwrap()
    }

    fn file(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }
}

fn before() -> Value {
    serde_json::from_str(STORE).unwrap()
}

#[tokio::test]
async fn the_plan_says_what_becomes_of_each_profile_and_changes_nothing() {
    let world = World::new();
    let sso = CredentialRef::parse("sso/codex").unwrap();
    let delegation = Delegation::new("codex", ProfileKind::OAuth, sso);
    let plan = world.exec().plan().await.unwrap();
    let text = plan.to_string();
    for line in [
        "openai:default (openai, api_key): key goes to keychain/main.openai:default; keyRef becomes exec:gateway:keychain/main.openai:default",
        "openai:old (openai, api_key): apiKey goes to keychain/main.openai:old; keyRef becomes",
        "anthropic:a@x (anthropic, token): token goes to keychain/main.anthropic:a-x-",
        "codex:default (codex, oauth): stays: a login, whose refresh token may be used once",
        "groq:mask (groq, api_key): stays: a mask",
        "groq:fence (groq, token): stays: OpenClaw is renewing it",
        "groq:ref (groq, api_key): stays: by reference already",
        "groq:template (groq, api_key): stays: by reference already",
        "groq:both (groq, api_key): stays: has its secret in two places",
        "groq:twice (groq, api_key): stays: has its secret in two places",
        "groq:nothing (groq, token): stays: has no secret",
        "groq:new: stays: not understood (invalid_type)",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line}\n{text}");
    }
    assert_eq!(text.lines().count(), 12);
    assert!(!format!("{text}{plan:?}").contains("canary"));
    let delegated = world.migration(Replacement::Delegation);
    let delegations = Delegations::none().with("codex:default", delegation);
    let plan = delegated.delegations(delegations).only(["openai:default", "codex:default"]);
    let text = plan.plan().await.unwrap().to_string();
    assert!(text.contains("auth.profiles[\"openai:default\"].credentialProvider = { provider: \"keychain\", id: \"main.openai:default\" }"), "{text}");
    assert!(text.contains("a login that is delegated to sso/codex and not moved"), "{text}");
    assert!(text.contains("openai:old (openai, api_key): stays: not chosen"), "{text}");
    assert_eq!(world.text(), STORE);
    assert!(world.sink.kept().is_empty());
    assert_eq!(world.folder.names(), [FILE]);
}

#[tokio::test]
async fn applying_moves_secrets_and_nothing_else_and_undoing_brings_them_back() {
    for replacement in
        [Replacement::ExecReference { provider: "gateway".to_owned() }, Replacement::Delegation]
    {
        let world = World::new();
        let applied = world.migration(replacement.clone()).apply().await.unwrap();
        assert_eq!(applied.profiles.len(), 3);
        assert!(applied.profiles.iter().all(|(_, it)| matches!(it, Outcome::Moved(_))));
        let mut expected = before();
        let mut reference = |profile: &str, from: &str, to: &str, name: &str| {
            let entry = expected["profiles"][profile].as_object_mut().unwrap();
            entry.remove(from).unwrap();
            if replacement != Replacement::Delegation {
                let id = format!("keychain/{name}");
                let value = json!({"source":"exec","provider":"gateway","id":id});
                entry.insert(to.to_owned(), value);
            }
        };
        let kept = world.sink.kept();
        let name = |secret: &str| {
            let found = kept.iter().find(|(_, kept)| *kept == secret).unwrap();
            found.0.strip_prefix("keychain/").unwrap().to_owned()
        };
        reference("openai:default", "key", "keyRef", &name("sk-canary-one"));
        reference("openai:old", "apiKey", "keyRef", &name("sk-canary-two"));
        reference("anthropic:a@x", "token", "tokenRef", &name("sk-canary-three"));
        assert_eq!(world.file(), expected);
        assert_eq!(kept.len(), 3);
        // A second time there is nothing to do.
        let again = world.migration(replacement.clone()).apply().await.unwrap();
        assert!(again.profiles.is_empty());
        assert_eq!(world.sink.kept(), kept);
        // No second file has the secrets.
        let journal = fs::read_to_string(world.folder.path("auth-profiles.migration.json"));
        assert!(!journal.unwrap().contains("canary"));
        assert_eq!(world.folder.names(), [FILE, "auth-profiles.migration.json"]);
        let undone = world.migration(replacement.clone()).undo().await.unwrap();
        assert!(undone.profiles.iter().all(|(_, it)| matches!(it, Undone::Restored)));
        assert_eq!(undone.profiles.len(), 3);
        assert_eq!(world.file(), before());
        assert!(world.sink.kept().is_empty());
        assert!(world.migration(replacement).undo().await.unwrap().profiles.is_empty());
    }
}

/// Every secret of the store is in it or in the sink.
fn nothing_is_lost(world: &World) {
    let text = world.text();
    let kept: Vec<String> = world.sink.kept().into_values().collect();
    for secret in ["sk-canary-one", "sk-canary-two", "sk-canary-three", "at-canary", "rt-canary"] {
        assert!(text.contains(secret) || kept.iter().any(|it| it == secret), "{secret}");
    }
}

#[tokio::test]
async fn promise_7_whatever_fails_nothing_is_lost_and_both_ways_go_on() {
    for calls in 0..20 {
        let world = World::new();
        world.sink.fail_after(Some(calls));
        let applied = world.exec().apply().await.unwrap();
        let failed = applied.profiles.iter().filter(|(_, it)| matches!(it, Outcome::Failed(_)));
        assert!(calls >= 9 || failed.count() > 0, "{calls}");
        nothing_is_lost(&world);
        // Undone from there.
        world.sink.fail_after(None);
        let undone = world.exec().undo().await.unwrap();
        assert!(undone.profiles.iter().all(|(_, it)| !matches!(it, Undone::Failed(_))));
        assert_eq!(world.file(), before(), "{calls}");
        assert!(world.sink.kept().is_empty(), "{calls}");
        // Applied from there, with a failure in the undoing.
        world.sink.fail_after(Some(calls));
        world.exec().apply().await.unwrap();
        world.sink.fail_after(None);
        world.exec().apply().await.unwrap();
        assert_eq!(world.sink.kept().len(), 3);
        assert!(!world.text().contains("sk-canary-one"));
        world.sink.fail_after(Some(calls));
        world.exec().undo().await.unwrap();
        nothing_is_lost(&world);
        world.sink.fail_after(None);
        world.exec().undo().await.unwrap();
        assert_eq!(world.file(), before(), "{calls}");
        assert!(world.sink.kept().is_empty(), "{calls}");
    }
}

#[tokio::test]
async fn a_sink_that_does_not_give_back_what_it_took_moves_nothing() {
    let world = World::new();
    world.sink.forget_what_is_written();
    let applied = world.exec().apply().await.unwrap();
    for (_, outcome) in &applied.profiles {
        let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.code(), ErrorCode::InvalidResponse);
    }
    assert_eq!(world.file(), before());
}

#[tokio::test]
async fn what_somebody_else_keeps_under_the_name_is_not_written_over_and_not_removed() {
    let world = World::new();
    world.sink.put("keychain/main.openai:default", "sk-theirs");
    world.sink.put("keychain/main.openai:old", "sk-canary-two");
    let applied = world.exec().apply().await.unwrap();
    let outcome = |id: &str| applied.profiles.iter().find(|(own, _)| own == id).unwrap().1.clone();
    let Outcome::Failed(error) = outcome("openai:default") else { panic!() };
    assert_eq!(error.code(), ErrorCode::Conflict);
    assert!(matches!(outcome("openai:old"), Outcome::Moved(_)), "the same secret may stand there");
    world.exec().undo().await.unwrap();
    assert_eq!(world.file(), before());
    let kept = world.sink.kept();
    assert_eq!(kept["keychain/main.openai:default"], "sk-theirs");
    assert_eq!(kept["keychain/main.openai:old"], "sk-canary-two", "it was there before us");
    assert_eq!(kept.len(), 2);
}

#[tokio::test]
async fn what_was_changed_since_stays_as_it_is() {
    let world = World::new();
    world.exec().apply().await.unwrap();
    let mut file = world.file();
    let profiles = file["profiles"].as_object_mut().unwrap();
    profiles["openai:default"] = json!({"type":"api_key","provider":"openai","key":"sk-pasted"});
    profiles.remove("openai:old");
    world.folder.write(FILE, &file.to_string());
    let undone = world.exec().undo().await.unwrap();
    let left = undone.profiles.iter().filter(|(_, it)| matches!(it, Undone::Left(_)));
    assert_eq!(left.count(), 2);
    assert_eq!(world.file()["profiles"]["openai:default"]["key"], "sk-pasted");
    assert_eq!(world.file()["profiles"]["openai:old"], Value::Null);
    // The only copy of a secret is not thrown away.
    let kept: Vec<_> = world.sink.kept().into_values().collect();
    assert!(kept.iter().any(|it| it == "sk-canary-two") && kept.len() == 2, "{kept:?}");
}

#[tokio::test]
async fn a_key_pasted_after_the_migration_is_moved_again() {
    let world = World::new();
    world.exec().apply().await.unwrap();
    let mut file = world.file();
    file["profiles"]["openai:default"] =
        json!({"type":"api_key","provider":"openai","key":"sk-pasted"});
    world.folder.write(FILE, &file.to_string());
    let applied = world.exec().apply().await.unwrap();
    assert!(matches!(&applied.profiles[..], [(_, Outcome::Moved(_))]), "{applied:?}");
    assert_eq!(world.sink.kept()["keychain/main.openai:default"], "sk-pasted");
    world.exec().undo().await.unwrap();
    assert_eq!(world.file()["profiles"]["openai:default"]["key"], "sk-pasted");
}

#[tokio::test]
async fn inherited_profiles_are_left_to_their_own_store() {
    let world = World::new();
    world.folder.write("sub/auth-profiles.json", r#"{"version":1,"profiles":{}}"#);
    let sub = AuthProfileStore::new(world.folder.path("sub"), Arc::new(WallClock));
    let sub = sub.inheriting(world.store());
    let provider = ProviderId::new("keychain").unwrap();
    let migration = Migration::new(sub, world.sink.clone(), provider, Replacement::Delegation);
    let plan = migration.plan().await.unwrap();
    let inherited = plan.steps.iter().filter(
        |step| matches!(&step.action, Action::Leave(why) if why.to_string().contains("main agent")),
    );
    assert_eq!(inherited.count(), 11);
    assert!(migration.apply().await.unwrap().profiles.is_empty());
    assert_eq!(world.text(), STORE);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_gives_nothing_to_the_sink() {
    let world = World::new();
    let provider = ProviderId::new("keychain").unwrap();
    let store = world.store().read_only();
    let migration = Migration::new(store, world.sink.clone(), provider, Replacement::Delegation);
    assert_eq!(migration.apply().await.unwrap_err().code(), ErrorCode::Unsupported);
    assert_eq!(migration.undo().await.unwrap_err().code(), ErrorCode::Unsupported);
    assert_eq!(migration.plan().await.unwrap().moves().count(), 3);
    assert!(world.sink.kept().is_empty());
}
