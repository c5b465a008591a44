//! One error type for everything that can go wrong with a credential.
//!
//! An error says what happened ([`ErrorCode`]), who can mend it ([`ErrorClass`]) and the next step.
//! It is `Clone`, because a thousand callers may wait for one answer, and it never holds what a
//! provider or issuer sent: text from outside goes through [`Detail::cleaned`].

mod code;
mod detail;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use code::{ErrorClass, ErrorCode, ReauthReason};
pub use detail::Detail;

use crate::reference::CredentialRef;
use crate::sign_in::SignInStep;

/// What went wrong with a credential, whose turn it is, and what to do.
#[derive(Clone)]
pub struct CredentialError(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: ErrorCode,
    detail: Detail,
    retry_after: Option<Duration>,
    reason: Option<ReauthReason>,
    credential: Option<CredentialRef>,
    parent: Option<CredentialRef>,
    step: Option<SignInStep>,
    memory: Memory,
}

/// Whether an engine remembers an error for those who ask next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    Kept,
    Passing,
}

impl CredentialError {
    /// An error of `code`, with words of ours about this case.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<Detail>) -> Self {
        Self(Arc::new(Inner {
            code,
            detail: detail.into(),
            retry_after: None,
            reason: None,
            credential: None,
            parent: None,
            step: None,
            memory: Memory::Kept,
        }))
    }

    /// A person must sign in (again), because of `reason`.
    #[must_use]
    pub fn needs_reauth(reason: ReauthReason, detail: impl Into<Detail>) -> Self {
        let mut error = Self::new(ErrorCode::NeedsReauth, detail);
        error.inner().reason = Some(reason);
        error
    }

    /// The same error, handed on by a credential derived from the one it is about: that one becomes
    /// the [`parent`](Self::parent), unless a deeper cause is named already.
    #[must_use]
    pub fn passed_on(mut self) -> Self {
        if let Some(credential) = self.inner().credential.take() {
            return self.caused_by(&credential);
        }
        self
    }

    /// The same error, about one request and not about the credential: a source that chooses among
    /// accounts may answer the next request, or the same one for another [`Hint`](crate::Hint),
    /// differently. An engine does not remember it.
    #[must_use]
    pub fn passing(mut self) -> Self {
        self.inner().memory = Memory::Passing;
        self
    }

    /// Whether it is about one request only; see [`passing`](Self::passing).
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.0.memory == Memory::Passing
    }

    /// How long to wait before trying again, as the source asked (Retry-After).
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.inner().retry_after = Some(after);
        self
    }

    /// Names the credential it is about, unless one is named already.
    #[must_use]
    pub fn about(mut self, credential: &CredentialRef) -> Self {
        if self.0.credential.is_none() {
            self.inner().credential = Some(credential.clone());
        }
        self
    }

    /// Names the credential this one is derived from and whose state is the cause. The innermost
    /// cause stays: it is the one a person can act on.
    #[must_use]
    pub fn caused_by(mut self, parent: &CredentialRef) -> Self {
        if self.0.parent.is_none() {
            self.inner().parent = Some(parent.clone());
        }
        self
    }

    /// The step a person must take. It is private to the requester, so no text shows it.
    #[must_use]
    pub fn with_step(mut self, step: SignInStep) -> Self {
        self.inner().step = Some(step);
        self
    }

    /// The same error for everybody: without the step, which is one person's.
    #[must_use]
    pub fn without_step(mut self) -> Self {
        if self.0.step.is_some() {
            self.inner().step = None;
        }
        self
    }

    /// The step a person must take, where the provider gave one.
    #[must_use]
    pub fn step(&self) -> Option<&SignInStep> {
        self.0.step.as_ref()
    }

    /// What happened.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// Who can mend it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.0.code.class()
    }

    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.class() == ErrorClass::Retry
    }

    /// Wait this long before trying again, if the source said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Why a sign-in is needed, if it is.
    #[must_use]
    pub fn reason(&self) -> Option<ReauthReason> {
        self.0.reason
    }

    /// The credential it is about, where known.
    #[must_use]
    pub fn credential(&self) -> Option<&CredentialRef> {
        self.0.credential.as_ref()
    }

    /// The credential to sign in to, where it is not [`credential`](Self::credential) itself.
    #[must_use]
    pub fn parent(&self) -> Option<&CredentialRef> {
        self.0.parent.as_ref()
    }

    /// The words about this case.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.0.detail.as_str()
    }

    /// What the user can do now, as a sentence.
    #[must_use]
    pub fn next_step(&self) -> String {
        match (&self.0.parent, self.0.retry_after) {
            (Some(parent), _) if self.class() == ErrorClass::SignIn => {
                format!("Sign in to {parent}, which this credential is derived from.")
            }
            (_, Some(after)) if self.is_transient() => {
                format!("Try again in {} s.", after.as_millis().div_ceil(1000))
            }
            _ => self.0.code.next_step().to_owned(),
        }
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(credential) = &self.0.credential {
            write!(f, "{credential}: ")?;
        }
        f.write_str(self.0.code.as_str())?;
        if let Some(reason) = self.0.reason {
            write!(f, " ({})", reason.as_str())?;
        }
        let detail = self.0.detail.as_str();
        if !detail.is_empty() {
            write!(f, ": {detail}")?;
            if !detail.ends_with(['.', '!', '?']) {
                f.write_str(".")?;
            }
        }
        write!(f, " {}", self.next_step())
    }
}

impl fmt::Debug for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialError({self})")
    }
}

impl std::error::Error for CredentialError {}

impl From<crate::id::InvalidId> for CredentialError {
    fn from(problem: crate::id::InvalidId) -> Self {
        Self::new(ErrorCode::ConfigurationInvalid, problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_9_an_error_says_what_and_what_to_do() {
        let reference = CredentialRef::parse("idp/token").unwrap();
        let error = CredentialError::new(ErrorCode::RateLimited, "the issuer asked for a pause")
            .with_retry_after(Duration::from_millis(1500))
            .about(&reference);
        assert_eq!(
            error.to_string(),
            "idp/token: rate_limited: the issuer asked for a pause. Try again in 2 s."
        );
        assert!(error.is_transient());
    }

    #[test]
    fn promise_9_a_child_names_the_parent_to_sign_in_to() {
        let parent = CredentialRef::parse("pool/id-token").unwrap();
        let middle = CredentialRef::parse("volc/workload").unwrap();
        let error = CredentialError::needs_reauth(ReauthReason::NotSignedIn, "")
            .about(&parent)
            .caused_by(&parent)
            .caused_by(&middle);
        assert_eq!(error.parent(), Some(&parent), "the innermost cause stays");
        assert!(error.next_step().contains("pool/id-token"));
    }

    #[test]
    fn promise_9_every_code_has_a_class_a_stable_name_and_a_next_step() {
        let mut names = std::collections::BTreeSet::new();
        for code in ErrorCode::ALL {
            assert!(names.insert(code.as_str()), "{code:?} shares its name");
            assert!(code.next_step().ends_with('.'), "{code:?}");
            let _: ErrorClass = code.class();
        }
    }
}
