//! Opening: read-only, without trust in what is opened.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use crate::place::Way;

/// A connection on which nothing but a query of a plain table works. Nothing has been read yet.
///
/// `real` is without symbolic links; should its last part become one, opening fails.
pub(crate) fn open(
    real: &Path,
    way: Way,
    wait: Duration,
    largest: u32,
) -> rusqlite::Result<Connection> {
    let address = address(real, way).ok_or(rusqlite::Error::InvalidPath(real.to_path_buf()))?;
    let connection = Connection::open_with_flags(
        address,
        OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE
            | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )?;
    harden(&connection, largest)?;
    connection.busy_timeout(wait)?;
    Ok(connection)
}

fn harden(connection: &Connection, largest: u32) -> rusqlite::Result<()> {
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
    ] {
        connection.set_db_config(setting, value)?;
    }
    let largest = i32::try_from(largest).unwrap_or(i32::MAX);
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LENGTH, largest),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    ] {
        connection.set_limit(limit, value)?;
    }
    // A mapped file that somebody cuts short ends the process.
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;",
    )
}

/// The file as SQLite's URI: <https://www.sqlite.org/uri.html>. `None` for a name it cannot take.
fn address(real: &Path, way: Way) -> Option<String> {
    let mut address = String::from("file://");
    for byte in bytes(real)? {
        match byte {
            0 => return None,
            b'/' | b'-' | b'.' | b'_' | b'~' => address.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => address.push(char::from(byte)),
            byte => write!(address, "%{byte:02X}").ok()?,
        }
    }
    address.push_str(match way {
        Way::Shared => "?readonly_shm=1",
        Way::Still => "?immutable=1",
        Way::Journal | Way::Unfinished => "",
    });
    Some(address)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere a name may be unusable")]
fn bytes(real: &Path) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(real.as_os_str().as_bytes().to_vec())
}

/// `\\?\C:\a` becomes `/C:/a`, `\\?\UNC\server\share` becomes `//server/share`.
#[cfg(not(unix))]
fn bytes(real: &Path) -> Option<Vec<u8>> {
    let text = real.to_str()?;
    let text = match text.strip_prefix(r"\\?\UNC\") {
        Some(rest) => format!("//{rest}"),
        None => format!("/{}", text.strip_prefix(r"\\?\").unwrap_or(text)),
    };
    Some(text.replace('\\', "/").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_name_cannot_add_settings_of_its_own() {
        let address = address(Path::new("/a b/c?mode=rwc&d#e%f/ö"), Way::Still).unwrap();
        assert_eq!(address, "file:///a%20b/c%3Fmode%3Drwc%26d%23e%25f/%C3%B6?immutable=1");
    }

    #[test]
    fn nothing_but_a_query_of_a_table_works() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t(a TEXT); INSERT INTO t VALUES('x'); CREATE VIEW v AS SELECT a FROM t;
                 CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END;",
            )
            .unwrap();
        harden(&connection, 1000).unwrap();
        let query = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
        assert_eq!(query("SELECT a FROM t").unwrap(), "x");
        for refused in [
            "SELECT a FROM v",
            "SELECT load_extension('x')",
            "SELECT \"x\" FROM t",
            "SELECT printf('%1001c', 'x')",
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = ''",
        ] {
            assert!(query(refused).is_err(), "{refused}");
        }
        for refused in ["ATTACH ':memory:' AS other", "INSERT INTO t VALUES('y')", "DROP TABLE t"] {
            assert!(connection.execute_batch(refused).is_err(), "{refused}");
        }
    }
}
