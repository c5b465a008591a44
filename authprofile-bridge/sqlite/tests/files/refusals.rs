//! What cannot be read is an error, and stays.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use authprofile_sqlite::SqliteFiles;
use credential_provider_api::{CredentialError, ErrorCode};
use rusqlite::Connection;

use crate::folder::{Folder, both, both_by, put, writer};

fn impatient() -> SqliteFiles {
    SqliteFiles::new().with_patience(Duration::from_millis(20))
}

/// The file is unreadable because of `why`, and as it was.
fn unreadable(folder: &Folder, file: &Path, why: &str) -> CredentialError {
    let before = folder.all();
    let error = both_by(&impatient(), file).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnreadable, "{error}");
    assert!(error.to_string().contains(why), "{error}");
    assert!(folder.all() == before);
    error
}

#[test]
fn what_does_not_exist_is_none() {
    let folder = Folder::new("nothing");
    assert_eq!(both(&folder.path("a.sqlite")).unwrap(), (None, None));
    assert_eq!(both(&folder.path("no/such/a.sqlite")).unwrap(), (None, None));
    fs::write(folder.path("empty"), "").unwrap();
    assert_eq!(both(&folder.path("empty")).unwrap(), (None, None), "made, and not yet written");
    drop(writer(&folder.path("a.sqlite")));
    assert_eq!(both(&folder.path("a.sqlite")).unwrap(), (None, None), "tables without rows");
    assert_eq!(folder.names(), ["a.sqlite", "empty"]);
}

#[test]
fn promise_10_no_sqlite_file_or_a_damaged_one_is_an_error_and_stays() {
    let folder = Folder::new("damaged");
    let file = folder.path("a.sqlite");
    fs::write(&file, "{\"version\":1,\"profiles\":{}}".repeat(100)).unwrap();
    unreadable(&folder, &file, "is not an SQLite file");

    fs::remove_file(&file).unwrap();
    put(&writer(&file), &"secret-text ".repeat(2000), "s");
    let whole = fs::read(&file).unwrap();
    // Torn: the header promises more pages than there are.
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    unreadable(&folder, &file, "is damaged");
    // A page in the middle overwritten.
    for page in 1..whole.len() / 4096 {
        let mut broken = whole.clone();
        broken[page * 4096..(page + 1) * 4096].fill(0xA5);
        fs::write(&file, &broken).unwrap();
        match both_by(&impatient(), &file) {
            Ok(found) => assert_ne!(found.0, None, "page {page}: gone is not the same as damaged"),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::StoreUnreadable, "page {page}: {error}");
                assert!(!error.to_string().contains("secret-text"), "{error}");
            }
        }
        assert!(fs::read(&file).unwrap() == broken);
    }
}

#[test]
fn a_row_larger_than_the_limit_is_an_error() {
    let folder = Folder::new("large");
    let file = folder.path("a.sqlite");
    put(&writer(&file), &"x".repeat(5 << 20), "s");
    unreadable(&folder, &file, "has a row larger than 4194304 bytes");
    let found = both_by(&SqliteFiles::new().with_largest_row(6 << 20), &file).unwrap();
    assert_eq!(found.0.unwrap().len(), 5 << 20);
}

#[test]
fn a_table_of_another_form_is_an_error_and_not_an_empty_store() {
    let folder = Folder::new("form");
    let file = folder.path("a.sqlite");
    let make = |sql: &str| {
        let _ = fs::remove_file(&file);
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
    };
    make("CREATE TABLE auth_profile_store (key TEXT, json TEXT)");
    unreadable(&folder, &file, "has a table of another form than known");
    make(
        "CREATE TABLE auth_profile_store (store_key TEXT PRIMARY KEY, store_json);
         INSERT INTO auth_profile_store VALUES('primary', x'00FF')",
    );
    unreadable(&folder, &file, "has a row of another form than expected");
    make(
        "CREATE TABLE auth_profile_store (store_key TEXT PRIMARY KEY, store_json);
         INSERT INTO auth_profile_store VALUES('primary', CAST(x'C328' AS TEXT))",
    );
    unreadable(&folder, &file, "has a row of another form than expected");
}

#[test]
fn a_view_or_a_virtual_table_is_no_table() {
    let folder = Folder::new("view");
    let file = folder.path("a.sqlite");
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "CREATE VIEW auth_profile_store AS SELECT 'primary' AS store_key, 'made up' AS store_json;
             CREATE VIRTUAL TABLE auth_profile_state USING fts5(state_key, state_json);
             INSERT INTO auth_profile_state VALUES('primary', 'made up');",
        )
        .unwrap();
    drop(connection);
    assert_eq!(both(&file).unwrap(), (None, None));
}

#[test]
fn a_wal_without_its_shm_is_an_error_that_says_what_to_do() {
    let folder = Folder::new("no-shm");
    let file = folder.path("a.sqlite");
    let connection = writer(&file);
    put(&connection, "p", "s");
    let copy = Folder::new("no-shm-copy");
    for name in ["a.sqlite", "a.sqlite-wal"] {
        fs::copy(folder.path(name), copy.path(name)).unwrap();
    }
    unreadable(&copy, &copy.path("a.sqlite"), "start OpenClaw once");
}

#[test]
fn what_is_no_plain_file_is_an_error() {
    let folder = Folder::new("plain");
    fs::create_dir(folder.path("a.sqlite")).unwrap();
    let error = both(&folder.path("a.sqlite")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnreadable);
    assert!(error.to_string().contains("is not a plain file"), "{error}");
}

#[test]
fn promise_6_no_error_and_no_debug_text_shows_what_was_read() {
    let folder = Folder::new("shown");
    let file = folder.path("a.sqlite");
    put(&writer(&file), "secret-text", "s");
    let found = {
        use authprofile_bridge::openclaw::{Database as _, Row};
        SqliteFiles::new().read(&file, &[Row::AgentProfiles]).unwrap()
    };
    assert!(!format!("{found:?}").contains("secret-text"));
    // A header that is whole, and a schema that quotes.
    let mut open = fs::OpenOptions::new().write(true).open(&file).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(6).position(|window| window == b"STRICT").unwrap();
    bytes[at..at + 6].copy_from_slice(b"SECRET");
    open.write_all(&bytes).unwrap();
    drop(open);
    let error = unreadable(&folder, &file, "is damaged");
    assert!(!error.to_string().contains("SECRET"), "{error}");
}
