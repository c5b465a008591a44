//! The places where a key may be, and in which order they are asked.

use async_trait::async_trait;
use credential_provider_api::CredentialError;

use super::auth::Question;
use super::key::ModelKey;

/// A place where a key may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// The configuration says `auth: "aws-sdk"` of the provider.
    AwsSdk,
    /// The profiles of the store and the delegated ones, in OpenClaw's order. The bridge's own.
    Profiles,
    /// The environment.
    Environment,
    /// `models.providers.<provider>.apiKey` of the configuration.
    Configuration,
    /// A text that stands for no key, for a provider on this machine.
    Marker,
    /// Bedrock, whose SDK may find credentials that nobody configured.
    ImplicitAwsSdk,
}

/// Whether profiles or the environment come first (`credentialPrecedence`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precedence {
    /// Profiles.
    #[default]
    ProfileFirst,
    /// The environment.
    EnvironmentFirst,
}

impl Precedence {
    /// The order in which tiers are asked.
    #[must_use]
    pub const fn tiers(self) -> [Tier; 6] {
        use Tier::{AwsSdk, Configuration, Environment, ImplicitAwsSdk, Marker, Profiles};
        match self {
            Self::ProfileFirst => {
                [AwsSdk, Profiles, Environment, Configuration, Marker, ImplicitAwsSdk]
            }
            Self::EnvironmentFirst => {
                [AwsSdk, Environment, Profiles, Configuration, Marker, ImplicitAwsSdk]
            }
        }
    }
}

/// A tier that is the host's own.
///
/// Any `Fn(&Question) -> Result<Option<ModelKey>, CredentialError>` is one that does not wait.
#[async_trait]
pub trait KeyTier: Send + Sync {
    /// The key here; `None` if there is nothing here, and the next tier is asked.
    ///
    /// # Errors
    /// There is something, and it cannot be used: no other tier is asked.
    async fn key(&self, question: &Question<'_>) -> Result<Option<ModelKey>, CredentialError>;
}

#[async_trait]
impl<F> KeyTier for F
where
    F: Fn(&Question<'_>) -> Result<Option<ModelKey>, CredentialError> + Send + Sync,
{
    async fn key(&self, question: &Question<'_>) -> Result<Option<ModelKey>, CredentialError> {
        self(question)
    }
}
