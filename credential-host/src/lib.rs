//! What a gateway, the `credentials` command and the exec resolver share.
//!
//! A credential configured once has to mean the same for everybody who reads the configuration: the
//! gateway that serves it, the command a person types, the resolver that OpenClaw starts. So one crate
//! reads the [`Document`], one builder turns it into an engine with every bundled provider
//! ([`CredentialHost`]), and one list of [operations](control::Operation) is what a person can do to it,
//! in the same process or through the gateway's socket.
//!
//! | you want | take |
//! |---|---|
//! | the configuration file, found and read | [`Document`] |
//! | an engine on it, with its store, and its reload | [`CredentialHost`] |
//! | to answer the `credentials` command | [`control::serve`] |
//! | to ask a gateway that runs | [`control::Connection`] |
//! | the way back of sign-ins, and a status page | [`page`] |
//! | a whole gateway on a configuration file | [`gateway`] |
//! | the exec resolver for OpenClaw, as a whole program | [`resolver`] |
//! | an audit trail in a file | [`FileAudit`] |
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use credential_host::{CredentialHost, Document};
//!
//! let document = Document::read("credentials.json5")?;
//! let host = CredentialHost::builder(document).open().await?;
//! let model = host.engine().consumer("model:assistant")?;
//! // … `model.request(&name).await`; after an edit of the file:
//! let report = host.reload().await?;
//! for (provider, problem) in &report.failed {
//!     eprintln!("{provider} stays as it was: {problem}");
//! }
//! host.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # The configuration
//! JSON5. Paths are relative to the file, those of bundled providers too. A name that begins with
//! `credential`, or is nearly one of these, and is none of them is an error; everything else in the file is
//! the host's own.
//!
//! | section | what |
//! |---|---|
//! | `credentialProviders` | by id: `"type"` and the settings of that type: `oauth`, `mcp`, `keychain`, `volcengine`, `auth-profiles`, `tool-logins`, `file` |
//! | `credentialAccess` | who may have what; nobody has anything otherwise. The command is `cli:credentials`, the resolver `secretref:exec` |
//! | `credentialBindings` | which credential goes into which environment variable of whose children |
//! | `credentialStore` | `{"folder": …, "keyFile": …}`, or `"keychain": {"service": …}` in place of the key file |
//! | `credentialGateway` | `{"socket": …, "listen": "127.0.0.1:8347", "audit": …}`; [`GatewaySettings`] |
//! | `secrets` | OpenClaw's section, for SecretRefs in settings |
//!
//! The file needs to hold no secret: settings take references.

mod audit;
mod builder;
pub mod control;
mod document;
mod file;
#[cfg(all(feature = "page", unix))]
pub mod gateway;
mod host;
mod http;
mod openclaw;
#[cfg(feature = "page")]
pub mod page;
mod panics;
pub mod resolver;
mod store;

pub use audit::{AuditLine, FileAudit};
pub use builder::HostBuilder;
pub use document::{Document, DocumentError, GatewaySettings, Places, StoreKey, StoreSettings};
pub use file::{FileFactory, FileProvider};
pub use host::{CLI, CredentialHost};
pub use panics::quiet_panics;
