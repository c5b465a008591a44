//! Searching what flows back to the model for secrets, beside one pass of an automaton that has all
//! of them as text.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use credential_provider_api::{Random as _, SecretString, SeededRandom};
use resolution_engine::Redactor;

use crate::alloc::{allocations, live};
use crate::report::{Limit, Line};
use crate::timing::race_within;

const SECRETS: usize = 1_000;
const TEXT: usize = 8 << 20;
/// One secret in so many bytes of ordinary text.
const HIT_EVERY: usize = 256 << 10;
/// What every token of an issuer begins with: header, and the first claims.
const TOKEN_BEGINS: &str =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIiwic3ViIjoi";

/// The lines of this theme.
#[must_use]
pub fn lines() -> Vec<Line> {
    let secrets = secrets();
    let redactor = Redactor::new(&SeededRandom::new(2));
    let known: Vec<SecretString> = secrets.iter().map(|s| s.as_str().into()).collect();
    let before = live();
    let start = Instant::now();
    let added = allocations(|| {
        for secret in &known {
            redactor.add(secret, None).expect("long enough");
        }
    });
    let adding = start.elapsed().as_secs_f64();
    let heap = live() - before;
    let automaton = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(forms(&secrets))
        .expect("an automaton");
    let text = ordinary(&secrets);
    // Begins like a secret as often as it can.
    let header = TOKEN_BEGINS[..8].repeat(TEXT / 8);
    let claims = TOKEN_BEGINS.repeat(TEXT / TOKEN_BEGINS.len());
    // Nothing but places where it could be read in another way.
    let escapes = "\\\\u0041\\n%41+".repeat(TEXT / 14);
    let masked = redactor.redact(&text).matches("[redacted]").count();
    let pass = |text: &str| {
        black_box(redactor.redact(text));
    };
    let in_parts = || {
        let mut stream = redactor.stream();
        let mut out = Vec::new();
        for part in text.as_bytes().chunks(16 << 10) {
            stream.push_into(part, &mut out);
            black_box(&out);
            out.clear();
        }
        black_box(stream.finish());
    };
    let race = race_within(
        Duration::from_secs(10),
        1,
        &[
            &|_| {
                black_box(automaton.find_iter(&text).count());
            },
            &|_| pass(&text),
            &|_| in_parts(),
            &|_| pass(&header),
            &|_| pass(&claims),
            &|_| pass(&escapes),
        ],
    );
    let speed = |name: &str, subject| {
        let value = TEXT as f64 * 1000.0 / race.nanos(subject);
        Line::new(format!("redaction/{name}"), value, "MB/s", Limit::None)
    };
    let ratio = |name: &str, subject, baseline, limit| {
        let name = format!("redaction/{name}");
        Line::new(name, race.ratio(subject, baseline), "ratio", Limit::Time(limit))
    };
    let each = SECRETS as f64;
    let planted = TEXT.div_ceil(HIT_EVERY) as f64;
    vec![
        Line::new("redaction/masked", masked as f64, "secrets", Limit::Exactly(planted)),
        speed("aho_corasick", 0),
        speed("whole", 1),
        ratio("whole_over_aho_corasick", 1, 0, 1.0),
        speed("in_parts", 2),
        ratio("in_parts_over_aho_corasick", 2, 0, 1.0),
        ratio("common_header_over_ordinary", 3, 1, 20.0),
        ratio("common_claims_over_ordinary", 4, 1, 20.0),
        ratio("escapes_over_ordinary", 5, 1, 100.0),
        Line::new("redaction/add", adding * 1e9 / each, "ns", Limit::None),
        Line::new("redaction/add_allocations", added / each, "allocations", Limit::AtMost(60.0)),
        Line::new("redaction/heap_a_secret", heap / each, "bytes", Limit::AtMost(4096.0)),
    ]
}

/// Of three shapes: keys with a prefix, tokens of one issuer, and base64 keys.
fn secrets() -> Vec<String> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let random = SeededRandom::new(1);
    let letters = |count: usize| -> String {
        (0..count).map(|_| char::from(LETTERS[(random.next_u64() % 62) as usize])).collect()
    };
    let secret = |nth: usize| match nth % 3 {
        0 => format!("sk-proj-{}", letters(48)),
        1 => format!("{TOKEN_BEGINS}{}.{}", letters(300 + nth % 200), letters(342)),
        _ => {
            let mut key = [0; 32];
            random.fill(&mut key);
            base64::engine::general_purpose::STANDARD.encode(key)
        }
    };
    (0..SECRETS).map(secret).collect()
}

/// What an automaton must have as text to find what the redactor finds, most of it.
fn forms(secrets: &[String]) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    for secret in secrets {
        for before in 0..3 {
            let bytes = [&[0; 2][..before.min(2)], secret.as_bytes()].concat();
            for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let own = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
                forms.insert(alphabet.encode(&bytes)[own].to_owned());
            }
        }
        forms.insert(secret.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"));
        forms.insert(secret.replace('/', "\\/"));
        forms.insert(secret.clone());
    }
    forms
}

/// Prose and JSON logs, half and half, and a secret now and then.
fn ordinary(secrets: &[String]) -> String {
    const WORDS: [&str; 24] = [
        "the", "request", "of", "a", "tool", "was", "answered", "with", "status", "error", "and",
        "took", "longer", "than", "expected", "because", "its", "server", "did", "not", "find",
        "user", "token", "resource",
    ];
    let random = SeededRandom::new(3);
    let mut text = String::with_capacity(TEXT + 4096);
    let mut planted = 0;
    while text.len() < TEXT {
        if text.len() >= planted * HIT_EVERY {
            writeln!(text, "Authorization: Bearer {}", secrets[planted % SECRETS]).expect("text");
            planted += 1;
        }
        let words: Vec<&str> = (0..12).map(|_| WORDS[(random.next_u64() % 24) as usize]).collect();
        let words = words.join(" ");
        let number = random.next_u64();
        if number.is_multiple_of(2) {
            writeln!(text, "{words}, {number}.").expect("text");
        } else {
            let fields = "\"level\":\"info\",\"path\":\"/v1/items?id=7&name=a%20b\"";
            writeln!(
                text,
                "{{\"time\":{number},{fields},\"trace\":\"{number:016x}\",\"message\":\"{words}: \\\"{number}\\\"\\n\"}}"
            )
            .expect("text");
        }
    }
    text.truncate(TEXT);
    text
}
