//! One function for a host's model authentication: the key for this provider and profile.
//!
//! A profile's configuration may delegate to a credential (`ProviderAuthMethod.credentialProvider`):
//!
//! ```json5
//! { auth: { profiles: { "openai:work": {
//!   provider: "openai", mode: "oauth",
//!   credentialProvider: { provider: "sso", id: "openai" },
//! } } } }
//! ```
//!
//! A delegated profile needs no entry in the store; it takes part in order and cooldowns like one that
//! has. OpenClaw itself refuses a configuration with keys it does not know: keep the delegations of a
//! configuration that it shares in a file of the host's, in the same form. They count as if they stood in
//! the configuration: after those it lists, unless their kind puts them first. An explicit order
//! (`auth.order`, or the store's) must name them, as any other profile.
//!
//! # Precedence
//! [`ModelAuth::key`] asks [tiers](Tier) one after the other, as OpenClaw does; those that are the
//! host's own are [given by it](KeyTier). A profile that is named comes before all of them and is alone.
//!
//! **A tier that fails stops.** Only a tier that has nothing hands on to the next: an
//! account that cannot be used now is never replaced by another that happens to be in the environment.
//! Among the stored profiles of one tier OpenClaw's rule holds (the next one in order is tried), but a
//! delegated profile that fails stops at once.

mod auth;
mod delegations;
mod key;
mod stored;
mod tier;

pub use auth::{ModelAuth, ModelAuthBuilder, Question};
pub use delegations::{Delegation, Delegations};
pub use key::{KeyMode, ModelKey, RuntimeAuth};
pub use stored::{InlineKeys, StoredKeys};
pub use tier::{KeyTier, Precedence, Tier};
