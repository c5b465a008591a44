//! [`OAuthProviderBuilder`]: a provider for hosts without configuration files, and what the factory
//! builds with.

mod checks;
mod settings;

pub use settings::{OAuthProviderBuilder, OAuthRuntime};
