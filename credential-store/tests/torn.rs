//! Promise 7: what is torn, foreign or newer is an error, stays as it is, and harms nothing else.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::fs;

use common::{Place, Saved, grant, record, unreadable};
use credential_provider_api::GrantStore as _;
use credential_store::FileStore;

/// Two records, of which the first will be damaged.
async fn two(place: &Place) -> (FileStore, Saved, Saved) {
    let store = place.open().await;
    let (bad, good) = (place.save(&store, "mail/a").await, place.save(&store, "mail/b").await);
    (store, bad, good)
}

/// Whatever is tried, the file holds `bytes` afterwards.
async fn untouched(place: &Place, store: &FileStore, bad: &Saved, bytes: &[u8], why: &str) {
    fs::write(&bad.file, bytes).unwrap();
    let before = place.kept();
    let at = Some(bad.revision);
    unreadable(store.load(&bad.key).await, &bad.file, why);
    unreadable(store.save(&bad.key, at, record("new")).await, &bad.file, why);
    unreadable(store.save(&bad.key, None, record("new")).await, &bad.file, why);
    unreadable(store.remove(&bad.key, at).await, &bad.file, why);
    assert!(place.kept() == before, "{} bytes were not left as they were", bytes.len());
}

async fn readable(store: &FileStore, good: &Saved) {
    let found = store.load(&good.key).await.unwrap();
    assert_eq!(grant(found.record.as_ref()), "grant-mail/b");
}

#[tokio::test]
async fn promise_7_every_prefix_of_a_record_is_an_error_and_stays() {
    let place = Place::new();
    let (store, bad, good) = two(&place).await;
    let whole = fs::read(&bad.file).unwrap();
    for end in 0..whole.len() {
        // From the end of the head on, what is missing shows as an alteration.
        let why = if end < 52 { "is torn" } else { "was altered" };
        untouched(&place, &store, &bad, &whole[..end], why).await;
    }
    readable(&store, &good).await;
    readable(&place.open().await, &good).await;
    fs::write(&bad.file, &whole).unwrap();
    assert_eq!(store.load(&bad.key).await.unwrap().revision, Some(bad.revision));
}

#[tokio::test]
async fn promise_7_foreign_and_newer_records_are_errors_and_stay() {
    let place = Place::new();
    let (store, bad, good) = two(&place).await;
    let whole = fs::read(&bad.file).unwrap();
    let mut newer = whole.clone();
    newer[7] += 1;
    let large = vec![0; (1 << 20) + 1];
    for (bytes, why) in [
        (&newer[..], "newer version of this library (format 2)"),
        (b"{\"refresh_token\": \"theirs\"}", "is not a record of this library"),
        (&[0; 200], "is not a record of this library"),
        (&large, "is larger than anything we write"),
        (&[&whole[..], b"\n"].concat(), "was altered"),
    ] {
        untouched(&place, &store, &bad, bytes, why).await;
        readable(&place.open().await, &good).await;
    }
}

#[tokio::test]
async fn a_damaged_record_of_an_unknown_key_keeps_nobody_from_the_others() {
    let place = Place::new();
    let (store, bad, good) = two(&place).await;
    let whole = fs::read(&bad.file).unwrap();
    // Which record is looked at first is the folder's choice: damage each in turn.
    let other = fs::read(&good.file).unwrap();
    for (damaged, sound) in [(&bad, &good), (&good, &bad)] {
        let bytes = if damaged.key == bad.key { whole.clone() } else { other.clone() };
        let mut changed = bytes.clone();
        changed[8] ^= 1;
        fs::write(&damaged.file, &changed).unwrap();
        let opened = place.open().await;
        for store in [&store, &opened] {
            unreadable(store.load(&damaged.key).await, &damaged.file, "bring that key back");
            assert!(store.load(&sound.key).await.unwrap().record.is_some());
        }
        fs::write(&damaged.file, bytes).unwrap();
    }
}

#[tokio::test]
async fn promise_7_every_prefix_of_the_header_is_an_error_and_stays() {
    let place = Place::new();
    let (store, bad, good) = two(&place).await;
    let header = place.folder().join("store.json");
    let whole = fs::read(&header).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let newer = text.replace("\"version\":1", "\"version\":2");
    assert_ne!(newer, text);
    let foreign = text.replace("\"credential-store\"", "\"letters\"");
    let prefixes = (0..whole.len()).map(|end| (&whole[..end], "is torn"));
    for (bytes, why) in prefixes.chain([
        (newer.as_bytes(), "newer version of this library"),
        (foreign.as_bytes(), "is not of this library"),
        (b"[]", "is torn"),
    ]) {
        fs::write(&header, bytes).unwrap();
        let before = place.kept();
        unreadable(place.builder().open().await, &header, why);
        let save = store.save(&bad.key, Some(bad.revision), record("new")).await;
        unreadable(save, &header, why);
        assert!(place.kept() == before, "{why}");
    }
    // Who has it open goes on reading.
    readable(&store, &good).await;
    fs::write(&header, &whole).unwrap();
    readable(&place.open().await, &good).await;
    store.save(&bad.key, Some(bad.revision), record("new")).await.unwrap();
}

#[tokio::test]
async fn promise_7_every_prefix_of_the_key_file_is_an_error_and_stays() {
    let place = Place::new();
    let (store, _, good) = two(&place).await;
    let keys = place.path().join("keys");
    let whole = fs::read(&keys).unwrap();
    let newer = String::from_utf8(whole.clone()).unwrap().replace("keys 1", "keys 2");
    let prefixes = (0..whole.len()).map(|end| (&whole[..end], "is"));
    for (bytes, why) in prefixes.chain([
        (newer.as_bytes(), "newer version of this library"),
        (b"theirs\n", "is not a key file"),
        (b"credential-store keys 1\n", "holds no key"),
    ]) {
        fs::write(&keys, bytes).unwrap();
        let before = place.kept();
        let why = if bytes.last() == Some(&b'\n') { why } else { "is torn" };
        let why = if bytes == &whole[..24] { "holds no key" } else { why };
        unreadable(place.builder().open().await, &keys, why);
        unreadable(store.rotate_key().await, &keys, why);
        assert!(place.kept() == before, "{why}");
    }
    readable(&store, &good).await;
}
