//! The emulator, by its own tests: a client of their own signs what they send.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod authentication;
mod faults;
mod gateway;
mod hosted;
mod issuer;
mod official_client;
mod permission;
mod program;
mod running;
mod state;
mod wire;
mod workload;
mod world;
