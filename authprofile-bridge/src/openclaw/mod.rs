//! OpenClaw's auth profiles: where they are, what they say, which one is next.
//!
//! A store belongs to OpenClaw: [`Profiles`] keeps every field and entry it does not know, as the text
//! they were. [`order`] says which profile OpenClaw would choose, and [`Usage`] keeps its books by its
//! rules.

mod config;
mod cooldowns;
mod database;
mod eligibility;
mod era;
mod home;
mod identity;
mod mark;
mod order;
mod profile;
mod profiles;
pub mod provider_name;
mod reference;
mod refresh_lock;
mod store;
mod team_secrets;
mod usage;

pub use config::{Config, ProfileConfig};
pub use cooldowns::Cooldowns;
pub use database::{Database, Mark, Row, Stamp};
pub use eligibility::Eligibility;
pub use era::Era;
pub use home::{AgentId, Home};
pub use identity::{Identity, Match};
pub use mark::NoSecret;
pub(crate) use order::never_cools;
pub use order::{Choice, For, order};
pub use profile::{Expiry, Profile, ProfileKind, ProfileSecret, Skipped};
pub use profiles::Profiles;
pub(crate) use refresh_lock::target as refresh_lock_target;
pub use store::AuthProfileStore;
pub(crate) use store::{Seen, about};
pub use team_secrets::TeamSecrets;
pub use usage::{FailureReason, Usage};
