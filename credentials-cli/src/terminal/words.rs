//! Times and texts, for people.

use chrono::{DateTime, SecondsFormat, Utc};

/// A text from outside, without what moves a cursor or hides what follows.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, and those that turn the direction of writing around (UAX #9).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text as one word of a POSIX shell, which expands nothing in it. What would move a cursor is written
/// with `printf`, so that the line can be shown and copied.
pub(crate) fn quoted(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_owned();
    }
    if !text.chars().any(is_hidden) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || (!c.is_ascii() && !is_hidden(c)) {
            escaped.push(c);
            continue;
        }
        let mut bytes = [0; 4];
        for byte in c.encode_utf8(&mut bytes).bytes() {
            escaped.push_str(&format!("\\{byte:03o}"));
        }
    }
    // A shell cuts the last line ends of it off. The text is then refused, and not taken for another:
    // a session says how long it is.
    format!("\"$(printf '{escaped}')\"")
}

/// A moment in milliseconds since 1970, as RFC 3339 has it.
pub(crate) fn moment(millis: u64) -> String {
    let moment = i64::try_from(millis).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
    moment.map_or_else(String::new, |moment| moment.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// How far a moment is from now.
pub(crate) fn until(millis: u64) -> String {
    let now = u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0);
    match millis.checked_sub(now) {
        Some(rest) => format!("in {}", span(rest)),
        None => format!("{} ago", span(now.saturating_sub(millis))),
    }
}

fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        (1..=400, _, _) => format!("{days} d {} h", hours % 24),
        _ => "years".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        let cases = [
            (999, "0 s"),
            (59_000, "59 s"),
            (61_000, "1 min"),
            (3_660_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
            (u64::MAX, "years"),
        ];
        for (millis, expected) in cases {
            assert_eq!(span(millis), expected);
        }
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn a_quoted_text_is_one_word_of_a_shell_and_is_the_same_text() {
        let cases =
            ["work/mail", "", "a b", "it's; touch x", "$(id)`id`\\", "m'\x1b[2J%s\u{202e}é -n"];
        for text in cases {
            let word = quoted(text);
            assert!(!word.contains('\x1b'), "{word}");
            let script = format!("set -- {word}; printf '%s' \"$#$1\"");
            let shell = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(shell.stdout).unwrap(), format!("1{text}"), "{word}");
        }
        assert_eq!(quoted("work/mail"), "work/mail");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_text_from_outside_moves_no_cursor_and_turns_no_line_around() {
        assert_eq!(
            plain("alice\x1b[2J\u{202e}\r\nbob é"),
            "alice\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}bob é"
        );
    }
}
