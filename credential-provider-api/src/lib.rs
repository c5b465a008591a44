//! The words that providers, stores and consumers of credentials share.
//!
//! An AI-agent gateway holds credentials for models, channels, tools and users. This crate says what
//! a credential is, who it belongs to, how a provider obtains one and how a store keeps what renews
//! it. It has no runtime, no HTTP and no cache: the `resolution-engine` crate decides when a provider
//! is called, exactly once, for whom, and who may have the result.
//!
//! # Writing a provider
//! Implement [`CredentialProvider`]: [`descriptor`](CredentialProvider::descriptor) says what it
//! offers, [`resolve`](CredentialProvider::resolve) obtains a credential. Everything else has a
//! default. The trait's page lists the promises a provider makes.
//!
//! # Testing a provider
//! With the feature `conformance`, the module `conformance` runs the promises as a suite against any
//! provider or store, in a few lines of a test.
//!
//! # Words
//! | word | type |
//! |---|---|
//! | points at a credential | [`CredentialRef`] |
//! | what a consumer gets | [`Credential`], of a [`CredentialKind`], with a [`Revision`] |
//! | whose it is | [`EffectiveSession`] |
//! | what else is asked for | [`Variant`] |
//! | all of these together | [`Key`] |
//! | where it may be sent | [`Origin`] |
//! | asks a provider | [`Request`], answered by a [`Resolution`] |
//! | what a provider depends on | [`Source`] |
//! | how a person signs in | [`SignIn`], in [`SignInStep`]s |
//! | what renews a credential | [`Grant`], kept by a [`GrantStore`] under a [`Lease`] |
//! | what went wrong | [`CredentialError`] |
//! | what happened | [`Event`], [`AuditRecord`] |
//! | what a tool says it needs | [`CredentialRequirement`] |
//!
//! # Secrets
//! Secrets are [`secrecy`] types from the moment they are read. No `Debug`, `Display`, `Serialize` or
//! error shows one. They leave through named sinks: [`Credential::authorize`] for a request,
//! [`Credential::material`] for a child's environment or a resolver's answer, and
//! [`Credential::encode`] for a store that encrypts. A value already handed out cannot be recalled.

#[cfg(feature = "conformance")]
pub mod conformance;

mod clock;
mod credential;
mod error;
mod event;
mod id;
mod key;
mod origin;
mod provider;
mod random;
mod reference;
mod requirement;
mod revision;
mod secret_ref;
mod session;
mod sign_in;
mod state;
mod store;
mod time;
mod variant;

pub use async_trait::async_trait;
pub use secrecy::{ExposeSecret, SecretString};

pub use clock::{Clock, ManualClock, Sleep};
pub use credential::{
    AccessKey, Advice, Authorization, Credential, CredentialKind, Freshness, Material,
    OutgoingRequest, Placement, ServingWindow, SignRequest, is_mark,
};
pub use error::{CredentialError, Detail, ErrorClass, ErrorCode, ReauthReason};
pub use event::{AuditAction, AuditFailed, AuditRecord, AuditSink, ChangeCause, Event, EventKind};
pub use id::{AccountId, ConsumerName, CredentialId, InvalidId, ProviderId};
pub use key::Key;
pub use origin::Origin;
pub use provider::{
    Audience, Capability, Change, Changes, Commit, CommitGate, ConfigError, CredentialDescriptor,
    CredentialProvider, FactoryContext, Health, HealthStatus, Hint, IdPattern, Interaction,
    NoChanges, NoSource, Observation, Outcome, ProviderDescriptor, ProviderFactory, Reason,
    Request, Resolution, Revocation, Scope, Settings, Source, Want, WantedSession,
};
pub use random::{Random, SeededRandom};
pub use reference::CredentialRef;
pub use requirement::{CredentialRequirement, EnvName, Necessity};
pub use revision::Revision;
pub use secret_ref::{NoSecretRefs, SecretInput, SecretRef, SecretRefResolver, SecretSource};
pub use session::{EffectiveSession, Requester};
pub use sign_in::{
    Field, FieldDisplay, FlowId, FlowState, SignIn, SignInAnswer, SignInMethod, SignInProgress,
    SignInStart, SignInStep, SignedIn,
};
pub use state::State;
pub use store::{
    Grant, GrantStore, Intent, Lease, Loaded, OwnRecords, Record, Refusal, StoreChange,
    StoreChanges,
};
pub use time::Timestamp;
pub use variant::{Variant, VariantBuilder};
