//! MCP servers: from a server's address to a token that is bound to it.

mod bound;
mod builder;
mod challenge;
mod configuration;
mod discovery;
mod factory;
mod memory;
mod provider;
mod registered;
mod registration;
mod resource;
mod server;
mod sign_in;
mod wire;

pub use builder::{McpProviderBuilder, McpRuntime};
pub use challenge::{BearerChallenge, bearer_challenges};
pub use factory::McpFactory;
pub use provider::McpProvider;
