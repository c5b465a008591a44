//! Against issuers that none of us wrote. `.ci/interop oauth` installs and starts them.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod badge;
mod browser;
mod clients;
mod ending;
mod gateway;
mod id_token;
mod lost_answer;
mod mcp;
mod peer;
mod renewal;
mod sign_in;
mod toolkit;
mod wire;
