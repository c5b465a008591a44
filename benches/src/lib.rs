//! The promises on speed and size: what is measured, and the limit it must keep.
//!
//! `cargo run --release -p benches --bin promises` prints one line per promise and exits 1 if one is
//! broken; `README.md` beside this crate says how to read it.
//!
//! | theme | promises |
//! |---|---|
//! | [`hit`] | a cached credential is read at the price of a pointer or a map lookup |
//! | [`cold`] | many callers of one key cost one call, whatever becomes of them |
//! | [`memory`] | a cached credential costs little beyond itself |
//! | [`schedule`] | renewals cost little and never crowd anybody out |
//! | [`scale`] | a request or a renewal costs the same among a hundred or a million |
//! | [`redaction`] | what flows back to the model is searched for a thousand secrets as fast as for a fixed list |
//! | `store` | a file store costs little beyond its disk, and one process at a time renews; Unix only |
//! | [`instructions`] | the hot paths stay within a stored budget of instructions |

pub mod alloc;
pub mod budget;
pub mod callgrind;
pub mod clock;
pub mod cold;
pub mod hit;
pub mod instructions;
pub mod memory;
pub mod redaction;
pub mod report;
pub mod scale;
pub mod schedule;
#[cfg(unix)]
pub mod store;
pub mod subject;
pub mod timing;
pub mod world;
