//! Promise 4 across processes, and what else two gateways on one folder of grants owe each other.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod engines;
mod gateway;
mod processes;
