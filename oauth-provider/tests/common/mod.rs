//! A small issuer and what the tests do with it. It is a double of our own: it proves that the
//! provider does what its page says, not that real issuers agree. `.ci/interop` asks those.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

pub mod beyond;
pub mod http;
pub mod issuer;
pub mod tokens;
pub mod world;

pub use world::World;
