//! Hosted credentials: those that Agent Identity keeps, and gives to a workload that acts for a user.
//!
//! - `settings`: what stands in a configuration file;
//! - `vault`: what all of them share;
//! - `api_key`, `oauth`, `role`, `user_credential`: one kind each;
//! - `consent`: a person lets an agent act for them at a third party;
//! - `catalog`: what there is.

mod api_key;
mod catalog;
mod consent;
mod oauth;
mod role;
mod settings;
mod user_credential;
mod vault;

pub use catalog::{CredentialProviderQuery, Listed, RoleQuery};
pub(crate) use catalog::{credential_provider_page, credential_providers, role_providers};
pub(crate) use consent::Consent;
pub(crate) use oauth::Flows;
pub(crate) use settings::{Hosted, HostedSettings};
pub(crate) use vault::{Asking, Vault};
