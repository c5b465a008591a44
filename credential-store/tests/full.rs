//! Promise 7: a disk that is full, read-only, forbidden or broken costs nobody a record.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use common::fail::{EACCES, EIO, ENOSPC, EROFS, Fail};
use common::{Place, grant, key, record};
use credential_provider_api::{ErrorCode, GrantStore as _, Revision};
use credential_store::faults::Point;
use credential_store::{FileStore, KeyFile};

const SAYS: [(i32, ErrorCode); 4] = [
    (ENOSPC, ErrorCode::StoreUnwritable),
    (EROFS, ErrorCode::StoreUnwritable),
    (EACCES, ErrorCode::StoreUnwritable),
    (EIO, ErrorCode::Unavailable),
];

/// Those that a save reaches.
const POINTS: [Point; 7] = [
    Point::TemporaryCreated,
    Point::HalfWritten,
    Point::Written,
    Point::Synced,
    Point::Replaced,
    Point::FolderSynced,
    Point::Journaled,
];

fn no_temporary_file(place: &Place) {
    for folder in [place.folder(), place.folder().join("records"), place.folder().join("leases")] {
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.starts_with('.'), "{name} was left behind");
        }
    }
}

#[tokio::test]
async fn promise_7_a_first_save_that_fails_has_happened_whole_or_not_at_all() {
    let place = Place::new();
    let fail = Fail::new();
    let store = place.builder().faults(fail.clone()).open().await.unwrap();
    for (errno, code) in SAYS {
        for point in POINTS {
            let id = format!("mail/{errno}-{point:?}").to_lowercase();
            fail.arm(point, 0, errno);
            let error = store.save(&key(&id), None, record("new")).await.unwrap_err();
            assert!(!fail.disarm(), "{point:?} was not reached");
            assert_eq!(error.code(), code, "{point:?}: {error}");
            let there = (point >= Point::Replaced).then_some(Revision::FIRST);
            for store in [&store, &place.open().await] {
                let found = store.load(&key(&id)).await.unwrap();
                assert_eq!(found.revision, there, "{point:?}");
                assert_eq!(found.record.is_some(), there.is_some());
            }
            no_temporary_file(&place);
            store.save(&key(&id), there, record("next")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn promise_7_a_save_that_fails_leaves_the_old_record_or_the_new_one_whole() {
    let place = Place::new();
    let fail = Fail::new();
    let store = place.builder().faults(fail.clone()).open().await.unwrap();
    let mut at = place.save(&store, "mail/a").await.revision;
    for (errno, code) in SAYS {
        for point in POINTS {
            at = store.save(&key("mail/a"), Some(at), record("old")).await.unwrap();
            fail.arm(point, 0, errno);
            let save = store.save(&key("mail/a"), Some(at), record("new")).await;
            let error = save.unwrap_err();
            assert!(!fail.disarm(), "{point:?} was not reached");
            assert_eq!(error.code(), code, "{point:?}: {error}");
            let (revision, wanted) =
                if point < Point::Replaced { (at, "grant-old") } else { (at.next(), "grant-new") };
            for store in [&store, &place.open().await] {
                let found = store.load(&key("mail/a")).await.unwrap();
                assert_eq!(found.revision, Some(revision), "{point:?}");
                assert_eq!(grant(found.record.as_ref()), wanted, "{point:?}");
            }
            no_temporary_file(&place);
            at = revision;
        }
    }
}

#[tokio::test]
async fn promise_4_a_remove_that_fails_leaves_the_record_or_the_tombstone() {
    let place = Place::new();
    let fail = Fail::new();
    let store = place.builder().faults(fail.clone()).open().await.unwrap();
    let mut at = None;
    for point in POINTS {
        let saved = store.save(&key("mail/a"), at, record("old")).await.unwrap();
        fail.arm(point, 0, ENOSPC);
        store.remove(&key("mail/a"), Some(saved)).await.unwrap_err();
        let found = place.open().await.load(&key("mail/a")).await.unwrap();
        assert_eq!(found.record.is_none(), point >= Point::Replaced, "{point:?}");
        no_temporary_file(&place);
        at = found.revision;
    }
}

#[tokio::test]
async fn a_store_is_not_half_made_on_a_disk_that_is_full() {
    for point in &POINTS[..6] {
        let place = Place::new();
        let fail = Fail::new();
        fail.arm(*point, 0, ENOSPC);
        let error = place.builder().faults(fail.clone()).open().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreUnwritable, "{point:?}: {error}");
        no_temporary_file(&place);
        let store = place.open().await;
        place.save(&store, "mail/a").await;
    }
}

#[tokio::test]
async fn what_a_killed_process_left_half_written_is_never_read_and_goes_in_time() {
    let place = Place::new();
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    let folders = [place.folder(), place.folder().join("records"), place.folder().join("leases")];
    let left = folders.map(|folder| folder.join(".tmp-0123456789abcdef"));
    let whole = fs::read(&saved.file).unwrap();
    for path in &left {
        fs::write(path, &whole).unwrap();
    }
    let store = place.open().await;
    assert_eq!(store.list().await.unwrap(), [saved.key]);
    assert!(left.iter().all(|path| path.exists()), "its writer may be alive still");
    for path in &left {
        let long_ago = SystemTime::now() - Duration::from_secs(120);
        fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }
    place.open().await;
    no_temporary_file(&place);
    assert_eq!(fs::read(&saved.file).unwrap(), whole);
}

#[tokio::test]
async fn a_record_that_is_too_large_is_refused_and_the_old_one_stays() {
    let place = Place::new();
    let store = place.open().await;
    let saved = place.save(&store, "mail/a").await;
    let large = record(&"x".repeat(600 << 10));
    let error = store.save(&saved.key, Some(saved.revision), large).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse, "{error}");
    let found = store.load(&saved.key).await.unwrap();
    assert_eq!(found.revision, Some(saved.revision));
    no_temporary_file(&place);
}

/// Runs one of the tests below by itself in another process, made by `command` from this program's
/// path; that process finds the store through the environment.
fn elsewhere(place: &Place, test: &str, command: impl Fn(PathBuf) -> Command) -> bool {
    let mut command = command(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    let done = command.env("STORE_PLACE", place.path()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    if said.contains("1 passed") {
        return true;
    }
    assert!(!said.contains("FAILED"), "{said}{}", String::from_utf8_lossy(&done.stderr));
    false
}

/// What [`elsewhere`] left for this process; nothing if it was not started by it.
fn given() -> Option<(PathBuf, KeyFile)> {
    let place = PathBuf::from(std::env::var_os("STORE_PLACE")?);
    Some((place.join("store"), KeyFile::new(place.join("keys"))))
}

#[tokio::test]
async fn promise_7_a_folder_that_cannot_be_written_can_be_read() {
    let place = Place::new();
    let saved = place.save(&place.open().await, "mail/a").await;
    let mut paths = vec![place.path().join("keys")];
    let mut folders = vec![place.folder()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { paths.push(path) }
        }
        paths.push(folder);
    }
    // Root may write everywhere, so that another has to try.
    let root = rustix::process::geteuid().is_root();
    for path in &paths {
        fs::set_permissions(
            path,
            Permissions::from_mode(if path.is_dir() { 0o500 } else { 0o400 }),
        )
        .unwrap();
        if root {
            chown(path, Some(12345), None).unwrap();
        }
    }
    let ran = elsewhere(&place, "the_folder_cannot_be_written", |program| {
        let mut command = Command::new(program);
        if root {
            command.uid(12345);
        }
        command
    });
    for path in &paths {
        if root {
            chown(path, Some(0), None).unwrap();
        }
        fs::set_permissions(
            path,
            Permissions::from_mode(if path.is_dir() { 0o700 } else { 0o600 }),
        )
        .unwrap();
    }
    if !ran {
        eprintln!("skipped: another user cannot run this program");
    }
    let found = place.open().await.load(&saved.key).await.unwrap();
    assert_eq!(found.revision, Some(saved.revision));
}

#[tokio::test]
#[ignore = "needs another user: the test above runs it"]
async fn the_folder_cannot_be_written() {
    let Some((folder, keys)) = given() else { return };
    let store = FileStore::open(folder, keys).await.unwrap();
    let found = store.load(&key("mail/a")).await.unwrap();
    assert_eq!(grant(found.record.as_ref()), "grant-mail/a");
    assert_eq!(store.list().await.unwrap().len(), 1);
    for (id, at) in [("mail/a", found.revision), ("mail/b", None)] {
        let error = store.save(&key(id), at, record("new")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreUnwritable, "{error}");
    }
    let error = store.remove(&key("mail/a"), found.revision).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnwritable, "{error}");
    let error = store.rotate_key().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnwritable, "{error}");
}

#[test]
fn promise_7_on_a_disk_that_is_really_full_the_old_records_stay() {
    let place = Place::new();
    let ran = elsewhere(&place, "the_disk_is_full", |program| {
        let mut command = Command::new("unshare");
        let script =
            "mount -t tmpfs -o size=128k,mode=0700 tmpfs \"$STORE_PLACE\" && exec \"$0\" \"$@\"";
        command.args(["-m", "sh", "-c", script]).arg(program);
        command
    });
    if !ran {
        eprintln!("skipped: a small disk can only be made by root");
    }
}

#[tokio::test]
#[ignore = "needs a small disk: the test above runs it"]
async fn the_disk_is_full() {
    let Some((folder, keys)) = given() else { return };
    let ballast = folder.with_file_name("ballast");
    fs::write(&ballast, [7; 16 << 10]).unwrap();
    let store = FileStore::open(&folder, keys.clone()).await.unwrap();
    let mut saved = Vec::new();
    let error = loop {
        let id = format!("mail/{}", saved.len());
        let large = format!("{id}{}", "x".repeat(2000));
        match store.save(&key(&id), None, record(&large)).await {
            Ok(revision) => saved.push((key(&id), revision, large)),
            Err(error) => break error,
        }
        assert!(saved.len() < 1000);
    };
    assert_eq!(error.code(), ErrorCode::StoreUnwritable, "{error}");
    assert!(saved.len() > 5);
    let (one, at, _) = saved[0].clone();
    let update = store.save(&one, Some(at), record(&"y".repeat(9000))).await;
    assert_eq!(update.unwrap_err().code(), ErrorCode::StoreUnwritable);
    let again = FileStore::open(&folder, keys).await.unwrap();
    for (key, revision, text) in &saved {
        for store in [&store, &again] {
            let found = store.load(key).await.unwrap();
            assert_eq!(found.revision, Some(*revision));
            assert_eq!(grant(found.record.as_ref()), format!("grant-{text}"));
        }
    }
    for entry in fs::read_dir(folder.join("records")).unwrap() {
        assert!(!entry.unwrap().file_name().to_string_lossy().starts_with('.'));
    }
    // Somebody makes room.
    fs::remove_file(ballast).unwrap();
    let (last, at, _) = saved.last().unwrap();
    store.remove(last, Some(*at)).await.unwrap();
    store.save(&one, Some(saved[0].1), record("small")).await.unwrap();
}
