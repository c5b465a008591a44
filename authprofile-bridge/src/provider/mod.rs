//! OpenClaw's auth profiles as a provider: read where they are, chosen as OpenClaw would choose.
//!
//! # Credentials
//! | id | what | choice |
//! |---|---|---|
//! | a model provider, for example `openai` | the profile OpenClaw would use for it now | made anew by every request |
//! | a profile, for example `openai:work` | that profile, verbatim | none: it never falls to another |
//!
//! All are the gateway's. A profile that is named like a model provider is itself. The engine caches
//! profiles; a choice it never does. Access rules that grant a model provider grant its profiles through
//! it, unless they forbid one.
//!
//! # The choice
//! [`order`](crate::openclaw::order) is OpenClaw's: the pinned profile first, then the explicit order, or
//! by kind and last use. Profiles cooling down for the model asked for
//! ([`Hint::model`](credential_provider_api::Hint)) are passed over. One that cannot be served (a mask, a
//! fence, a reference that does not resolve, a login that has ended and cannot be renewed) is logged, and
//! the next is tried; it is looked at again when its entry changes, and after 30 s. If all that is left cool down, the error is `rate_limited`, with the soonest end
//! and the reason that OpenClaw would name. Such errors hold for one request.
//!
//! **Pins.** A session's wish is [`Hint::prefer`](credential_provider_api::Hint): the profile it was served
//! before, tried first while it is fit. `pin` in the settings is the same for all sessions; the hint comes
//! before it. A locked choice is no pin: ask for the profile by its id.
//!
//! # What is served
//! | profile | as | until |
//! |---|---|---|
//! | `api_key` | `api_key` | changed |
//! | `token` | `token` | `expires` |
//! | `oauth` | `oauth2`, the access token | `expires`; with less than 5 min left it is [renewed](crate::renewal) first, where an issuer is named |
//!
//! What is behind a SecretRef is asked for again after a minute (`rereadSeconds`). The account is
//! `accountId`, else `email`. A credential may be sent to the origins that the settings name for its model
//! provider, and to none if they name none. Marks, fences and references that nobody resolved are never
//! served. Neither is a login by reference, nor a token by reference that OpenClaw's configuration calls a
//! login (`mode: "oauth"`): OpenClaw forbids both. A torn or corrupt file is `store_unreadable` and stays as it is.
//!
//! A login without a named issuer, or in SQLite, is served while it is good; then the error says that
//! OpenClaw renews it.
//!
//! # Changes
//! What others write is noticed within a second, at once where the platform tells. The profiles that
//! changed are forgotten by the engine, the others stay. A login of another account is a sign-in.
//! Nothing is read on the caller's thread. What changed between the first request and the first poll is
//! told at that poll. A store that could not be read at first tells of every profile once it can be, and
//! of no sign-in.
//!
//! # Reports
//! | outcome | what is kept, as OpenClaw keeps it |
//! |---|---|
//! | success | last use, last good; windows and counts are over |
//! | rejected | `auth`: 30 s, 60 s, 300 s; a login that can be renewed is renewed first, and counted if that fails or the new token is rejected too within [`SOON`] |
//! | too many requests | `rate_limit`, for the hint's model; the service's own pause is not kept, as OpenClaw keeps none |
//! | no credit | `billing`: 5 h, doubling to 24 h |
//!
//! They are written under OpenClaw's lock, where the profile is. Of a store that is only read (SQLite,
//! `access` `read_only`), they are kept in memory, until the store says something else.
//!
//! # Configuration
//! | setting of type `auth-profiles` | what |
//! |---|---|
//! | `stateFolder` | OpenClaw's state folder, in place of the environment's |
//! | `agent` | whose profiles: `main` unless given |
//! | `access` | `read_write` unless given, or `read_only`: nothing is renewed, reports stay in memory |
//! | `rereadSeconds` | how long what is behind a SecretRef may be served; 60 unless given |
//! | `displayName` | its name for people |
//! | `modelProviders` | by model provider, the table below |
//!
//! | setting of a model provider | what |
//! |---|---|
//! | `origins` | where its credentials may be sent |
//! | `placement` | where in a request they go, if not in `Authorization: Bearer` |
//! | `pin` | the profile that is tried first |
//! | `issuer` | who renews its logins: a name the host gave the factory |

mod books;
mod builder;
mod changes;
mod choice;
mod configuration;
mod core;
mod factory;
mod health;
mod listed;
mod serve;
mod surface;

pub use books::SOON;
pub use builder::{AuthProfileProviderBuilder, ModelProvider};
pub use factory::AuthProfileFactory;
pub use listed::{Listed, Seen};
pub use surface::AuthProfileProvider;
