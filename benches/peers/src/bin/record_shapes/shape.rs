//! What every shape is to the measurements.

use std::error::Error;
use std::path::Path;

use crate::record::Name;

/// A result whose error is only printed.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// A way for records to lie on disk.
pub trait Shape: Sized {
    /// Its name in the table.
    const NAME: &'static str;

    /// Writes this many records of generation 0 into an empty folder, and makes them durable. Not
    /// timed: how one would import.
    fn fill(folder: &Path, records: usize) -> Outcome<()>;

    /// Opens what is there.
    fn open(folder: &Path) -> Outcome<Self>;

    /// Replaces a body, durably, if the one stored still has the generation `before`; whether it
    /// had.
    fn save(&mut self, name: &Name, before: u64, body: &[u8]) -> Outcome<bool>;

    /// The body stored, by whichever process.
    fn load(&mut self, name: &Name) -> Outcome<Vec<u8>>;

    /// The names of all records.
    fn names(&mut self) -> Outcome<Vec<Name>>;
}

/// The error of a record that is not there.
pub const MISSING: &str = "a record is missing";
