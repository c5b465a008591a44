//! References to secrets, resolved from temporary folders and small programs.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod batches;
mod common;
mod configuration;
mod env;
mod errors;
mod exec;
mod file;
mod grammar;
mod limits;
mod paths;
mod store;
