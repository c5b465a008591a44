//! Whatever is read, the folder is the same afterwards.

use std::fs;

use authprofile_bridge::openclaw::Database as _;
use authprofile_sqlite::SqliteFiles;
use rusqlite::Connection;

use crate::child::Owner;
use crate::folder::{AGENT, Folder, both, put, texts, writer};

#[test]
fn promise_10_a_closed_file_gains_no_wal_and_no_shm() {
    let folder = Folder::new("closed");
    let file = folder.path("a.sqlite");
    put(&writer(&file), "p", "s");
    let before = folder.all();
    assert_eq!(before.len(), 1, "closing removed what stood beside it");
    assert_eq!(both(&file).unwrap(), texts("p", "s"));
    SqliteFiles::new().mark(&file).unwrap();
    assert!(folder.all() == before, "{:?}", folder.names());
}

#[test]
fn promise_10_a_file_in_use_is_read_through_its_wal_and_nothing_is_written() {
    let folder = Folder::new("in-use");
    let file = folder.path("a.sqlite");
    let mut owner = Owner::of(&file);
    owner.put("p", "s");
    let before = folder.all();
    assert_eq!(before.len(), 3);
    for _ in 0..3 {
        assert_eq!(both(&file).unwrap(), texts("p", "s"));
    }
    // Of the -shm as well: no mark of a reader, nothing.
    assert!(folder.all() == before);
    owner.put("p2", "s2");
    assert_eq!(both(&file).unwrap(), texts("p2", "s2"));
}

#[test]
fn promise_10_what_a_killed_process_left_stays_as_it_is() {
    let folder = Folder::new("killed");
    let file = folder.path("a.sqlite");
    let mut owner = Owner::of(&file);
    owner.put("p", "s");
    owner.kill();
    let before = folder.all();
    assert_eq!(before.len(), 3);
    assert_eq!(both(&file).unwrap(), texts("p", "s"));
    assert!(folder.all() == before);
    // And its owner can go on with it.
    Owner::of(&file).put("p2", "s2");
    assert_eq!(both(&file).unwrap(), texts("p2", "s2"));
}

#[test]
fn promise_10_the_owner_can_write_checkpoint_and_close_after_a_read() {
    let folder = Folder::new("goes-on");
    let file = folder.path("a.sqlite");
    let connection = writer(&file);
    put(&connection, "p", "s");
    both(&file).unwrap();
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0, "no reader of ours is in its way");
    assert_eq!(both(&file).unwrap(), texts("p", "s"));
    drop(connection);
    assert_eq!(folder.names(), ["a.sqlite"]);
    assert_eq!(both(&file).unwrap(), texts("p", "s"));
}

#[test]
fn a_file_without_wal_mode_is_read_too() {
    let folder = Folder::new("delete");
    let file = folder.path("a.sqlite");
    let connection = Connection::open(&file).unwrap();
    connection.execute_batch(AGENT).unwrap();
    put(&connection, "p", "s");
    let before = folder.all();
    assert_eq!(both(&file).unwrap(), texts("p", "s"));
    assert!(folder.all() == before);
}

/// Root writes everywhere, so this looks at what the way depends on: the names alone.
#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_no_hindrance() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("read-only");
    let file = folder.path("a.sqlite");
    put(&writer(&file), "p", "s");
    let root = folder.path("");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o500)).unwrap();
    let read = both(&file);
    fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(read.unwrap(), texts("p", "s"));
    assert_eq!(folder.names(), ["a.sqlite"]);
}

#[test]
fn a_mark_changes_with_every_write_and_with_no_read() {
    let folder = Folder::new("marks");
    let file = folder.path("a.sqlite");
    let files = SqliteFiles::new();
    let none = files.mark(&file).unwrap();
    assert!(!none.exists());
    let connection = writer(&file);
    put(&connection, "p", "s");
    let first = files.mark(&file).unwrap();
    assert!(first.exists() && first != none);
    both(&file).unwrap();
    connection.query_row("SELECT count(*) FROM auth_profile_store", [], |_| Ok(())).unwrap();
    assert_eq!(files.mark(&file).unwrap(), first);
    put(&connection, "p2", "s2");
    let second = files.mark(&file).unwrap();
    assert_ne!(second, first, "the -wal has grown");
    drop(connection);
    assert_ne!(files.mark(&file).unwrap(), second, "the -wal is gone");
}
