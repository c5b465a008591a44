//! What a provider author writes: [`CredentialProvider`], and the words it is written in.

mod changes;
mod commit;
mod contract;
mod descriptor;
mod factory;
mod observation;
mod request;
mod resolution;
mod settings;
mod source;

pub use changes::{Change, Changes, NoChanges};
pub use commit::{Commit, CommitGate};
pub use contract::CredentialProvider;
pub use descriptor::{
    Audience, Capability, CredentialDescriptor, IdPattern, ProviderDescriptor, Scope,
};
pub use factory::{FactoryContext, ProviderFactory};
pub use observation::{Observation, Outcome};
pub use request::{Hint, Interaction, Reason, Request};
pub use resolution::{Health, HealthStatus, Resolution, Revocation};
pub use settings::{ConfigError, Settings};
pub use source::{NoSource, Source, Want, WantedSession};
