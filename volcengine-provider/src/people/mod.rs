//! People who sign in through a user pool: the credentials `identity` and `user-pool`.
//!
//! - `settings`: what stands in a configuration file;
//! - `pool`: a pool and its client, found by their names;
//! - `listing`: an exact name among all pages of a list;
//! - `plugin`: sessions that the plugin has kept;
//! - `identity`: the OAuth provider within, which signs in and renews.

mod identity;
mod listing;
mod plugin;
mod pool;
mod settings;

pub(crate) use identity::People;
pub(crate) use listing::all_pages;
pub use plugin::PluginSession;
pub(crate) use settings::UserPoolSettings;

/// The name of the ID token of whoever signed in.
pub(crate) const IDENTITY: &str = "identity";
/// The name of the pool and client that were found by name.
pub(crate) const USER_POOL: &str = "user-pool";
