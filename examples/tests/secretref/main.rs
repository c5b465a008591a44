//! The resolver, started as OpenClaw starts it, and asked by our own exec source.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[cfg(target_os = "linux")]
mod cheap;
mod command_line;
mod common;
mod issuer;
mod lease;
mod openclaw;
mod readme;
mod round_trip;
mod slow;
