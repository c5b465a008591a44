//! The service on loopback: the Identity and STS actions that this crate uses, for tests.
//!
//! It verifies every signature by the headers that the request says it signed, keeps what it is
//! told, issues tokens that are really signed, and ends them by its clock. [`Emulator`] runs within a
//! test; the program `volcengine-emulator --listen 127.0.0.1:0 --state FILE` runs beside one, prints
//! `{"address": …}` and ends on SIGTERM. It listens on loopback, and its secrets are made up.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use credential_provider_api::{ManualClock, Timestamp};
//! use volcengine_provider::emulator::{Emulator, EXAMPLE, Failure, Person, State};
//!
//! let clock = ManualClock::new(Timestamp::from_secs(1_790_000_000));
//! let emulator = Emulator::start(State::from_json(EXAMPLE)?, Arc::new(clock)).await?;
//! // the client under test is given `emulator.url()` as the endpoint of Identity and of STS
//! emulator.fail(Failure::new("GetResourceApiKey", 503, "ServiceUnavailableTemp", 1));
//! emulator.change(|state| state.account_mut(2_100_000_000).map(|a| a.workload_identities.clear()));
//! assert_eq!(emulator.counters().action("GetResourceApiKey"), 0);
//! emulator.stop().await;
//! # Ok(()) }
//! ```
//!
//! # What is served
//! | path | what |
//! |---|---|
//! | `/?Action=…&Version=…` | Identity (`2025-10-30`) and STS (`2018-01-01`), told apart by the signature's scope |
//! | `/userpool/UID` | the OpenID issuer of a user pool: discovery, `authorize`, `oauth/token`, `oauth/revoke`, `userinfo`, `keys` |
//! | `/workloadpool/ID` | the issuer of workload tokens: discovery and `keys` |
//! | `/vendor/authorize` | the consent page of a hosted OAuth 2.0 provider |
//! | `/api/v1/oauth2callback` | the managed callback that the vendor redirects to |
//! | `/resource/whoami` | says whose hosted token or API key a request carries (`Authorization: Bearer` or `X-Api-Key`) |
//! | `/latest/region_id`, `/metadata/credentials/ROLE` | the plugins' two metadata URLs |
//! | `/latest/api/token`, `/volcstack/latest/iam/security_credentials[/ROLE]` | IMDSv2 |
//! | `/_emulator/counters` (GET); `faults`, `failures`, `expire-sts` (POST) | [`Counters`], [`Faults`], a [`Failure`], [`Emulator::expire_sts`], for another process |
//!
//! Both pages, sign-in and consent, are opened with GET and answered with a POST of a form with
//! `login` and `decision` (`allow` or `deny`) to the same address; the answer redirects.
//! [`Emulator::browse`] does both.
//!
//! # The state
//! A JSON file with the fields of [`State`]; those of the entities within are the service's own names.
//! Lists left out are empty. An account always has a workload pool `default`; ids, times and the
//! pools of entities that name none are filled in. An unknown field is an error. A user pool with an
//! `Issuer` belongs to an OpenID Provider elsewhere on loopback: the emulator fetches its metadata
//! and keys, and takes tokens issued to the uids of the pool's clients. [`EXAMPLE`] has one of
//! everything:
//! ```json
#![doc = include_str!("example.json")]
//! ```
//!
//! # Where it is stricter than it has to be, or guesses
//! * A parameter that the official client's model does not have is `InvalidParameter.NAME`, so that a
//!   misspelt name is found.
//! * The shape of the answers, the gateway's error codes and the statuses 404 and 409 are the
//!   service's. Which code stands beside 404 and 409 is not known: here `NotFound.WHAT` and
//!   `Duplicated.WHAT`. A token that is not accepted is `InvalidParameter.NAME`.
//! * `X-Date` may be 300 s off. `X-Security-Token` must be among the signed headers.
//! * `Filter.Name` and `Filter.Description` match within; others compare.
//! * A workload token ends with the user's token it was made from, unless the pool has
//!   `OutlivesUserToken`.
//! * `ResourceOauth2ReturnUrl` is returned to with `session_uri` and `state`, the `CustomState`. Neither name
//!   is published.
//! * `ForceAuthentication` drops the consent there was, so that polling without it waits for the new
//!   one.

mod actions;
mod client;
mod control;
mod counters;
mod elsewhere;
mod error;
mod faults;
mod fields;
mod gateway;
mod http;
mod issuer;
mod machine;
mod page;
mod person;
mod running;
mod secret;
mod server;
pub mod state;
mod sts;
mod token;
mod vault;
mod vendor;
mod world;

pub use self::counters::Counters;
pub use self::error::EmulatorError;
pub use self::faults::{Failure, Faults};
pub use self::running::{Emulator, Person};
pub use self::secret::Secret;
pub use self::state::State;

/// A state with one of everything, which is also the documentation's example. Its secrets are made up.
pub const EXAMPLE: &str = include_str!("example.json");
