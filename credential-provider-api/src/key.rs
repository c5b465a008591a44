//! [`Key`]: what cache, flight, store record and lease have in common.

use crate::id::{CredentialId, InvalidId, ProviderId};
use crate::reference::CredentialRef;
use crate::session::EffectiveSession;
use crate::variant::Variant;

/// (provider, credential, effective session or none, variant).
///
/// Everything that must not be mixed up is in here and compared; nothing else identifies an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Key {
    /// The provider.
    pub provider: ProviderId,
    /// The credential's name within the provider.
    pub credential: CredentialId,
    /// Whose it is; `None` for a gateway-wide credential.
    pub session: Option<EffectiveSession>,
    /// What was asked for beyond the name.
    pub variant: Variant,
}

impl Key {
    /// A gateway-wide key without variant.
    #[must_use]
    pub fn gateway(reference: &CredentialRef) -> Self {
        Self::new(reference, None, Variant::none())
    }

    /// A key of all parts.
    #[must_use]
    pub fn new(
        reference: &CredentialRef,
        session: Option<EffectiveSession>,
        variant: Variant,
    ) -> Self {
        Self {
            provider: reference.provider.clone(),
            credential: reference.id.clone(),
            session,
            variant,
        }
    }

    /// The same key for `session`.
    #[must_use]
    pub fn in_session(mut self, session: EffectiveSession) -> Self {
        self.session = Some(session);
        self
    }

    /// The reference part.
    #[must_use]
    pub fn reference(&self) -> CredentialRef {
        CredentialRef::new(self.provider.clone(), self.credential.clone())
    }

    /// An injective text of the whole key, for stores and associated data. Not secret.
    #[must_use]
    pub fn encoded(&self) -> String {
        let session = self.session.as_ref().map_or("", EffectiveSession::encoded);
        let parts =
            [self.provider.as_str(), self.credential.as_str(), session, self.variant.encoded()];
        let mut text = String::new();
        for part in parts {
            text.push_str(&part.len().to_string());
            text.push(':');
            text.push_str(part);
        }
        text
    }

    /// Reads back what [`encoded`](Self::encoded) gave.
    ///
    /// # Errors
    /// [`InvalidId`] if `text` is not such an encoding.
    pub fn from_encoded(text: &str) -> Result<Self, InvalidId> {
        let mut rest = text;
        let mut part = || {
            let (length, after) = rest.split_once(':')?;
            let (part, after) = after.split_at_checked(length.parse().ok()?)?;
            rest = after;
            Some(part)
        };
        let damaged = || InvalidId::new("an encoded key", "is damaged");
        let mut next = || part().ok_or_else(damaged);
        let (provider, credential, session, variant) = (next()?, next()?, next()?, next()?);
        let key = Self {
            provider: ProviderId::new(provider)?,
            credential: CredentialId::new(credential)?,
            session: match session {
                "" => None,
                session => Some(EffectiveSession::from_encoded(session)?),
            },
            variant: Variant::from_encoded(variant)?,
        };
        // Lengths may be written in more than one way; only ours comes back.
        if key.encoded() == text { Ok(key) } else { Err(damaged()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_5_each_part_tells_keys_apart() {
        let base = Key::gateway(&CredentialRef::parse("a/b").unwrap());
        let session = EffectiveSession::shared("s").unwrap();
        let variant = Variant::builder().audience("x").build().unwrap();
        let others = [
            Key::gateway(&CredentialRef::parse("a/c").unwrap()),
            Key::gateway(&CredentialRef::parse("c/b").unwrap()),
            base.clone().in_session(session.clone()),
            Key::new(&base.reference(), None, variant.clone()),
            Key::new(&base.reference(), Some(session), variant),
        ];
        for (i, one) in others.iter().enumerate() {
            assert_ne!(*one, base);
            assert_ne!(one.encoded(), base.encoded());
            for two in &others[i + 1..] {
                assert_ne!(one, two);
                assert_ne!(one.encoded(), two.encoded());
            }
        }
    }

    #[test]
    fn an_encoded_key_comes_back() {
        let session = EffectiveSession::shared("s:1").unwrap().child("c").unwrap();
        let variant = Variant::builder().audience("x").scopes(["b", "a"]).build().unwrap();
        let reference = CredentialRef::parse("a/b:1/c").unwrap();
        for key in [
            Key::gateway(&reference),
            Key::gateway(&reference).in_session(session.clone()),
            Key::new(&reference, Some(session), variant),
        ] {
            assert_eq!(Key::from_encoded(&key.encoded()).unwrap(), key);
        }
        for damaged in ["", "1:a", "1:a1:b0:", "01:a1:b0:0:", "1:a1:b0:0:x", "9:a1:b0:0:"] {
            Key::from_encoded(damaged).unwrap_err();
        }
    }
}
