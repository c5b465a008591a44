//! A table in redb, which one process at a time may open.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::record::{self, Name};
use crate::shape::{MISSING, Outcome, Shape};

/// A database that syncs on each commit, as is its default.
pub struct Redb(Database);

const RECORDS: TableDefinition<'_, Name, &[u8]> = TableDefinition::new("record");

impl Shape for Redb {
    const NAME: &'static str = "redb";

    fn fill(folder: &Path, records: usize) -> Outcome<()> {
        let database = Database::create(folder.join("records"))?;
        let write = database.begin_write()?;
        let mut table = write.open_table(RECORDS)?;
        for nth in 0..records {
            table.insert(record::name(nth), &record::body(nth, 0)[..])?;
        }
        drop(table);
        Ok(write.commit()?)
    }

    fn open(folder: &Path) -> Outcome<Self> {
        Ok(Self(Database::open(folder.join("records"))?))
    }

    fn save(&mut self, name: &Name, before: u64, body: &[u8]) -> Outcome<bool> {
        let write = self.0.begin_write()?;
        let mut table = write.open_table(RECORDS)?;
        let stored = table.get(name)?.ok_or(MISSING)?;
        let unchanged = record::generation(stored.value())? == before;
        drop(stored);
        if unchanged {
            table.insert(name, body)?;
        }
        drop(table);
        write.commit()?;
        Ok(unchanged)
    }

    fn load(&mut self, name: &Name) -> Outcome<Vec<u8>> {
        let table = self.0.begin_read()?.open_table(RECORDS)?;
        let stored = table.get(name)?.ok_or(MISSING)?;
        Ok(stored.value().to_vec())
    }

    fn names(&mut self) -> Outcome<Vec<Name>> {
        let table = self.0.begin_read()?.open_table(RECORDS)?;
        let records = table.iter()?;
        Ok(records
            .map(|record| Ok(record?.0.value()))
            .collect::<Result<_, redb::StorageError>>()?)
    }
}
