//! What the fuzzer reads, on stable Rust: the corpus and a few thousand damages of each of its files.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use credential_provider_api::{
    EffectiveSession, Intent, Random as _, ReauthReason, Refusal, SeededRandom, Timestamp,
};
use credential_store::fuzzing::{Format, read, samples};

const DAMAGES: usize = 3_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/formats")
}

/// The files of the corpus: name and bytes.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut found: Vec<_> = files.map(|path| (name(&path), fs::read(path).unwrap())).collect();
    found.sort();
    found
}

#[test]
fn sound_samples_are_understood_and_damaged_ones_are_not() {
    let corpus = corpus();
    let sound = corpus.iter().filter(|(name, _)| name.starts_with("sound-"));
    let damaged = corpus.iter().filter(|(name, _)| name.starts_with("damaged-"));
    for (name, bytes) in sound.clone() {
        assert!(read(bytes), "{name} is not understood any more");
    }
    for (name, bytes) in damaged.clone() {
        assert!(!read(bytes), "{name} was believed");
    }
    for (index, format) in Format::ALL.iter().enumerate() {
        let of_it = |(_, bytes): &&(String, Vec<u8>)| usize::from(bytes[0]) == index;
        assert!(sound.clone().any(|file| of_it(&file)), "no sound {format:?}");
        assert!(damaged.clone().any(|file| of_it(&file)), "no damaged {format:?}");
    }
}

#[test]
fn promise_7_no_damage_makes_a_parser_panic() {
    let corpus = corpus();
    let mut understood = 0;
    for (seed, (name, bytes)) in (0u64..).zip(&corpus) {
        let random = SeededRandom::new(seed);
        for round in 0..DAMAGES {
            let (_, other) = &corpus[below(&random, corpus.len())];
            let input = damaged(bytes, other, &random);
            let done = std::panic::catch_unwind(|| read(&input));
            let Ok(well) = done else {
                panic!("{name}, round {round}: {input:02x?}");
            };
            understood += usize::from(well);
        }
    }
    // Damage that no parser ever got through would test little.
    assert!(understood > corpus.len(), "{understood}");
}

fn below(random: &SeededRandom, end: usize) -> usize {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    usize::try_from(u64::from_be_bytes(bytes) % u64::try_from(end.max(1)).unwrap()).unwrap()
}

/// One to four damages, the choice of the format left alone.
fn damaged(bytes: &[u8], other: &[u8], random: &SeededRandom) -> Vec<u8> {
    let mut input = bytes.to_vec();
    for _ in 0..=below(random, 4) {
        let at = 1 + below(random, input.len().saturating_sub(1));
        match below(random, 6) {
            _ if at >= input.len() => input.push(0),
            0 => input[at] ^= 1 << below(random, 8),
            1 => input[at] = [0, 1, 0x7f, 0x80, 0xff][below(random, 5)],
            2 => input.truncate(at),
            3 => drop(input.splice(at..at, other[below(random, other.len())..].iter().copied())),
            4 => drop(input.drain(at..input.len().min(at + 1 + below(random, 8)))),
            _ => {
                let length = 1 + below(random, 8);
                let again: Vec<u8> = input[at..].iter().copied().take(length).collect();
                drop(input.splice(at..at, again));
            }
        }
    }
    input
}

/// Writes the corpus anew: `WRITE_CORPUS=1 cargo test -p credential-store --test corpus -- --ignored`
/// after a change of format. Its sealed records differ each time: their nonces are random.
#[test]
#[ignore = "needs WRITE_CORPUS=1, and changes the corpus"]
fn the_corpus_is_written() {
    if std::env::var_os("WRITE_CORPUS").is_none() {
        return;
    }
    let folder = folder();
    fs::create_dir_all(&folder).unwrap();
    let at = Timestamp::from_secs(1_700_000_000);
    let key = common::key("mail/a").in_session(EffectiveSession::shared("team").unwrap());
    let record = common::record("sample")
        .with_intent(Intent::new(at, "process 1 on host"))
        .with_refusal(Refusal::new(at, ReauthReason::GrantRejected, "no"))
        .with_sign_in(at);
    for (number, (format, bytes)) in samples(&key, &record).into_iter().enumerate() {
        let format = format!("{format:?}").to_lowercase();
        let write = |what: &str, bytes: &[u8]| {
            fs::write(folder.join(format!("{what}-{format}-{number}")), bytes).unwrap();
        };
        assert!(read(&bytes), "{format}");
        write("sound", &bytes);
        // Whoever is torn within its first bytes is not believed, whatever the format.
        write("damaged", &bytes[..bytes.len().min(9)]);
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 0x41;
        write("flipped", &flipped);
    }
}
