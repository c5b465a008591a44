//! The codes, their classes and their next steps: one table.

use std::fmt;

/// Who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Waiting and trying again can succeed.
    Retry,
    /// A person must sign in or unlock something.
    SignIn,
    /// The host's configuration, rules or limits must change.
    FixConfiguration,
    /// Somebody's code is wrong.
    Bug,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $class:ident, $step:literal;)*) => {
        /// What happened. The text form is stable; codes are added, never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// All codes, for tables and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Who can mend it.
            #[must_use]
            pub const fn class(self) -> ErrorClass {
                match self { $(Self::$name => ErrorClass::$class,)* }
            }

            /// What the user can do now.
            #[must_use]
            pub const fn next_step(self) -> &'static str {
                match self { $(Self::$name => $step,)* }
            }
        }
    };
}

codes! {
    /// The access rules do not grant this credential to this consumer.
    AccessDenied = "access_denied", FixConfiguration, "Grant it in the access rules, if this consumer should have it.";
    /// Another account than the expected one finished the sign-in.
    AccountMismatch = "account_mismatch", SignIn, "Confirm the other account, or sign in again with the expected one.";
    /// The audit sink failed, and the host asked to deny in that case.
    AuditFailed = "audit_failed", FixConfiguration, "Restore the audit sink; nothing is handed out unaudited.";
    /// A flow or a call was ended on purpose before it finished.
    Cancelled = "cancelled", Retry, "Start it again if it is still wanted.";
    /// A configuration cannot be used; the detail holds the path.
    ConfigurationInvalid = "configuration_invalid", FixConfiguration, "Correct the configuration at the path named.";
    /// A compare-and-swap met another revision than it expected.
    Conflict = "conflict", Retry, "Load the record again and decide anew.";
    /// The provider does not offer a credential of this name.
    CredentialNotFound = "credential_not_found", FixConfiguration, "Check the id against the provider's list of credentials.";
    /// Credentials depend on each other in a circle.
    DependencyCycle = "dependency_cycle", FixConfiguration, "Break the circle in the providers' configuration.";
    /// Credentials depend on each other more than eight deep.
    DependencyTooDeep = "dependency_too_deep", FixConfiguration, "Shorten the chain in the providers' configuration.";
    /// The caller's own deadline passed; the work goes on for others.
    DeadlineExceeded = "deadline_exceeded", Retry, "Ask again, or allow more time.";
    /// The credential has ended and no other can be had without a renewal.
    Expired = "expired", Retry, "Ask again; a renewal is tried.";
    /// A flow has ended: too late, finished already, or never existed.
    FlowEnded = "flow_ended", SignIn, "Start the sign-in again.";
    /// A credential may not be injected so: its variable is blocked, or its value unfit.
    InjectionRefused = "injection_refused", FixConfiguration, "Bind it to another name or supply another value; the detail says which.";
    /// A person must act at once (unlock, consent) and the request did not allow asking.
    InteractionRequired = "interaction_required", SignIn, "Allow asking a person, or unlock the source first.";
    /// An invariant of this library is broken.
    Internal = "internal", Bug, "Please report this with the code and the steps.";
    /// The source answered something that cannot be understood.
    InvalidResponse = "invalid_response", Retry, "Try again; if it persists, check that the endpoint is the right one.";
    /// A person must sign in again; fails fast until then.
    NeedsReauth = "needs_reauth", SignIn, "Sign in again.";
    /// The provider lacks a setting it needs.
    NotConfigured = "not_configured", FixConfiguration, "Complete the provider's configuration.";
    /// The credential may not be sent to this origin.
    OriginDenied = "origin_denied", FixConfiguration, "List the origin on the credential, if it may be sent there.";
    /// A bound on entries, sessions, flows, waiters or handles is reached.
    Overloaded = "overloaded", Retry, "Try again later, or raise the limit named.";
    /// A placeholder in a tool's parameters was not filled.
    PlaceholderRefused = "placeholder_refused", FixConfiguration, "Use the placeholder as the whole value of a parameter that the host's placeholder rules name.";
    /// The provider's code panicked; only its own key is affected.
    ProviderPanicked = "provider_panicked", Bug, "Report this to the provider's author.";
    /// No provider of this id is registered.
    ProviderNotFound = "provider_not_found", FixConfiguration, "Add the provider to credentialProviders, or correct its id.";
    /// The source asked for fewer calls.
    RateLimited = "rate_limited", Retry, "Try again later.";
    /// A redaction mark stands where a secret should be.
    RedactedValue = "redacted_value", FixConfiguration, "Enter the real value; a mask was saved in its place.";
    /// The credential was rejected and the source has no other yet.
    Rejected = "rejected", Retry, "Try again later; a rejected credential is not handed out again.";
    /// The credential was revoked here.
    Revoked = "revoked", SignIn, "Sign in again to get a new one.";
    /// The session of the handle or request has ended.
    SessionEnded = "session_ended", Retry, "Ask again in a live session; a handle must be bound anew.";
    /// A session-scoped credential was asked for without a session.
    SessionRequired = "session_required", Bug, "Pass the effective session of whoever is acting.";
    /// The engine is shutting down.
    ShutDown = "shut_down", Retry, "Ask again once the host is up.";
    /// The store is a copy of one made elsewhere, and both would renew the same grants.
    StoreCopied = "store_copied", FixConfiguration, "Use the original; if it is gone, open the copy once as its replacement.";
    /// A lease or lock of the store is held elsewhere for too long.
    StoreLocked = "store_locked", Retry, "Try again; the detail says who holds it.";
    /// The store's data cannot be read and was left untouched.
    StoreUnreadable = "store_unreadable", FixConfiguration, "Mend what the detail names; nothing was changed. What is beyond mending can be moved away and signed in to again.";
    /// The store cannot be written: its disk is full or its folder read-only. What was kept stays.
    StoreUnwritable = "store_unwritable", Retry, "Free space on its disk or make its folder writable; nothing was lost.";
    /// The provider's call met the engine's fetch limit.
    Timeout = "timeout", Retry, "Try again; if it persists, check that the source is reachable.";
    /// The source cannot be reached or is failing.
    Unavailable = "unavailable", Retry, "Try again later.";
    /// The provider does not do this.
    Unsupported = "unsupported", FixConfiguration, "Use something the provider lists among its capabilities.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a sign-in is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReauthReason {
    /// Nobody has signed in yet.
    NotSignedIn,
    /// The issuer no longer accepts the grant (`invalid_grant`).
    GrantRejected,
    /// The grant has ended by age.
    GrantExpired,
    /// A renewal was interrupted and its outcome is unknown.
    RenewalInterrupted,
    /// The issuer wants more than the grant covers (consent, a second factor).
    ConsentRequired,
    /// Somebody signed out.
    SignedOut,
}

impl ReauthReason {
    /// All reasons, for tables and tests.
    pub const ALL: &'static [Self] = &[
        Self::NotSignedIn,
        Self::GrantRejected,
        Self::GrantExpired,
        Self::RenewalInterrupted,
        Self::ConsentRequired,
        Self::SignedOut,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSignedIn => "not_signed_in",
            Self::GrantRejected => "grant_rejected",
            Self::GrantExpired => "grant_expired",
            Self::RenewalInterrupted => "renewal_interrupted",
            Self::ConsentRequired => "consent_required",
            Self::SignedOut => "signed_out",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == name)
    }
}
