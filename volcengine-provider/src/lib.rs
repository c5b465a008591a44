//! Volcengine Agent Identity: platform keys as a credential, and signed calls with them.
//!
//! Every call to Volcengine is signed with an access key of the account: the *platform keys*. This
//! crate finds them where the agent-identity plugin does, assumes roles with them, and gives them to
//! an engine as the credential `platform`. Whatever is derived from them asks the engine for that
//! entry; nothing here keeps a key.
//!
//! | you want | take |
//! |---|---|
//! | providers from a configuration file | [`VolcengineFactory`], type `"volcengine"` |
//! | to call any action | [`Client::raw`], of [`VolcengineProvider::client`] |
//! | to call an action with types | [`Client::call`] and [`action`] |
//! | to sign requests of your own client | [`Credential::authorize`] on `platform` |
//! | to sign something else entirely | [`sign::sign`] |
//! | your own HTTP client, files, environment | [`VolcengineFactory::new`] |
//!
//! # Signing your own requests
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use credential_provider_api::*;
//! use resolution_engine::*;
//! use volcengine_provider::VolcengineFactory;
//!
//! let engine = ResolutionEngine::builder().factory(VolcengineFactory::with_reqwest()?).build()?;
//! engine.configure(Configuration::from_json(r#"{
//!     "credentialProviders": { "volc": {
//!         "type": "volcengine",
//!         "accessKeyId": "AKLTEXAMPLE", "secretAccessKey": "not-a-secret",
//!         "platform": { "audience": "consumers",
//!                       "origins": [ { "origin": "https://iam.volcengineapi.com" } ] }
//!     } },
//!     "credentialAccess": [ { "consumer": "tool:iam", "credential": "volc/platform" } ]
//! }"#)?).await?;
//!
//! let iam = engine.consumer("tool:iam")?;
//! let keys = iam.request(&CredentialRef::parse("volc/platform")?).await?;
//! let origin = Origin::parse("https://iam.volcengineapi.com")?;
//! let request = OutgoingRequest::new("GET", &origin, "/")
//!     .with_query("Action=ListUsers&Version=2018-01-01");
//! let added = keys.authorize(&request, SystemClock::new().now())?;
//! let names: Vec<&str> = added.headers.iter().map(|(name, _)| name.as_str()).collect();
//! assert_eq!(names, ["X-Date", "X-Content-Sha256", "Authorization"]);
//! # engine.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # Platform keys
//! The sources are asked in this order. The first that has keys wins. One that has none is passed
//! over; one that *fails* ends the search, because the next could be another identity.
//!
//! | source | it has none if | it fails if |
//! |---|---|---|
//! | `accessKeyId`, `secretAccessKey`, `sessionToken` | they are not set | what they point at fails |
//! | `VOLCENGINE_ACCESS_KEY`, `VOLCENGINE_SECRET_KEY`, `VOLCENGINE_SESSION_TOKEN` | neither of the first two is set | one of them is |
//! | `credentialsMetadataUrl` | it is not set, or answers 404 | it answers anything else, or nothing |
//! | the file `credentialsFile`, or that of `VOLCENGINE_CREDENTIALS_FILE`, or `/var/run/secrets/iam/credential` | there is no file | it is no key, or its keys have ended |
//! | `oidcToken` (`VOLCENGINE_OIDC_…`) | it is not configured, or has no role or no file | there is no token, or STS refuses |
//! | `cliProfile` (`VOLCENGINE_CLI_CONFIG_FILE`, `VOLCENGINE_PROFILE`, `~/.volcengine/config.json`) | it is not configured, or there is no file or profile | the profile has no keys |
//! | `instanceMetadata` (`VOLCENGINE_ECS_METADATA`, `…_DISABLED`) | it is not configured, disabled, or has no role | it answers anything but 200 and 404, or nothing, three times |
//!
//! With `roleTrn`, the keys of any source are used to assume that role, and what STS gives is
//! `platform`. Without it, a credential file's `role_trn`, or `RUNTIME_IAM_ROLE_TRN` beside such a
//! file, is assumed unless the file has a session token. A profile of mode `RamRoleArn` names a role
//! of its own.
//!
//! Which source won is the credential's property `source`, and in `passed_over` why those before it
//! did not; the role is the property `role`. A check of the provider says the same, and so does the
//! error when no source has keys.
//!
//! **Variant `role`**: temporary keys of another role, assumed with `platform` as it is, which they
//! end with. It needs the rule `{ "consumer": "provider:volc", "credential": "volc/platform" }`.
//!
//! Keys with an end are renewed ahead of it by the engine. The end that STS tells is read with its
//! offset and, where STS tells its own time too, counted from there. The credential file is looked at
//! every 5 s, and when it has changed the keys are asked for again, and so is all that was derived from them. Keys
//! without an end last until they change or are seen rejected.
//!
//! # Calls
//! A [`Client`] signs each attempt anew: `X-Date`, `X-Content-Sha256`, `Host`, `Content-Type` and the
//! session token are covered. Answers mean:
//!
//! | answer | [`Fault`] | as a credential's error |
//! |---|---|---|
//! | 429, `FlowLimitExceeded`, `Throttling` … | `Throttled` | `rate_limited`, after its Retry-After |
//! | 500, 502, 503, 504, `InternalError` … | `Server` | `unavailable`, after its Retry-After |
//! | `InvalidAccessKey`, `SignatureDoesNotMatch`, `ExpiredToken`, `InvalidSecretToken` … | `KeysRejected` | `rejected` |
//! | `InvalidTimestamp` | `Clock` | `configuration_invalid`: a clock is off |
//! | 401, 403, `AccessDenied`, `LackPolicy` … | `Denied` | `configuration_invalid` |
//! | 404, `…NotFound…`, `…NotExist…` | `NotFound` | `credential_not_found` |
//! | `ServiceNotFound`, `InvalidActionOrVersion`, whose status is 404 too | `UnknownAction` | `unsupported` |
//! | 409, `…Duplicate…`, `…Exist…` | `AlreadyExists` | `configuration_invalid` |
//! | 400, `InvalidParameter.…` | `Invalid` | `configuration_invalid` |
//! | no envelope, with a status of success | – | `invalid_response` |
//! | no connection; no answer in time | – | `unavailable`; `timeout` |
//!
//! Codes go before statuses: an error may come with status 200. What a service says is
//! [cleaned](credential_provider_api::Detail::cleaned) before it is shown; its request id is shown.
//!
//! **Again**: throttling, 503 and connections that were not made are tried again; other failures of
//! the service and broken connections only for actions that may be made twice
//! ([`Effect::Repeatable`]). [`RetryPolicy`] has the numbers. Nothing is tried after the deadline of
//! whoever asked.
//!
//! **Other keys**: when a service refuses the keys, they are asked for once more without that
//! revision, and the call is made once more if they are others.
//!
//! # Regions
//! `endpoint`, if it is set. Else the region that `regionMetadataUrl` tells as text within 10 s, at
//! `id.{region}.volcengineapi.com`; if it does not tell one, `cn-beijing` for 60 s. Else `region`, or
//! `cn-beijing`. The region of a signature is `region` if it is set, else the one in the host's name,
//! else `cn-beijing`.
//!
//! # Configuration
//! Unknown settings are errors. None is required.
//!
//! | setting | what |
//! |---|---|
//! | `endpoint` | where Agent Identity is: https, or http on loopback |
//! | `region` | the region, where the host does not tell it |
//! | `regionMetadataUrl` | what tells the region |
//! | `stsEndpoint` | where STS is; `https://sts.volcengineapi.com` unless given |
//! | `retries` | how often a call is tried again; 3 unless given |
//! | `accessKeyId`, `secretAccessKey`, `sessionToken` | secrets, SecretRefs or references to other providers' credentials |
//! | `roleTrn` | the role to assume |
//! | `roleSessionName`, `roleDurationSeconds` | `credential-provider` and 3,600 (900 to 43,200) unless given |
//! | `credentialsMetadataUrl` | where keys are that assume `roleTrn` |
//! | `credentialsFile` | the credential file |
//! | `oidcToken` | `roleTrn`, `tokenFile`, `sessionName`, `providerTrn`, `policy`; those not set are taken from the environment |
//! | `cliProfile` | `file`, `profile` |
//! | `instanceMetadata` | `endpoint`, `role` |
//! | `platform.audience` | `providers` unless given, or `consumers`: whether tools can be granted the platform keys |
//! | `platform.origins` | `origin`, and `service` and `region` where the host does not tell them: where the keys may sign, beside Agent Identity and STS |
//! | `displayName` | its name for people |
//!
//! Metadata services have no TLS. [`VolcengineFactory::with_reqwest`] talks to them at private,
//! shared and link-local addresses said as numbers, and to others by https only.
//!
//! # What it does not do
//! STS cannot take keys back: revoking is local. Profiles that sign in by a browser (`sso`,
//! `console-login`) are refused.
//!
//! [`Credential::authorize`]: credential_provider_api::Credential::authorize

pub mod action;
mod configuration;
#[cfg(feature = "emulator")]
pub mod emulator;
mod environment;
mod factory;
mod files;
mod platform;
mod provider;
mod runtime;
pub mod sign;
mod wire;

pub use environment::{Environment, SystemEnvironment};
pub use factory::VolcengineFactory;
pub use files::{FileProblem, Files, Stamp, SystemFiles};
pub use provider::VolcengineProvider;
pub use wire::{
    CallError, Client, Effect, Fault, HeldKeys, Keys, RawAnswer, RawCall, RequestId, RequestKeys,
    RetryPolicy, Service, ServiceError,
};
