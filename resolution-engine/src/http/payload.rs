//! [`Payload`]: a body that can, or cannot, be sent again.

use std::fmt;

use bytes::Bytes;

/// The body of a request through [`Authorize`](super::Authorize), where `B` is what the client sends.
/// `Debug` shows no content.
pub struct Payload<B>(Kind<B>);

enum Kind<B> {
    Whole(Bytes),
    Once(Option<B>),
}

impl<B> Payload<B> {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Kind::Whole(Bytes::new()))
    }

    /// A body that is at hand as a whole: it can be signed, and sent again after a 401 or a redirect.
    pub fn whole(body: impl Into<Bytes>) -> Self {
        Self(Kind::Whole(body.into()))
    }

    /// A body that can be sent once, such as a stream. A 401, or a redirect that would need it again,
    /// is returned as it is.
    #[must_use]
    pub const fn once(body: B) -> Self {
        Self(Kind::Once(Some(body)))
    }

    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.0, Kind::Whole(_))
    }

    /// What a signature covers, if it is known.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Whole(bytes) => Some(bytes),
            Kind::Once(_) => None,
        }
    }
}

impl<B: From<Bytes>> Payload<B> {
    /// To be sent. `None` for a body that was sent and cannot be again.
    pub(super) fn next(&mut self) -> Option<B> {
        match &mut self.0 {
            Kind::Whole(bytes) => Some(B::from(bytes.clone())),
            Kind::Once(body) => body.take(),
        }
    }
}

impl<B> Default for Payload<B> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<B> fmt::Debug for Payload<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole(bytes) => write!(f, "Payload({} bytes)", bytes.len()),
            Kind::Once(_) => f.write_str("Payload(once)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_debug_shows_no_content() {
        let shown = format!(
            "{:?} {:?}",
            Payload::<Bytes>::whole("canary"),
            Payload::once(Bytes::from("canary"))
        );
        assert_eq!(shown, "Payload(6 bytes) Payload(once)");
    }
}
