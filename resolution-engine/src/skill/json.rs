//! JSON5 into a [`Node`], to a limited depth: the parser itself has no limit.

use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::node::{DEPTH, Node};

/// Why a text gave no tree.
pub(super) enum NotRead {
    /// It is not JSON5. It may still be YAML.
    Syntax,
    /// It must not be read in any way.
    Refused(&'static str),
}

/// Reads one value.
pub(super) fn read(text: &str) -> Result<Node, NotRead> {
    let mut refusal = None;
    let mut deserializer = json5::Deserializer::from_str(text);
    let seed = Within { left: DEPTH, refusal: &mut refusal };
    let read = seed.deserialize(&mut deserializer);
    // Whatever follows the value, other than space and comments, makes it something else.
    let rest =
        read.map_err(|_| ()).and_then(|node| match json5::from_str::<de::IgnoredAny>(text) {
            Ok(_) => Ok(node),
            Err(_) => Err(()),
        });
    match (rest, refusal) {
        (Ok(node), _) => Ok(node),
        (Err(()), Some(problem)) => Err(NotRead::Refused(problem)),
        (Err(()), None) => Err(NotRead::Syntax),
    }
}

/// A value that may be nested so deep yet.
struct Within<'a> {
    left: usize,
    refusal: &'a mut Option<&'static str>,
}

impl Within<'_> {
    fn deeper<E: de::Error>(&mut self) -> Result<usize, E> {
        self.left.checked_sub(1).ok_or_else(|| self.refuse("it is nested deeper than 32"))
    }

    fn refuse<E: de::Error>(&mut self, problem: &'static str) -> E {
        *self.refusal = Some(problem);
        E::custom(problem)
    }
}

impl<'de> DeserializeSeed<'de> for Within<'_> {
    type Value = Node;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Node, A::Error> {
        let left = self.deeper()?;
        let mut list = Vec::new();
        while let Some(node) =
            access.next_element_seed(Within { left, refusal: &mut *self.refusal })?
        {
            list.push(node);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Node, A::Error> {
        let left = self.deeper()?;
        let mut pairs: Vec<(String, Node)> = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(self.refuse("a key is given twice; keep one"));
            }
            let node = access.next_value_seed(Within { left, refusal: &mut *self.refusal })?;
            pairs.push((key, node));
        }
        Ok(Node::Map(pairs))
    }
}
