//! Platform keys: the chain of sources, and roles on top of it.
//!
//! - `chain`: asks the sources in order, assumes a role;
//! - `source`, `report`: what a source finds, what the chain tells about it;
//! - `configured`, `variables`, `metadata`, `file`: the sources of every host;
//! - `oidc`, `profile`, `instance`: those that are there if configured.

mod assume;
mod chain;
mod configured;
mod file;
mod instance;
mod metadata;
mod oidc;
mod profile;
mod report;
mod source;
mod variables;

pub(crate) use assume::{Assumption, RoleSettings, is_role_trn, received};
pub(crate) use chain::{Chain, PlatformKeys};
pub(crate) use configured::{ConfiguredKeys, KeyPart};
pub(crate) use file::CredentialFile;
pub(crate) use instance::{InstanceMetadata, USUAL_ENDPOINT};
pub(crate) use metadata::MetadataRole;
pub(crate) use oidc::OidcToken;
pub(crate) use profile::CliProfile;
pub(crate) use report::ChainReport;
