//! The command, run as a program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod basics;
mod canary;
mod common;
mod doctor;
mod exec;
mod gateway;
mod issuer;
mod migrate;
mod played;
mod readme;
mod sign_in;
mod terminal;
mod two_hosts;
