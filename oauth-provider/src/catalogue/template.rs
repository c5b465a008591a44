//! Addresses with placeholders: `https://{host}/realms/{realm}`.

use std::collections::BTreeMap;

use super::service::ServiceParameter;

impl ServiceParameter {
    /// The error says what `value` is not, and does not repeat it.
    pub(super) fn check(self, value: &str) -> Result<(), &'static str> {
        let word = |text: &str, more: &[char]| {
            let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(&c);
            !text.is_empty() && text.chars().all(fits)
        };
        match self {
            // Of one case: an issuer's identifier is compared to the letter.
            Self::Host => {
                let (name, port) =
                    value.split_once(':').map_or((value, None), |(n, p)| (n, Some(p)));
                let port = port.is_none_or(|port| port.parse::<u16>().is_ok());
                let lower = |label: &str| !label.chars().any(|c| c.is_ascii_uppercase());
                let label =
                    |label: &str| word(label, &['-']) && lower(label) && !label.starts_with('-');
                let named = port && name.len() <= 253 && name.split('.').all(label);
                if named { Ok(()) } else { Err("is no host name in lower case") }
            }
            Self::Segment => {
                let dots = value == "." || value == "..";
                let fits = !dots && word(value, &['-', '.', '_', '~']);
                if fits { Ok(()) } else { Err("is no single part of a path") }
            }
            Self::Uuid => {
                let parts: Vec<_> = value.split('-').collect();
                let lengths = parts.iter().map(|part| part.len());
                let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
                let fits =
                    lengths.eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| part.chars().all(hex));
                if fits { Ok(()) } else { Err("is no UUID in lower case") }
            }
        }
    }
}

/// `template` with its placeholders filled.
pub(super) fn filled(template: &str, values: &BTreeMap<String, String>) -> String {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_change_what_surrounds_it() {
        let uuid = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
        for (kind, good, bad) in [
            (
                ServiceParameter::Host,
                vec!["git.example", "git.example:8443", "a-b.example"],
                vec![
                    "",
                    "a/b",
                    "a.example/x",
                    "u@a",
                    "a?b",
                    "a#b",
                    "a..b",
                    "-a",
                    "a:x",
                    "a:70000",
                    "A.example",
                ],
            ),
            (
                ServiceParameter::Segment,
                vec!["master", "a_b.c~d-1"],
                vec!["", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "ä", "a b", "{host}"],
            ),
            (
                ServiceParameter::Uuid,
                vec![uuid],
                vec!["", "common", "8EAEF023-2B34-4DA1-9BAA-8BC8C9D6A490", "8eaef023", "a-b-c-d-e"],
            ),
        ] {
            for value in good {
                assert!(kind.check(value).is_ok(), "{value}");
            }
            for value in bad {
                assert!(kind.check(value).is_err(), "{value}");
            }
        }
    }
}
