//! The answering side of the exec protocol.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod answers;
mod common;
mod refusals;
mod requests;
mod together;
