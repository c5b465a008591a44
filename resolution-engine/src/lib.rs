//! One authority for the credentials of a host.
//!
//! Providers, written against `credential-provider-api`, say *how* a credential is obtained. This
//! engine decides *when*, *exactly once*, *for whom*, and *who may have it*. A host embeds it as a
//! library, on its tokio runtime.
//!
//! # Embedding it
//! ```
//! use credential_provider_api::*;
//! use resolution_engine::*;
//! # struct Vault(ProviderDescriptor);
//! # #[async_trait]
//! # impl CredentialProvider for Vault {
//! #     fn descriptor(&self) -> &ProviderDescriptor { &self.0 }
//! #     async fn resolve(&self, _: &Request) -> Result<Resolution, CredentialError> {
//! #         Ok(Credential::api_key("sk-1".into()).into())
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let openai_key = CredentialDescriptor::gateway(IdPattern::any(), CredentialKind::ApiKey);
//! # let vault = Vault(ProviderDescriptor::new(ProviderId::new("vault")?, "Vault").with_credential(openai_key));
//! let rules = AccessRules::deny_all().allow("tool:web-search", "vault/openai")?;
//! let engine = ResolutionEngine::builder().provider(vault).access(rules).build()?;
//! let tool = engine.consumer("tool:web-search")?;
//!
//! let openai = CredentialRef::parse("vault/openai")?;
//! let key = tool.request(&openai).await?;
//! assert_eq!(key.kind(), CredentialKind::ApiKey);
//!
//! let handle = tool.request(&openai).bind()?; // once
//! handle.get().await?;
//! let length = handle.with(|key| key.secret().map(|s| s.expose_secret().len()))?; // often
//! assert_eq!(length, Some(4));
//! engine.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # Capabilities
//! | who holds it | may |
//! |---|---|
//! | [`ResolutionEngine`], the host | mint the others, configure, shut down |
//! | [`Consumer`], a part of the host | ask for what the [rules](AccessRules) grant it |
//! | [`Handle`] | read one credential of one session, fast |
//! | [`SignInFlow`], by an unguessable name | answer one sign-in |
//! | [`Administrator`], the host's own console | list, revoke, end sessions, sign in for others |
//!
//! The model and its tools hold none of them.
//!
//! # The life of a request
//! 1. **Fast path.** A credential that is at hand, that this consumer may have and was audited for,
//!    is answered at the first poll of the future: one map lookup, no lock over it, no allocation. A
//!    [`Handle`] skips the lookup too.
//! 2. **Checks.** Access rules, the provider's descriptor, the session. Denials are audited.
//! 3. **Entry.** One per key. It is a state machine without I/O; what it decides is carried out
//!    under its lock, so decisions and effects have one order.
//! 4. **Flight.** The provider's call runs on a task of the engine, under call limits and a fetch
//!    limit. Callers only wait, each with its own deadline; the one who came first is nothing
//!    special. A transient failure is tried again inside the flight.
//! 5. **Settlement.** The answer counts if the entry's epoch is still the one the flight started
//!    in: a revocation, a sign-out, the end of a session or a change of provider moves it on.
//!
//! # Renewal
//! A credential is renewed in the last 20 % of its life, at most 5 minutes ahead, with jitter, if
//! anybody used it since it was issued. In the last 5 %, at most 1 minute, callers wait for the
//! renewal, and are served what there is if it fails. It is not handed out in its last 1 % (100 ms
//! to 5 s). A failing source is asked again after a pause that doubles, or the one it asked for.
//! [`Tuning`] has every number.
//!
//! # Derived credentials
//! A provider asks for what it depends on through
//! [`Request::depend_on`](credential_provider_api::Request::depend_on). Each answer becomes an edge:
//! the child ends no later than the parent, and with it. Circles and chains over eight are errors. A
//! child that fails for want of its parent's sign-in names the parent, and wakes with it.
//!
//! # Taking back
//! When [`revoke`](Target::revoke), [`sign_out`](Target::sign_out) or
//! [`end_session`](Administrator::end_session) has returned, no request yields the old credential,
//! those in flight included, and no late answer puts it back. An exchange that a provider has
//! [committed](credential_provider_api::Request::commit) to is waited for, and its result is what is
//! revoked. **A value already handed out cannot be recalled**: keep it no longer than the call it is
//! for.
//!
//! | operation | memory | grant | remote | afterwards |
//! |---|---|---|---|---|
//! | [`invalidate`](Target::invalidate) | dropped | kept | – | the next request asks the source |
//! | [`release`](Target::release) | forgotten, revocations too | kept | – | as if never asked for |
//! | [`sign_out`](Target::sign_out) | dropped | removed | where possible | `needs_reauth` |
//! | [`revoke`](Target::revoke) | dropped | by the provider | where possible | `revoked` |
//! | [`end_session`](Administrator::end_session) | forgotten | kept | – | the session may return |
//!
//! # The last metre
//! A credential reaches a tool without reaching the model: bound to an environment variable of one
//! child process, or in place of a placeholder in a tool's parameters.
//!
//! | module | carries it | feature |
//! |---|---|---|
//! | [`injection`] | into one child's environment, for one call and session | |
//! | `placeholder` | into a whole value of a tool's parameters, for one origin | `placeholders` |
//! | `skill` | nowhere: says what a skill asks for, and how a person supplies it | `skills` |
//!
//! # Bounds
//! Entries, sessions, waiters, handles and sign-ins are bounded; at a bound a request fails with
//! `overloaded` and names the limit. Before that, entries that hold no credential are forgotten, the
//! oldest first, then those unused for a quarter of the idle time. An entry in use, bound to a
//! handle, or revoked is never pushed out by others. A revocation is remembered for
//! [30 days](Tuning::revocations) and counts against the bound until then.
//!
//! # HTTP
//! With the feature `http`, `AuthorizeLayer` is a tower layer that authorizes the requests of any HTTP
//! client: only for the origins the credential names, every redirect judged anew, and once more with
//! a newer credential after a 401.
//!
//! # Redaction
//! With the feature `redaction` a `Redactor` masks every secret that the engine publishes or
//! hands out in the text that flows back to the model.
//!
//! # What to know
//! - Containing a panicking provider needs `panic = "unwind"`, the default.
//! - The panic hook runs before the engine catches: a provider that panics with a secret in its
//!   message prints it. Hosts that load third-party providers set a hook of their own.
//! - A provider that never ends a committed exchange delays [`shutdown`](ResolutionEngine::shutdown)
//!   and [`revoke`](Target::revoke) for as long; both may be given up by their caller and go on.

mod access;
mod admin;
mod audit;
mod clock;
mod configuration;
mod consumer;
mod core;
mod counters;
mod engine;
mod entry;
mod events;
mod flight;
mod flows;
mod handle;
mod health;
#[cfg(feature = "http")]
mod http;
pub mod injection;
#[cfg(feature = "placeholders")]
pub mod placeholder;
mod random;
#[cfg(feature = "redaction")]
pub mod redaction;
mod registry;
mod report;
mod resolve;
mod schedule;
mod service;
#[cfg(feature = "skills")]
pub mod skill;
mod sync;
mod tuning;
#[cfg(any(feature = "placeholders", feature = "skills"))]
mod unseen;

#[cfg(feature = "measure")]
#[doc(hidden)]
pub mod measure {
    //! Parts that the benchmarks measure by themselves. Not a public API.
    pub use crate::schedule::Wheel;
}

#[cfg(feature = "http")]
pub use crate::http::{
    Authorize, AuthorizeError, AuthorizeFuture, AuthorizeLayer, HttpRefusal, NotRenewed, Payload,
    SentTo,
};
pub use access::{AccessRules, Effect, Rule};
pub use admin::{Administrator, EntryStatus, Target};
pub use audit::AuditPolicy;
pub use clock::SystemClock;
pub use configuration::{Configuration, ReloadReport};
pub use consumer::{Consumer, RequestBuilder, ResolveFuture};
pub use counters::CounterSnapshot;
pub use engine::{EngineBuilder, ResolutionEngine};
pub use events::{Delivery, EventStream};
pub use flows::{FlowStatus, SignInFlow, SignInRequest};
pub use handle::{Handle, Version};
pub use random::SystemRandom;
#[cfg(feature = "redaction")]
pub use redaction::{RedactingStream, Redactor, RedactorCounts, Retention, Unmaskable};
pub use tuning::Tuning;
