//! Promises that only real processes can show: this program runs itself again as its children.
//!
//! A child is the ignored test `child`; it is told what it is by an environment variable, what to do
//! by lines on its input, and ends with that input. `KILLS=5000 cargo test -p credential-store --test
//! processes -- promise_7 --nocapture` kills more often than the 300 times of a usual run, and shows
//! what came of it.
#![cfg(unix)]
#![allow(unreachable_pub, reason = "the modules of one program")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod agent;
mod child;
mod clocks;
#[path = "../common/mod.rs"]
mod common;
mod elsewhere;
mod exchange;
mod fairness;
mod issuer;
mod kills;
mod many;
mod takeover;
mod words;
mod world;

#[test]
#[ignore = "the children of the other tests"]
fn child() {
    if let Some(setup) = words::Setup::of_this_process() {
        child::run(setup);
    }
}
