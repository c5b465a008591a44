//! Signing in: data, not callbacks.
//!
//! A provider turns a sign-in into [steps](SignInStep); a host renders a step anywhere (terminal,
//! chat, web page) and hands the [answer](SignInAnswer) back. The engine keeps the flow: it expires,
//! finishes once, and belongs to one provider and effective session.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};

use crate::credential::Credential;
use crate::error::CredentialError;
use crate::id::AccountId;
use crate::provider::{Request, Revocation};
use crate::time::Timestamp;

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SignInMethod {
    /// A browser is redirected back (RFC 6749 §4.1).
    AuthorizationCode,
    /// A code is entered elsewhere (RFC 8628).
    DeviceCode,
    /// Values are typed in.
    Fields,
}

/// The unguessable name of a flow; also the OAuth `state`. Whoever has it can answer the flow, so
/// `Debug` hides it.
#[derive(Clone)]
pub struct FlowId(SecretString);

impl FlowId {
    /// A name made of random bytes, at least 16.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let letter = |b: &u8| ALPHABET.get(usize::from(b & 31)).copied().map_or('a', char::from);
        // Five bits of each byte: 160 bits in all.
        Self(bytes.iter().map(letter).collect::<String>().into())
    }

    /// A name that came back from outside, to be compared.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for an address or form that only the requester sees.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowId(…)")
    }
}

/// One step of a sign-in. `Debug` shows neither addresses nor codes: they are the requester's.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInStep {
    /// Open this address. Private: it belongs to the requester.
    OpenUrl {
        /// The address.
        url: String,
        /// When it stops working.
        expires_at: Timestamp,
        /// How often to poll, if the flow is finished elsewhere; `None` if a callback answers it.
        poll_every: Option<Duration>,
    },
    /// Enter this code there (RFC 8628). Private.
    ShowCode {
        /// The code.
        code: String,
        /// Where to enter it.
        url: String,
        /// The same with the code in it, for a QR code.
        complete_url: Option<String>,
        /// When it stops working.
        expires_at: Timestamp,
        /// How often to poll.
        poll_every: Duration,
    },
    /// Fill these in. Private.
    AskFields {
        /// The fields.
        fields: Vec<Field>,
    },
    /// Another account than expected signed in: does it count? Private.
    ConfirmAccount {
        /// The account expected.
        expected: AccountId,
        /// The account that signed in.
        found: AccountId,
    },
}

impl fmt::Debug for SignInStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenUrl { expires_at, .. } => {
                f.debug_struct("OpenUrl").field("expires_at", expires_at).finish_non_exhaustive()
            }
            Self::ShowCode { expires_at, .. } => {
                f.debug_struct("ShowCode").field("expires_at", expires_at).finish_non_exhaustive()
            }
            Self::AskFields { fields } => f.debug_tuple("AskFields").field(fields).finish(),
            Self::ConfirmAccount { .. } => f.write_str("ConfirmAccount(…)"),
        }
    }
}

/// A field to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// Its name in the answer.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// How it is shown while typed.
    pub display: FieldDisplay,
}

/// How a field is shown while typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldDisplay {
    /// As it is.
    Plain,
    /// Hidden.
    Secret,
}

impl Field {
    /// A hidden field.
    #[must_use]
    pub fn secret(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self { name: name.into(), label: label.into(), display: FieldDisplay::Secret }
    }

    /// A visible field.
    #[must_use]
    pub fn plain(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self { name: name.into(), label: label.into(), display: FieldDisplay::Plain }
    }
}

/// What came back for a step. `Debug` shows names only.
#[non_exhaustive]
pub enum SignInAnswer {
    /// The query parameters of the redirect.
    Callback(BTreeMap<String, SecretString>),
    /// The fields.
    Fields(BTreeMap<String, SecretString>),
    /// The redirect address, pasted by the user.
    Pasted(SecretString),
    /// Nothing new: look whether it has finished elsewhere.
    Poll,
}

impl fmt::Debug for SignInAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Callback(map) => f.debug_tuple("Callback").field(&map.keys()).finish(),
            Self::Fields(map) => f.debug_tuple("Fields").field(&map.keys()).finish(),
            Self::Pasted(_) => f.write_str("Pasted(…)"),
            Self::Poll => f.write_str("Poll"),
        }
    }
}

/// What a sign-in is started with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignInStart {
    /// The flow's name; use it as OAuth `state`.
    pub flow: FlowId,
    /// The way wanted; `None` leaves it to the provider.
    pub method: Option<SignInMethod>,
    /// Where the host receives callbacks, if it does.
    pub redirect_uri: Option<String>,
    /// When the flow ends at the latest.
    pub expires_at: Timestamp,
}

impl SignInStart {
    /// A start with the provider's preferred method and no callback.
    #[must_use]
    pub const fn new(flow: FlowId, expires_at: Timestamp) -> Self {
        Self { flow, method: None, redirect_uri: None, expires_at }
    }

    /// By this method.
    #[must_use]
    pub const fn with_method(mut self, method: Option<SignInMethod>) -> Self {
        self.method = method;
        self
    }

    /// With callbacks received here.
    #[must_use]
    pub fn with_redirect_uri(mut self, uri: Option<String>) -> Self {
        self.redirect_uri = uri;
        self
    }
}

/// What a provider remembers of a flow between steps. Only that provider looks inside; the engine
/// drops it when the flow ends.
pub type FlowState = Box<dyn Any + Send>;

/// Where a flow stands.
#[non_exhaustive]
pub enum SignInProgress {
    /// A person must act.
    Step(SignInStep),
    /// Not finished elsewhere yet.
    Pending {
        /// Poll again after this long.
        poll_after: Duration,
    },
    /// Finished. Nothing is saved yet: the engine first compares the account.
    Finished(SignedIn),
}

impl fmt::Debug for SignInProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step) => f.debug_tuple("Step").field(step).finish(),
            Self::Pending { poll_after } => f.debug_tuple("Pending").field(poll_after).finish(),
            Self::Finished(done) => f.debug_tuple("Finished").field(&done.account).finish(),
        }
    }
}

/// A finished sign-in that does not count yet.
#[non_exhaustive]
pub struct SignedIn {
    /// The account that signed in, where the source tells.
    pub account: Option<AccountId>,
    /// What the provider needs to save the grant.
    pub state: FlowState,
}

impl SignedIn {
    /// A finished sign-in.
    #[must_use]
    pub const fn new(account: Option<AccountId>, state: FlowState) -> Self {
        Self { account, state }
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("account", &self.account).finish_non_exhaustive()
    }
}

/// How a person signs in to a provider. Its futures may be dropped at any await except while a
/// commit guard of the request lives.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// Begins. Nothing is saved. The state is what the provider wants to find at the next call.
    ///
    /// # Errors
    /// `unsupported` for a method the descriptor does not list.
    async fn start(
        &self,
        request: &Request,
        start: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError>;

    /// Takes an answer and changes the state as it likes. On an error the flow stays where it was if
    /// the error is transient and it is not [spent](Self::is_spent), and ends otherwise.
    ///
    /// # Errors
    /// What the source said.
    async fn answer(
        &self,
        request: &Request,
        state: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError>;

    /// Whether a flow has nothing left to be answered with: its code is used up, and what came for it
    /// was not to be believed. A failure then ends it, be it transient.
    fn is_spent(&self, state: &FlowState) -> bool {
        let _ = state;
        false
    }

    /// Saves the grant of a finished sign-in: now it counts. May return the first credential.
    ///
    /// # Errors
    /// What the store said; the flow ends and nothing counts.
    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError>;

    /// The account this key was last signed in to, if the provider keeps that: another one then needs
    /// a confirmation, also after a restart.
    ///
    /// # Errors
    /// What the store said.
    async fn account(&self, request: &Request) -> Result<Option<AccountId>, CredentialError> {
        let _ = request;
        Ok(None)
    }

    /// Throws a finished sign-in away, revoking its grant where possible.
    async fn discard(&self, request: &Request, done: SignedIn) {
        let _ = (request, done);
    }

    /// Ends a flow that was not finished.
    async fn cancel(&self, request: &Request, state: FlowState) {
        let _ = (request, state);
    }

    /// Where a person ends the session at the source itself, in the browser (OpenID Connect
    /// RP-Initiated Logout 1.0), if there is such a place. Signing out here does not end it: the
    /// next sign-in there may need no password. Private: it belongs to the requester.
    ///
    /// # Errors
    /// What the source said.
    async fn logout_page(&self, request: &Request) -> Result<Option<String>, CredentialError> {
        let _ = request;
        Ok(None)
    }

    /// Removes the grant, at the source too where possible. Where nobody is signed in this is
    /// [`Revocation::LocalOnly`].
    ///
    /// # Errors
    /// What the store or the source said. The engine has dropped the credential already.
    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_flow_names_and_answers_are_hidden() {
        let flow = FlowId::from_text("canary");
        let fields = || BTreeMap::from([("pin".to_owned(), SecretString::from("canary"))]);
        let shown = format!(
            "{flow:?} {:?} {:?} {:?}",
            SignInAnswer::Pasted("canary".into()),
            SignInAnswer::Fields(fields()),
            SignInAnswer::Callback(fields()),
        ) + &format!(
            "{:?}",
            SignInStep::OpenUrl {
                url: "https://idp.example/?state=canary".into(),
                expires_at: Timestamp::MAX,
                poll_every: None,
            }
        );
        assert!(shown.contains("pin") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_flow_name_keeps_all_its_randomness() {
        let a = FlowId::from_random([0; 32]);
        let mut bytes = [0; 32];
        bytes[31] = 1;
        assert_ne!(a.expose(), FlowId::from_random(bytes).expose());
        assert_eq!(a.expose().len(), 32);
    }
}
