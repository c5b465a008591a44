//! An object whose values stay the text they were.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::raw::Raw;

/// A JSON object: its entries in their order, each value as the text it was read as.
///
/// What nobody edits is written back byte for byte, so numbers keep their digits, strings their
/// escapes, and fields we have never heard of their place. Where a key stands twice, the last counts,
/// as for JavaScript. The text may hold secrets: it is zeroised on drop, and `Debug` shows only the
/// keys' number.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Object {
    entries: Vec<(String, Raw)>,
}

/// Text that is not a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object (line {line}, column {column})")]
pub struct NotAnObject {
    /// Counted from 1; 0 for text that is JSON but no object.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
}

impl Object {
    /// An object without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Reads an object.
    ///
    /// # Errors
    /// [`NotAnObject`], without a word of the text.
    pub fn parse(text: &str) -> Result<Self, NotAnObject> {
        serde_json::from_str::<Entries>(text)
            .map(|Entries(entries)| Self { entries })
            .map_err(|error| NotAnObject { line: error.line(), column: error.column() })
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Raw> {
        self.entries.iter().rev().find(|(name, _)| name == key).map(|(_, raw)| raw)
    }

    /// The value of a key, if it is text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Zeroizing<String>> {
        self.get(key)?.text()
    }

    /// The value of a key, if it is an object.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<Self> {
        self.get(key)?.object()
    }

    /// The value of a key, if it is a number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.number()
    }

    /// The entries in their order, a repeated key once, with the value that counts.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Raw)> {
        self.entries.iter().enumerate().filter_map(|(at, (name, raw))| {
            let again = self.entries.iter().skip(at + 1).any(|(other, _)| other == name);
            (!again).then_some((name.as_str(), raw))
        })
    }

    /// Puts a value under a key: in its place if the key is there, else last.
    pub fn set(&mut self, key: &str, value: Raw) {
        let last = self.entries.iter().rposition(|(name, _)| name == key);
        match last.and_then(|at| self.entries.get_mut(at)) {
            Some((_, raw)) => *raw = value,
            None => self.entries.push((key.to_owned(), value)),
        }
    }

    /// Takes a key out, each time it stands there.
    pub fn remove(&mut self, key: &str) {
        self.entries.retain(|(name, _)| name != key);
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The object as text, indented by two spaces a level, `depth` levels in. Values keep their text.
    #[must_use]
    pub fn to_text(&self, depth: usize) -> Zeroizing<String> {
        if self.entries.is_empty() {
            return Zeroizing::new("{}".to_owned());
        }
        // One allocation: a buffer that grows leaves copies of secrets behind.
        let indent = 2 * (depth + 1);
        let room = |(key, raw): &(String, Raw)| 6 * key.len() + raw.as_str().len() + indent + 6;
        let length: usize = self.entries.iter().map(room).sum();
        let mut text = Zeroizing::new(String::with_capacity(length + indent + 4));
        text.push('{');
        for (at, (key, raw)) in self.entries.iter().enumerate() {
            text.push_str(if at == 0 { "\n" } else { ",\n" });
            text.extend(std::iter::repeat_n(' ', indent));
            text.push_str(Raw::from_text(key).as_str());
            text.push_str(": ");
            text.push_str(raw.as_str());
        }
        text.push('\n');
        text.extend(std::iter::repeat_n(' ', indent - 2));
        text.push('}');
        text
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({} entries)", self.entries.len())
    }
}

struct Entries(Vec<(String, Raw)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        // Borrowed from the text: nothing is copied but into a place that is zeroised.
        while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
            let raw = Raw::checked(value.get()).ok_or_else(|| de::Error::custom("no value"))?;
            entries.push((key, raw));
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_nobody_edits_is_written_as_it_was() {
        let text = "{\n  \"a\": 1.10e2,\n  \"b\": {\"x\":  [1,2 ,3]},\n  \"\\u0063\": \"\\u00e9\\ud800\"\n}";
        let object = Object::parse(text).unwrap();
        assert_eq!(object.to_text(0).as_str(), text.replace("\\u0063", "c"));
    }

    #[test]
    fn an_edit_touches_its_place_only() {
        let mut object = Object::parse(r#"{"a":1,"b":2,"c":3}"#).unwrap();
        object.set("b", Raw::from_text("new"));
        object.remove("c");
        object.set("d", Raw::from_number(7.0));
        assert_eq!(object.to_text(0).as_str(), "{\n  \"a\": 1,\n  \"b\": \"new\",\n  \"d\": 7\n}");
    }

    #[test]
    fn of_a_key_that_stands_twice_the_last_counts() {
        let mut object = Object::parse(r#"{"a":1,"b":0,"a":2}"#).unwrap();
        assert_eq!(object.number("a"), Some(2.0));
        assert_eq!(object.entries().map(|(key, _)| key).collect::<Vec<_>>(), ["b", "a"]);
        object.set("a", Raw::from_number(3.0));
        assert_eq!(object.number("a"), Some(3.0));
        object.remove("a");
        assert_eq!(object.get("a"), None);
    }

    #[test]
    fn what_is_no_object_is_an_error_without_a_word_of_it() {
        for text in ["", "[]", "\"sk-1\"", "{\"a\":\"sk-1\"", "{\"a\":sk-1}", "{} {}"] {
            let error = Object::parse(text).unwrap_err();
            assert!(!error.to_string().contains("sk-1"), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let object = Object::parse(r#"{"key":"sk-marked"}"#).unwrap();
        assert_eq!(format!("{object:?}"), "Object(1 entries)");
    }

    proptest::proptest! {
        #[test]
        fn any_object_survives(value: std::collections::BTreeMap<String, (i64, String, Vec<bool>)>) {
            let before = serde_json::to_value(&value).unwrap();
            let object = Object::parse(&before.to_string()).unwrap();
            let after: serde_json::Value = serde_json::from_str(&object.to_text(0)).unwrap();
            proptest::prop_assert_eq!(before, after);
        }
    }
}
