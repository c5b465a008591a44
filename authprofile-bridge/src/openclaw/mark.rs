//! Text that stands where a secret should, and is none.

/// Begins what OpenClaw 2026.6 and later write in place of a token while they renew it.
const FENCE: &str = "openclaw-oauth-refresh-fence:";

/// Why a text is not a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoSecret {
    /// OpenClaw is renewing this profile, or has failed to.
    Fence,
    /// A value masked for display was saved in place of the real one.
    Redacted,
    /// A reference that nobody has resolved.
    Unresolved,
}

impl NoSecret {
    /// Whether this text is no secret, and why.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with(FENCE) {
            Some(Self::Fence)
        } else if text.starts_with("${") && text.ends_with('}') {
            Some(Self::Unresolved)
        } else {
            credential_provider_api::is_mark(text).then_some(Self::Redacted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_marks_and_references_are_no_secrets() {
        let fence = "openclaw-oauth-refresh-fence:v1:0123:failed:access:abcd";
        assert_eq!(NoSecret::of(fence), Some(NoSecret::Fence));
        assert_eq!(NoSecret::of("__OPENCLAW_REDACTED__"), Some(NoSecret::Redacted));
        assert_eq!(NoSecret::of("oc-sent-v2.YWJj.end"), Some(NoSecret::Redacted));
        assert_eq!(NoSecret::of("secretref-env:OPENAI_API_KEY"), Some(NoSecret::Redacted));
        assert_eq!(NoSecret::of("Bearer __OPENCLAW_REDACTED__"), Some(NoSecret::Redacted));
        assert_eq!(NoSecret::of(" ${OPENAI_API_KEY} "), Some(NoSecret::Unresolved));
        assert_eq!(NoSecret::of("sk-1"), None);
    }
}
