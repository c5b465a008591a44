//! Identities and hosted credentials, through an engine, of the emulator. That Volcengine's own
//! clients can use the emulator too is shown by `.ci/interop volcengine`.
#![allow(
    clippy::field_reassign_with_default,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking; its states grow"
)]

mod adopted;
mod children;
mod conformance;
mod consent;
mod endings;
mod hosted;
mod people;
mod permission;
mod refused;
mod workload;
mod world;
