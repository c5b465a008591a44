//! A table in SQLite.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};

use crate::record::{self, Name};
use crate::shape::{Outcome, Shape};

/// A connection to a database in WAL mode that syncs on each commit.
pub struct Sqlite(Connection);

impl Shape for Sqlite {
    const NAME: &'static str = "sqlite";

    fn fill(folder: &Path, records: usize) -> Outcome<()> {
        let mut connection = Connection::open(folder.join("records"))?;
        let mode: String =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err("SQLite has no WAL here".into());
        }
        connection.execute("CREATE TABLE record (name BLOB PRIMARY KEY, body BLOB)", [])?;
        let transaction = connection.transaction()?;
        for nth in 0..records {
            transaction
                .prepare_cached("INSERT INTO record VALUES (?1, ?2)")?
                .execute(params![record::name(nth), record::body(nth, 0)])?;
        }
        transaction.commit()?;
        // Closing moves the WAL into the database.
        connection.close().map_err(|(_, error)| error.into())
    }

    fn open(folder: &Path) -> Outcome<Self> {
        let connection = Connection::open(folder.join("records"))?;
        // WAL is remembered by the database, this is not.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.busy_timeout(Duration::from_secs(30))?;
        Ok(Self(connection))
    }

    fn save(&mut self, name: &Name, before: u64, body: &[u8]) -> Outcome<bool> {
        let sql = "UPDATE record SET body = ?3 WHERE name = ?1 AND substr(body, 1, 8) = ?2";
        let mut update = self.0.prepare_cached(sql)?;
        Ok(update.execute(params![name, before.to_be_bytes(), body])? == 1)
    }

    fn load(&mut self, name: &Name) -> Outcome<Vec<u8>> {
        let mut select = self.0.prepare_cached("SELECT body FROM record WHERE name = ?1")?;
        Ok(select.query_row([name], |row| row.get(0))?)
    }

    fn names(&mut self) -> Outcome<Vec<Name>> {
        let mut select = self.0.prepare_cached("SELECT name FROM record")?;
        let names = select.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }
}
