//! How answers are read: `null` is what is not there, unknown fields are somebody else's.

use serde::{Deserialize, Deserializer};

/// A list or object that may be `null`.
pub(crate) fn lenient<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A whole number that may be written as text or with a fraction of zero, or be `null`.
pub(crate) fn lenient_amount<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Whole(u64),
        Fraction(f64),
        Text(String),
    }
    let wrong = || serde::de::Error::custom("is no whole number");
    match Option::<Written>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Written::Whole(number)) => Ok(Some(number)),
        // Its decimal form has no fraction if there is none.
        Some(Written::Fraction(number)) => {
            format!("{number}").parse().map(Some).map_err(|_| wrong())
        }
        Some(Written::Text(text)) => text.trim().parse().map(Some).map_err(|_| wrong()),
    }
}
