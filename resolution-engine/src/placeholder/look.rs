//! What a text looks like to a person.

use crate::unseen::is_unseen;

/// Whether anything in a text could be meant as a placeholder, or be taken for one by whoever reads it:
/// two braces, then `credential` and a colon, in any case, with space around the word, with characters
/// between that are not seen, or with others that are drawn like those.
pub(super) fn mentions(text: &str) -> bool {
    if text.is_ascii() && !text.contains("{{") {
        return false;
    }
    let text: String = text.chars().filter(|c| !is_unseen(*c)).map(drawn).collect();
    text.match_indices("{{").any(|(at, braces)| {
        let rest = text.get(at + braces.len()..).unwrap_or_default();
        let rest = rest.trim_start_matches(|c: char| c == '{' || c.is_whitespace());
        rest.strip_prefix(WORD).is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

/// `credential`, as it is [drawn].
const WORD: &str = "credentiai";

/// The ASCII character that this one is drawn like, in lower case; `i` for all that are one stroke.
/// Latin, Cyrillic and Greek letters as far as they are in the word, and the full-width and mathematical
/// forms of all.
fn drawn(c: char) -> char {
    let code = u32::from(c);
    let ascii = match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(code - 0xFEE0).unwrap_or(c),
        '\u{1D400}'..='\u{1D6A3}' => {
            let nth = u8::try_from((code - 0x1D400) % 26).unwrap_or_default();
            char::from(b'a' + nth)
        }
        '\u{421}' | '\u{441}' | '\u{3F9}' | '\u{3F2}' | '\u{217D}' | '\u{216D}' => 'c',
        '\u{433}' | '\u{1D26}' => 'r',
        '\u{415}' | '\u{435}' | '\u{395}' | '\u{3B5}' | '\u{212E}' => 'e',
        '\u{501}' | '\u{217E}' | '\u{216E}' => 'd',
        '\u{39D}' | '\u{43F}' => 'n',
        '\u{422}' | '\u{442}' | '\u{3A4}' | '\u{3C4}' => 't',
        '\u{406}' | '\u{456}' | '\u{399}' | '\u{3B9}' | '\u{131}' | '\u{2170}' | '\u{2160}'
        | '\u{4C0}' | '\u{4CF}' | '\u{217C}' | '\u{1C0}' => 'i',
        '\u{410}' | '\u{430}' | '\u{391}' | '\u{3B1}' | '\u{251}' => 'a',
        '\u{2236}' | '\u{A789}' | '\u{2D0}' | '\u{589}' | '\u{5C3}' | '\u{FE55}' | '\u{FE13}' => {
            ':'
        }
        '\u{FE5B}' | '\u{2774}' => '{',
        other => other,
    };
    match ascii.to_ascii_lowercase() {
        'l' | '1' | '|' => 'i',
        other => other,
    }
}
