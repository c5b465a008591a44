//! Credentials of any OAuth 2.0 or OpenID Connect issuer.

mod builder;
mod client;
mod configuration;
mod core;
mod credential;
mod endpoint;
mod endpoints;
mod exchange;
mod factory;
mod form;
mod grant;
mod http;
mod issued;
mod issuer;
mod loopback;
mod provider;
mod retry_after;
mod sign_in;
mod token;

pub use builder::{OAuthProviderBuilder, OAuthRuntime};
pub use client::ClientAuthentication;
pub use credential::{IssuedToken, OAuthCredential};
pub use endpoints::Endpoints;
pub use factory::OAuthFactory;
pub use http::{HttpClient, HttpError, HttpMethod, HttpProblem, HttpRequest, HttpResponse};
#[cfg(feature = "reqwest")]
pub use http::{ReqwestClient, ReqwestClientBuilder};
pub use loopback::{LoopbackAddress, LoopbackListener};
pub use provider::OAuthProvider;
pub use sign_in::{Callback, IdTokenAlgorithm, callback};
