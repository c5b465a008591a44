//! The shapes.

mod file_each;
mod log;
mod one_file;
mod redb;
mod sqlite;

pub use file_each::FileEach;
pub use log::Log;
pub use one_file::OneFile;
pub use redb::Redb;
pub use sqlite::Sqlite;
