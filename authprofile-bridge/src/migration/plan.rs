//! What a migration would do.

use std::fmt;

use credential_provider_api::CredentialRef;

use crate::openclaw::{NoSecret, ProfileKind, Skipped};

/// What takes the place of a secret in a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replacement {
    /// A reference that OpenClaw resolves through its exec provider of this name
    /// (`secrets.providers.<name>`), which asks us.
    ExecReference {
        /// The name of the exec provider in OpenClaw's configuration.
        provider: String,
    },
    /// Nothing: the host delegates the profile, as the plan says.
    Delegation,
}

/// What would become of each profile. It holds and shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The profiles, in the store's order.
    pub steps: Vec<Step>,
    /// What takes the place of secrets that are moved.
    pub replacement: Replacement,
}

/// What would become of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Its id.
    pub profile: String,
    /// Its model provider and kind; none for an entry OpenClaw does not understand.
    pub about: Option<(String, ProfileKind)>,
    /// What happens.
    pub action: Action,
}

/// What happens to a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Its secret is moved.
    Move {
        /// From this field.
        field: &'static str,
        /// To this name in the sink.
        to: CredentialRef,
    },
    /// It stays as it is.
    Leave(Reason),
}

/// Why a profile stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It is a login.
    Login,
    /// It is a login, and the host asks this credential instead of it.
    Delegated(CredentialRef),
    /// What stands in place of its secret is none.
    Mark(NoSecret),
    /// Its secret is by reference already.
    Reference,
    /// Its secret is there twice: inline and by reference, or in two fields.
    Both,
    /// It has no secret.
    Nothing,
    /// It is the main agent's.
    Inherited,
    /// OpenClaw does not understand it.
    NotUnderstood(Skipped),
    /// It is a synthetic profile of ours.
    Synthetic,
    /// It is not among those that are to be moved.
    NotChosen,
}

impl Plan {
    /// The secrets that would be moved: which profile's, and where to.
    pub fn moves(&self) -> impl Iterator<Item = (&Step, &CredentialRef)> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Move { to, .. } => Some((step, to)),
            Action::Leave(_) => None,
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login => f.write_str(
                "a login, whose refresh token may be used once and only by whoever renews it; \
                 sign in to a provider here and delegate the profile to it",
            ),
            Self::Delegated(to) => write!(
                f,
                "a login that is delegated to {to} and not moved; remove it once that works"
            ),
            Self::Mark(NoSecret::Fence) => f.write_str("OpenClaw is renewing it, or has failed to"),
            Self::Mark(NoSecret::Redacted) => {
                f.write_str("a mask stands in place of its secret; enter the real one")
            }
            Self::Mark(NoSecret::Unresolved) => f.write_str("a reference that nobody resolved"),
            Self::Reference => f.write_str("by reference already"),
            Self::Both => {
                f.write_str("has its secret in two places; remove the one that is not wanted")
            }
            Self::Nothing => f.write_str("has no secret"),
            Self::Inherited => f.write_str("the main agent's; migrate its store"),
            Self::NotUnderstood(why) => write!(f, "not understood ({})", why.as_str()),
            Self::Synthetic => f.write_str("written here from a credential"),
            Self::NotChosen => f.write_str("not chosen"),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            write!(f, "{}", step.profile)?;
            if let Some((provider, kind)) = &step.about {
                write!(f, " ({provider}, {})", kind.as_str())?;
            }
            match (&step.action, &self.replacement) {
                (Action::Leave(reason), _) => writeln!(f, ": stays: {reason}")?,
                (Action::Move { field, to }, Replacement::ExecReference { provider }) => {
                    let kind = step.about.as_ref().map_or(ProfileKind::ApiKey, |(_, kind)| *kind);
                    let reference = super::place::reference_field(kind);
                    writeln!(
                        f,
                        ": {field} goes to {to}; {reference} becomes exec:{provider}:{to}"
                    )?;
                }
                (Action::Move { field, to }, Replacement::Delegation) => writeln!(
                    f,
                    ": {field} goes to {to}; configure auth.profiles[\"{}\"].credentialProvider = \
                     {{ provider: \"{}\", id: \"{}\" }}",
                    step.profile, to.provider, to.id
                )?,
            }
        }
        Ok(())
    }
}
