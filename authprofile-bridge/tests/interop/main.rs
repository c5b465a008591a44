//! Against OpenClaw itself. `.ci/interop bridge` installs it.
#![cfg(unix)]
#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking; what drives OpenClaw is shared with another package's tests"
)]

#[path = "../common/mod.rs"]
mod common;
mod edits;
mod locks;
mod model;
mod openclaw;
mod profiles;
mod refs;
#[cfg(feature = "oauth")]
mod renewals;
mod synthetic;
