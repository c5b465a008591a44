//! Against software that none of us wrote: gnome-keyring, libsecret's `secret-tool`, the kernel.
//!
//! Each test has a D-Bus daemon, a home and a keyring daemon of its own, and ends them by their ids.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail by panicking, and says what it saw"
)]

mod changes;
mod hanging;
mod key_source;
mod keyutils;
mod locked;
mod prompter;
mod restart;
mod service;
mod session;
mod tools;
mod world;
