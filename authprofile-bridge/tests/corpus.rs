//! What the fuzzer reads, on stable Rust: the corpus and a few thousand damages of each of its files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use authprofile_bridge::fuzzing::{Format, read};
use credential_provider_api::{Random as _, SeededRandom};

const DAMAGES: usize = 3_000;

/// The files of the corpus: name and bytes.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/formats");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
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
fn promise_10_no_damage_makes_a_reader_panic() {
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
    // Damage that no reader ever got through would test little.
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
        match below(random, 5) {
            _ if at >= input.len() => input.push(b'"'),
            0 => input[at] ^= 1 << below(random, 8),
            1 => input.truncate(at),
            2 => drop(
                input.splice(at..at, other[1 + below(random, other.len() - 1)..].iter().copied()),
            ),
            3 => drop(input.drain(at..input.len().min(at + 1 + below(random, 8)))),
            _ => input[at] = b"{}[]\",:\\$~/0"[below(random, 12)],
        }
    }
    input
}
