//! [`SqliteFiles`]: looks until a read was of one moment.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use authprofile_bridge::openclaw::{Database, Mark, Row};
use credential_provider_api::CredentialError;
use secrecy::SecretString;

use crate::connection;
use crate::place::{Place, Way, no_mark};
use crate::problem::{Trouble, locked, told, unreadable};
use crate::rows;

/// OpenClaw's SQLite files, read-only.
#[derive(Clone, Copy, Debug)]
pub struct SqliteFiles {
    patience: Duration,
    largest: u32,
}

/// Between two looks at a file that changed while it was read.
const PAUSE: Duration = Duration::from_millis(5);

impl SqliteFiles {
    /// Waits 2 seconds at most, and takes rows of up to 4 MiB.
    #[must_use]
    pub const fn new() -> Self {
        Self { patience: Duration::from_secs(2), largest: 4 << 20 }
    }

    /// Waits at most about this long for a file that is locked or keeps changing: twice this, if it
    /// is locked just when the time is up.
    #[must_use]
    pub const fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Takes rows of up to this many bytes.
    #[must_use]
    pub const fn with_largest_row(self, largest: u32) -> Self {
        Self { largest, ..self }
    }

    /// One look. A test has something happen `meanwhile`.
    fn look(
        &self,
        file: &Path,
        rows: &[Row],
        meanwhile: &dyn Fn(),
    ) -> Result<Vec<Option<SecretString>>, Trouble> {
        let Some(before) = Place::look(file).map_err(Trouble::Lasting)? else {
            return Ok(rows.iter().map(|_| None).collect());
        };
        let way = before.way();
        if way == Way::Unfinished {
            return Err(Trouble::Busy(UNFINISHED));
        }
        let read = connection::open(&before.real, way, self.patience, self.largest)
            .and_then(|connection| rows::read(&connection, rows));
        meanwhile();
        // Nothing but the marks tells whether such a read was of one moment. A locked one was.
        if way == Way::Still {
            let after = Place::look(file).map_err(Trouble::Lasting)?;
            if after.map(|after| after.mark()) != Some(before.mark()) {
                return Err(Trouble::Busy("keeps changing"));
            }
        }
        read.map_err(|error| told(file, &error, self.largest))
    }
}

const UNFINISHED: &str = "has a -wal without its -shm: start OpenClaw once to have it recovered";

impl Default for SqliteFiles {
    fn default() -> Self {
        Self::new()
    }
}

impl Database for SqliteFiles {
    fn read(
        &self,
        file: &Path,
        rows: &[Row],
    ) -> Result<Vec<Option<SecretString>>, CredentialError> {
        let began = Instant::now();
        loop {
            match self.look(file, rows, &|| {}) {
                Ok(found) => return Ok(found),
                Err(Trouble::Lasting(error)) => return Err(error),
                Err(Trouble::Busy(why)) if began.elapsed() >= self.patience => {
                    return Err(if why == UNFINISHED {
                        unreadable(file, why)
                    } else {
                        locked(file, why)
                    });
                }
                Err(Trouble::Busy(_)) => thread::sleep(PAUSE),
            }
        }
    }

    fn mark(&self, file: &Path) -> Result<Mark, CredentialError> {
        Ok(Place::look(file)?.map_or_else(no_mark, |place| place.mark()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_file_written_while_it_is_read_without_locks_is_read_again() {
        let folder =
            std::env::temp_dir().join(format!("authprofile-sqlite-look-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a.sqlite");
        let write = |sql: &str| Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        write("PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
        let files = SqliteFiles::new();
        let look = |meanwhile: &dyn Fn()| files.look(&file, &[Row::AgentProfiles], meanwhile);
        assert!(look(&|| {}).is_ok());
        assert!(matches!(look(&|| write("INSERT INTO t VALUES(1)")), Err(Trouble::Busy(_))));
        assert!(matches!(look(&|| fs::remove_file(&file).unwrap()), Err(Trouble::Busy(_))));
        fs::remove_dir_all(&folder).unwrap();
    }
}
