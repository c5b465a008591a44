//! [`Key`]: what cache, flight, store record and lease have in common.

use crate::id::{CredentialId, ProviderId};
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
}
