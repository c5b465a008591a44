//! One JSON value as the text it was.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::object::Object;

/// Valid JSON text. It may hold a secret: zeroised on drop, hidden by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw(Zeroizing<String>);

impl Raw {
    /// A text value.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        // Room for the worst escape of every byte, so that the buffer never grows and leaves a copy.
        let mut bytes = Zeroizing::new(Vec::with_capacity(6 * text.len() + 2));
        match serde_json::to_writer(&mut *bytes, text).map(|()| std::str::from_utf8(&bytes)) {
            Ok(Ok(json)) => Self(Zeroizing::new(json.to_owned())),
            // Text is always JSON text.
            _ => Self(Zeroizing::new("\"\"".to_owned())),
        }
    }

    /// A secret text value.
    #[must_use]
    pub fn from_secret(secret: &SecretString) -> Self {
        Self::from_text(secret.expose_secret())
    }

    /// A number, without a fraction where it has none. `null` for what JSON cannot say.
    #[must_use]
    pub fn from_number(number: f64) -> Self {
        // JavaScript's safe integers are written as integers.
        let integer = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        let json = if integer {
            format!("{number:.0}")
        } else {
            serde_json::Number::from_f64(number)
                .map_or_else(|| "null".to_owned(), |n| n.to_string())
        };
        Self(Zeroizing::new(json))
    }

    /// An object, `depth` levels in.
    #[must_use]
    pub fn from_object(object: &Object, depth: usize) -> Self {
        Self(object.to_text(depth))
    }

    /// A list of texts, on one line.
    #[must_use]
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let items: Vec<Self> = texts.into_iter().map(Self::from_text).collect();
        let items: Vec<&str> = items.iter().map(Self::as_str).collect();
        Self(Zeroizing::new(format!("[{}]", items.join(", "))))
    }

    /// Any JSON value, or none if the text is none.
    #[must_use]
    pub fn checked(json: &str) -> Option<Self> {
        serde_json::from_str::<&RawValue>(json).ok()?;
        Some(Self(Zeroizing::new(json.to_owned())))
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value, if it is text.
    #[must_use]
    pub fn text(&self) -> Option<Zeroizing<String>> {
        serde_json::from_str::<String>(&self.0).ok().map(Zeroizing::new)
    }

    /// The value, if it is a number.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        serde_json::from_str::<f64>(&self.0).ok()
    }

    /// The value, if it is an object.
    #[must_use]
    pub fn object(&self) -> Option<Object> {
        Object::parse(&self.0).ok()
    }

    /// The values, if it is a list.
    #[must_use]
    pub fn list(&self) -> Option<Vec<Self>> {
        let items = serde_json::from_str::<Vec<&RawValue>>(&self.0).ok()?;
        Some(items.into_iter().map(|raw| Self(Zeroizing::new(raw.get().to_owned()))).collect())
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raw(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn values_are_what_they_say() {
        assert_eq!(Raw::from_text("a\"\n").as_str(), r#""a\"\n""#);
        assert_eq!(Raw::from_number(1_770_000_000_000.0).as_str(), "1770000000000");
        assert_eq!(Raw::from_number(0.5).as_str(), "0.5");
        assert_eq!(Raw::from_number(f64::NAN).as_str(), "null");
        assert_eq!(Raw::from_texts(["a", "b"]).as_str(), r#"["a", "b"]"#);
        assert_eq!(Raw::checked("[1, {}]").unwrap().list().unwrap().len(), 2);
        assert!(Raw::checked("[1,").is_none());
        assert_eq!(Raw::checked("\"\\u00e9\"").unwrap().text().unwrap().as_str(), "é");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Raw::from_text("sk-marked")), "Raw(…)");
    }
}
