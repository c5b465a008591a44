//! [`Member`]: one member of an answer, whatever form it has.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A member of a strange form spoils itself only: what stands beside it may be all that is left of a
/// login.
#[derive(Default)]
pub(super) enum Member {
    /// It is not there, or null.
    #[default]
    Absent,
    Text(SecretString),
    Number(f64),
    Strange,
}

impl Member {
    /// The text, if there is some.
    pub(super) fn text(self) -> Option<SecretString> {
        match self {
            Self::Text(text) if !text.expose_secret().is_empty() => Some(text),
            _ => None,
        }
    }

    /// The text in plain, of a member that is no secret; `Err` if it is something else.
    pub(super) fn plain(&self) -> Result<Option<&str>, Strange> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) => Ok(Some(text.expose_secret())),
            Self::Number(_) | Self::Strange => Err(Strange),
        }
    }
}

/// It is there, and not as it should be.
#[derive(Debug)]
pub(super) struct Strange;

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member")
    }
    fn visit_str<E>(self, text: &str) -> Result<Member, E> {
        Ok(Member::Text(text.into()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Member, E> {
        Ok(Member::Number(number))
    }
    #[allow(clippy::cast_precision_loss, reason = "seconds: what is lost is beyond any life")]
    fn visit_u64<E>(self, number: u64) -> Result<Member, E> {
        Ok(Member::Number(number as f64))
    }
    #[allow(clippy::cast_precision_loss, reason = "seconds: what is lost is beyond any life")]
    fn visit_i64<E>(self, number: i64) -> Result<Member, E> {
        Ok(Member::Number(number as f64))
    }
    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Absent)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
        Ok(Member::Strange)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Member, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Strange)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Strange)
    }
}
