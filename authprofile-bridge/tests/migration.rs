//! Migration: what is moved, in which order, and back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;
mod sink;

use std::fs;
use std::sync::Arc;

use authprofile_bridge::delegation::{Delegation, Delegations};
use authprofile_bridge::migration::{
    Action, Applied, Migration, Outcome, Replacement, SecretSink, Undone,
};
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
    let outcome = |applied: &Applied, id: &str| {
        applied.profiles.iter().find(|(own, _)| own == id).unwrap().1.clone()
    };
    // Whoever put the same secret there may remove it.
    let applied = world.exec().apply().await.unwrap();
    for id in ["openai:default", "openai:old"] {
        let Outcome::Failed(error) = outcome(&applied, id) else { panic!("{id}") };
        assert_eq!(error.code(), ErrorCode::Conflict);
    }
    let applied = world.exec().sharing().apply().await.unwrap();
    let Outcome::Failed(error) = outcome(&applied, "openai:default") else { panic!() };
    assert_eq!(error.code(), ErrorCode::Conflict);
    assert!(matches!(outcome(&applied, "openai:old"), Outcome::Moved(_)), "shared");
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
async fn a_secret_that_was_changed_in_the_sink_is_not_overwritten_by_an_old_one() {
    let world = World::new();
    world.exec().apply().await.unwrap();
    // Rotated where it is kept now; and OpenClaw writes back what it had in memory.
    world.sink.put("keychain/main.openai:default", "sk-rotated");
    world.folder.write(FILE, STORE);
    for _ in 0..2 {
        let applied = world.exec().apply().await.unwrap();
        let moved = applied.profiles.iter().filter(|(_, it)| matches!(it, Outcome::Moved(_)));
        // The others are where they were, and the same.
        assert!(moved.count() < applied.profiles.len(), "{applied:?}");
        for (id, outcome) in &applied.profiles {
            if let Outcome::Failed(error) = outcome {
                assert_eq!((id.as_str(), error.code()), ("openai:default", ErrorCode::Conflict));
            }
        }
        assert_eq!(world.file()["profiles"]["openai:default"]["key"], "sk-canary-one");
        assert_eq!(world.sink.kept()["keychain/main.openai:default"], "sk-rotated");
        assert_eq!(world.sink.kept().len(), 3);
    }
}

#[tokio::test]
async fn an_attempt_that_did_not_get_to_its_end_is_written_over_and_only_such_a_one() {
    let world = World::new();
    let only = || world.exec().only(["openai:default"]);
    let paste = |key: &str| world.folder.write(FILE, &STORE.replace("sk-canary-one", key));
    // Read, write, and no more: the secret is in both places.
    world.sink.fail_after(Some(2));
    only().apply().await.unwrap();
    world.sink.fail_after(None);
    assert_eq!(world.sink.kept()["keychain/main.openai:default"], "sk-canary-one");
    for (key, ends) in [("sk-changed", true), ("sk-later", false)] {
        paste(key);
        let applied = only().apply().await.unwrap();
        assert_eq!(matches!(&applied.profiles[..], [(_, Outcome::Moved(_))]), ends, "{applied:?}");
        assert_eq!(world.sink.kept()["keychain/main.openai:default"], "sk-changed");
    }
    only().undo().await.unwrap();
    assert_eq!(world.file()["profiles"]["openai:default"]["key"], "sk-later");
}

#[tokio::test]
async fn undoing_one_agent_leaves_the_secrets_of_another() {
    let world = World::new();
    let provider = || ProviderId::new("keychain").unwrap();
    let by = || Replacement::ExecReference { provider: "gateway".to_owned() };
    let of = |agent: &str| {
        let folder = world.folder.path(&format!("agents/{agent}/agent"));
        let store = AuthProfileStore::new(folder, Arc::new(WallClock));
        let sink: Arc<dyn SecretSink> = world.sink.clone();
        Migration::new(store, sink, provider(), by())
    };
    let file = |agent: &str| format!("agents/{agent}/agent/{FILE}");
    for agent in ["main", "research", "another"] {
        world.folder.write(&file(agent), STORE);
    }
    for agent in ["main", "research"] {
        let applied = of(agent).apply().await.unwrap();
        assert!(applied.profiles.iter().all(|(_, it)| matches!(it, Outcome::Moved(_))));
    }
    // One that is told to use the names of another gets no hold of what that one may remove.
    let applied = of("another").prefix("main.").apply().await.unwrap();
    assert!(applied.profiles.iter().all(|(_, it)| matches!(it, Outcome::Failed(_))));
    of("main").undo().await.unwrap();
    let text = fs::read_to_string(world.folder.path(&file("research"))).unwrap();
    let research: Value = serde_json::from_str(&text).unwrap();
    let referred = |id: &str, field: &str| {
        let name = research["profiles"][id][field]["id"].as_str().unwrap();
        world.sink.kept().get(name).cloned()
    };
    assert_eq!(referred("openai:default", "keyRef").as_deref(), Some("sk-canary-one"));
    assert_eq!(referred("openai:old", "keyRef").as_deref(), Some("sk-canary-two"));
    assert_eq!(referred("anthropic:a@x", "tokenRef").as_deref(), Some("sk-canary-three"));
}

#[tokio::test]
async fn what_undoing_says_of_a_profile_is_so_whatever_failed() {
    let original = |id: &str| before()["profiles"][id].clone();
    let mut seen = [0; 3];
    for calls in 0..8 {
        let world = World::new();
        world.exec().apply().await.unwrap();
        let moved = world.file();
        world.sink.fail_after(Some(calls));
        let undoing = world.exec().undo().await.unwrap();
        assert_eq!(undoing.profiles.len(), 3);
        for (id, undone) in &undoing.profiles {
            let now = world.file()["profiles"][id].clone();
            let name = moved["profiles"][id]
                .as_object()
                .and_then(|entry| entry.get("keyRef").or_else(|| entry.get("tokenRef")));
            let name = name.unwrap()["id"].as_str().unwrap();
            let kept = world.sink.kept().contains_key(name);
            match undone {
                Undone::Failed(_) => assert!(now == moved["profiles"][id] && kept),
                Undone::Unfinished(error) => {
                    assert_eq!(error.code(), ErrorCode::Unavailable);
                    assert!(now == original(id) && kept);
                }
                Undone::Restored => assert!(now == original(id) && !kept),
                other => panic!("{other:?}"),
            }
            seen[match undone {
                Undone::Failed(_) => 0,
                Undone::Unfinished(_) => 1,
                _ => 2,
            }] += 1;
        }
        world.sink.fail_after(None);
        world.exec().undo().await.unwrap();
        assert_eq!(world.file(), before(), "{calls}");
        assert!(world.sink.kept().is_empty(), "{calls}");
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[tokio::test]
async fn what_is_written_down_and_not_understood_is_reported_and_stays() {
    const JOURNAL: &str = "auth-profiles.migration.json";
    for odd in [
        json!(7),
        json!({"to":"keychain/main.openai:default"}),
        json!({"to":"no name","field":"key"}),
        json!({"to":"keychain/main.openai:default","field":"key","exec":{"of":"a later version"}}),
    ] {
        let world = World::new();
        world.exec().apply().await.unwrap();
        let text = fs::read_to_string(world.folder.path(JOURNAL)).unwrap();
        let mut journal: Value = serde_json::from_str(&text).unwrap();
        journal["profiles"]["openai:default"] = odd.clone();
        world.folder.write(JOURNAL, &journal.to_string());
        let undone = world.exec().undo().await.unwrap();
        assert_eq!(undone.profiles.len(), 3);
        for (id, undone) in &undone.profiles {
            match undone {
                Undone::Failed(error) if id == "openai:default" => {
                    assert_eq!(error.code(), ErrorCode::StoreUnreadable);
                    assert!(error.detail().contains(id), "{error}");
                }
                other => assert!(matches!(other, Undone::Restored), "{id} {other:?}"),
            }
        }
        assert_eq!(world.sink.kept()["keychain/main.openai:default"], "sk-canary-one");
        world.folder.write(FILE, STORE);
        let applied = world.exec().only(["openai:default"]).apply().await.unwrap();
        let [(_, Outcome::Failed(error))] = &applied.profiles[..] else { panic!("{applied:?}") };
        assert_eq!(error.code(), ErrorCode::StoreUnreadable);
        let text = fs::read_to_string(world.folder.path(JOURNAL)).unwrap();
        let journal: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(journal["profiles"], json!({"openai:default": odd}));
    }
    let world = World::new();
    world.folder.write(JOURNAL, r#"{"version":1,"profiles":[]}"#);
    assert_eq!(world.exec().undo().await.unwrap_err().code(), ErrorCode::StoreUnreadable);
}

#[tokio::test]
async fn a_key_pasted_after_the_migration_is_moved_once_the_old_one_is_out_of_the_way() {
    let world = World::new();
    world.exec().apply().await.unwrap();
    let mut file = world.file();
    file["profiles"]["openai:default"] =
        json!({"type":"api_key","provider":"openai","key":"sk-pasted"});
    world.folder.write(FILE, &file.to_string());
    // It may be an older one that OpenClaw had in memory: nobody knows but the user.
    let applied = world.exec().apply().await.unwrap();
    assert!(matches!(&applied.profiles[..], [(_, Outcome::Failed(_))]), "{applied:?}");
    assert_eq!(world.sink.kept()["keychain/main.openai:default"], "sk-canary-one");
    let old = CredentialRef::parse("keychain/main.openai:default").unwrap();
    world.sink.remove(&old).await.unwrap();
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
