//! Volcengine Agent Identity: platform keys, people's identities and hosted credentials, and signed
//! calls.
//!
//! Every call to Volcengine is signed with an access key of the account: the *platform keys*. This
//! crate finds them where the agent-identity plugin does, assumes roles with them, and gives them to
//! an engine as the credential `platform`. Whatever is derived from them asks the engine for that
//! entry; nothing here keeps a key. People sign in through a user pool (`identity`); a workload acts
//! for them (`workload-token`); with its token the service gives what it keeps for them.
//!
//! | you want | take |
//! |---|---|
//! | providers from a configuration file | [`VolcengineFactory`], type `"volcengine"` |
//! | to call any action | [`Client::raw`], of [`VolcengineProvider::client`] |
//! | to call an action with types | [`Client::call`] and [`action`] |
//! | a person's own keys and tokens | [`userPool`](#people), [`credentials`](#hosted-credentials) |
//! | to know whether an agent may do something | [`VolcengineProvider::permits`] |
//! | to know what there is | [`VolcengineProvider::credential_providers`], [`VolcengineProvider::role_providers`] |
//! | the service on loopback, for tests | feature `emulator` |
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
//! # People
//! With the section `userPool` a person signs in through a user pool's issuer, by
//! [`oauth_provider`]: PKCE with S256 always, strict ID tokens, silent renewal, the refresh token
//! encrypted in the host's store and never shown. The ID token is the credential `identity`, for
//! providers only: a host starts the sign-in as administrator.
//!
//! The issuer is said (`discoveryUrl`, the base or the whole address, and `clientId`), or found by
//! names (`name`, `clientName`): to the letter, over all pages; two of one name are an error. What is
//! not there is created unless `autoCreate` is `false`, and `callbackUrl` is added to what the client
//! has registered: all of the client is read, and written back with it. What was found is an entry of
//! its own, `user-pool`, for providers only; an administrator who invalidates it has it looked up
//! again. While people are signed in nothing is created: a pool or client that was renamed is not
//! replaced by an empty one, and looking it up is `not_configured` until its name is configured, or all
//! of them are signed out. Found by names, and with no `identityProvider` said, the first of the pool's
//! identity providers that is not switched off is the one that the sign-in page is told.
//!
//! Signing out revokes at the issuer, where it has a place for that; while the issuer cannot be found
//! it is local only. A user who was disabled cannot renew: `needs_reauth`.
//!
//! **A token that another page has received** (a web chat that signs its people in itself) signs them in
//! too: start the sign-in by [`SignInMethod::Fields`](credential_provider_api::SignInMethod::Fields) and
//! answer with `id_token`, and `refresh_token` if there is one. It is verified like any other, by the
//! issuer's keys and for the same client, before anything is kept. One that has ended is renewed with the
//! refresh token first, if that is for the same person. [`PluginSession::read_all`] reads
//! the sessions that older versions of the plugin kept as plain text, to be signed in like that.
//!
//! # Workload tokens
//! `workload-token` says that a workload acts for the user of a session. It is exchanged for the ID
//! token, is had for one session, lasts no longer than the ID token, and is in no store. The name of
//! the workload is `workload.name`; or that of the role if `roleTrn` is set; or the variant's
//! `workload`, or `openclaw-agent`. A workload that the service does not find is created, if it was
//! named. A code that names another thing (an action, a user, a pool) creates nothing; which codes the
//! service has is not published, so one that names nothing means the workload.
//!
//! A **variant** may say `workload`, `pool`, `audience`, `parent` (below), and `account`: nobody else's
//! token is served for that. What is derived from a workload token takes the same variant.
//!
//! What comes back is looked at before it is served: user, acting workload, audience, times. Its
//! signature is not, because it comes from its issuer over TLS. Properties: `workload`, `pool`,
//! `audience`, `issuer`, and `actors`, the chain as a JSON list with the workload that acts now first.
//! A check of the entry says the chain too. With `"grantedTo": "consumers"` and `origins` an agent can
//! hand it to the next one, in `X-Ve-TIP-Token`.
//!
//! A token that the service refuses is asked for anew, once, and the call is made again with it.
//!
//! **A child session** (a sub-agent) has an identity of its own, or none. With `"childSessions":
//! "exchange"` its token is made of the token of the session that started it: the same user, and one
//! workload more in the chain. The host has to say so too, by the rule `{ "consumer": "provider:volc",
//! "credential": "volc/workload-token", "effect": "derive" }`. It ends with its parent's.
//! The parent acts as the workload that the variant's `parent` says; else as the one that it last had a
//! token of in this process, else as the usual one.
//!
//! # Hosted credentials
//! The section `credentials` names them, by id or by a pattern with a star at its end: then the star
//! stands for the service's name (`"key/*"`, asked for as `key/search`).
//!
//! | `type` | kind | what else may be said |
//! |---|---|---|
//! | `api_key` | `api_key` | |
//! | `oauth2` | `oauth2` | `flow` (`user_federation`, `m2m`; the credential provider's own unless given), `scopes`; for a user `redirectUrl`, `returnUrl`, `consent`, `customParameters` |
//! | `role` | `access_key` | `useTip`: the workload's token, else the user's own; `roleTrn`, `roleSessionName`, `durationSeconds` (900 to 43,200); `sites`: where the keys sign, as in `platform.origins` |
//! | `user_credential` | `user_value`, field `value` | |
//!
//! All of them take `provider` (the service's name, where it is not the id), `poolName` (else the
//! variant's `pool`, else `workload.poolName`), `origins` and `description`. A list has what the patterns
//! stand for, without roles for another user pool than `userPool.name`. An `oauth2` flow that is not
//! said is looked up once, and again after an hour or when a request by it is refused. An API key goes where the vault says, header or query. Variants: as for workload
//! tokens, and `scopes` or `role`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::sync::Arc;
//! # use credential_store::MemoryStore;
//! # use resolution_engine::*;
//! # use volcengine_provider::VolcengineFactory;
//! # let engine = ResolutionEngine::builder()
//! #     .store(Arc::new(MemoryStore::new()))
//! #     .factory(VolcengineFactory::with_reqwest()?)
//! #     .build()?;
//! let report = engine.configure(Configuration::from_json(r#"{
//!     "credentialProviders": { "volc": {
//!         "type": "volcengine",
//!         "userPool": { "name": "people", "clientName": "gateway", "autoCreate": false,
//!                       "callbackUrl": "https://gateway.example/identity/oauth/callback" },
//!         "workload": { "poolName": "agents" },
//!         "credentials": {
//!             "search": { "type": "api_key", "origins": ["https://search.example"] },
//!             "calendar": { "type": "oauth2", "flow": "user_federation",
//!                           "returnUrl": "https://gateway.example/consent/return",
//!                           "origins": ["https://calendar.example"] },
//!             "storage": { "type": "role", "useTip": true, "durationSeconds": 900,
//!                          "sites": [ { "origin": "https://tos.example", "service": "tos" } ] },
//!             "notes/*": { "type": "user_credential" }
//!         }
//!     } },
//!     "credentialAccess": [
//!         { "consumer": "provider:volc", "credential": "volc/*" },
//!         { "consumer": "tool:web", "credential": "volc/search" }
//!     ]
//! }"#)?).await?;
//! assert!(report.failed.is_empty());
//! # engine.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! **A user's OAuth tokens** need their consent at a third party. The sign-in's step is the vault's
//! page, polled every 5 s for at most 10 min; `"consent": "always"` ends the consent there was. With
//! `returnUrl`, which the workload must allow, the person comes back to the host, whose
//! [`SignInAnswer::Pasted`](credential_provider_api::SignInAnswer::Pasted) or `Callback` binds the
//! session to them. That it comes back with the parameter `session_uri`, beside the `state` of the flow,
//! is assumed: the service does not publish what it adds to the address. If it is called otherwise,
//! what comes back is refused and nothing is bound; sign-ins without `returnUrl` are not concerned.
//! With `redirectUrl` the third party sends its code to the host itself. A denied
//! consent ends the flow where the vault has named a session. The vault renews: after a rejection the
//! same token is not served again until it is another.
//!
//! **Without `returnUrl` or `redirectUrl`, whoever opens the page first gives the consent**, and the vault
//! keeps it for the user whose sign-in it is. Send such a page to that person alone: in a group, somebody
//! else's account would become theirs.
//!
//! **A user's value** is written by signing in to it with the field `value`, and deleted from the vault by
//! signing out or revoking it. A 404 that is not about the value is an error: it may still be there.
//!
//! # Permission
//! [`VolcengineProvider::permits`] asks whether the agent of a workload token may act, or use a tool or
//! a skill. Errors, missing answers and ended tokens are denials. About an agent, `OriginalCallers` are
//! the agents before it in the chain; about a tool or a skill, the agent that acts is the first of them.
//! What is published shows only the former: that the service's policies read the latter so is assumed.
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
//! [cleaned](credential_provider_api::Detail::cleaned) before it is shown; of its code the words that are
//! known here are shown (`NotFound.WorkloadIdentity`), and its request id.
//!
//! **Again**: throttling, 503 and connections that were not made are tried again; other failures of
//! the service and broken connections only for actions that may be made twice
//! ([`Effect::Repeatable`]). [`RetryPolicy`] has the numbers. Nothing is tried after the deadline of
//! whoever asked, nor where the service asks to wait longer than the longest pause: the error says how
//! long.
//!
//! **Time-outs** are those of the HTTP client: 5 s to connect, 10 s for a read, 30 s in total with
//! [`VolcengineFactory::with_reqwest`]. The official clients wait 30 s to connect and 30 s for a read.
//!
//! **Other keys**: when a service refuses the keys, they are asked for once more without that
//! revision, and the call is made once more if they are others. Platform keys are looked at where they
//! come from before that: while the same are there, only this call fails, with `rejected`, and
//! everybody else is served. `InvalidToken` and `ExpiredToken` may mean the keys' token or the one that
//! a call carries: another of the latter is tried first.
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
//! | `userPool.discoveryUrl`, `.clientId`, `.clientSecret` | the issuer and its client; the secret in the forms above |
//! | `userPool.name`, `.clientName`, `.autoCreate` | or their names; `true` unless given, which creates while nobody is signed in |
//! | `userPool.callbackUrl` | where a sign-in comes back to |
//! | `userPool.identityProvider` | which of the pool's identity providers |
//! | `userPool.scopes` | `openid`, `profile`, `email` unless given |
//! | `userPool.owner` | `session` unless given, or `gateway`: one login for everybody (the plugin's personal mode) |
//! | `workload.poolName`, `.name`, `.audience` | `default`; see above; none |
//! | `workload.durationSeconds`, `.autoCreate` | 3,600 (60 to 43,200) and `true` unless given |
//! | `workload.childSessions` | `own_identity` unless given, or `exchange` |
//! | `workload.grantedTo`, `.origins` | `providers` unless given, or `consumers`; where it may be sent then |
//! | `credentials` | by id or pattern, the table above |
//!
//! `userPool` needs a grant store, and `workload` and `credentials` need `userPool`. A provider asks
//! for its own entries: it needs the rule `{ "consumer": "provider:volc", "credential": "volc/*" }`.
//!
//! Metadata services have no TLS. [`VolcengineFactory::with_reqwest`] talks to them at private,
//! shared and link-local addresses said as numbers, and to others by https only.
//!
//! # What it does not do
//! STS cannot take keys back, and the service has no action that ends a workload token or a consent:
//! revoking them is local. There is no `session.get`: a refresh token never reaches a consumer, and the
//! ID token is a credential, asked for by its name. The plugin's `list-tips` is no list here: the engine's
//! snapshot has the entries with their accounts and ends, and each token has its chain. The plugin's relay for callbacks is not there: its contract is not published.
//! Sessions that the plugin has encrypted are not read. Profiles that sign in by a browser (`sso`,
//! `console-login`) are refused.
//!
//! [`Credential::authorize`]: credential_provider_api::Credential::authorize

mod acting;
pub mod action;
mod configuration;
#[cfg(feature = "emulator")]
pub mod emulator;
mod environment;
mod factory;
mod files;
mod hosted;
mod people;
mod permission;
mod platform;
mod provider;
mod runtime;
pub mod sign;
mod sign_in;
mod wire;
mod workload;

pub use environment::{Environment, SystemEnvironment};
pub use factory::VolcengineFactory;
pub use files::{FileProblem, Files, Stamp, SystemFiles};
pub use hosted::{CredentialProviderQuery, Listed, RoleQuery};
pub use people::PluginSession;
pub use permission::{Decision, Question};
pub use provider::VolcengineProvider;
pub use wire::{
    CallError, Client, Effect, Fault, HeldKeys, Keys, RawAnswer, RawCall, RequestId, RequestKeys,
    RetryPolicy, Service, ServiceError,
};
