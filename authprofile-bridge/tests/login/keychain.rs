//! Logins in keychains.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use authprofile_bridge::login::{Login, LoginSource, Storage};
use credential_provider_api::{
    Change, Changes, Clock as _, CredentialProvider as _, ErrorCode, ReauthReason,
};
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};

use super::world::{Items, World, a_moment, builder, claude, codex, codex_token, login, secret};

/// The account of Codex's item: of the folder behind all links.
fn codex_account(world: &World) -> String {
    let folder = fs::canonicalize(world.path(".codex")).unwrap();
    let digest = Sha256::digest(folder.to_str().unwrap().as_bytes());
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("cli|{hex}")
}

fn provider(
    world: &World,
    items: &Items,
    login: Login,
) -> authprofile_bridge::login::LoginProvider {
    world.built(builder().keychain(Arc::new(items.clone())).login(login))
}

#[tokio::test]
async fn codex_has_its_item_first_and_its_file_where_there_is_none() {
    let (world, items) = (World::new(), Items::default());
    let of = provider(&world, &items, login("codex"));
    let error = world.read_of(&of, "codex").await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::NotSignedIn));
    let (inside, outside) = (codex_token("item"), codex_token("file"));
    world.write(".codex/auth.json", codex(&outside, "acc"));
    assert_eq!(secret(&world.read_of(&of, "codex").await.unwrap()), outside);
    items.put("Codex Auth", Some(&codex_account(&world)), &codex(&inside, "acc"));
    assert_eq!(secret(&world.read_of(&of, "codex").await.unwrap()), inside);
    let file_only = provider(&world, &items, login("codex").storage(Storage::File));
    assert_eq!(secret(&world.read_of(&file_only, "codex").await.unwrap()), outside);
}

#[tokio::test]
async fn promise_5_a_keychain_that_fails_is_no_reason_to_take_the_login_of_a_file() {
    let (world, items) = (World::new(), Items::default());
    let of = provider(&world, &items, login("codex"));
    let outside = codex_token("file");
    world.write(".codex/auth.json", codex(&outside, "acc"));
    for code in [ErrorCode::InteractionRequired, ErrorCode::Unavailable, ErrorCode::Timeout] {
        items.fail(Some(code));
        assert_eq!(world.read_of(&of, "codex").await.unwrap_err().code(), code);
    }
    // Where there is no keychain at all, Codex has its file.
    for code in [ErrorCode::NotConfigured, ErrorCode::Unsupported] {
        items.fail(Some(code));
        assert_eq!(secret(&world.read_of(&of, "codex").await.unwrap()), outside);
        let alone = provider(&world, &items, login("codex").storage(Storage::Keychain));
        assert_eq!(world.read_of(&alone, "codex").await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn claude_code_has_its_file_first() {
    let (world, items) = (World::new(), Items::default());
    let of = provider(&world, &items, login("claude-code"));
    items.put("Claude Code-credentials", None, &claude("at-item"));
    assert_eq!(secret(&world.read_of(&of, "claude-code").await.unwrap()), "at-item");
    world.write(".claude/.credentials.json", claude("at-file"));
    assert_eq!(secret(&world.read_of(&of, "claude-code").await.unwrap()), "at-file");
    // A file that is there wins, whatever is in it.
    world.write(".claude/.credentials.json", claude(""));
    let error = world.read_of(&of, "claude-code").await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::SignedOut));
}

#[tokio::test]
async fn gemini_has_an_item_where_it_is_told_to_encrypt() {
    let (world, items) = (World::new(), Items::default());
    world.write(".gemini/oauth_creds.json", super::world::gemini("at-file"));
    let environment = world.environment().with("GEMINI_FORCE_ENCRYPTED_FILE_STORAGE", "true");
    let clock = Arc::new(world.clock.clone());
    let none = builder().login(login("gemini")).build(environment.clone(), clock.clone());
    assert_eq!(none.unwrap_err().code(), ErrorCode::NotConfigured);
    let keychain = Arc::new(items.clone());
    let of = builder().keychain(keychain).login(login("gemini")).build(environment, clock).unwrap();
    assert!(world.read_of(&of, "gemini").await.is_err(), "the file is not where it is");
    let item = r#"{"serverName":"main-account","token":{"accessToken":"at-item","refreshToken":"rt","expiresAt":1800003600000,"tokenType":"Bearer","scope":"a b"},"updatedAt":1}"#;
    items.put("gemini-cli-oauth", Some("main-account"), item);
    let served = world.read_of(&of, "gemini").await.unwrap();
    assert_eq!((secret(&served), served.scopes().len()), ("at-item", 2));
}

#[tokio::test]
async fn a_keychain_that_nobody_reads_or_that_has_no_such_item_is_a_wrong_configuration() {
    let world = World::new();
    let clock = || Arc::new(world.clock.clone());
    let codex = builder().login(login("codex").storage(Storage::Keychain));
    let error = codex.build(world.environment(), clock()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured);
    let twice = builder().login(login("codex")).login(login("codex"));
    let error = twice.build(world.environment(), clock()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    let minimax = Login::of(LoginSource::MiniMax).storage(Storage::Keychain);
    let minimax = builder().keychain(Arc::new(Items::default())).login(minimax);
    let error = minimax.build(world.environment(), clock()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
}

#[tokio::test]
async fn a_keychain_that_does_not_answer_is_given_up_and_one_that_answers_too_much_is_refused() {
    let (world, items) = (World::new(), Items::default());
    let of = provider(&world, &items, login("claude-code"));
    let large = format!("{}{}", claude("at"), " ".repeat(1 << 20));
    items.put("Claude Code-credentials", None, &large);
    let error = world.read_of(&of, "claude-code").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnreadable);
    items.fall_silent();
    let before = world.clock.now();
    let error = world.read_of(&of, "claude-code").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert_eq!(before.until(world.clock.now()), Duration::from_secs(10));
}

#[tokio::test]
async fn a_keychain_is_asked_once_a_minute_for_what_was_resolved() {
    let (world, items) = (World::new(), Items::default());
    let login = login("claude-code").storage(Storage::Keychain);
    let of = provider(&world, &items, login);
    items.put("Claude Code-credentials", None, &claude("at-1"));
    let mut changes = of.changes();
    let changes = &mut changes;
    assert_eq!(told(&world, changes, 70).await, None);
    assert_eq!(items.asked(), 0, "nobody has resolved it");
    world.read_of(&of, "claude-code").await.unwrap();
    assert_eq!(told(&world, changes, 130).await, None);
    let asked = items.asked();
    assert!((3..=4).contains(&asked), "{asked}");
    items.put("Claude Code-credentials", None, &claude("at-2"));
    let change = told(&world, changes, 62).await;
    assert!(matches!(&change, Some(Change::Credential(id)) if id.as_str() == "claude-code"));
    assert_eq!(told(&world, changes, 10).await, None, "it is told once");
}

/// The change told within these seconds.
async fn told(world: &World, changes: &mut Changes, seconds: u64) -> Option<Change> {
    let mut next = changes.next();
    for _ in 0..seconds {
        if let Some(change) = soon(&mut next).await {
            return Some(change);
        }
        world.clock.advance(Duration::from_secs(1));
    }
    soon(&mut next).await
}

/// What is done on other threads comes to its end meanwhile.
async fn soon(next: &mut (impl Future<Output = Option<Change>> + Unpin)) -> Option<Change> {
    for _ in 0..5 {
        tokio::select! {
            biased;
            change = &mut *next => return change,
            () = a_moment() => {}
        }
    }
    None
}
