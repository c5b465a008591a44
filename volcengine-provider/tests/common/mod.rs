//! A world for tests: a service that answers as told, and files, variables and time that a test sets.
//! It is a double of our own: it proves that the provider does what its page says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]
#![allow(dead_code, unused_imports, unreachable_pub, reason = "each test file uses a part")]

pub mod service;
pub mod world;

pub use service::{Call, Reply, Service, Then};
pub use world::{World, run};
