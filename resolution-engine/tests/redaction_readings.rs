//! What a redactor masks against what a slow and simple reader of the same rules finds, in texts
//! made of parts of secrets, escapes and half escapes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use credential_provider_api::*;
use resolution_engine::*;

/// A byte, and where in the text it ends.
type Item = (u8, usize);

const fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn hex(items: &[Item]) -> Option<u32> {
    items.iter().try_fold(0, |all, (byte, _)| Some(all << 4 | char::from(*byte).to_digit(16)?))
}

fn percent(items: &[Item]) -> Vec<Item> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < items.len() {
        let value = items.get(at + 1..at + 3).and_then(hex).filter(|_| items[at].0 == b'%');
        match value {
            Some(value) => {
                out.push((value as u8, items[at + 2].1));
                at += 3;
            }
            None => {
                out.push(items[at]);
                at += 1;
            }
        }
    }
    out
}

fn form(items: &[Item]) -> Vec<Item> {
    items.iter().map(|(byte, end)| (if *byte == b'+' { b' ' } else { *byte }, *end)).collect()
}

/// What an escape stands for, and how long it is.
fn escape(items: &[Item]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let is_escape = items.get(at)?.0 == b'\\' && items.get(at + 1)?.0 == b'u';
        if is_escape { hex(items.get(at + 2..at + 6)?) } else { None }
    };
    if items[0].0 != b'\\' {
        return None;
    }
    let simple = match items.get(1)?.0 {
        byte @ (b'"' | b'\\' | b'/' | b'\'') => Some(char::from(byte)),
        b'b' => Some('\u{8}'),
        b'f' => Some('\u{c}'),
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        _ => None,
    };
    if let Some(simple) = simple {
        return Some((simple, 2));
    }
    let first = unit(0)?;
    if let Some(c) = char::from_u32(first) {
        return Some((c, 6));
    }
    let pair = [first as u16, unit(6)? as u16];
    let c = char::decode_utf16(pair).next()?.ok()?;
    Some((c, 12))
}

fn json(items: &[Item]) -> Vec<Item> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < items.len() {
        if let Some((c, length)) = escape(&items[at..]) {
            let end = items[at + length - 1].1;
            out.extend(c.to_string().bytes().map(|byte| (byte, end)));
            at += length;
        } else {
            out.push(items[at]);
            at += 1;
        }
    }
    out
}

fn lines(items: &[Item]) -> Vec<Item> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < items.len() {
        if is_break(items[at].0) {
            let is_two = items[at].0 == b'\r' && items.get(at + 1).is_some_and(|i| i.0 == b'\n');
            at += if is_two { 2 } else { 1 };
            at += items[at..].iter().take(32).take_while(|item| is_blank(item.0)).count();
            if items.get(at).is_none_or(|item| is_break(item.0) || is_blank(item.0)) {
                return out;
            }
        }
        out.push(items[at]);
        at += 1;
    }
    out
}

/// Every reading from `start` on.
fn readings(text: &[u8], start: usize) -> Vec<Vec<Item>> {
    let raw: Vec<Item> =
        text[start..].iter().enumerate().map(|(n, b)| (*b, start + n + 1)).collect();
    let (p, j, fp) = (percent(&raw), json(&raw), percent(&form(&raw)));
    let jj = json(&j);
    let mut all = vec![percent(&p), percent(&form(&p)), json(&p), json(&fp), percent(&j)];
    all.push(percent(&form(&j)));
    for wrapped in [&raw, &p, &j, &jj] {
        // What is masked begins with the secret.
        if !wrapped.first().is_some_and(|(b, _)| is_break(*b)) {
            all.push(lines(wrapped));
        }
    }
    all.extend([fp, p, j, jj, raw]);
    all
}

/// What is looked for: the secret, without blanks around it, and without its line breaks; the first
/// two in base64 too.
fn patterns(secret: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for text in [secret, secret.trim()] {
        all.push(text.as_bytes().to_vec());
        for before in 0..3 {
            let shifted = [&vec![0; before][..], text.as_bytes()].concat();
            for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let encoded = alphabet.encode(&shifted);
                let own = (before * 8).div_ceil(6)..shifted.len() * 8 / 6;
                all.push(encoded.as_bytes().get(own).unwrap_or_default().to_vec());
            }
        }
    }
    let items: Vec<Item> = secret.trim().bytes().map(|byte| (byte, 0)).collect();
    let joined: Vec<u8> = lines(&items).iter().map(|(byte, _)| *byte).collect();
    // An empty line divides it: see `a_secret_of_several_paragraphs`.
    let is_one = !secret.trim().contains("\n\n");
    all.extend(is_one.then_some(joined));
    all.retain(|pattern| pattern.len() >= 8);
    all
}

fn expected(text: &[u8], secrets: &[String]) -> Vec<u8> {
    let patterns: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| patterns(secret)).collect();
    let mut masked = vec![false; text.len()];
    // A mark is not begun anew within a place, nor where one ends and the next begins.
    for start in 0..text.len() {
        for reading in readings(text, start) {
            for pattern in &patterns {
                let is_it = reading.len() >= pattern.len()
                    && reading.iter().zip(pattern).all(|((byte, _), wanted)| byte == wanted);
                if is_it {
                    masked[start..reading[pattern.len() - 1].1].fill(true);
                }
            }
        }
    }
    let mut out = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        match (masked[at], at > 0 && masked[at - 1]) {
            (true, false) => out.extend_from_slice(b"[redacted]"),
            (true, true) => {}
            (false, _) => out.push(*byte),
        }
    }
    out
}

struct Dice(SeededRandom);

impl Dice {
    fn below(&self, end: usize) -> usize {
        (self.0.next_u64() >> 11) as usize % end
    }
    fn one_in(&self, count: usize) -> bool {
        self.below(count) == 0
    }
    fn pick<'t>(&self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }
}

const NOISE: &[&str] = &[
    "%", "+", "\\", "\n", "\r", " ", "u", "0", "2", "5", "4", "1", "a", "b", "\"", "/", "\\u00",
    "%2", "%25", "\\\\", "\\n", "\n  ", "\r\n", "n", "é", "\\ud8", "6", "\t", "%5C", "\\%", "%0A",
];
const SECRET: &[&str] = &[
    "a", "b", "a", "b", "1", "%", "+", "\\", " ", "/", "\"", "2", "5", "u", "0", "n", "é", "\n",
    "😀", "c", "d", "4",
];

fn in_query(dice: &Dice, text: &str, is_form: bool) -> String {
    let often = 1 + dice.below(5);
    let one = |c: char| match c {
        ' ' if is_form => "+".to_owned(),
        c if "%+ ".contains(c) || dice.one_in(often) => {
            c.to_string().bytes().map(|b| format!("%{b:02X}")).collect()
        }
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

fn in_json(dice: &Dice, text: &str) -> String {
    let often = 1 + dice.below(5);
    let one = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '/' if dice.one_in(2) => "\\/".to_owned(),
        c if dice.one_in(often) => {
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

fn wrapped(dice: &Dice, text: &str) -> String {
    let width = 1 + dice.below(12);
    let end = dice.pick(&["\n", "\r\n", "\n ", "\n\t\t", "\r"]);
    let all: Vec<char> = text.chars().collect();
    let lines: Vec<String> = all.chunks(width).map(|line| line.iter().collect()).collect();
    lines.join(end)
}

fn written(dice: &Dice, secret: &str) -> String {
    let mut text = secret.to_owned();
    if dice.one_in(3) {
        let around = format!("{}{text}{}", &"xyzw"[..dice.below(4)], &"xyz"[..dice.below(3)]);
        let alphabet = if dice.one_in(2) { STANDARD_NO_PAD } else { URL_SAFE_NO_PAD };
        text = alphabet.encode(around);
    }
    if dice.one_in(3) {
        text = wrapped(dice, &text);
    }
    for _ in 0..dice.below(4) {
        text = match dice.below(3) {
            0 => in_json(dice, &text),
            n => in_query(dice, &text, n == 1),
        };
    }
    text
}

#[test]
fn promise_6_a_simple_reader_finds_the_same() {
    let dice = Dice(SeededRandom::new(1));
    let (mut texts, mut with_secrets) = (0, 0);
    while texts < CASES {
        let mut secrets: Vec<String> = Vec::new();
        for _ in 0..1 + dice.below(3) {
            let mut secret = String::new();
            if !secrets.is_empty() && dice.one_in(2) {
                let first: Vec<char> = secrets[0].chars().collect();
                secret = first[..1 + dice.below(first.len())].iter().collect();
            }
            let length = secret.len() + dice.below(if dice.one_in(4) { 160 } else { 24 });
            while secret.len() < length.max(8) {
                secret.push_str(dice.pick(SECRET));
            }
            // Paragraphs are another test's.
            secrets.push(secret.replace("\n\n", "\n"));
        }
        secrets.retain(|secret| secret.len() >= 8 && !secret.contains("\n\n"));
        if secrets.is_empty() {
            continue;
        }
        let redactor = Redactor::new(&SeededRandom::new(dice.0.next_u64()));
        for secret in &secrets {
            redactor.add(&secret.as_str().into(), None).unwrap();
        }
        let mut text = String::new();
        for _ in 0..1 + dice.below(4) {
            text.extend((0..dice.below(6)).map(|_| dice.pick(NOISE)));
            let secret: Vec<char> =
                written(&dice, &secrets[dice.below(secrets.len())]).chars().collect();
            let whole = if dice.one_in(3) { dice.below(secret.len() + 1) } else { secret.len() };
            text.extend(&secret[..whole]);
        }
        text.extend((0..dice.below(6)).map(|_| dice.pick(NOISE)));
        if text.len() > 400 {
            continue;
        }
        texts += 1;
        let wanted = expected(text.as_bytes(), &secrets);
        with_secrets += usize::from(wanted != text.as_bytes());
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found = redactor.redact_bytes(text.as_bytes()).into_owned();
        assert_eq!(shown(&found), shown(&wanted), "{secrets:?} in {text:?}");
        for most in [1, 3, 40] {
            let mut stream = redactor.stream();
            let (mut out, mut rest) = (Vec::new(), text.as_bytes());
            while !rest.is_empty() {
                let (part, after) = rest.split_at((1 + dice.below(most)).min(rest.len()));
                stream.push_into(part, &mut out);
                rest = after;
            }
            out.extend(stream.finish());
            assert_eq!(shown(&out), shown(&wanted), "{secrets:?} in {text:?}, parts to {most}");
        }
    }
    assert!(with_secrets > CASES / 2, "{with_secrets} of {texts}");
}

/// Texts of a second or two.
const CASES: usize = 30;
