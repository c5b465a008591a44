//! OpenClaw's auth profiles: where they are, what they say, which one is next.

mod database;

pub use database::{Database, Mark, Row, Stamp};
