//! The conformance kit: a provider or a store runs the promises of its trait against itself.
//!
//! ```
//! # use std::sync::Arc;
//! # use credential_provider_api::*;
//! # struct Keys(ProviderDescriptor);
//! # #[async_trait]
//! # impl CredentialProvider for Keys {
//! #     fn descriptor(&self) -> &ProviderDescriptor { &self.0 }
//! #     async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
//! #         request.require_no_variant()?;
//! #         match request.key().credential.as_str() {
//! #             "openai" => Ok(Credential::api_key("sk-live-1".into()).into()),
//! #             _ => Err(CredentialError::new(ErrorCode::CredentialNotFound, "")),
//! #         }
//! #     }
//! #     async fn refresh(&self, _: &Request, _: &Credential, _: Reason)
//! #         -> Result<Resolution, CredentialError> { Ok(Resolution::Unchanged) }
//! # }
//! # fn keys() -> Arc<dyn CredentialProvider> {
//! #     let id = ProviderId::new("keys").expect("an id");
//! #     let openai = IdPattern::new("openai").expect("a pattern");
//! #     let described = CredentialDescriptor::gateway(openai, CredentialKind::ApiKey);
//! #     Arc::new(Keys(ProviderDescriptor::new(id, "Keys").with_credential(described)))
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use credential_provider_api::conformance::ProviderSuite;
//!
//! // In a test, on the executor of your choice:
//! ProviderSuite::new(|| keys())
//!     .credential("openai")
//!     .run()
//!     .await
//!     .assert();
//! # }
//! ```
//!
//! A store does the same; the closure opens another handle on the same data each time.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use credential_provider_api::GrantStore;
//! # async fn open(_: &str) -> Arc<dyn GrantStore> { unimplemented!() }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use credential_provider_api::conformance::StoreSuite;
//!
//! StoreSuite::new(|| open("grants"))
//!     .reopen(|| open("grants"))
//!     .run()
//!     .await
//!     .assert();
//! # }
//! ```
//!
//! # What it proves
//! Each rule has a name and is passed, failed or skipped in the [`Report`].
//! [`assert`](Report::assert) prints what was skipped and why, and panics with the rules that failed.
//! What a descriptor declares is never skipped: if its test needs something that was not given, it
//! fails and says what to give.
//!
//! A rule that follows from another is skipped while that one is broken, so the first failure is
//! the one to mend.
//!
//! # What it needs
//! No runtime, no network, no setting: calls are polled by the test's own executor, one at a time.
//! Each has a limit of real time, so that a subject that hangs fails.
//!
//! # What it cannot see
//! Whether anything was sent after the commit gate closed, whether a provider keeps a cache, and
//! whether a store is durable against a crash in the middle of a save.

mod provider;
mod report;
mod store;
mod timer;
mod together;
mod witness;

pub use provider::ProviderSuite;
pub use report::{Report, Verdict};
pub use store::StoreSuite;
