//! Imports while others import, or still write.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;

use common::{Place, key, record};
use credential_provider_api::{CredentialError, Key, Record};

fn parse(bytes: &[u8]) -> Result<Vec<(Key, Record)>, CredentialError> {
    let text = std::str::from_utf8(bytes).unwrap();
    Ok(text.lines().map(|id| (key(id), record(id))).collect())
}

/// "The file goes only once all its records are durable in the store."
#[tokio::test]
async fn what_the_old_program_wrote_meanwhile_is_not_destroyed() {
    let place = Place::new();
    let store = place.open().await;
    let path = place.path().join("old.txt");
    fs::write(&path, "mail/a\n").unwrap();
    let replaced = path.clone();
    let read = move |bytes: &[u8]| {
        // The old program still runs, and saves a new login as such programs do.
        let temporary = replaced.with_extension("new");
        fs::write(&temporary, "mail/a\nmail/b\n").unwrap();
        fs::rename(&temporary, &replaced).unwrap();
        parse(bytes)
    };
    let _ = store.import(&path, read).await;
    let _ = store.import(&path, parse).await;
    use credential_provider_api::GrantStore as _;
    let kept = store.load(&key("mail/b")).await.unwrap().record.is_some();
    let there = fs::read_to_string(&path).is_ok_and(|text| text.contains("mail/b"));
    assert!(kept || there, "mail/b is neither in the store nor in the file");
}

/// After an upgrade all processes of a gateway start at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_that_import_at_once_both_succeed() {
    let mut failed = Vec::new();
    for _ in 0..20 {
        let place = Place::new();
        let (one, two) = (place.open().await, place.open().await);
        let path = place.path().join("old.txt");
        fs::write(&path, "mail/a\nmail/b\nmail/c\n").unwrap();
        let (one, two) = tokio::join!(one.import(&path, parse), two.import(&path, parse));
        failed.extend([one, two].into_iter().filter_map(Result::err).map(|e| e.to_string()));
    }
    assert!(failed.is_empty(), "{} of 40: {:?}", failed.len(), failed.first());
}
