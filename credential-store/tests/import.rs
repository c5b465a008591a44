//! Promise 6: a plaintext file is taken over whole, overwritten, and gone; or left as it is.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use common::fail::{ENOSPC, Fail};
use common::{Place, grant, key, record, unreadable};
use credential_provider_api::{CredentialError, ErrorCode, GrantStore as _, Key, Record};
use credential_store::FileStore;
use credential_store::faults::Point;

const OLD: &str = "mail/a\nmail/b\nmail/c\n";

/// What an older program wrote: a key a line.
fn parse(bytes: &[u8]) -> Result<Vec<(Key, Record)>, CredentialError> {
    let torn = || CredentialError::new(ErrorCode::StoreUnreadable, "the old file is torn");
    let text = std::str::from_utf8(bytes).ok().and_then(|text| text.strip_suffix('\n'));
    Ok(text.ok_or_else(torn)?.lines().map(|id| (key(id), record(id))).collect())
}

fn old(place: &Place) -> PathBuf {
    let path = place.path().join("old.txt");
    fs::write(&path, OLD).unwrap();
    path
}

fn through(mut file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

async fn all_there(store: &FileStore) {
    for id in OLD.lines() {
        let found = store.load(&key(id)).await.unwrap();
        assert_eq!(grant(found.record.as_ref()), format!("grant-{id}"));
    }
}

fn nothing_left(place: &Place) {
    let left = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> = left.collect();
    left.sort();
    assert_eq!(left, ["keys", "store"]);
}

#[tokio::test]
async fn promise_6_a_plaintext_file_is_taken_over_and_overwritten() {
    let place = Place::new();
    let store = place.open().await;
    let path = old(&place);
    // Who has it open, or finds its blocks, reads zeros.
    let seen = File::open(&path).unwrap();
    let done = store.import(&path, parse).await.unwrap();
    assert_eq!((done.records, done.known), (3, 0));
    all_there(&store).await;
    all_there(&place.open().await).await;
    assert_eq!(through(&seen), vec![0; OLD.len()]);
    nothing_left(&place);
    let again = store.import(&path, parse).await.unwrap();
    assert_eq!((again.records, again.known), (0, 0), "nothing is there to import");
}

#[tokio::test]
async fn promise_7_an_import_interrupted_while_saving_leaves_the_file_and_goes_on_later() {
    for skipped in 0..3 {
        for point in [Point::HalfWritten, Point::Replaced] {
            let place = Place::new();
            let path = old(&place);
            let fail = Fail::new();
            let store = place.builder().faults(fail.clone()).open().await.unwrap();
            fail.arm(point, skipped, ENOSPC);
            let error = store.import(&path, parse).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::StoreUnwritable);
            assert_eq!(fs::read_to_string(&path).unwrap(), OLD, "{point:?} {skipped}");

            let known = skipped + usize::from(point == Point::Replaced);
            let done = place.open().await.import(&path, parse).await.unwrap();
            assert_eq!((done.records, done.known), (3 - known, known), "{point:?} {skipped}");
            all_there(&store).await;
            nothing_left(&place);
        }
    }
}

#[tokio::test]
async fn promise_6_an_import_interrupted_while_overwriting_is_finished_by_the_next() {
    for zeros in [0, 1, OLD.len() / 2, OLD.len()] {
        let place = Place::new();
        let store = place.open().await;
        let path = old(&place);
        store.import(&path, parse).await.unwrap();
        let half = place.path().join("old.txt.scrubbing");
        fs::write(&half, [&vec![0; zeros][..], &OLD.as_bytes()[zeros..]].concat()).unwrap();
        let seen = File::open(&half).unwrap();
        let done = store.import(&path, |_| panic!("nothing is there to parse")).await.unwrap();
        assert_eq!(done.records, 0);
        assert_eq!(through(&seen), vec![0; OLD.len()]);
        nothing_left(&place);
    }
}

#[tokio::test]
async fn promise_6_half_overwritten_and_written_again_are_both_cleared_away() {
    let place = Place::new();
    let store = place.open().await;
    fs::write(place.path().join("old.txt.scrubbing"), "mail/x\n").unwrap();
    let path = old(&place);
    let done = store.import(&path, parse).await.unwrap();
    assert_eq!(done.records, 3);
    assert_eq!(store.list().await.unwrap().len(), 3, "what was cleared away is not read");
    nothing_left(&place);
}

#[tokio::test]
async fn promise_10_a_file_that_its_parser_refuses_is_left_as_it_is() {
    let place = Place::new();
    let store = place.open().await;
    let path = place.path().join("old.txt");
    fs::write(&path, "mail/a\nmail/").unwrap();
    let before = place.kept().remove(&path).unwrap().1;
    let error = store.import(&path, parse).await.unwrap_err();
    assert_eq!(error.detail(), "the old file is torn");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(store.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn promise_4_what_the_store_knows_is_newer_than_an_old_file() {
    let place = Place::new();
    let store = place.open().await;
    let path = old(&place);
    store.save(&key("mail/a"), None, record("newer")).await.unwrap();
    let removed = place.save(&store, "mail/b").await;
    store.remove(&removed.key, Some(removed.revision)).await.unwrap();
    let done = store.import(&path, parse).await.unwrap();
    assert_eq!((done.records, done.known), (1, 2));
    let found = store.load(&key("mail/a")).await.unwrap();
    assert_eq!(grant(found.record.as_ref()), "grant-newer");
    assert!(store.load(&removed.key).await.unwrap().record.is_none(), "signed out is signed out");
    nothing_left(&place);
}

#[tokio::test]
async fn promise_10_a_link_or_a_folder_in_place_of_the_file_is_refused() {
    let place = Place::new();
    let store = place.open().await;
    let path = old(&place);
    for link in [place.path().join("link"), place.path().join("other.txt.scrubbing")] {
        symlink(&path, &link).unwrap();
        let from = if link.ends_with("link") { &link } else { &place.path().join("other.txt") };
        unreadable(store.import(from, parse).await, &link, "is a symbolic link");
        assert_eq!(fs::read_to_string(&path).unwrap(), OLD);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
    let folder = place.folder().join("records");
    unreadable(store.import(&folder, parse).await, &folder, "is not a plain file");
    assert!(store.list().await.unwrap().is_empty());
}
