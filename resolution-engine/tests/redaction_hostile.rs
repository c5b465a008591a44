//! Texts and secrets made to slow a redactor down or to slip by it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use credential_provider_api::*;
use resolution_engine::*;

const MARK: &str = "[redacted]";

fn knowing(secrets: &[&str]) -> Redactor {
    let redactor = Redactor::new(&SeededRandom::new(7));
    for secret in secrets {
        redactor.add(&SecretString::from(*secret), None).unwrap();
    }
    redactor
}

/// The shortest of three.
fn took(mut work: impl FnMut()) -> Duration {
    let once = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..3).map(|_| once(&mut work)).min().unwrap()
}

// Time.

/// One line break, 31 blanks and a letter, each character of each escape escaped again: 36 bytes for
/// one that is read.
fn nested(characters: usize) -> String {
    let twice = |c: char| -> String {
        format!("\\u{:04x}", u32::from(c)).bytes().map(|b| format!("\\u{b:04x}")).collect()
    };
    let line = format!("\n{}a", " ".repeat(31));
    line.chars().cycle().take(characters).map(twice).collect()
}

#[test]
fn a_text_of_escapes_within_escapes_takes_a_bounded_multiple_of_a_plain_one() {
    let redactor = knowing(&["s3cr3t-of-forty-bytes-and-a-few-more-here"]);
    let hostile = nested(400);
    let plain = "hello world, how are you? ".repeat(hostile.len() / 26);
    let (plain, hostile) = (
        took(|| drop(redactor.redact(&plain).into_owned())),
        took(|| drop(redactor.redact(&hostile).into_owned())),
    );
    let ratio = hostile.as_secs_f64() / plain.as_secs_f64();
    // Without a bound it was above a thousand; a busy machine doubles what it is.
    assert!(ratio < 500.0, "{ratio:.0} times: {hostile:?} against {plain:?}");
}

#[test]
fn a_text_in_small_parts_takes_a_bounded_multiple_of_the_same_in_one() {
    let redactor = knowing(&["s3cr3t-of-forty-bytes-and-a-few-more-here"]);
    let line = format!(r"\\u000a{}a", r"\\u0020".repeat(31));
    let text = line.repeat(9);
    let whole = took(|| drop(redactor.redact(&text).into_owned()));
    let start = Instant::now();
    let mut stream = redactor.stream();
    for (nth, byte) in text.bytes().enumerate() {
        drop(stream.push(&[byte]));
        let ratio = start.elapsed().as_secs_f64() / whole.as_secs_f64();
        assert!(ratio < 500.0, "{ratio:.0} times after {nth} of {} bytes", text.len());
    }
}

#[test]
fn many_secrets_that_begin_the_same_do_not_slow_a_text_that_begins_so_everywhere() {
    let text = "sk-proj-".repeat(1_500);
    let time = |count: usize| {
        let redactor = knowing(&[]);
        for nth in 0..count {
            redactor.add(&format!("sk-proj-{nth:016}").as_str().into(), None).unwrap();
        }
        took(|| drop(redactor.redact(&text).into_owned()))
    };
    let (few, many) = (time(10), time(2_000));
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    assert!(ratio < 10.0, "{ratio:.0} times: {many:?} against {few:?}");
}

// What is masked.

fn masked(secret: &str, text: &str) {
    let redacted = knowing(&[secret]).redact(text).into_owned();
    assert!(redacted.contains(MARK), "missed {secret:?} in {text:?}");
}

#[test]
fn promise_6_a_form_within_a_form_is_masked() {
    let secret = "p@ss word/1";
    masked(secret, "next=%2Fx%3Fkey%3Dp%2540ss%2Bword%252F1");
}

#[test]
fn promise_6_json_in_a_query_and_a_query_in_json_are_masked() {
    let (quoted, slashed) = ("p\"ss/word-1", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let mut missed = Vec::new();
    for (secret, text) in [
        // encodeURIComponent(JSON.stringify({ key }))
        (quoted, "?filter=%7B%22key%22%3A%22p%5C%22ss%2Fword-1%22%7D"),
        // PHP's json_encode of an address whose query was encoded but for its slashes.
        (
            slashed,
            r#"{"url":"https:\/\/a.example\/?key=wJalrXUtnFEMI\/K7MDENG%2BbPxRfiCYEXAMPLEKEY"}"#,
        ),
        // What base64 wrapped, percent-encoded.
        (slashed, "?key=wJalrXUtnFEMI%2FK7MDENG%2BbPxRfiC%0AYEXAMPLEKEY"),
    ] {
        if !knowing(&[secret]).redact(text).contains(MARK) {
            missed.push(text);
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

const PEM: &str = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\nMIIEowIBAAKCAQEB\n-----END KEY-----\n";

#[test]
fn promise_6_a_secret_of_several_lines_is_masked_with_other_line_ends() {
    masked(PEM, &PEM.replace('\n', "\r\n"));
}

#[test]
fn promise_6_a_secret_of_several_lines_is_masked_where_it_is_indented() {
    let indented: String = PEM.lines().map(|line| format!("    {line}\n")).collect();
    masked(PEM, &format!("key: |\n{indented}"));
}

#[test]
fn promise_6_a_secret_that_ends_with_a_line_break_is_masked_without_it() {
    masked("s3cr3t-value-of-a-file\n", r#"{"key":"s3cr3t-value-of-a-file"}"#);
}

#[test]
fn a_stream_gives_whole_characters() {
    let redactor = knowing(&["s3cr3t-value"]);
    let shown = redactor.stream().push("é".repeat(20).as_bytes());
    assert!(std::str::from_utf8(&shown).is_ok(), "{} bytes end within one", shown.len());
}

#[test]
fn promise_6_the_paragraphs_of_a_secret_are_masked_with_other_line_ends() {
    let line = "MIIEowIBAAKCAQEAvZ0123456789+/abcdefghijklmnopqrstuvwxyzABCDEFGH";
    let secret = format!("Proc-Type: 4,ENCRYPTED\n\n{line}\n{line}x\n");
    let shown = knowing(&[&secret]).redact(&secret.replace('\n', "\r\n")).into_owned();
    // What is short is too common to be looked for by itself.
    assert_eq!(shown, format!("Proc-Type: 4,ENCRYPTED\r\n\r\n{MARK}\r\n"));
    assert_eq!(knowing(&[&secret]).redact(&secret), MARK);
}

#[test]
fn the_first_bytes_of_a_secret_take_up_to_512_bytes() {
    let redactor = knowing(&["s3cr3t-value"]);
    // Line breaks and blanks of six bytes each.
    let spread = |blanks: usize| -> String {
        let between = format!("\\u000a{}", "\\u0020".repeat(blanks));
        let all: Vec<String> = "s3cr3t-v".chars().map(String::from).collect();
        all.join(&between) + "alue"
    };
    for (blanks, is_masked) in [(11, true), (12, false)] {
        let text = spread(blanks);
        assert_eq!(redactor.redact(&text) == MARK, is_masked);
        let mut stream = redactor.stream();
        let mut out = Vec::new();
        for byte in text.bytes() {
            stream.push_into(&[byte], &mut out);
        }
        out.extend(stream.finish());
        assert_eq!(out == MARK.as_bytes(), is_masked);
    }
}

#[test]
fn an_empty_line_ends_what_was_wrapped() {
    let redactor = knowing(&["abcdefghijkl"]);
    assert_eq!(redactor.redact("<abcdef\n  ghijkl>"), format!("<{MARK}>"));
    for text in ["<abcdef\n\nghijkl>", "<abcdef\n  \n  ghijkl>", "<abcdef\r\n\r\nghijkl>"] {
        assert_eq!(redactor.redact(text), text);
    }
    for before in ["\n  ", "\\n  ", "\\\\n\\u0020", "%0A", "%0A \n"] {
        let text = format!("{before}abcdefghijkl");
        assert_eq!(redactor.redact(&text), format!("{before}{MARK}"), "the mark begins with it");
    }
}

#[test]
fn promise_6_what_is_forgotten_before_its_time_is_traced() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut retention = Retention::default();
    retention.secrets = 2;
    let redactor = Redactor::with_retention(&SeededRandom::new(7), retention);
    let log = Log::default();
    let to = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || to.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        for nth in 0..3 {
            let over = Some(Timestamp::EPOCH);
            redactor.add(&format!("s3cr3t-value-{nth}").as_str().into(), over).unwrap();
        }
    });
    let count = redactor.counts().crowded_out;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(count > 0 && log.contains("WARN") && log.contains("not masked any more"), "{log}");
    assert!(!log.contains("s3cr3t"));
}
