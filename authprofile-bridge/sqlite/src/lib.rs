//! Reads the auth profiles that OpenClaw keeps in SQLite.
//!
//! [`SqliteFiles`] is the bridge's [`Database`](authprofile_bridge::openclaw::Database). It is a crate
//! of its own because a program can link one SQLite only (`links = "sqlite3"`).
//!
//! ```
//! use authprofile_bridge::openclaw::{Database as _, Row};
//! use authprofile_sqlite::SqliteFiles;
//!
//! # let folder = std::env::temp_dir().join(format!("authprofile-sqlite-doc-{}", std::process::id()));
//! let files = SqliteFiles::new();
//! let rows = files.read(&folder.join("openclaw-agent.sqlite"), &[Row::AgentProfiles])?;
//! assert!(rows[0].is_none(), "there is no such file");
//! # Ok::<(), credential_provider_api::CredentialError>(())
//! ```
//!
//! # What it does to a file that OpenClaw uses
//! Nothing is written: not to the file, not to its `-wal`, not to its `-shm`; none of them is removed or
//! checkpointed. How a file is read depends on what stands beside it:
//!
//! | beside it | read | locks |
//! |---|---|---|
//! | `-wal` with content, and `-shm`: in use, or left by a process that was killed | read-only, `-shm` too (`readonly_shm`) | SQLite's shared ones, for the milliseconds of a read; a writer goes on, a checkpoint leaves what is being read |
//! | no `-wal`, or an empty one: closed, or nothing written since the last checkpoint | as `immutable`, so that SQLite makes no `-wal` and no `-shm`; again if the file changed meanwhile | none |
//! | a `-journal` with content: not in WAL mode | read-only | shared; a writer waits |
//! | a `-wal` with content, no `-shm` | not: what it holds cannot be read without making a `-shm`. Waits for whoever is just opening or closing it, then `store_unreadable` | none |
//!
//! The second row is the one that also serves folders in which nothing can be written. A file in use is
//! never read as `immutable` while its `-wal` has content.
//!
//! Two things that SQLite leaves no other choice about: a process that closes the last connection in the
//! very milliseconds of a read leaves `-wal` and `-shm` for the next one to take up; and if it does so
//! between our look at the folder and our opening of the file, an empty `-wal` is left. SQLite takes up
//! both by itself.
//!
//! A program that writes one of these files itself, through the same SQLite, must not read it with this
//! crate: within one process SQLite shares the `-shm`, and a read-only one would be its writer's too.
//!
//! # What is refused
//! A symbolic link is followed, first and completely, as SQLite itself does: the `-wal` stands beside the
//! real file. What is found there has to be a plain file. Its schema is not trusted: no views, no
//! triggers, no virtual tables, no `ATTACH`, no extensions, defensive mode. A row longer than
//! [`largest_row`](SqliteFiles::with_largest_row) is an error, and so is damage; the file stays.
//!
//! What was read is zeroised on drop. SQLite's own buffers are freed when a read ends, not overwritten.

mod connection;
mod place;
mod problem;
mod reader;
mod rows;

pub use reader::SqliteFiles;
