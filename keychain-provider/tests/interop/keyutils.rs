//! The kernel's own key retention service, in a session keyring of the test's own.

use credential_provider_api::{
    CredentialProvider as _, ErrorClass, ErrorCode, HealthStatus, SignIn as _,
};
use keychain_provider::{ForeignItem, KeychainCredential, StoreKind};
use std::process::{Command, Stdio};

use crate::world::{builder, only, pattern, request, resolved, secret, set};

fn keyctl(arguments: &[&str]) -> std::process::Output {
    Command::new("keyctl").args(arguments).stderr(Stdio::null()).output().expect("keyctl")
}

/// Runs this test again under `keyctl session -`, so that nothing of it stays in the caller's.
#[test]
#[ignore = "needs keyctl"]
fn in_a_session_keyring_of_its_own() {
    for test in ["keyutils::within", "keyutils::a_key_in_a_linked_keyring"] {
        run_within(test);
    }
}

fn run_within(test: &str) {
    let own = std::env::current_exe().unwrap();
    let output = Command::new("keyctl")
        .args(["session", "-"])
        .arg(own)
        .args(["--ignored", "--exact", "--nocapture", test])
        .env("KEYCHAIN_TEST_WITHIN", "1")
        .output()
        .expect("keyctl");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let saw = said.lines().find(|line| line.starts_with("keyutils:"));
    eprintln!("{}", saw.expect("the test says what it saw"));
}

#[tokio::test]
#[ignore = "needs keyctl"]
async fn within() {
    if std::env::var_os("KEYCHAIN_TEST_WITHIN").is_none() {
        return; // `in_a_session_keyring_of_its_own` runs it.
    }
    let foreign = KeychainCredential::token(pattern("outside")).from_item(
        ForeignItem::with_attributes([("description".into(), "made-outside".into())]).unwrap(),
    );
    let provider = only(StoreKind::Keyutils, builder().credential(foreign));
    let first = set(&provider, &request("openai"), &[("key", "sk-1")]).await;
    if let Err(error) = first {
        assert_eq!(error.class(), ErrorClass::FixConfiguration, "{error}");
        assert!(error.detail().contains("kernel"), "{error}");
        eprintln!("keyutils: denied here, and that is the answer: {error}");
        return;
    }
    let long = "k1".repeat(16_384);
    let refused = set(&provider, &request("openai"), &[("key", &long)]).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unsupported, "{refused}");
    let printed = keyctl(&["pipe", "%user:credential-provider.os:openai"]);
    assert_eq!(printed.stdout, b"sk-1");
    keyctl(&["add", "user", "credential-provider.os:openai", "sk-2", "@s"]);
    assert_eq!(secret(&resolved(&provider, &request("openai")).await.unwrap()), "sk-2");
    keyctl(&["add", "user", "made-outside", "theirs", "@s"]);
    assert_eq!(secret(&resolved(&provider, &request("outside")).await.unwrap()), "theirs");
    let names: Vec<_> = provider.list(&request("openai")).await.unwrap();
    let mut names: Vec<_> = names.iter().map(|d| d.id.as_str().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["openai", "outside"]);
    let health = provider.check(&request("openai"), None).await.unwrap();
    assert_eq!(health.status, HealthStatus::Degraded, "it forgets: {health:?}");
    provider.sign_out(&request("openai")).await.unwrap();
    let gone = resolved(&provider, &request("openai")).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::NeedsReauth);
    assert!(!keyctl(&["pipe", "%user:credential-provider.os:openai"]).status.success());
    eprintln!("keyutils: stored, read, listed and deleted, with keyctl on the other side");
}

/// A login's session keyring has the user's keyring in it (pam_keyinit).
#[tokio::test]
#[ignore = "needs keyctl"]
async fn a_key_in_a_linked_keyring() {
    if std::env::var_os("KEYCHAIN_TEST_WITHIN").is_none() {
        return; // `in_a_session_keyring_of_its_own` runs it.
    }
    let made = keyctl(&["newring", "linked", "@s"]);
    if !made.status.success() {
        eprintln!("keyutils: denied here");
        return;
    }
    let ring = String::from_utf8(made.stdout).unwrap();
    keyctl(&["add", "user", "credential-provider.os:openai", "sk-old", ring.trim()]);
    let provider = only(StoreKind::Keyutils, builder());
    assert_eq!(secret(&resolved(&provider, &request("openai")).await.unwrap()), "sk-old");
    let listed = provider.list(&request("openai")).await.unwrap().len();
    set(&provider, &request("openai"), &[("key", "sk-new")]).await.unwrap();
    provider.sign_out(&request("openai")).await.unwrap();
    let after = resolved(&provider, &request("openai")).await.map(|read| secret(&read));
    assert_eq!(listed, 1, "read and not listed; after signing out: {after:?}");
    eprintln!("keyutils: listed and deleted in a keyring within, too");
    assert_eq!(after.unwrap_err().code(), ErrorCode::NeedsReauth);
}
