//! [`AuthorizeError`]: why a request has no answer.

use std::fmt;

use credential_provider_api::{CredentialError, ErrorClass};

/// Why a request through [`Authorize`](super::Authorize) has no answer. Neither `Debug` nor `Display`
/// nor [`source`](std::error::Error::source) shows the client's error: clients put the whole address
/// into theirs, and a credential may stand in its query.
#[derive(Clone)]
#[non_exhaustive]
pub enum AuthorizeError<E> {
    /// The credential could not be had, or may not go where the request goes.
    Credential(CredentialError),
    /// The request, or where it was sent on to, was refused here.
    Refused(HttpRefusal),
    /// The client failed. Its error may show the address with the credential in the query.
    Client(E),
}

impl<E> AuthorizeError<E> {
    /// What happened, as a stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Credential(error) => error.code().as_str(),
            Self::Refused(refusal) => refusal.code(),
            Self::Client(_) => "client_failed",
        }
    }

    /// Who can mend it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Credential(error) => error.class(),
            Self::Refused(refusal) => refusal.class(),
            Self::Client(_) => ErrorClass::Retry,
        }
    }

    /// What the user can do now, as a sentence.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::Credential(error) => error.next_step(),
            Self::Refused(refusal) => refusal.next_step().to_owned(),
            Self::Client(_) => "Check that the service is reachable, and try again.".to_owned(),
        }
    }
}

impl<E> From<CredentialError> for AuthorizeError<E> {
    fn from(error: CredentialError) -> Self {
        Self::Credential(error)
    }
}

impl<E> From<HttpRefusal> for AuthorizeError<E> {
    fn from(refusal: HttpRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<E> fmt::Display for AuthorizeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Client(_) => write!(f, "client_failed: no answer came. {}", self.next_step()),
        }
    }
}

impl<E> fmt::Debug for AuthorizeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorizeError({self})")
    }
}

impl<E> std::error::Error for AuthorizeError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Credential(error) => Some(error),
            Self::Refused(refusal) => Some(refusal),
            Self::Client(_) => None,
        }
    }
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $class:ident, $step:literal;)*) => {
        /// Why a request was refused by the layer. Holds no part of the request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum HttpRefusal {
            $($(#[$doc])* $name,)*
        }

        impl HttpRefusal {
            /// All of them, for tables and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name.
            #[must_use]
            pub const fn code(self) -> &'static str {
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

refusals! {
    /// The address is not `http` or `https` with a host, or names a user.
    AddressInvalid = "address_invalid", Bug, "Pass an absolute http or https address without a user name.";
    /// The request carries a header or a query parameter that the credential is to set.
    AlreadyAuthorized = "already_authorized", Bug, "Leave that header or parameter to the credential.";
    /// The credential makes no valid header.
    CredentialUnsendable = "credential_unsendable", FixConfiguration, "Check the credential for line breaks and its header's name.";
    /// A signature covers the body, and this body cannot be looked at before it is sent.
    BodyUnsigned = "body_unsigned", Bug, "Pass the body as a whole.";
    /// The client followed a redirect to another origin by itself, and may have taken the credential there.
    ClientRedirected = "client_redirected", Bug, "Switch redirects off in the client, and replace the credential.";
    /// A redirect leads to no address that can be read in one way only, or to one too long to be sent.
    RedirectInvalid = "redirect_invalid", Retry, "Ask the service's operator about its redirects.";
    /// A redirect leads from https to http.
    RedirectDowngrade = "redirect_downgrade", FixConfiguration, "Use the service's https address.";
    /// A redirect's address names a user.
    RedirectUserinfo = "redirect_userinfo", FixConfiguration, "Use the address that the service redirects to, if it is trusted.";
    /// A redirect would take the credential, written into its address, to an origin that it does not name.
    RedirectLeak = "redirect_leak", FixConfiguration, "Do not use a service that writes its credential into redirects.";
    /// More redirects than are followed.
    RedirectLimit = "redirect_limit", Retry, "Check the address: the service sends its clients in circles.";
}

impl fmt::Display for HttpRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.code(), self.next_step())
    }
}

impl std::error::Error for HttpRefusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_9_every_refusal_has_a_stable_name_of_its_own_and_a_next_step() {
        let mut names = std::collections::BTreeSet::new();
        for refusal in HttpRefusal::ALL {
            assert!(names.insert(refusal.code()), "{refusal:?}");
            assert!(refusal.next_step().ends_with('.'), "{refusal:?}");
            let error = AuthorizeError::<()>::from(*refusal);
            assert_eq!((error.code(), error.class()), (refusal.code(), refusal.class()));
        }
    }

    #[test]
    fn promise_6_the_clients_error_is_shown_by_nothing() {
        let error = AuthorizeError::Client("http://a.example/?key=canary");
        let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error).is_none());
        assert!(!shown.contains("canary") && shown.contains("true"), "{shown}");
    }
}
