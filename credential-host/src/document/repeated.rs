//! JSON5 with the names in it that are there twice: of two, a map keeps one.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The value, and the path of every name that is in its object more than once (`section.name`, elements
/// of lists by their number).
pub(super) fn read(text: &str) -> Result<(Value, Vec<String>), json5::Error> {
    json5::from_str::<Read>(text).map(|read| (read.value, read.repeated))
}

struct Read {
    value: Value,
    /// Paths within the value.
    repeated: Vec<String>,
}

impl Read {
    /// The paths, as they are in what has the value under `name`.
    fn repeated_under(self, name: &str) -> (Value, impl Iterator<Item = String>) {
        (self.value, self.repeated.into_iter().map(move |path| format!("{name}.{path}")))
    }
}

impl<T: Into<Value>> From<T> for Read {
    fn from(value: T) -> Self {
        Self { value: value.into(), repeated: Vec::new() }
    }
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Read, E> {
        Ok(Value::Null.into())
    }

    fn visit_none<E: Error>(self) -> Result<Read, E> {
        Ok(Value::Null.into())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Read, D::Error> {
        Read::deserialize(from)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Read, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Read, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Read, E> {
        Ok(value.into())
    }

    /// JSON has no infinity, and no number that is none.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Read, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number).into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Read, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Read, A::Error> {
        let (mut values, mut repeated) = (Vec::new(), Vec::new());
        while let Some(next) = list.next_element::<Read>()? {
            let place = values.len().to_string();
            let (value, within) = next.repeated_under(&place);
            repeated.extend(within);
            values.push(value);
        }
        Ok(Read { value: Value::Array(values), repeated })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Read, A::Error> {
        let (mut values, mut repeated) = (Map::new(), Vec::new());
        while let Some((name, next)) = object.next_entry::<String, Read>()? {
            let (value, within) = next.repeated_under(&name);
            repeated.extend(within);
            if values.insert(name.clone(), value).is_some() {
                repeated.push(name);
            }
        }
        Ok(Read { value: Value::Object(values), repeated })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_what_the_parser_makes_of_it() {
        let text =
            "{a: [1, -2, 2.5, 1e3, +Infinity, 0x10, 'x', null, true, {}], \"b\": {c: \"d\"}}";
        let plain: Value = json5::from_str(text).unwrap();
        assert_eq!(read(text).unwrap(), (plain, Vec::new()));
        let (value, repeated) = read("{a: {b: 1, c: [0, {d: 1, d: 2}], b: 2}, e: {b: 1}}").unwrap();
        assert_eq!(repeated, ["a.c.1.d", "a.b"]);
        assert_eq!(value.pointer("/a/b"), Some(&Value::from(2)));
        assert!(read("{a: ").is_err() && read("{} {}").is_err());
    }
}
