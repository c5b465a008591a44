//! The renewal protocol, promise by promise, on a store and an issuer that do as told.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod interrupted;
mod issuer;
mod meanwhile;
mod once;
