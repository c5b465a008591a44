//! Signing in with a browser: authorization code and PKCE (RFC 6749 §4.1, RFC 7636).

mod authorization;
mod callback;
mod flow;
mod id_token;
mod pkce;

pub(crate) use authorization::OWN as RESERVED;
pub(crate) use callback::same;
pub use callback::{Callback, callback};
pub(crate) use flow::redirect_uri;
pub use id_token::IdTokenAlgorithm;
pub(crate) use id_token::{IdTokenRules, Identity, Nonce};
