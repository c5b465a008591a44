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
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use common::*;
use credential_provider_api::*;
use proptest::prelude::*;
use resolution_engine::injection::*;
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

/// That do not repeat themselves.
fn letters(count: usize) -> String {
    let mut bytes = vec![0; count];
    SeededRandom::new(5).fill(&mut bytes);
    bytes.into_iter().map(|byte| char::from(b'!' + byte % 93)).collect()
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
    // Each case is cut in a hundred places and more.
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

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

#[test]
fn each_alignment_and_alphabet_of_base64_is_masked() {
    let secret = "k>?~y/+secret??>>";
    let redactor = knowing(&[secret]);
    for engine in [STANDARD, URL_SAFE] {
        for before in 0..6 {
            for after in 0..3 {
                let all = format!("{}{secret}{}", "u".repeat(before), "v".repeat(after));
                let encoded = engine.encode(&all);
                let own = (before * 8).div_ceil(6)..(before + secret.len()) * 8 / 6;
                let masked = format!("{}{MARK}{}", &encoded[..own.start], &encoded[own.end..]);
                assert_eq!(redactor.redact(&encoded), masked);
            }
        }
    }
}

#[test]
fn what_overlaps_or_touches_is_one_mark() {
    let redactor = knowing(&["abcdefgh", "efghijklmnop", "ijklmnopq", "12345678"]);
    assert_eq!(redactor.redact("-abcdefghijklmnopq-"), format!("-{MARK}-"));
    assert_eq!(redactor.redact("abcdefgh12345678"), MARK);
    assert_eq!(redactor.redact("abcdefgh 12345678"), format!("{MARK} {MARK}"));
    // A longer one that begins the same is waited for, and is masked whole.
    let redactor = knowing(&["token-12345678", "token-12345678-and-more"]);
    let parts = in_parts(&redactor, b"token-12345678-and-more token-12345678-and-less", &[3]);
    assert_eq!(parts, format!("{MARK} {MARK}-and-less").as_bytes());
}

#[test]
fn a_mark_is_never_taken_for_a_secret() {
    assert!(is_mark(MARK));
    assert_eq!(knowing(&["12345678"]).redact("12345678"), MARK);
}

#[test]
fn a_stream_holds_back_only_what_may_be_a_secret() {
    let secret = "s3cr3t-of-forty-bytes-and-a-few-more-here";
    let redactor = knowing(&[secret]);
    let mut stream = redactor.stream();
    assert_eq!(stream.push(b"0123456789").len(), 3, "but for the last seven");
    assert_eq!(stream.held_back(), 7);
    let mut out = stream.push(b"-s3cr3t-of-forty");
    assert_eq!(stream.held_back(), "s3cr3t-of-forty".len());
    // It was none after all.
    out.extend(stream.push(b"-other things and so on"));
    assert_eq!(stream.held_back(), 7);
    out.extend(stream.finish());
    assert_eq!(out, b"3456789-s3cr3t-of-forty-other things and so on");
}

#[test]
fn what_is_held_back_is_bounded() {
    // All but the end of it, in forms that take as much room as they can.
    let secret = letters(8_192);
    let redactor = knowing(&[&secret]);
    let mut most = 0;
    for (written, room) in [
        (secret[..8_000].to_owned(), 8_000),
        (secret[..8_000].bytes().map(|b| format!("\\\\u{b:04x}")).collect(), 56_000),
        (secret[..3_500].chars().map(|c| format!("{c}\n{:32}", "")).collect(), 98_304),
    ] {
        let mut stream = redactor.stream();
        stream.push(b"now ");
        for part in written.as_bytes().chunks(4_000) {
            stream.push(part);
            assert!(stream.held_back() <= 98_304, "{}", stream.held_back());
            most = most.max(stream.held_back());
        }
        let held = stream.held_back();
        assert!(held == room || room == 98_304, "{held} of {room}");
    }
    assert!(most > 90_000, "{most}");
}

#[test]
fn a_long_secret_is_masked_whole_and_in_parts() {
    let secret = letters(20_001);
    let redactor = knowing(&[&secret]);
    let text = format!("<{secret}>");
    assert_eq!(redactor.redact(&text), format!("<{MARK}>"));
    assert_eq!(in_parts(&redactor, text.as_bytes(), &[1000]), format!("<{MARK}>").as_bytes());
    let encoded = STANDARD.encode(&secret);
    assert_eq!(redactor.redact(&encoded), MARK);
    let quoted = serde_json::to_string(&secret).unwrap();
    assert_eq!(redactor.redact(&quoted), format!("\"{MARK}\""));
    // Characters are not cut where a piece ends.
    let long = "é".repeat(9_000);
    assert_eq!(knowing(&[&long]).redact(&format!("a{long}b")), format!("a{MARK}b"));
}

#[test]
fn a_secret_that_repeats_its_beginning_is_masked() {
    let secret = "a".repeat(500) + "b";
    let redactor = knowing(&[&secret]);
    assert_eq!(redactor.redact(&format!("<{secret}>")), format!("<{MARK}>"));
}

#[test]
fn promise_6_short_secrets_are_refused_aloud() {
    let redactor = knowing(&[]);
    assert_eq!(redactor.add(&"1234567".into(), None), Err(Unmaskable::TooShort));
    assert_eq!(redactor.counts().too_short, 1);
    assert_eq!(redactor.redact("1234567"), "1234567");
    redactor.add(&"12345678".into(), None).unwrap();
    assert_eq!(redactor.redact("12345678"), MARK);
}

#[test]
fn promise_6_debug_shows_no_secret() {
    let redactor = knowing(&["CANARY-8d1f-0123"]);
    let mut stream = redactor.stream();
    stream.push(b"text with CANARY-8d1f-01");
    let shown = format!("{redactor:?} {redactor:#?} {stream:?} {:?}", redactor.counts());
    assert!(shown.contains("secrets: 1") && !shown.contains("CANARY"));
}

// What an engine teaches it.

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// An engine that feeds a redactor, and its provider.
fn fed(life: Option<Duration>) -> (World, std::sync::Arc<Scripted>, Redactor) {
    let redactor = knowing(&[]);
    let vault = Scripted::new("vault", life);
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let world = World::build(&[&vault], |b| b.access(rules).redactor(redactor.clone()));
    (world, vault, redactor)
}

fn masks(redactor: &Redactor, secret: &str) -> bool {
    redactor.redact(&format!("<{secret}>")) == format!("<{MARK}>")
}

#[tokio::test]
async fn promise_6_every_secret_of_every_kind_is_masked() {
    let (world, vault, redactor) = fed(Some(HOUR));
    let fields = [("user", "first-field"), ("password", "second-field"), ("pin", "12")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.into()));
    let key = AccessKey::new(
        "AKIDEXAMPLE".into(),
        "the-secret-key".into(),
        Some("the-session-token".into()),
    );
    let answers = [
        Credential::api_key("the-api-key".into()),
        Credential::oauth2("the-access-token".into()),
        Credential::token("the-token".into()),
        Credential::user_value(BTreeMap::from(fields)),
        Credential::access_key(key),
        Credential::token("never-cached".into()).with_freshness(Freshness::Never),
    ];
    for (nth, answer) in answers.into_iter().enumerate() {
        vault.then(Act::Answer(Ok(answer.into())));
        world.tool.request(&at(&format!("vault/shared-{nth}"))).await.unwrap();
    }
    for secret in [
        "the-api-key",
        "the-access-token",
        "the-token",
        "first-field",
        "second-field",
        "the-secret-key",
        "the-session-token",
        "never-cached",
    ] {
        assert!(masks(&redactor, secret), "{secret}");
    }
    assert!(!masks(&redactor, "AKIDEXAMPLE"), "the id is public");
    assert_eq!(redactor.counts().too_short, 1, "the pin is counted");
}

/// Lets the engine sweep.
async fn swept(world: &World) {
    world.pass(Duration::from_secs(121)).await;
}

#[tokio::test]
async fn what_is_withdrawn_is_known_until_it_expires() {
    let (world, _, redactor) = fed(Some(HOUR));
    let admin = world.engine.administrator();
    let (revoked, replaced, alices) = (at("vault/shared-a"), at("vault/shared-b"), at("vault/own"));
    let alice = person("alice");
    let first = text(&world.tool.request(&revoked).await.unwrap()).to_owned();
    let second = world.tool.request(&replaced).await.unwrap();
    let third = text(&world.tool.request(&alices).session(&alice).await.unwrap()).to_owned();
    admin.at(&revoked).revoke().await.unwrap();
    admin.end_session(&alice).await;
    world.tool.request(&replaced).report(&second, Outcome::Rejected).unwrap();
    let renewed = text(&world.tool.request(&replaced).await.unwrap()).to_owned();
    let second = {
        let held = second;
        text(&held).to_owned()
    };
    assert_ne!(second, renewed);
    world.clock.advance(HOUR / 2);
    swept(&world).await;
    for secret in [&first, &second, &third, &renewed] {
        assert!(masks(&redactor, secret), "{secret}");
    }
    world.clock.advance(HOUR / 2);
    swept(&world).await;
    for secret in [&first, &second, &third] {
        assert!(!masks(&redactor, secret), "{secret}");
    }
}

#[tokio::test]
async fn what_is_withdrawn_without_an_expiry_is_known_for_thirty_days() {
    let (world, _, redactor) = fed(None);
    let admin = world.engine.administrator();
    let key = at("vault/shared");
    let secret = text(&world.tool.request(&key).await.unwrap()).to_owned();
    // It is held for as long as it is served, used or not.
    let handle = world.tool.request(&key).bind().unwrap();
    handle.get().await.unwrap();
    world.clock.advance(DAY * 40);
    swept(&world).await;
    assert!(masks(&redactor, &secret));
    drop(handle);
    admin.at(&key).revoke().await.unwrap();
    swept(&world).await;
    world.clock.advance(DAY * 29);
    swept(&world).await;
    assert!(masks(&redactor, &secret));
    world.clock.advance(DAY);
    swept(&world).await;
    assert!(!masks(&redactor, &secret));
}

#[tokio::test]
async fn what_anybody_holds_is_known_past_its_expiry() {
    let (world, _, redactor) = fed(Some(HOUR));
    let held = world.tool.request(&at("vault/shared")).await.unwrap();
    let secret = text(&held).to_owned();
    world.clock.advance(DAY);
    swept(&world).await;
    assert!(masks(&redactor, &secret));
    drop(held);
    world.clock.advance(DAY);
    swept(&world).await;
    assert!(!masks(&redactor, &secret));
}

#[tokio::test]
async fn one_secret_of_two_credentials_is_known_as_long_as_either() {
    let (world, vault, redactor) = fed(None);
    let end = |life| world.clock.now().plus(life);
    for life in [DAY, HOUR] {
        vault.then(Act::Answer(Ok(Credential::token("the-same".into())
            .with_expiry(end(life))
            .into())));
    }
    let admin = world.engine.administrator();
    for key in ["vault/shared-a", "vault/shared-b"] {
        world.tool.request(&at(key)).await.unwrap();
        admin.at(&at(key)).invalidate().unwrap();
    }
    assert_eq!(redactor.counts().secrets, 1);
    world.clock.advance(HOUR * 2);
    swept(&world).await;
    assert!(masks(&redactor, "the-same"));
    world.clock.advance(DAY);
    swept(&world).await;
    assert!(!masks(&redactor, "the-same"));
}

#[tokio::test]
async fn beyond_the_bound_those_withdrawn_first_are_forgotten_and_none_that_is_held() {
    let mut retention = Retention::default();
    retention.secrets = 20;
    let redactor = Redactor::with_retention(&SeededRandom::new(7), retention);
    let vault = Scripted::new("vault", None);
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let world = World::build(&[&vault], |b| b.access(rules).redactor(redactor.clone()));
    redactor.add(&"the-hosts-own".into(), None).unwrap();
    let mut held = Vec::new();
    for nth in 0..100 {
        let answer = Credential::token(format!("never-cached-{nth}").into());
        vault.then(Act::Answer(Ok(answer.with_freshness(Freshness::Never).into())));
        let credential = world.tool.request(&at("vault/shared")).await.unwrap();
        if nth < 10 {
            held.push(credential);
        }
        world.clock.advance(Duration::from_secs(1));
        assert!(redactor.counts().secrets <= 20);
    }
    let known: Vec<usize> =
        (0..100).filter(|nth| masks(&redactor, &format!("never-cached-{nth}"))).collect();
    assert!(known.len() >= 17, "as many as there is room for: {known:?}");
    assert_eq!(known[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "held");
    let others = &known[10..];
    assert!(others.iter().copied().eq(100 - others.len()..100), "the newest: {others:?}");
    assert!(masks(&redactor, "the-hosts-own"));
    let counts = redactor.counts();
    assert_eq!(counts.secrets as u64 + counts.crowded_out, 101);
    // Those that are held may be more than there is room for.
    for nth in 0..50 {
        redactor.add(&format!("the-hosts-own-{nth}").as_str().into(), None).unwrap();
    }
    assert!((0..50).all(|nth| masks(&redactor, &format!("the-hosts-own-{nth}"))));
}

/// An engine that feeds a redactor with room for so many.
fn fed_with_room(
    secrets: usize,
    life: Option<Duration>,
) -> (World, std::sync::Arc<Scripted>, Redactor) {
    let mut retention = Retention::default();
    retention.secrets = secrets;
    let redactor = Redactor::with_retention(&SeededRandom::new(7), retention);
    let vault = Scripted::new("vault", life);
    let rules = AccessRules::deny_all().allow("tool:*", "*").unwrap();
    let world = World::build(&[&vault], |b| b.access(rules).redactor(redactor.clone()));
    (world, vault, redactor)
}

fn injector() -> Injector {
    Injector::new(Bindings::none().bind("tool:*", "TOKEN", "vault/shared").unwrap())
}

#[tokio::test]
async fn promise_6_what_a_running_tool_was_given_is_not_crowded_out() {
    let (world, vault, redactor) = fed_with_room(10, None);
    let once = |text: String| {
        Act::Answer(Ok(Credential::token(text.as_str().into())
            .with_freshness(Freshness::Never)
            .into()))
    };
    vault.then(once("injected-value".into()));
    let injection = injector().resolve(&world.tool, None).await.unwrap();
    for nth in 0..50 {
        vault.then(once(format!("of-another-{nth:02}")));
        world.tool.request(&at("vault/shared-other")).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    let value = injection.expose_values().next().unwrap().1;
    assert!(masks(&redactor, value), "the tool still runs with it");
}

#[tokio::test]
async fn promise_6_what_a_running_tool_was_given_is_masked_past_its_expiry() {
    let (world, _, redactor) = fed_with_room(10, Some(HOUR));
    let injection = injector().resolve(&world.tool, None).await.unwrap();
    world.pass(HOUR * 3).await;
    let value = injection.expose_values().next().unwrap().1;
    assert!(masks(&redactor, value), "the tool still runs with it");
}

#[cfg(feature = "placeholders")]
#[tokio::test]
async fn promise_6_what_a_running_tool_was_filled_in_is_masked_past_its_expiry() {
    use resolution_engine::placeholder::{PlaceholderRules, Placeholders};
    let (world, vault, redactor) = fed_with_room(10, Some(HOUR));
    let origin = Origin::parse("https://a.example").unwrap();
    vault.then(Act::Answer(Ok(Credential::token("the-filled-value".into())
        .with_expiry(world.clock.now().plus(HOUR))
        .with_origin(origin.clone())
        .into())));
    let rules = PlaceholderRules::none().allow("tool:*", "/key", "https://a.example").unwrap();
    let parameters = serde_json::json!({ "key": "{{credential:vault/shared}}" });
    let filling = Placeholders::new(rules);
    let filled = filling.fill(&world.tool, None, Some(&origin), &parameters).await.unwrap();
    world.pass(HOUR * 3).await;
    assert!(masks(&redactor, "the-filled-value"), "the tool still runs with it");
    drop(filled);
    swept(&world).await;
    assert!(!masks(&redactor, "the-filled-value"));
}

#[test]
fn a_hosts_own_secret_is_known_until_the_end_it_names() {
    let redactor = knowing(&["for-good"]);
    redactor.add(&"for-a-while".into(), Some(Timestamp::from_secs(100))).unwrap();
    redactor.sweep(Timestamp::from_secs(99));
    assert!(masks(&redactor, "for-a-while"));
    redactor.sweep(Timestamp::from_secs(100));
    assert!(!masks(&redactor, "for-a-while") && masks(&redactor, "for-good"));
    assert_eq!(redactor.counts().secrets, 1);
}

#[test]
fn many_secrets_come_and_go() {
    let redactor = knowing(&[]);
    let name = |n: u32| format!("common-prefix-of-all-{n:07}-and-{}", n % 7);
    for n in 0..5_000 {
        let end = if n % 2 == 0 { None } else { Some(Timestamp::from_secs(1)) };
        redactor.add(&name(n).as_str().into(), end).unwrap();
    }
    redactor.sweep(Timestamp::from_secs(2));
    let text: String = (0..5_000).fold(String::new(), |all, n| all + &name(n) + " ");
    let expected: String = (0..5_000).fold(String::new(), |all, n| {
        all + &if n % 2 == 0 { MARK.to_owned() } else { name(n) } + " "
    });
    assert_eq!(redactor.redact(&text), expected);
    assert_eq!(redactor.counts().secrets, 2_500);
}

#[test]
fn secrets_are_added_while_texts_are_read() {
    let redactor = knowing(&[]);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let redactor = &redactor;
            scope.spawn(move || {
                for n in 0..2_000 {
                    let secret = format!("secret-{thread}-{n:06}");
                    redactor.add(&secret.as_str().into(), None).unwrap();
                    assert!(masks(redactor, &secret), "from the moment it was added");
                }
            });
        }
    });
}
