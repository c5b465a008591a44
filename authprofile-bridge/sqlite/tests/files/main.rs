//! Files in every condition that a program beside us leaves them in.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod chain;
mod child;
mod fixtures;
mod folder;
mod live;
mod refusals;
mod untouched;
