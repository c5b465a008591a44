//! [`PreflightReport`]: what is met, what is not, and how a person can meet it.

use std::fmt;

use credential_provider_api::{
    ConsumerName, CredentialError, CredentialKind, CredentialRef, EnvName, ErrorCode, Necessity,
};

use super::for_people;
use crate::access::Rule;

/// What came of a preflight. `Display` is a line for each need; it shows no secret and no one's
/// private sign-in step.
#[derive(Clone, Debug)]
pub struct PreflightReport {
    pub(super) consumer: ConsumerName,
    pub(super) needs: Vec<Need>,
}

/// One thing a skill asks for.
#[derive(Clone, Debug)]
pub struct Need {
    pub(super) what: Needed,
    pub(super) necessity: Necessity,
    pub(super) reason: Option<String>,
    pub(super) readiness: Readiness,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needed {
    /// A credential, perhaps in a variable.
    Credential {
        /// Which.
        credential: CredentialRef,
        /// The variable it goes into.
        env: Option<EnvName>,
    },
    /// A variable that no credential is bound to.
    Env(EnvName),
}

/// Whether it can be had now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Readiness {
    /// Granted, and at hand.
    Ready,
    /// A person must act; the error says who and why, and has the step, where there is one. No
    /// sign-in was started.
    NeedsSignIn(CredentialError),
    /// The access rules do not grant it.
    Denied {
        /// The rule that would. `None` if none would: another rule forbids it, or only providers may
        /// have it, or its id cannot be told from a pattern.
        rule: Option<Rule>,
    },
    /// No such provider, or it has no such credential.
    Unknown(CredentialError),
    /// It is of another kind than asked for.
    WrongKind {
        /// The kind asked for.
        asked: CredentialKind,
        /// The kind it is of.
        found: CredentialKind,
    },
    /// It does not cover these scopes.
    MissingScopes(Vec<String>),
    /// It belongs to a person or session, and none was given.
    SessionRequired,
    /// Its value cannot be put into a variable, for this reason.
    Unfit(&'static str),
    /// The variable it is asked for in is [blocked](crate::injection::BlockedName); or it is one that is
    /// blocked, and not in the environment the host passed in.
    BlockedEnv,
    /// The variable is neither bound nor in the environment the host passed in.
    MissingEnv,
    /// It could not be had now.
    Failing(CredentialError),
}

impl PreflightReport {
    /// Whether everything required can be had now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.needs.iter().all(|need| need.is_ready() || need.necessity == Necessity::Optional)
    }

    /// All needs: credentials in the order of the skill, then variables.
    #[must_use]
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// Those that are not met, optional ones too.
    pub fn unmet(&self) -> impl Iterator<Item = &Need> {
        self.needs.iter().filter(|need| !need.is_ready())
    }
}

impl Need {
    /// What is asked for.
    #[must_use]
    pub const fn what(&self) -> &Needed {
        &self.what
    }

    /// Whether the skill can run without it.
    #[must_use]
    pub const fn necessity(&self) -> Necessity {
        self.necessity
    }

    /// What for, in the skill's words: they are no more to be trusted than the skill.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Whether it can be had now.
    #[must_use]
    pub const fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Whether it can be had now.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.readiness, Readiness::Ready)
    }

    /// What a person can do to supply it, in a sentence or two.
    #[must_use]
    pub fn how(&self) -> String {
        let variable = match &self.what {
            Needed::Credential { env: Some(env), .. } | Needed::Env(env) => env.as_str(),
            Needed::Credential { env: None, .. } => "the variable",
        };
        match &self.readiness {
            Readiness::Ready => "Nothing is to be done.".to_owned(),
            Readiness::NeedsSignIn(error) | Readiness::Failing(error) => error.next_step(),
            Readiness::Unknown(error) if error.code() == ErrorCode::ProviderNotFound => {
                "Add a provider of this name to credentialProviders, or bind the variable to a \
                 credential you have."
                    .to_owned()
            }
            Readiness::Unknown(_) => "Add a credential of this name to its provider, or bind the \
                                      variable to a credential you have."
                .to_owned(),
            Readiness::Denied { rule: Some(rule) } => format!(
                "Add {{ \"consumer\": {:?}, \"credential\": {:?} }} to credentialAccess, if this \
                 skill should have it.",
                rule.consumer.as_str(),
                for_people(rule.credential.as_str(), 400)
            ),
            Readiness::Denied { rule: None } => {
                "The host's rules keep it from every skill like this one; bind the variable to \
                 another credential, or do without the skill."
                    .to_owned()
            }
            Readiness::WrongKind { asked, found } => format!(
                "It is of the kind {found}, and the skill asks for {asked}: bind the variable to a \
                 credential of that kind."
            ),
            Readiness::MissingScopes(scopes) => format!(
                "Sign in to it again with the scopes {}.",
                for_people(&scopes.join(" "), 200)
            ),
            Readiness::SessionRequired => {
                "It belongs to a person: check for the session of whoever is acting.".to_owned()
            }
            Readiness::Unfit(problem) => format!("Supply another value: {problem}."),
            Readiness::BlockedEnv => {
                format!("Ask the skill's author to use another variable; {variable} is blocked.")
            }
            Readiness::MissingEnv => format!(
                "Bind {variable} to a credential in the host's bindings, or set it in the host's \
                 environment."
            ),
        }
    }
}

impl Readiness {
    /// A word or two for a table.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NeedsSignIn(_) => "needs sign-in",
            Self::Denied { .. } => "denied",
            Self::Unknown(_) => "unknown",
            Self::WrongKind { .. } => "wrong kind",
            Self::MissingScopes(_) => "missing scopes",
            Self::SessionRequired => "needs a session",
            Self::Unfit(_) => "unfit value",
            Self::BlockedEnv => "blocked variable",
            Self::MissingEnv => "missing variable",
            Self::Failing(_) => "failing",
        }
    }
}

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential { credential, env } => {
                f.write_str(&for_people(&credential.to_string(), 400))?;
                env.as_ref().map_or(Ok(()), |env| write!(f, " as {}", env.as_str()))
            }
            Self::Env(env) => f.write_str(env.as_str()),
        }
    }
}

impl fmt::Display for PreflightReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", for_people(self.consumer.as_str(), 300))?;
        for need in &self.needs {
            let optional = if need.necessity == Necessity::Optional { ", optional" } else { "" };
            write!(f, "- {}: {}{optional}.", need.what, need.readiness.as_str())?;
            if !need.is_ready() {
                write!(f, " {}", need.how())?;
            }
            if let Some(reason) = &need.reason {
                write!(f, " The skill says: {reason:?}.")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
