//! Stores of profiles, locks, configurations, references to secrets and both sides of the exec
//! protocol, from arbitrary bytes.
//!
//! `cargo +nightly fuzz run formats`, in this folder's parent. What it finds goes into the corpus,
//! which `tests/corpus.rs` reads on stable Rust.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = authprofile_bridge::fuzzing::read(input);
});
