//! [`Detail`]: words that may stand in an error.

use std::borrow::Cow;

/// Words about one case: literals of the code, or text from outside that has been cleaned.
///
/// There is no conversion from `String`, so that a provider's answer cannot slip into an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail(Cow<'static, str>);

/// Longest run without a space that is let through: shorter than any key worth having.
const LONGEST_WORD: usize = 24;
const LONGEST_TEXT: usize = 160;

impl Detail {
    /// Text from outside, made harmless: printable ASCII, at most 160 characters, and every word
    /// longer than 24 characters, or that mixes letters and digits at 12 or more, masked.
    #[must_use]
    pub fn cleaned(text: &str) -> Self {
        let mut clean = String::new();
        for word in text.split_whitespace() {
            let letters = word.chars().any(|c| c.is_ascii_alphabetic());
            let digits = word.chars().any(|c| c.is_ascii_digit());
            let secretive = word.len() > LONGEST_WORD || (letters && digits && word.len() >= 12);
            let room = LONGEST_TEXT.saturating_sub(clean.len());
            if room < 8 {
                break;
            }
            if !clean.is_empty() {
                clean.push(' ');
            }
            if secretive {
                clean.push_str("[…]");
            } else {
                clean.extend(word.chars().filter(char::is_ascii_graphic).take(room));
            }
        }
        Self(Cow::Owned(clean))
    }

    /// Words of ours with numbers or validated ids in them. The caller vouches that no part comes
    /// from a provider's answer.
    #[must_use]
    pub const fn composed(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Detail {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<crate::id::InvalidId> for Detail {
    fn from(error: crate::id::InvalidId) -> Self {
        Self(Cow::Owned(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn promise_6_a_token_in_outside_text_is_masked() {
        let clean =
            Detail::cleaned("Token eyJhbGciOiJSUzI1NiJ9.e30.abc is invalid, key sk-live-12345678");
        assert_eq!(clean.as_str(), "Token […] is invalid, key […]");
    }

    proptest! {
        #[test]
        fn promise_6_no_long_word_survives(text in "\\PC{0,400}") {
            let clean = Detail::cleaned(&text);
            prop_assert!(clean.as_str().len() <= LONGEST_TEXT + 8);
            prop_assert!(clean.as_str().split(' ').all(|w| w.len() <= LONGEST_WORD));
            prop_assert!(!clean.as_str().chars().any(char::is_control));
        }
    }
}
