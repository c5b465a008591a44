//! What a redactor masks: every secret, in every form it promises, however the text is cut, and
//! nothing else; and for how long it knows one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use common::*;
use credential_provider_api::*;
use proptest::prelude::*;
use resolution_engine::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

const MARK: &str = "[redacted]";

fn knowing(secrets: &[&str]) -> Redactor {
    let redactor = Redactor::new(&SeededRandom::new(7));
    for secret in secrets {
        redactor.add(&SecretString::from(*secret), None).unwrap();
    }
    redactor
}

/// The same text in parts of these lengths, over and over.
fn in_parts(redactor: &Redactor, text: &[u8], lengths: &[usize]) -> Vec<u8> {
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    let mut rest = text;
    for length in lengths.iter().cycle() {
        let (part, after) = rest.split_at((*length).min(rest.len()));
        stream.push_into(part, &mut out);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    out.extend(stream.finish());
    out
}

/// How a secret may be written.
#[derive(Clone, Debug)]
enum Form {
    Plain,
    /// Percent-encoded; the numbers choose which characters besides those that must, and the case.
    Percent {
        rounds: usize,
        more: Vec<u8>,
        form: bool,
    },
    /// Within a JSON string, so many strings deep.
    Json {
        depth: usize,
        more: Vec<u8>,
    },
    /// Base64 of the secret between others, wrapped at a width, so many JSON strings deep.
    Base64 {
        before: Vec<u8>,
        after: Vec<u8>,
        url: bool,
        wrap: Option<usize>,
        indent: usize,
        json: usize,
    },
}

fn forms() -> impl Strategy<Value = Form> {
    let bytes = || prop::collection::vec(any::<u8>(), 1..12);
    prop_oneof![
        Just(Form::Plain),
        (1..=2_usize, bytes(), any::<bool>()).prop_map(|(rounds, more, form)| Form::Percent {
            rounds,
            more,
            form
        }),
        (1..=2_usize, bytes()).prop_map(|(depth, more)| Form::Json { depth, more }),
        (
            prop::collection::vec(any::<u8>(), 0..7),
            prop::collection::vec(any::<u8>(), 0..7),
            any::<bool>(),
            prop::option::of(4..80_usize),
            0..5_usize,
            0..=2_usize
        )
            .prop_map(|(before, after, url, wrap, indent, json)| Form::Base64 {
                before,
                after,
                url,
                wrap,
                indent,
                json
            }),
    ]
}

fn percent(text: &str, more: &[u8], form: bool) -> String {
    let mut out = String::new();
    for (byte, more) in text.bytes().zip(more.iter().cycle()) {
        let must = !byte.is_ascii_graphic() || byte == b'%' || byte == b'+';
        match (must || more % 3 == 0, more % 2) {
            _ if form && byte == b' ' => out.push('+'),
            (false, _) => out.push(char::from(byte)),
            (true, 0) => write!(out, "%{byte:02X}").unwrap(),
            (true, _) => write!(out, "%{byte:02x}").unwrap(),
        }
    }
    out
}

fn json(text: &str, more: &[u8]) -> String {
    let mut out = String::new();
    for (c, more) in text.chars().zip(more.iter().cycle()) {
        match c {
            '"' | '\\' => write!(out, "\\{c}").unwrap(),
            '\n' if more % 2 == 0 => out.push_str("\\n"),
            '/' if more % 2 == 0 => out.push_str("\\/"),
            c if c < ' ' || more % 5 == 0 => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    match more % 2 {
                        0 => write!(out, "\\u{unit:04x}").unwrap(),
                        _ => write!(out, "\\u{unit:04X}").unwrap(),
                    }
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// The secret so written, and what of it is to be masked if not all.
fn written(secret: &str, form: &Form) -> (String, Option<String>) {
    match form {
        Form::Plain => (secret.to_owned(), None),
        Form::Percent { rounds, more, form } => {
            let once = percent(secret, more, *form && *rounds == 1);
            (if *rounds == 2 { once.replace('%', "%25") } else { once }, None)
        }
        Form::Json { depth, more } => {
            let once = json(secret, more);
            (if *depth == 2 { json(&once, &[1]) } else { once }, None)
        }
        Form::Base64 { before, after, url, wrap, indent, json: depth } => {
            let all = [before, secret.as_bytes(), after].concat();
            let engine = if *url { URL_SAFE } else { STANDARD };
            let encoded = engine.encode(&all);
            let own = (before.len() * 8).div_ceil(6)..(before.len() + secret.len()) * 8 / 6;
            let interior = encoded[own].to_owned();
            let Some(wrap) = wrap else { return (encoded, Some(interior)) };
            let lines: Vec<&str> =
                encoded.as_bytes().chunks(*wrap).map(|l| std::str::from_utf8(l).unwrap()).collect();
            let mut text = lines.join(&format!("\n{}", " ".repeat(*indent)));
            for _ in 0..*depth {
                text = json(&text, &[2, 4, 8]);
            }
            (text, Some(interior))
        }
    }
}

/// Characters that encodings treat specially are common.
const SECRET: &str =
    r#"([a-zA-Z0-9_.~-]|[%+/\\"' \n&=é€😀]){8,40}|[a-z]{0,3}([a-zA-Z0-9]{8}){1,30}"#;
const AROUND: &str = r#"([a-z0-9 ]|[%+/\\"{}\n:,é€😀]){0,30}"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn promise_6_no_secret_is_missed_in_any_form_at_any_boundary(
        secret in SECRET.prop_filter("long enough", |s| s.len() >= 8),
        others in prop::collection::vec("[a-z]{8,12}", 0..4),
        form in forms(),
        before in AROUND,
        after in AROUND,
        cut in 1..40_usize,
    ) {
        // A neighbour in base64 that would be read as a part of it, or as indentation, is not one.
        let (inner, interior) = written(&secret, &form);
        let mut known: Vec<&str> = others.iter().map(String::as_str).collect();
        known.push(&secret);
        let redactor = knowing(&known);
        let text = format!("{before}{inner}{after}");
        let whole = redactor.redact(&text).into_owned();
        prop_assert!(whole.contains(MARK), "missed {inner:?} in {text:?}");
        match &interior {
            None => {
                let rest = whole.len() - MARK.len();
                // The mark is exactly in its place, unless the text around has the secret again.
                if whole.matches(MARK).count() == 1 && rest == before.len() + after.len() {
                    prop_assert_eq!(&whole, &format!("{before}{MARK}{after}"));
                }
                prop_assert!(!whole.contains(&inner));
            }
            Some(interior) => {
                let unwrapped: String = whole.split_whitespace().collect();
                prop_assert!(!unwrapped.contains(interior.as_str()));
            }
        }
        let bytes = text.as_bytes();
        for at in 0..=bytes.len() {
            let mut stream = redactor.stream();
            let mut out = stream.push(&bytes[..at]);
            stream.push_into(&bytes[at..], &mut out);
            out.extend(stream.finish());
            prop_assert_eq!(String::from_utf8(out).unwrap(), whole.as_str(), "cut at {}", at);
        }
        for lengths in [&[1][..], &[cut], &[cut, 1, 7]] {
            let out = in_parts(&redactor, bytes, lengths);
            prop_assert_eq!(String::from_utf8(out).unwrap(), whole.as_str(), "parts of {:?}", lengths);
        }
    }

    #[test]
    fn a_text_without_secrets_comes_out_as_it_was(
        secrets in prop::collection::vec("[A-Z0-9]{8,60}", 1..20),
        text in r#"([a-z0-9 ]|[%+/\\"{}\n\r:,é€😀]|%[0-9a-f]{2}|\\u00[0-9a-f]{2}){0,300}"#,
        cut in 1..30_usize,
    ) {
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let redactor = knowing(&secrets);
        prop_assert!(matches!(redactor.redact(&text), Cow::Borrowed(_)));
        prop_assert_eq!(in_parts(&redactor, text.as_bytes(), &[cut]), text.as_bytes());
        prop_assert_eq!(in_parts(&redactor, text.as_bytes(), &[1]), text.as_bytes());
    }
}
