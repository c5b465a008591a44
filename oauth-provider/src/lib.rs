//! Credentials of any OAuth 2.0 or OpenID Connect issuer, described by configuration.
//!
//! A person signs in once, with a browser or on another device. From then on the access token is
//! renewed by itself, by one process at a time, and a rotated refresh token is on disk before anybody
//! sees what came with it: that part is [`credential_store`]'s. This crate is what it lacks: the
//! issuer. It also obtains tokens that nobody signs in for.
//!
//! | you want | take |
//! |---|---|
//! | providers from a configuration file | [`OAuthFactory`], type `"oauth"` |
//! | a provider built in code | [`OAuthProvider::builder`], [`OAuthProvider::builder_for`] |
//! | [the token of an MCP server](#mcp-servers) | [`McpFactory`], type `"mcp"`; [`McpProvider::builder`] |
//! | the redirect received on this machine | [`LoopbackListener`] |
//! | the redirect received by your web framework | [`callback`] |
//! | the redirect pasted by a person without a browser here | [`SignInAnswer::Pasted`] |
//! | a code entered on another device | [`signIn`](#on-another-device) with `device_code` |
//! | a token for the client itself, for an assertion, or in exchange | [`GrantType`] |
//! | a refresh token renewed that another program keeps | [`OAuthProvider::refresh_kept_elsewhere`] |
//! | tokens that are of no use to a thief | [`TokenBinding::DPoP`] |
//! | your own HTTP client | [`HttpClient`] |
//!
//! # Signing in to any issuer
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use credential_provider_api::*;
//! use credential_store::{FileStore, KeyFile};
//! use oauth_provider::{LoopbackAddress, LoopbackListener, OAuthFactory};
//! use resolution_engine::*;
//!
//! let store = FileStore::open("grants", KeyFile::new("grants.key")).await?;
//! let builder = ResolutionEngine::builder().store(Arc::new(store));
//! let engine = builder.factory(OAuthFactory::with_reqwest()?).build()?;
//! engine.configure(Configuration::from_json(r#"{
//!     "credentialProviders": { "work": {
//!         "type": "oauth", "issuer": "https://login.example", "clientId": "gateway",
//!         "credentials": { "mail": { "scopes": ["openid", "offline_access", "mail.read"],
//!                                    "origins": ["https://mail.example"] } }
//!     } },
//!     "credentialAccess": [ { "consumer": "tool:mail", "credential": "work/mail" } ]
//! }"#)?).await?;
//!
//! let (tool, mail) = (engine.consumer("tool:mail")?, CredentialRef::parse("work/mail")?);
//! let me = EffectiveSession::shared("me")?;
//! let listener = LoopbackListener::bind(LoopbackAddress::V4).await?;
//! let request = tool.request(&mail).session(&me).sign_in();
//! let flow = request.redirect_uri(listener.redirect_uri()).start().await?;
//! if let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() {
//!     println!("Open {url}");
//! }
//! let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
//! flow.answer(listener.answer(flow.id(), flow.expires_at(), &clock).await?).await?;
//! let token = tool.request(&mail).session(&me).await?; // renewed by itself from now on
//! # Ok(()) }
//! ```
//!
//! # Configuration
//! One provider is one client at one issuer. Unknown settings are errors.
//!
//! | setting | what |
//! |---|---|
//! | `issuer` | its identifier, to the letter: a slash more is another issuer |
//! | `service` | a [service known by name](#services-known-by-name), in place of `issuer` |
//! | `serviceParameters` | what is one's own in that service's addresses (`tenant`, `host` …) |
//! | `clientId` | the client registered there |
//! | `clientSecret` | a secret, a SecretRef or a reference to another provider's credential |
//! | `clientKey` | the client's private key in PEM (PKCS #8, RSA or P-256), in the same forms |
//! | `clientKeyId`, `clientKeyAlgorithm` | its name at the issuer; `RS256` for RSA and `ES256` for P-256 unless given, or `PS256` |
//! | `clientAuthentication` | `none`, `client_secret_basic`, `client_secret_post`, `private_key_jwt`; by default `client_secret_basic` with a secret, `private_key_jwt` with a key, `none` with neither |
//! | `assertionAudience` | whom the client's assertions name: `issuer` unless given, or `token_endpoint` |
//! | `signIn` | the ways to sign in: `["authorization_code"]` unless given, and `device_code` |
//! | `pushedAuthorization` | `when_required` by the issuer's metadata unless given, or `always` |
//! | `redirectUri` | where a sign-in comes back to if the host that starts it names no address |
//! | `postLogoutRedirectUri` | where a person comes back to from the issuer's logout page |
//! | `authorizationParameters` | more parameters of the sign-in page (`{"access_type": "offline"}`) |
//! | `endpoints` | `authorization`, `token`, `revocation`, `introspection`, `deviceAuthorization`, `pushedAuthorization`, `endSession`, `jwks`: for issuers without metadata; the first two are needed |
//! | `idToken.algorithms` | `RS256` unless given; any of RS, PS (256, 384, 512), ES (256, 384) |
//! | `idToken.accountClaim` | the claim that names the account; `sub` unless given |
//! | `idToken.jwksOrigins` | origins, beside the issuer's own, at which its keys may be |
//! | `idToken.trustedAudiences` | audiences that an ID token may have beside the client |
//! | `displayName` | its name for people |
//! | `credentials` | by id, the table below |
//!
//! | setting of a credential | what |
//! |---|---|
//! | `scopes` | what is asked for; with `openid` the issuer must say who signed in |
//! | `owner` | `session` unless given, or `gateway`; of `client_credentials` always `gateway` |
//! | `grant` | how it is obtained: [by a sign-in](#signing-in) unless given, or [by a grant](#tokens-that-nobody-signs-in-for) |
//! | `binding` | `bearer` unless given, or [`dpop`](#proof-of-possession) |
//! | `origins` | where the access token may be sent |
//! | `token` | `access_token` unless given, or `id_token` |
//! | `resource` | the resource it is for (RFC 8707); a request's variant may name another |
//! | `account` | who should sign in, for a gateway's own; another account needs a confirmation |
//! | `description` | a line for people |
//!
//! Each credential is a login of its own, with its own grant, and so is each `resource` of a variant.
//!
//! # Services known by name
//! The catalogue has what is publicly known of well-known issuers, each row with its sources and date:
//! [`Service::all`]. `service` (or [`OAuthProvider::builder_for`]) takes from a row the issuer, the
//! endpoints, the ways a client proves itself, parameters of the sign-in page, origins of access tokens
//! that name none, the name for people, and what the issuer does in its own way. A setting that is
//! given stands in place of the row's; with an `issuer` of one's own the row's endpoints are not taken.
//! `serviceParameters` fills what is one's own in a row's addresses:
//! `{ "service": "microsoft", "serviceParameters": { "tenant": "8eaef023-…" } }`. Scopes are never
//! taken from a row: where the table names one for a refresh token, a credential that wants a refresh
//! token asks for it. An empty cell is not known.
//!
//! | `service` | what | parameters | refresh token | access token | PKCE | in its own way |
//! |---|---|---|---|---|---|---|
//! | `airtable` | Airtable | | always, single use | | yes | |
//! | `asana` | Asana | | always | | yes | |
//! | `atlassian` | Atlassian Cloud | | scope `offline_access`, single use | | | `json_token_request` |
//! | `auth0` | Auth0 | `domain` | scope `offline_access`, rotates if switched on | 1 d | yes | |
//! | `box` | Box | | always, single use, 60 d | 1 h | | |
//! | `discord` | Discord | | always | 7 d | yes | |
//! | `dropbox` | Dropbox | | by parameters, stays | | yes | |
//! | `github` | GitHub, OAuth app | | scope `offline_access` | | yes | `errors_with_success_status`, `commas_in_granted_scopes`, `no_expires_in`, `json_only_if_accepted` |
//! | `github-app` | GitHub App, for a user | | if switched on, single use | 8 h | | `errors_with_success_status`, `commas_in_granted_scopes`, `json_only_if_accepted` |
//! | `gitlab` | GitLab.com | | always, single use | 2 h | yes | |
//! | `gitlab-self-managed` | GitLab on a server of one's own | `host` | always, single use | 2 h | yes | |
//! | `google` | Google | | by parameters | | yes | |
//! | `hubspot` | HubSpot | | always | 30 min | yes | |
//! | `huggingface` | Hugging Face | | | | yes | |
//! | `keycloak` | Keycloak | `host`, `realm` | | | | |
//! | `linear` | Linear | | always | | yes | `commas_in_requested_scopes` |
//! | `microsoft` | Microsoft Entra ID | `tenant` | scope `offline_access`, replaced, 90 d | | yes | |
//! | `notion` | Notion | | always, replaced | | | `json_token_request`, `no_expires_in` |
//! | `okta` | Okta | `domain` | rotates if switched on | | yes | |
//! | `okta-custom` | Okta, custom authorization server | `domain`, `server` | rotates if switched on | | yes | |
//! | `slack` | Slack, as a bot | | if switched on, single use, 30 d | 12 h | if switched on | `errors_with_success_status`, `ok_false`, `commas_in_requested_scopes`, `commas_in_granted_scopes`, `bot_token` |
//! | `slack-user` | Slack, as a person | | if switched on, single use, 30 d | 12 h | if switched on | `errors_with_success_status`, `ok_false`, `commas_in_requested_scopes`, `commas_in_granted_scopes`, `user_token` |
//! | `x` | X | | scope `offline.access` | 2 h | yes | |
//! | `zoom` | Zoom | | always, single use | 1 h | yes | |
//!
//! "If switched on" is for the app at the service. A lifetime here is what the sources say; what an
//! answer says counts. [`Quirk`] says what is done about each thing in the last column.
//!
//! # Signing in
//! Authorization code with PKCE (RFC 7636), S256 always, whatever the issuer says it supports. What
//! comes back is believed in this order: `state` is the flow's, compared in constant time; the flow
//! has not sent a code yet; `iss` is the issuer, if it is there or the metadata promises it
//! (RFC 9207); there is no `error`; there is a code. Only then is anything sent. A wrong `state` or a
//! wrong pasted address leaves the flow waiting for the right one.
//!
//! **ID tokens** are validated even though they come straight from the issuer: signature by one of
//! its keys with an allowed algorithm; `iss`, `sub`, `aud`, `exp`, `iat` there; `iss` to the letter;
//! every audience the client or trusted; `azp` there if there are several, and one of them; `nonce`
//! in constant time; `exp` after `iat`; 30 s of leeway between clocks. Keys are at the issuer's
//! origin or one that `jwksOrigins` lists, are kept for 300 s, and are fetched again for an unknown
//! key id at most every 30 s. Keys and metadata that cannot be fetched again still serve. All that
//! validation needs is fetched before a code or a refresh token is spent.
//!
//! The **ID token as a credential** (`"token": "id_token"`) can be granted to providers only: sent to
//! a service it would let that service pose as the person.
//!
//! Without `openid` nobody says who signed in, so nothing can tell one account from another.
//!
//! **Pushed requests** (RFC 9126): where the issuer's metadata insists, or with `pushedAuthorization`
//! `always`, the request goes to the issuer first and the browser gets a reference to it. It is never
//! sent unpushed then.
//!
//! # On another device
//! With `device_code` among the ways (RFC 8628) a host without a browser shows a code and an address,
//! and polls: [`SignInStep::ShowCode`], then [`SignInAnswer::Poll`]. It is the way taken where the host
//! names none, nothing could come back from a browser, and the issuer offers it. The interval is the
//! issuer's, or 5 s; a poll before its time is answered here and not sent; `slow_down` adds 5 s for
//! good; an issuer that fails is asked after twice as long each time, up to 60 s. A denied or expired
//! code ends the flow. The code and the address are shown only if the code is letters, digits and
//! hyphens, and the address one that an issuer may name.
//!
//! # Tokens that nobody signs in for
//! | `grant` | what is shown for a token |
//! |---|---|
//! | `{"type": "client_credentials"}` | the client itself (RFC 6749 §4.4) |
//! | `{"type": "jwt_bearer"}` | an assertion signed with `clientKey` (RFC 7523); `issuer`, `subject`, `audience` and `claims` say what is in it, by default the client's id and the token endpoint |
//! | `{"type": "jwt_bearer", "assertion": {"provider": …, "id": …}}` | another credential as the assertion |
//! | `{"type": "token_exchange", "subject": {"provider": …, "id": …}}` | another credential, for one of this issuer (RFC 8693); `actor`, `subjectTokenType`, `actorTokenType`, `requestedTokenType` (`access_token`, `id_token`, `jwt`, `saml2`) and `audience` besides |
//!
//! Nothing is kept of these but in the engine. The other credentials are asked for in the session of
//! the request and under the access rules, as `provider:<id>`; one that the issuer refuses
//! (`invalid_grant`) is asked for anew, once, then it is `rejected`. A token exchanged for another may
//! be asked for with the variant `audience`.
//!
//! # Proof of possession
//! With `"binding": "dpop"` (RFC 9449) the issuer binds the token to a P-256 key made for that login.
//! [`Credential::authorize`] then adds the token and a proof for that one request, with the service's
//! nonce if it wants one: hand it every answer with [`Credential::answered`], which says when to send
//! again. The key is kept encrypted with the grant, stays the same through renewals and restarts, and
//! is in no value a consumer can read. A token that comes back unbound is not served.
//!
//! # Renewal
//! Answers of the token endpoint, and what they mean for the login:
//!
//! | answer | what follows |
//! |---|---|
//! | tokens | saved, then served; a refresh token that does not come stays as it was |
//! | tokens without `expires_in` | served until somebody sees them rejected |
//! | tokens of another `sub` | refused: `needs_reauth` (`grant_rejected`) |
//! | `invalid_grant` | `needs_reauth` (`grant_rejected`), without asking again |
//! | `interaction_required` and its like | `needs_reauth` (`consent_required`) |
//! | `invalid_client`, `unauthorized_client`, `invalid_scope` … | `configuration_invalid`; the login is as good as before |
//! | 429; 503 | `rate_limited`; `unavailable`, after its Retry-After; as good as before |
//! | no connection; another 4xx | `unavailable`, `timeout`; `invalid_response`; as good as before |
//! | other 5xx, HTML with 200, a redirect, a broken or endless answer | the code says; nobody knows whether the token was spent: it is tried once more |
//!
//! A renewal that brings a new refresh token beside something that cannot be believed or used (an ID
//! token that is not valid, a token that is not bound) keeps that refresh token and is an error.
//!
//! An ID token that a renewal does not bring (OpenID Connect Core §12.2 allows that) is served until
//! its end, then `needs_reauth` (`grant_expired`).
//!
//! A login remembers its issuer and client. If the configuration names others, it is neither sent
//! nor served nor revoked: `needs_reauth` until somebody signs in, or the configuration is set right.
//!
//! # Signing out
//! The login is removed from the store first, then revoked at the issuer (RFC 7009): the refresh
//! token, or the access token if there is none. An issuer without a revocation endpoint is
//! [`Revocation::LocalOnly`]. A login thrown away, or replaced by another person's, is revoked too;
//! one replaced by the same person's is left to age, because many issuers end all of a person's
//! tokens with one of them. For that reason, too, signing out of one credential may end another of
//! the same person and client.
//!
//! The issuer's own session in the person's browser is another thing: [`SignIn::logout_page`] is where
//! the person ends it (OpenID Connect RP-Initiated Logout). It has the client's id in it and no token.
//!
//! # Health
//! A check asks whether the issuer can be reached, and whether it still accepts the token at hand
//! where it answers such questions (RFC 7662). A token of another issuer is never asked about.
//!
//! # MCP servers
//! The address of a Model Context Protocol server is all that must be known:
//! `{ "type": "mcp", "server": "https://mcp.example/mcp" }`. By the authorization chapter of its
//! specification (2025-06-18, 2025-11-25) the rest is found when somebody signs in, each time anew:
//!
//! 1. The server is asked (`ping`) without a token. Its 401 may say where its metadata is; else it is
//!    looked for where RFC 9728 puts it, with the server's path and without.
//! 2. `resource` in it must be the server's own address; a `/` at the end makes no difference. A
//!    server that goes by a wider name (its origin, say) needs that name as the setting `resource`:
//!    its token would be good for all of that, and on a shared host each path may be somebody else's.
//! 3. The issuer is the configured one, which the server must name if it names any; else the one that
//!    was signed in at before, if the server still names it; else the first it names. Metadata is
//!    looked for in MCP's order, RFC 8414 before OpenID Connect, and must name that issuer to the
//!    letter. Without S256 in it the issuer is refused.
//! 4. The client is the configured one; else the client id metadata document, where the issuer takes
//!    such; else one that is registered (RFC 7591) and remembered.
//! 5. From here on it is [a sign-in](#signing-in) with `resource` (RFC 8707) at the page and in each
//!    token request, so that the token is bound to the server. It may be sent to its origin only. If
//!    `openid` is among the scopes, keys are where the issuer's metadata puts them, and every
//!    algorithm without a shared secret will do.
//!
//! Redirects are not followed anywhere on that way. To serve a stored token nobody is asked. A login
//! remembers its resource (the property `resource` of the credential) and is renewed for that, to the
//! letter. If `server` or `resource` of the configuration names another, it is neither served nor
//! renewed nor revoked: `needs_reauth`.
//!
//! | setting | what |
//! |---|---|
//! | `server` | the address of its endpoint |
//! | `network` | `public` unless given; `private`: the server is on a private network though its address does not show it |
//! | `resource` | what it calls itself, if not by its address; of the same origin |
//! | `issuer` | the only issuer whose tokens are wanted; it may be anywhere |
//! | `clientId`, `clientSecret`, `clientAuthentication` | a client registered there already; needs `issuer` |
//! | `clientIdMetadataDocument` | an https address: the client id at issuers that take one |
//! | `clientName` | the name to register with; the display name unless given |
//! | `redirectUri` | where a sign-in comes back to if the host that starts it names no address |
//! | `scopes` | what is asked for, in place of what the server asks for |
//! | `owner` | `session` unless given, or `gateway` |
//! | `displayName` | its name for people |
//!
//! It has one credential, `token`. The **scopes** asked for are those of the request's variant, else
//! of the configuration, else of the server's challenge, else all that its metadata lists.
//!
//! **More scope** (403 `insufficient_scope`): hand the header to [`bearer_challenges`], and ask for
//! the credential with a variant of the scopes it names beside those the token has. That is a login of
//! its own, so it is `needs_reauth` until somebody signs in for it; the narrower one stays as it is.
//!
//! **Where addresses lead** ([`Reach`]): what a server names (metadata, issuer, and all that its issuer
//! names) is followed over https to public addresses only, judged by what the name resolves to, for
//! each connection. A server at a private address may name private ones, one on this machine
//! loopback too, also without https. A server's *name* proves nothing here: its owner decides what it
//! resolves to, so `network` says it. Where clouds keep keys (169.254.169.254 and its like) nobody
//! leads. The page to sign in at is opened by a browser: only its address is judged.
//!
//! **Registration.** What was registered is kept in the grant store, so one process registers for all,
//! once; sign-ins that come back to another place, other ports of loopback aside (RFC 8252 §7.3), need
//! another client. A client is registered without a secret where the issuer allows that. The last 64
//! that somebody has signed in with are kept, and besides them the last eight that nobody has: a
//! sign-in that comes to nothing costs nobody a login.
//!
//! If the issuer answers `invalid_client` to a request of a client it has registered, the registration
//! is forgotten and its logins are `needs_reauth`; the next sign-in registers anew. What a browser
//! brings is not the issuer's word. A sign-in that was given up (the page may have said that it does not
//! know the client, which no redirect tells), or that came back from its issuer with `invalid_client` or
//! `unauthorized_client`, puts the client in doubt, in the same process. If nobody has signed in with it
//! yet, the next sign-in takes another. Else the next sign-in first asks the issuer, at the token
//! endpoint and with a code that nobody has, whether it still knows the client; no answer counts as yes.
//!
//! **Another issuer.** A client, a code or a token is sent to the issuer it is of and to no other. When
//! somebody has signed in at another issuer than before, logins of the old one are `needs_reauth`:
//! neither sent, nor served, nor revoked. Where an issuer says `iss` (RFC 9207) it is compared; of those
//! that do not, one can send a person on to another's page. A host that has several of them gives each
//! provider a redirect address of its own (RFC 9700 §4.4.2).
//!
//! # Network
//! [`ReqwestClient`] takes 5 s to connect, 10 s for a read, 30 s in total; follows no redirect; uses
//! rustls with ring and the platform's certificates. A host with another way to resolve names gives it
//! a [`Resolver`]. Addresses are https, or http on loopback; an
//! issuer that is not on loopback cannot name an endpoint that is. Metadata and answers have at most
//! 1 MiB, keys 4 MiB. Metadata is looked for where OpenID Connect Discovery and RFC 8414 put it; the
//! first document counts, and a later one for the revocation endpoint if the first has none. It is
//! kept for an hour. An answer's body never reaches an error or a log:
//! OAuth's error code and description do, [cleaned](credential_provider_api::Detail::cleaned).
//!
//! [`SignInAnswer::Pasted`]: credential_provider_api::SignInAnswer::Pasted
//! [`SignInAnswer::Poll`]: credential_provider_api::SignInAnswer::Poll
//! [`SignInStep::ShowCode`]: credential_provider_api::SignInStep::ShowCode
//! [`SignIn::logout_page`]: credential_provider_api::SignIn::logout_page
//! [`Credential::authorize`]: credential_provider_api::Credential::authorize
//! [`Credential::answered`]: credential_provider_api::Credential::answered
//! [`Revocation::LocalOnly`]: credential_provider_api::Revocation::LocalOnly

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod builder;
mod catalogue;
mod client;
mod configuration;
mod core;
mod credential;
mod dpop;
mod elsewhere;
mod endpoint;
mod endpoints;
mod exchange;
mod factory;
mod form;
mod grant;
mod grant_type;
mod http;
mod introspection;
mod issued;
mod issuer;
mod jose;
mod loopback;
mod mcp;
mod obtain;
mod provider;
mod retry_after;
mod sign_in;
mod token;

pub use builder::{OAuthProviderBuilder, OAuthRuntime};
pub use catalogue::{
    Pkce, Quirk, RefreshToken, RefreshTokenIssued, Rotation, Service, ServiceEndpoints,
    ServiceParameter,
};
pub use client::{AssertionAudience, ClientAuthentication};
pub use credential::{IssuedToken, OAuthCredential, TokenBinding};
pub use elsewhere::{NotRefreshed, RefreshedTokens};
pub use endpoints::Endpoints;
pub use factory::OAuthFactory;
pub use grant_type::{GrantType, JwtBearer, TokenExchange, TokenTypeIdentifier};
pub use http::{HttpClient, HttpError, HttpMethod, HttpProblem, HttpRequest, HttpResponse, Reach};
#[cfg(feature = "reqwest")]
pub use http::{ReqwestClient, ReqwestClientBuilder, Resolver};
pub use jose::SigningAlgorithm;
pub use loopback::{LoopbackAddress, LoopbackListener};
pub use mcp::{
    BearerChallenge, McpFactory, McpProvider, McpProviderBuilder, McpRuntime, bearer_challenges,
};
pub use provider::OAuthProvider;
pub use sign_in::{Callback, IdTokenAlgorithm, PushedAuthorization, callback};
