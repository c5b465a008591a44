//! Credentials in the environment of one child process.
//!
//! A host binds credentials to environment variables once. For each tool call it resolves the
//! bindings of that tool's consumer, for the session the call is for, and applies the result to the
//! command it is about to start. The model sees neither the value nor the engine.
//!
//! ```
//! # use credential_provider_api::*;
//! # use resolution_engine::*;
//! use resolution_engine::injection::{Bindings, Injector};
//!
//! # struct Vault(ProviderDescriptor);
//! # #[async_trait]
//! # impl CredentialProvider for Vault {
//! #     fn descriptor(&self) -> &ProviderDescriptor { &self.0 }
//! #     async fn resolve(&self, _: &Request) -> Result<Resolution, CredentialError> {
//! #         Ok(Credential::api_key("ghp-0123456789".into()).into())
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let any = CredentialDescriptor::gateway(IdPattern::any(), CredentialKind::ApiKey);
//! # let vault = Vault(ProviderDescriptor::new(ProviderId::new("vault")?, "Vault").with_credential(any));
//! # let rules = AccessRules::deny_all().allow("tool:git", "vault/github")?;
//! # let engine = ResolutionEngine::builder().provider(vault).access(rules).build()?;
//! let bindings = Bindings::none().bind("tool:git", "GITHUB_TOKEN", "vault/github")?;
//! let injector = Injector::new(bindings);
//!
//! let tool = engine.consumer("tool:git")?;
//! let injection = injector.resolve(&tool, None).await?;
//! let mut command = std::process::Command::new("git");
//! injection.apply(&mut command); // last, right before the child is started
//! assert_eq!(injector.live(), 1);
//! drop(injection); // the call is over
//! assert_eq!(injector.live(), 0);
//! # engine.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! In configuration the bindings are a list:
//! ```
//! let section = r#"[
//!     { "consumer": "tool:git", "env": "GITHUB_TOKEN", "credential": "vault/github" },
//!     { "consumer": "skill:*", "env": "DB_PASSWORD", "field": "password",
//!       "credential": { "provider": "vault", "id": "db" }, "necessity": "optional" },
//!     { "consumer": "tool:mail", "env": "MAIL_TOKEN", "credential": "work/mail",
//!       "variant": { "scopes": ["mail.read"] } }
//! ]"#;
//! let bindings: resolution_engine::injection::Bindings = serde_json::from_str(section)?;
//! assert_eq!(bindings.list().len(), 3);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # What holds
//! - A binding grants nothing: each resolve is an ordinary request of the consumer, under the access
//!   rules, and audited.
//! - A session's credential is given for its own session only; without a session it is the error
//!   `session_required`.
//! - Nothing is process-global. What the host's own environment holds under the same name is
//!   overwritten for that child only. Where an optional credential is missing, the name is taken out
//!   of that child's environment: it does not fall back to the host's value.
//! - One required binding failing fails the whole, and nothing is applied.
//! - Names that change how programs are found, loaded or connected are [refused](BlockedName), `PATH`
//!   among them, in any case of letters. So are values with a NUL, or of more than 32 768
//!   characters; [`ShortValues`] says what becomes of those under 8.
//! - The injection ends when it is dropped, by a panic or a cancelled call too: our copies are wiped and
//!   [`Injector::live`] counts one less. The credential lives on in the engine.
//!
//! # What to know
//! A `Command` keeps its own copy of the environment until it is dropped: make one for each call.
//! While the child runs, its environment can be read by the same operating-system user, and by its own
//! children. A tool that must be held off runs under another user.

mod bindings;
mod environment;
mod injector;
mod names;
mod values;

pub use bindings::{Binding, Bindings};
pub use environment::Injection;
pub use injector::Injector;
pub use names::BlockedName;
pub use values::ShortValues;

#[cfg(feature = "placeholders")]
pub(crate) use values::Judged;
#[cfg(any(feature = "placeholders", feature = "skills"))]
pub(crate) use values::judge;
