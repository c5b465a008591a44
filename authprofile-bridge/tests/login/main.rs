//! Logins of other tools: read live, served as credentials, never written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod canary;
mod configuration;
mod conformance;
mod engine;
mod formats;
mod health;
mod hostile;
mod keychain;
mod torn;
mod world;
