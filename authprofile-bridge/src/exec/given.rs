//! An answer that another process of ours wrote.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use credential_provider_api::Credential;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

use super::answer::{ExecAnswer, Refusal};
use super::failure::ExecFailure;
use crate::secret_ref::SecretBytes;

impl ExecAnswer {
    /// Reads an answer that [`write`](Self::write) wrote, of at most `most` bytes, up to the end of its
    /// line or of the stream: who wrote it may go on living. Dropping it loses what was read.
    ///
    /// A text is read as a token and an object as fields, so that both are written as they were.
    ///
    /// # Errors
    /// [`ExecFailure::Unreadable`] if it is none.
    pub async fn read<R: AsyncRead + Unpin + Send>(
        mut reader: R,
        most: usize,
    ) -> Result<Self, ExecFailure> {
        let mut bytes = SecretBytes::default();
        let mut chunk = Zeroizing::new([0; 8 << 10]);
        while bytes.len() <= most && bytes.as_slice().last() != Some(&b'\n') {
            let count = reader.read(chunk.as_mut_slice()).await;
            let count = count.map_err(|_| ExecFailure::Unreadable)?;
            if count == 0 {
                break;
            }
            bytes.extend(chunk.get(..count).unwrap_or_default());
        }
        if bytes.len() > most {
            return Err(ExecFailure::Unreadable);
        }
        let read: Read =
            serde_json::from_slice(bytes.as_slice()).map_err(|_| ExecFailure::Unreadable)?;
        let values = read.values.into_iter().map(|(id, given)| (id, Arc::new(given.0)));
        Ok(Self { values: values.collect(), errors: read.errors })
    }
}

#[derive(Deserialize)]
struct Read {
    values: BTreeMap<String, Given>,
    #[serde(default)]
    errors: BTreeMap<String, Refusal>,
}

struct Given(Credential);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrFields)
    }
}

struct TextOrFields;

impl<'de> Visitor<'de> for TextOrFields {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or an object of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Given, E> {
        Ok(Given(Credential::token(SecretString::from(text))))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Given, A::Error> {
        let fields = BTreeMap::<String, SecretString>::deserialize(MapAccessDeserializer::new(map));
        Ok(Given(Credential::user_value(fields?)))
    }
}
