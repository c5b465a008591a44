//! Promise 6: nobody else reads or plants what is in the folder.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::time::Duration;

use common::{Place, Saved, grant, key, record, unreadable};
use credential_provider_api::{ErrorCode, GrantStore as _};
use credential_store::FileStore;
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// Neither read nor replaced nor removed, and the others go on.
async fn refused(place: &Place, store: &FileStore, bad: &Saved, good: &Saved, why: &str) {
    let before = place.kept();
    let at = Some(bad.revision);
    for store in [store.clone(), place.open().await] {
        let loading = store.load(&bad.key);
        let loaded = tokio::time::timeout(Duration::from_secs(20), loading).await.unwrap();
        unreadable(loaded, &bad.file, why);
        unreadable(store.save(&bad.key, at, record("new")).await, &bad.file, why);
        unreadable(store.remove(&bad.key, at).await, &bad.file, why);
        assert!(!store.list().await.unwrap().contains(&bad.key), "its load says what is wrong");
        unreadable(Err::<(), _>(store.unreadable().await.unwrap().remove(0)), &bad.file, why);
        unreadable(store.reencrypt().await, &bad.file, why);
        let found = store.load(&good.key).await.unwrap();
        assert_eq!(found.revision, Some(good.revision));
    }
    assert_eq!(place.kept(), before, "it is left as it is");
}

/// Not opened, and left as it is.
async fn not_opened(place: &Place, about: &Path, why: &str) {
    let before = place.kept();
    unreadable(place.builder().open().await, about, why);
    assert_eq!(place.kept(), before, "it is left as it is");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn promise_6_modes_are_narrow_whatever_the_umask_and_are_repaired() {
    let place = Place::new();
    let saved = place.save(&place.open().await, "mail/a").await;
    let folders = [place.folder(), place.folder().join("records"), place.folder().join("leases")];
    let files = [saved.file, place.folder().join("store.json"), place.path().join("keys")];
    let modes = || {
        let folders = folders.iter().map(|folder| (mode(folder), 0o700));
        folders.chain(files.iter().map(|file| (mode(file), 0o600))).collect::<Vec<_>>()
    };
    for (found, wanted) in modes() {
        assert_eq!(found, wanted);
    }
    for path in &folders {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    for path in &files {
        fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    }
    let store = place.open().await;
    assert_eq!(grant(store.load(&saved.key).await.unwrap().record.as_ref()), "grant-mail/a");
    for (found, wanted) in modes() {
        assert_eq!(found, wanted);
    }
}

#[tokio::test]
async fn promise_6_a_record_that_is_a_symbolic_link_is_refused() {
    let place = Place::new();
    let store = place.open().await;
    let (bad, good) = (place.save(&store, "mail/a").await, place.save(&store, "mail/b").await);
    let elsewhere = place.path().join("elsewhere");
    fs::rename(&bad.file, &elsewhere).unwrap();
    symlink(&elsewhere, &bad.file).unwrap();
    refused(&place, &store, &bad, &good, "is a symbolic link").await;
}

#[tokio::test]
async fn promise_6_a_link_in_place_of_anything_else_keeps_the_store_closed() {
    let place = Place::new();
    let store = place.open().await;
    place.save(&store, "mail/a").await;
    for (path, why) in [
        (place.folder(), "is not a folder"),
        (place.folder().join("records"), "is not a folder"),
        (place.folder().join("leases"), "is not a folder"),
        (place.folder().join("store.json"), "is a symbolic link"),
        (place.path().join("keys"), "is a symbolic link"),
    ] {
        let elsewhere = place.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        not_opened(&place, &path, why).await;
        fs::remove_file(&path).unwrap();
        fs::rename(&elsewhere, &path).unwrap();
    }
    place.open().await;
}

#[tokio::test]
async fn promise_6_a_lock_file_that_is_a_link_is_not_followed() {
    let place = Place::new();
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    let outside = place.path().join("outside");
    fs::write(&outside, "theirs").unwrap();
    let lock = place.folder().join("rotation.lock");
    fs::remove_file(&lock).unwrap();
    symlink(&outside, &lock).unwrap();
    let save = store.save(&saved.key, Some(saved.revision), record("new")).await;
    unreadable(save, &lock, "is a symbolic link");
    assert_eq!(fs::read(&outside).unwrap(), b"theirs");
}

#[tokio::test]
async fn promise_6_what_belongs_to_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can give a file to another user");
        return;
    }
    let place = Place::new();
    let store = place.open().await;
    let (bad, good) = (place.save(&store, "mail/a").await, place.save(&store, "mail/b").await);
    chown(&bad.file, Some(12345), None).unwrap();
    refused(&place, &store, &bad, &good, "belongs to another user").await;
    chown(&bad.file, Some(0), None).unwrap();
    for path in [
        place.folder(),
        place.folder().join("records"),
        place.folder().join("store.json"),
        place.path().join("keys"),
    ] {
        chown(&path, Some(12345), None).unwrap();
        not_opened(&place, &path, "belongs to another user").await;
        chown(&path, Some(0), None).unwrap();
    }
    place.open().await;
}

#[tokio::test]
async fn promise_10_a_folder_with_other_files_is_refused_and_not_even_its_mode_changes() {
    let place = Place::new();
    fs::create_dir(place.folder()).unwrap();
    fs::set_permissions(place.folder(), Permissions::from_mode(0o755)).unwrap();
    fs::write(place.folder().join("letter.txt"), "theirs").unwrap();
    let error = place.builder().open().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnreadable);
    assert!(error.detail().contains("holds other files"), "{error}");
    assert_eq!(mode(&place.folder()), 0o755);
    let names = fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["letter.txt"]);
}

#[tokio::test]
async fn promise_10_a_foreign_file_among_the_records_is_named_and_left() {
    let place = Place::new();
    let store = place.open().await;
    place.save(&store, "mail/a").await;
    let foreign = place.folder().join("records/notes.txt");
    fs::write(&foreign, "theirs").unwrap();
    unreadable(store.list().await, &foreign, "is not one of our files");
    not_opened(&place, &foreign, "is not one of our files").await;
    fs::remove_file(&foreign).unwrap();
    place.open().await;
}

#[tokio::test]
async fn a_pipe_in_place_of_a_record_is_refused_at_once() {
    let place = Place::new();
    let store = place.open().await;
    let (bad, good) = (place.save(&store, "mail/a").await, place.save(&store, "mail/b").await);
    fs::remove_file(&bad.file).unwrap();
    mknodat(CWD, &bad.file, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    refused(&place, &store, &bad, &good, "is not a plain file").await;
}

#[tokio::test]
async fn a_store_whose_header_or_records_are_gone_is_not_begun_anew() {
    let place = Place::new();
    place.save(&place.open().await, "mail/a").await;
    let (header, records) = (place.folder().join("store.json"), place.folder().join("records"));
    let away = place.path().join("away");
    fs::rename(&header, &away).unwrap();
    not_opened(&place, &place.folder(), "its store.json is missing").await;
    fs::rename(&away, &header).unwrap();
    fs::rename(&records, &away).unwrap();
    not_opened(&place, &records, "is missing").await;
    fs::rename(&away, &records).unwrap();
    assert!(place.open().await.load(&key("mail/a")).await.unwrap().record.is_some());
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
    let place = Place::new();
    fs::write(place.path().join("letter"), "theirs").unwrap();
    let folder = place.path().join("letter/store");
    let error = FileStore::open(&folder, place.keys()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnwritable, "{error}");
    assert!(error.detail().contains(folder.to_str().unwrap()), "{error}");
}
