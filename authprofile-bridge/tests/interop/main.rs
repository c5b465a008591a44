//! Against OpenClaw itself. `.ci/interop bridge` installs it.
#![cfg(unix)]
#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; what drives OpenClaw is shared with another package's tests"
)]

mod locks;
mod model;
mod openclaw;
mod refs;
