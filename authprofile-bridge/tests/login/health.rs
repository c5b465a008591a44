//! Checks and lists.

use std::fs;

use credential_provider_api::{Capability, CredentialProvider as _, HealthStatus, Revocation};

use super::world::{World, allow, claude, gemini};

const GEMINI: &str = ".gemini/oauth_creds.json";
const IDS: [&str; 3] = ["claude-code", "gemini", "minimax"];

async fn listed(world: &World) -> Vec<String> {
    let found = world.provider(&IDS).list(&world.request("gemini")).await.unwrap();
    found.iter().map(|of| of.id.as_str().to_owned()).collect()
}

#[tokio::test]
async fn those_that_are_there_are_listed() {
    let world = World::new();
    assert!(listed(&world).await.is_empty());
    world.write(GEMINI, gemini("at"));
    world.write(".claude/.credentials.json", "broken");
    // Of a configured provider alone: nothing else is looked for.
    world.write(".codex/auth.json", "{}");
    assert_eq!(listed(&world).await, ["claude-code", "gemini"]);
}

#[tokio::test]
async fn a_check_says_what_is_wrong() {
    let world = World::new();
    let provider = world.provider(&["gemini"]);
    let check = async || {
        let clock = std::sync::Arc::new(super::world::Hasty(world.clock.clone()));
        provider.check(&super::world::request("gemini", clock), None).await.unwrap()
    };
    let health = check().await;
    assert_eq!(health.status, HealthStatus::Failing);
    assert!(health.detail.as_str().contains("run `gemini`"), "{health:?}");
    world.write(GEMINI, gemini("at"));
    assert_eq!(check().await.status, HealthStatus::Healthy);
    if cfg!(unix) {
        for mode in [0o640, 0o604, 0o620] {
            allow(&world.path(GEMINI), mode);
            let health = check().await;
            assert_eq!(health.status, HealthStatus::Degraded, "{mode:o}");
            assert!(health.detail.as_str().contains("oauth_creds.json"), "{health:?}");
        }
        allow(&world.path(GEMINI), 0o600);
    }
    world.write(GEMINI, gemini("at").replace("1800003600", "1800000000"));
    let health = check().await;
    assert_eq!(health.status, HealthStatus::Failing);
    assert!(health.detail.as_str().contains("has ended"), "{health:?}");
    world.write(GEMINI, "{");
    assert_eq!(check().await.status, HealthStatus::Failing);
}

#[tokio::test]
async fn promise_10_nothing_is_revoked_and_nobody_signs_in_here() {
    let world = World::new();
    let text = claude("at");
    world.write(".claude/.credentials.json", &text);
    let provider = world.provider(&["claude-code"]);
    let declared = &provider.descriptor().capabilities;
    assert!(!declared.contains(&Capability::Revoke));
    assert!(provider.sign_in().is_none());
    let revoked = provider.revoke(&world.request("claude-code"), None).await.unwrap();
    assert_eq!(revoked, Revocation::LocalOnly);
    assert_eq!(fs::read_to_string(world.path(".claude/.credentials.json")).unwrap(), text);
}
