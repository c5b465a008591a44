//! The encrypted file store: one file a record, one kernel lock a lease, a journal to watch.

mod disk;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod header;
mod holder;
mod import;
mod journal;
mod lease;
mod name;
mod network;
mod open;
mod problem;
mod records;
mod rotation;
mod seal;
mod store;
mod watch;

pub use import::Imported;
pub use network::FileSystem;
pub use open::{Copied, FileStoreBuilder};
pub use rotation::Rotated;
pub use store::FileStore;

pub(crate) use disk::{Disk, TEMPORARY};
pub(crate) use problem::Problem;
pub(crate) use store::blocking;
