//! What can be asked.

use std::collections::BTreeMap;

use credential_provider_api::{
    CredentialError, CredentialRef, EffectiveSession, ErrorCode, ProviderId, SignInMethod, Variant,
};
use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// What a person wants done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Operation {
    /// Who is there.
    Hello,
    /// The providers: configured, in service, failed.
    Providers,
    /// The credentials that providers have.
    List {
        /// Of this one; of all unless given.
        provider: Option<ProviderId>,
    },
    /// Where every credential is in its life.
    Status,
    /// One credential, as `cli:credentials`.
    Get {
        /// Which.
        of: Named,
        /// Whether its secrets are wanted.
        reveal: Reveal,
    },
    /// What the bindings of `cli:credentials` put into the environment of one child process.
    Inject {
        /// The effective session the child acts for, encoded.
        session: Option<String>,
    },
    /// Renews one now, whether its end is near or not. Hands no secret out.
    Refresh {
        /// Which.
        of: Named,
    },
    /// Asks the source whether it is well.
    Check {
        /// Which.
        of: Named,
    },
    /// Takes a credential back, at its source too where that is possible.
    Revoke {
        /// Which.
        of: Named,
    },
    /// Signs a person out.
    Logout {
        /// Which.
        of: Named,
    },
    /// Starts a sign-in, or joins the one under way.
    Login {
        /// To which.
        of: Named,
        /// By `authorization_code`, `device_code` or `fields`; the provider's choice unless given.
        method: Option<String>,
        /// Where the browser comes back to, if anybody listens.
        redirect_uri: Option<String>,
        /// Another account than this needs a confirmation.
        account: Option<String>,
    },
    /// Hands in what a person typed, pasted or was redirected with.
    Answer {
        /// The sign-in.
        flow: Secret,
        /// What came.
        typed: Typed,
    },
    /// Where a sign-in stands; waits for a change for some seconds.
    Flow {
        /// The sign-in.
        flow: Secret,
    },
    /// Ends a sign-in.
    Cancel {
        /// The sign-in.
        flow: Secret,
    },
    /// The last lines of the audit trail.
    Audit {
        /// How many.
        last: usize,
    },
    /// Reads the configuration again.
    Reload,
    /// Events, from now on, one a line.
    Watch,
    /// A new address of the status page, good once.
    PageLink,
}

/// A credential, of whom, in which variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Named {
    /// The credential.
    pub credential: CredentialRef,
    /// The effective session, encoded; the gateway's own credential without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The variant, encoded; the plain one without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Named {
    /// The gateway's own.
    #[must_use]
    pub const fn new(credential: CredentialRef) -> Self {
        Self { credential, session: None, variant: None }
    }

    /// Of this session.
    #[must_use]
    pub fn in_session(mut self, session: Option<&EffectiveSession>) -> Self {
        self.session = session.map(|session| session.encoded().to_owned());
        self
    }

    /// In this variant.
    #[must_use]
    pub fn in_variant(mut self, variant: &Variant) -> Self {
        self.variant = Some(variant.encoded().to_owned()).filter(|text| !text.is_empty());
        self
    }

    pub(super) fn parts(&self) -> Result<(Option<EffectiveSession>, Variant), CredentialError> {
        let invalid = |problem| {
            CredentialError::new(ErrorCode::ConfigurationInvalid, problem).about(&self.credential)
        };
        let session = self.session.as_deref().map(EffectiveSession::from_encoded).transpose();
        let variant = Variant::from_encoded(self.variant.as_deref().unwrap_or_default());
        Ok((session.map_err(invalid)?, variant.map_err(invalid)?))
    }
}

/// Whether secrets are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Reveal {
    /// Only enough to tell one from another.
    #[default]
    Masked,
    /// The secrets themselves.
    Secret,
}

/// What a person did about a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Typed {
    /// The query of the redirect.
    Callback(BTreeMap<String, Secret>),
    /// Fields, by name.
    Fields(BTreeMap<String, Secret>),
    /// The address the browser ended at.
    Pasted(Secret),
    /// Nothing: look whether it is done.
    Poll,
    /// The other account counts.
    Confirm,
    /// It does not.
    Decline,
}

pub(super) fn method(name: &str) -> Result<SignInMethod, CredentialError> {
    match name {
        "authorization_code" => Ok(SignInMethod::AuthorizationCode),
        "device_code" => Ok(SignInMethod::DeviceCode),
        "fields" => Ok(SignInMethod::Fields),
        _ => {
            let detail = "a way to sign in is authorization_code, device_code or fields";
            Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail))
        }
    }
}

pub(super) const fn method_name(method: SignInMethod) -> &'static str {
    match method {
        SignInMethod::AuthorizationCode => "authorization_code",
        SignInMethod::DeviceCode => "device_code",
        SignInMethod::Fields => "fields",
        _ => "other",
    }
}
