//! [`EffectiveSession`]: whose credential it is.

use std::fmt;
use std::sync::Arc;

use crate::id::InvalidId;

/// The identity a session-scoped credential belongs to.
///
/// A chat session is not a user: in a group, and wherever direct messages share one session key,
/// several people do. So a session is built only from all four of (session, channel, account,
/// requester), from [`shared`](Self::shared) said aloud, or as the [`child`](Self::child) of
/// another. Two different inputs never give equal values, whatever characters they contain.
///
/// ```
/// use credential_provider_api::{EffectiveSession, Requester};
/// let alice = EffectiveSession::requester(Requester {
///     session: "agent:main:main", channel: "slack", account: "T1", requester: "alice",
/// })?;
/// let bob = EffectiveSession::requester(Requester {
///     session: "agent:main:main", channel: "slack", account: "T1", requester: "bob",
/// })?;
/// assert_ne!(alice, bob);
/// assert!(alice.child("subagent:1")?.is_within(&alice));
/// # Ok::<(), credential_provider_api::InvalidId>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectiveSession(Arc<str>);

/// The four parts that identify a person in a chat.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "these four parts are the definition")]
pub struct Requester<'a> {
    /// The gateway's session key.
    pub session: &'a str,
    /// The channel the request came through, for example `slack`.
    pub channel: &'a str,
    /// The gateway's own account on that channel.
    pub account: &'a str,
    /// The sender, as the channel authenticated it.
    pub requester: &'a str,
}

/// Longest encoding of a session, children included.
const MAX_ENCODED: usize = 4096;

impl EffectiveSession {
    /// The session of one person in one chat.
    ///
    /// # Errors
    /// [`InvalidId`] if a part is empty or the whole exceeds 4096 bytes.
    pub fn requester(parts: Requester<'_>) -> Result<Self, InvalidId> {
        let mut text = String::from("u");
        for part in [parts.session, parts.channel, parts.account, parts.requester] {
            push_part(&mut text, part)?;
        }
        Self::sealed(text)
    }

    /// A session that everybody in it shares, credentials included. Say so only when it is meant.
    ///
    /// # Errors
    /// [`InvalidId`] if `session` is empty or too long.
    pub fn shared(session: &str) -> Result<Self, InvalidId> {
        let mut text = String::from("s");
        push_part(&mut text, session)?;
        Self::sealed(text)
    }

    /// A session started by this one (a sub-agent). It inherits no credential by itself; ending
    /// this one ends it.
    ///
    /// # Errors
    /// [`InvalidId`] if `id` is empty or the whole is too long.
    pub fn child(&self, id: &str) -> Result<Self, InvalidId> {
        let mut text = String::from(&*self.0);
        text.push('>');
        push_part(&mut text, id)?;
        Self::sealed(text)
    }

    /// The session at the top: itself, unless it was made by [`child`](Self::child).
    #[must_use]
    pub fn root(&self) -> Self {
        let count = if self.0.starts_with('u') { 4 } else { 1 };
        let mut rest = self.0.get(1..).unwrap_or_default();
        for _ in 0..count {
            rest = skip_part(rest).unwrap_or_default();
        }
        match self.0.len().checked_sub(rest.len()).and_then(|end| self.0.get(..end)) {
            Some(root) if !rest.is_empty() => Self(Arc::from(root)),
            _ => self.clone(),
        }
    }

    /// The session that started this one, if it was made by [`child`](Self::child).
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let count = if self.0.starts_with('u') { 4 } else { 1 };
        let mut rest = self.0.get(1..)?;
        for _ in 0..count {
            rest = skip_part(rest)?;
        }
        let mut last = None;
        while let Some(child) = rest.strip_prefix('>') {
            last = Some(rest.len());
            rest = skip_part(child)?;
        }
        let end = self.0.len().checked_sub(last?)?;
        Some(Self(Arc::from(self.0.get(..end)?)))
    }

    /// Whether this is `ancestor` or one of its descendants.
    #[must_use]
    pub fn is_within(&self, ancestor: &Self) -> bool {
        // Parts carry their length, so an encoding that is a prefix of another ends at a part.
        self.0.starts_with(&*ancestor.0)
    }

    /// The encoding: injective, stable, not secret. Made for maps and store records.
    #[must_use]
    pub fn encoded(&self) -> &str {
        &self.0
    }

    /// Reads back what [`encoded`](Self::encoded) gave, for stores.
    ///
    /// # Errors
    /// [`InvalidId`] if `text` is not such an encoding.
    pub fn from_encoded(text: &str) -> Result<Self, InvalidId> {
        let wrong = || InvalidId::new("an encoded session", "is damaged");
        let (count, mut rest) = match text.split_at_checked(1) {
            Some(("u", rest)) => (4, rest),
            Some(("s", rest)) => (1, rest),
            _ => return Err(wrong()),
        };
        for _ in 0..count {
            rest = skip_part(rest).ok_or_else(wrong)?;
        }
        while let Some(child) = rest.strip_prefix('>') {
            rest = skip_part(child).ok_or_else(wrong)?;
        }
        if rest.is_empty() { Self::sealed(text.to_owned()) } else { Err(wrong()) }
    }

    fn sealed(text: String) -> Result<Self, InvalidId> {
        if text.len() > MAX_ENCODED {
            return Err(InvalidId::new("a session", "has at most 4096 bytes, children included"));
        }
        Ok(Self(Arc::from(text)))
    }
}

fn push_part(text: &mut String, part: &str) -> Result<(), InvalidId> {
    if part.is_empty() {
        return Err(InvalidId::new("a session", "needs every part; one is empty"));
    }
    text.push_str(&part.len().to_string());
    text.push(':');
    text.push_str(part);
    Ok(())
}

fn skip_part(text: &str) -> Option<&str> {
    let (length, rest) = text.split_once(':')?;
    if length.starts_with(['0', '+']) {
        return None;
    }
    rest.split_at_checked(length.parse().ok()?).map(|(_, rest)| rest)
}

impl fmt::Debug for EffectiveSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EffectiveSession({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(p: &[String; 4]) -> EffectiveSession {
        let [session, channel, account, requester] = p;
        EffectiveSession::requester(Requester { session, channel, account, requester }).unwrap()
    }

    #[test]
    fn promise_5_an_empty_part_is_refused() {
        for empty in 0..4 {
            let mut parts = ["a"; 4];
            parts[empty] = "";
            let [session, channel, account, requester] = parts;
            let made =
                EffectiveSession::requester(Requester { session, channel, account, requester });
            assert!(made.is_err());
        }
        assert!(EffectiveSession::shared("").is_err());
    }

    #[test]
    fn promise_5_a_shared_session_is_never_a_person() {
        let person = of(&["a".into(), "b".into(), "c".into(), "d".into()]);
        assert_ne!(EffectiveSession::shared("a").unwrap(), person);
        assert!(!person.is_within(&EffectiveSession::shared("a").unwrap()));
    }

    proptest! {
        #[test]
        fn promise_5_the_encoding_is_injective(a: [String; 4], b: [String; 4]) {
            prop_assume!(a.iter().chain(&b).all(|p| !p.is_empty() && p.len() < 500));
            prop_assert_eq!(of(&a) == of(&b), a == b);
        }

        #[test]
        fn promise_5_shifting_a_character_between_parts_is_seen(
            parts in proptest::array::uniform4("[a:>0-9]{1,4}"), at in 0usize..3,
        ) {
            let mut moved = parts.clone();
            let last = moved[at].pop().unwrap();
            prop_assume!(!moved[at].is_empty());
            moved[at + 1].insert(0, last);
            prop_assert_ne!(of(&parts), of(&moved));
        }

        #[test]
        fn descent_is_by_whole_parts(a in "[a:>0-9]{1,6}", b in "[a:>0-9]{1,6}", c in "[a:>0-9]{1,6}") {
            let parent = EffectiveSession::shared(&a).unwrap();
            let other = EffectiveSession::shared(&b).unwrap();
            let child = parent.child(&c).unwrap();
            prop_assert!(child.is_within(&parent));
            prop_assert_eq!(&child.child(&b).unwrap().root(), &parent);
            prop_assert_eq!(&parent.root(), &parent);
            prop_assert_eq!(parent.parent(), None);
            prop_assert_eq!(child.parent(), Some(parent.clone()));
            prop_assert_eq!(child.child(&b).unwrap().parent(), Some(child.clone()));
            prop_assert!(!parent.is_within(&child));
            prop_assert_eq!(child.is_within(&other), a == b);
            prop_assert_eq!(EffectiveSession::from_encoded(child.encoded()).unwrap(), child);
        }

        #[test]
        fn damaged_encodings_never_panic(text in "\\PC{0,40}") {
            let _ = EffectiveSession::from_encoded(&text);
        }
    }
}
