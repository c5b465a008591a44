//! A small issuer and what the tests do with it. It is a double of our own: it proves that the
//! provider does what its page says, not that real issuers agree. `.ci/interop` asks those.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

pub mod http;
pub mod issuer;
pub mod tokens;
pub mod world;

pub use world::World;
