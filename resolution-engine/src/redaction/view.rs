//! Ways to read a text: as it is, and with encodings undone. A reading starts at any byte, and what
//! stands before it changes nothing.

/// One way to read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct View(&'static [Layer]);

/// What is undone in one go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    /// `%41` is `A` (RFC 3986 §2.1).
    Percent,
    /// `+` is a space (the URL standard, `application/x-www-form-urlencoded`).
    Form,
    /// `\n`, `\"`, `\u0041` (RFC 8259 §7).
    Json,
    /// Line breaks, and the indentation after them, are not there.
    Lines,
}

/// A way to read other than as it is, and where it differs.
pub(super) struct Reading {
    pub(super) view: View,
    /// [`class`]es of the bytes at which it may differ from the text.
    pub(super) triggers: u8,
    pub(super) same: &'static [Same],
}

/// Where another reading, which undoes less, shows the same.
pub(super) struct Same {
    /// From a byte of these classes on:
    pub(super) at: u8,
    /// the place of that reading in [`READINGS`],
    pub(super) of: usize,
    /// if what it shows has no byte of these classes,
    pub(super) unless_shown: u8,
    /// or the text has none of these, where there are any.
    pub(super) unless_written: u8,
}

pub(super) const RAW: View = View(&[]);
pub(super) const LINES: View = View(&[Lines]);

const PERCENT: u8 = 1;
const PLUS: u8 = 2;
const SLASH: u8 = 4;
pub(super) const BREAK: u8 = 8;
pub(super) const CLASSES: usize = 4;

/// Of a byte that some layer treats specially, one bit; of any other none.
#[inline]
pub(super) const fn class(byte: u8) -> u8 {
    match byte {
        b'%' => PERCENT,
        b'+' => PLUS,
        b'\\' => SLASH,
        b'\n' | b'\r' => BREAK,
        _ => 0,
    }
}

use Layer::{Form, Json, Lines, Percent};
const fn reading(layers: &'static [Layer], triggers: u8, same: &'static [Same]) -> Reading {
    Reading { view: View(layers), triggers, same }
}
/// Undoes more on top of `of`: the same but where that shows what it undoes.
const fn above(at: u8, of: usize, unless_shown: u8) -> Same {
    Same { at, of, unless_shown, unless_written: 0 }
}
/// Undoes more below `of`, which may leave an escape as it is that is one then.
const fn below(at: u8, of: usize, unless_shown: u8, unless_written: u8) -> Same {
    Same { at, of, unless_shown, unless_written }
}

/// All but [`RAW`]; the layers in the order in which they are undone.
pub(super) const READINGS: [Reading; 14] = [
    reading(&[Percent], PERCENT, &[]),
    reading(&[Form, Percent], PERCENT | PLUS, &[above(PERCENT, 0, PLUS)]),
    reading(&[Percent, Percent], PERCENT, &[above(PERCENT, 0, PERCENT)]),
    // A form within a form.
    reading(
        &[Percent, Form, Percent],
        PERCENT | PLUS,
        &[above(PERCENT, 0, PERCENT | PLUS), above(PLUS, 1, PERCENT | PLUS)],
    ),
    reading(&[Json], SLASH, &[]),
    reading(&[Json, Json], SLASH, &[above(SLASH, 4, SLASH)]),
    reading(&[Lines], BREAK, &[]),
    reading(&[Json, Lines], SLASH | BREAK, &[above(SLASH, 4, BREAK), above(BREAK, 6, SLASH)]),
    reading(&[Json, Json, Lines], SLASH | BREAK, &[above(SLASH, 5, BREAK), above(BREAK, 6, SLASH)]),
    reading(
        &[Percent, Lines],
        PERCENT | BREAK,
        &[above(PERCENT, 0, BREAK), above(BREAK, 6, PERCENT)],
    ),
    // JSON in a query, in a form.
    reading(
        &[Percent, Json],
        PERCENT | SLASH,
        &[above(PERCENT, 0, SLASH), below(SLASH, 4, PERCENT | SLASH, PERCENT)],
    ),
    reading(
        &[Form, Percent, Json],
        PERCENT | PLUS | SLASH,
        &[above(PERCENT | PLUS, 1, SLASH), below(SLASH, 4, PERCENT | PLUS | SLASH, PERCENT | PLUS)],
    ),
    // A query, a form in JSON.
    reading(
        &[Json, Percent],
        PERCENT | SLASH,
        &[above(SLASH, 4, PERCENT), below(PERCENT, 0, PERCENT | SLASH, SLASH)],
    ),
    reading(
        &[Json, Form, Percent],
        PERCENT | PLUS | SLASH,
        &[above(SLASH, 4, PERCENT | PLUS), below(PERCENT | PLUS, 1, PERCENT | SLASH, SLASH)],
    ),
];

/// Whether some way to read differs from the text somewhere in `bytes`. Compiles to a few vector
/// instructions.
pub(super) fn any_trigger(bytes: &[u8]) -> bool {
    let mut found = false;
    for byte in bytes {
        found |= matches!(byte, b'%' | b'+' | b'\\' | b'\n' | b'\r');
    }
    found
}

/// A text of which more may come.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) is_whole: bool,
}

/// Why there is no next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// There is none.
    End,
    /// It is not decided yet: more of the text is needed.
    More,
}

/// Where a reading has come to.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    /// In the text.
    pub(super) at: usize,
    /// Bytes of a character that a layer has decoded, and not given yet.
    queues: [Queue; 3],
}

#[derive(Clone, Copy, Default)]
struct Queue {
    bytes: u32,
    count: u8,
}

/// The widest indentation that is read over.
const WIDEST_INDENTATION: usize = 32;

impl View {
    /// Whether it reads over line breaks.
    pub(super) fn has_lines(self) -> bool {
        self.without_lines().is_some()
    }

    /// The same with line breaks in it, if it reads over them.
    pub(super) fn without_lines(self) -> Option<Self> {
        match self.0.split_last() {
            Some((Lines, below)) => Some(Self(below)),
            _ => None,
        }
    }
}

impl Cursor {
    pub(super) fn new(at: usize) -> Self {
        Self { at, queues: [Queue::default(); 3] }
    }

    /// Whether nothing is decoded and not given yet.
    pub(super) fn is_settled(&self) -> bool {
        self.queues.iter().all(|queue| queue.count == 0)
    }

    /// The next byte of `view`.
    pub(super) fn next(&mut self, text: Text<'_>, view: View) -> Result<u8, Stop> {
        self.layer(text, view.0)
    }

    fn layer(&mut self, text: Text<'_>, layers: &[Layer]) -> Result<u8, Stop> {
        let Some((layer, below)) = layers.split_last() else {
            let byte = text.bytes.get(self.at).copied();
            self.at += usize::from(byte.is_some());
            return byte.ok_or(if text.is_whole { Stop::End } else { Stop::More });
        };
        let depth = below.len();
        if let Some(queue) = self.queues.get_mut(depth).filter(|queue| queue.count > 0) {
            let byte = queue.bytes as u8;
            *queue = Queue { bytes: queue.bytes >> 8, count: queue.count - 1 };
            return Ok(byte);
        }
        let byte = self.layer(text, below)?;
        match (layer, byte) {
            (Form, b'+') => Ok(b' '),
            (Percent, b'%') => match self.ahead(|ahead| ahead.hex(text, below, 2))? {
                Some(value) => Ok(value as u8),
                None => Ok(byte),
            },
            (Json, b'\\') => match self.ahead(|ahead| ahead.escape(text, below))? {
                Some(found) => {
                    let mut utf8 = [0; 4];
                    let count = found.encode_utf8(&mut utf8).len();
                    let bytes = u32::from_le_bytes(utf8);
                    if let Some(queue) = self.queues.get_mut(depth) {
                        *queue = Queue { bytes: bytes >> 8, count: (count - 1) as u8 };
                    }
                    Ok(bytes as u8)
                }
                None => Ok(byte),
            },
            (Lines, b'\n' | b'\r') => {
                let mut next = self.layer(text, below)?;
                if (byte, next) == (b'\r', b'\n') {
                    next = self.layer(text, below)?;
                }
                for _ in 0..WIDEST_INDENTATION {
                    if !matches!(next, b' ' | b'\t') {
                        break;
                    }
                    next = self.layer(text, below)?;
                }
                // An empty line ends what was wrapped.
                if matches!(next, b'\n' | b'\r' | b' ' | b'\t') { Err(Stop::End) } else { Ok(next) }
            }
            _ => Ok(byte),
        }
    }

    /// Reads on, and goes back if that finds nothing.
    fn ahead<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Option<T>, Stop>,
    ) -> Result<Option<T>, Stop> {
        let mut ahead = *self;
        match read(&mut ahead) {
            Ok(Some(found)) => {
                *self = ahead;
                Ok(Some(found))
            }
            // A text that ends within an escape has none there.
            Ok(None) | Err(Stop::End) => Ok(None),
            Err(Stop::More) => Err(Stop::More),
        }
    }

    fn hex(&mut self, text: Text<'_>, below: &[Layer], digits: usize) -> Result<Option<u32>, Stop> {
        let mut value = 0;
        for _ in 0..digits {
            match char::from(self.layer(text, below)?).to_digit(16) {
                Some(digit) => value = value << 4 | digit,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    /// What follows a backslash.
    fn escape(&mut self, text: Text<'_>, below: &[Layer]) -> Result<Option<char>, Stop> {
        Ok(match self.layer(text, below)? {
            byte @ (b'"' | b'\\' | b'/' | b'\'') => Some(char::from(byte)),
            b'b' => Some('\u{8}'),
            b'f' => Some('\u{c}'),
            b'n' => Some('\n'),
            b'r' => Some('\r'),
            b't' => Some('\t'),
            b'u' => match self.hex(text, below, 4)? {
                Some(high @ 0xd800..0xdc00) => {
                    if (self.layer(text, below)?, self.layer(text, below)?) != (b'\\', b'u') {
                        return Ok(None);
                    }
                    match self.hex(text, below, 4)? {
                        Some(low @ 0xdc00..0xe000) => {
                            char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                        }
                        _ => None,
                    }
                }
                Some(unit) => char::from_u32(unit),
                None => None,
            },
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, layers: &'static [Layer]) -> String {
        let text = Text { bytes: text.as_bytes(), is_whole: true };
        let mut cursor = Cursor::new(0);
        let bytes = std::iter::from_fn(|| cursor.next(text, View(layers)).ok()).collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn encodings_are_undone() {
        assert_eq!(read("a%2Bb%2bc%zz%4", &[Percent]), "a+b+c%zz%4");
        assert_eq!(read("a+b%2Bc", &[Form, Percent]), "a b+c");
        assert_eq!(read("%2541", &[Percent, Percent]), "A");
        assert_eq!(
            read(r#"\"\\\/\n\u00e9\uD83D\uDE00\ud83dx\q"#, &[Json]),
            "\"\\/\n\u{e9}\u{1f600}\\ud83dx\\q"
        );
        assert_eq!(read(r#"\\\"\\u0041"#, &[Json, Json]), "\"A");
        assert_eq!(read("ab\r\n  cd\nef", &[Lines]), "abcdef");
        assert_eq!(read(r"ab\ncd\\nef", &[Json, Json, Lines]), "abcdef");
    }

    #[test]
    fn an_escape_that_is_cut_is_waited_for() {
        for cut in [r"\", r"\u", r"\u00e", r"\ud83d\u"] {
            let text = Text { bytes: cut.as_bytes(), is_whole: false };
            assert_eq!(Cursor::new(0).next(text, View(&[Json])), Err(Stop::More));
        }
    }
}
