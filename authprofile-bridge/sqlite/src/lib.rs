//! Reads the auth profiles that OpenClaw keeps in SQLite.
