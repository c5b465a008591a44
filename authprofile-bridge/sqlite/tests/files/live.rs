//! While somebody writes.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use authprofile_sqlite::SqliteFiles;
use credential_provider_api::ErrorCode;
use rusqlite::Connection;

use crate::child::{Owner, long};
use crate::folder::{AGENT, Folder, both, both_by, put, texts, writer};

/// Reads until `done`, and says how many different pairs it met. Profiles and state always belong to
/// each other, and never go back.
fn follow(file: &Path, done: &AtomicBool) -> usize {
    let (mut met, mut last) = (0, 0);
    while !done.load(Ordering::Relaxed) {
        let (profiles, state) = both(file).unwrap();
        let (profiles, state) = (profiles.unwrap(), state.unwrap());
        let number: u32 = state.parse().unwrap();
        assert_eq!(profiles, long(number), "of one moment");
        assert!(number >= last, "{number} after {last}");
        met += usize::from(number > last);
        last = number;
    }
    met
}

/// Set however the writer ends, so that nobody follows it for ever.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Follows while `write` has the owner write.
fn followed(file: &Path, owner: &mut Owner, write: impl FnOnce(&mut Owner)) -> usize {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let follower = scope.spawn(|| follow(file, &done));
        let ended = Done(&done);
        write(owner);
        drop(ended);
        follower.join().unwrap()
    })
}

#[test]
fn profiles_and_state_are_of_one_moment_while_they_are_written() {
    let folder = Folder::new("written");
    let file = folder.path("a.sqlite");
    let mut owner = Owner::of(&file);
    owner.rounds(0..1);
    let met = followed(&file, &mut owner, |owner| owner.rounds(1..300));
    assert!(met > 5, "met {met}");
    assert_eq!(both(&file).unwrap().1.as_deref(), Some("299"));
}

#[test]
fn commands_that_open_write_and_close_are_followed() {
    let folder = Folder::new("commands");
    let file = folder.path("a.sqlite");
    let mut owner = Owner::of(&file);
    owner.commands(0..1);
    let met = followed(&file, &mut owner, |owner| owner.commands(1..100));
    assert!(met > 5, "met {met}");
    assert_eq!(both(&file).unwrap().1.as_deref(), Some("99"));
}

#[test]
fn a_writer_in_a_transaction_is_not_waited_for() {
    let folder = Folder::new("transaction");
    let file = folder.path("a.sqlite");
    let connection = writer(&file);
    put(&connection, "p", "s");
    connection
        .execute_batch("BEGIN IMMEDIATE; UPDATE auth_profile_store SET store_json = 'q'")
        .unwrap();
    let impatient = SqliteFiles::new().with_patience(Duration::ZERO);
    assert_eq!(both_by(&impatient, &file).unwrap(), texts("p", "s"), "what was committed");
    connection.execute_batch("COMMIT").unwrap();
    assert_eq!(both_by(&impatient, &file).unwrap(), texts("q", "s"));
}

#[test]
fn a_file_that_stays_locked_is_an_error_that_says_so() {
    let folder = Folder::new("locked");
    let file = folder.path("a.sqlite");
    let connection = Connection::open(&file).unwrap();
    connection.execute_batch(AGENT).unwrap();
    put(&connection, "p", "s");
    // In this mode a writer that spills locks the file itself.
    connection
        .execute_batch("BEGIN EXCLUSIVE; UPDATE auth_profile_store SET store_json = 'q'")
        .unwrap();
    let error =
        both_by(&SqliteFiles::new().with_patience(Duration::from_millis(20)), &file).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreLocked, "{error}");
    assert!(error.is_transient());
    connection.execute_batch("ROLLBACK").unwrap();
    assert_eq!(both(&file).unwrap(), texts("p", "s"));
}

#[test]
fn a_file_put_in_its_place_is_read_next() {
    let folder = Folder::new("replaced");
    let (file, other) = (folder.path("a.sqlite"), folder.path("b.sqlite"));
    put(&writer(&file), "p", "s");
    put(&writer(&other), "p2", "s2");
    assert_eq!(both(&file).unwrap(), texts("p", "s"));
    fs::rename(&other, &file).unwrap();
    assert_eq!(both(&file).unwrap(), texts("p2", "s2"));
    fs::remove_file(&file).unwrap();
    assert_eq!(both(&file).unwrap(), (None, None));
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_followed_to_the_file_and_its_wal() {
    let folder = Folder::new("link");
    fs::create_dir(folder.path("real")).unwrap();
    fs::create_dir(folder.path("home")).unwrap();
    let file = folder.path("real/a.sqlite");
    let connection = writer(&file);
    put(&connection, "p", "s");
    let link = folder.path("home/b.sqlite");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(both(&link).unwrap(), texts("p", "s"));
    assert_eq!(fs::read_dir(folder.path("home")).unwrap().count(), 1);
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(folder.path("nowhere"), &link).unwrap();
    assert_eq!(both(&link).unwrap(), (None, None));
}
