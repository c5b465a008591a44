//! Hosts and providers to run and to copy from.
//!
//! | what | where | run it |
//! |---|---|---|
//! | a provider in under 70 lines | [`handwritten`] | `cargo test -p examples --test conformance` |
//! | the engine in ten lines | `src/bin/embed.rs` | `cargo run -p examples --bin embed` |
//! | a gateway, and the life of its credentials | [`gateway`] | `cargo run -p examples --bin gateway` |
//! | a small real host on a configuration of yours, with a status page | `gateway.json5`, `served` | `cargo run -p examples --bin gateway -- --config examples/gateway.json5` |
//! | many processes that share one rotating grant, counted by its issuer | [`refresh_storm`] | `cargo run --release -p examples --bin refresh_storm` |
//! | a program that answers OpenClaw's SecretRefs from a gateway's credentials | `credential_host::resolver` | `cargo run -p examples --bin secretref -- --help` |
//!
//! The gateway talks to an issuer and to an emulator of Volcengine in the same process, over loopback:
//! no network, no account. It writes to one temporary folder, and removes it at the end. `--fast`
//! shortens its waits, `--keychain` keeps its key in the platform's keychain, `--help` says the rest.

pub mod gateway;
pub mod handwritten;
pub mod log;
pub mod refresh_storm;
#[cfg(unix)]
pub mod served;

/// The quick start of the README, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
