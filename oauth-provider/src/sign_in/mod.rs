//! Signing in: with a browser that comes back, or on another device.

mod adopted;
mod authorization;
mod callback;
mod code;
mod device;
mod finished;
mod flow;
mod id_token;
mod pkce;
mod pushed;

pub(crate) use authorization::OWN as RESERVED;
pub(crate) use callback::same;
pub use callback::{Callback, callback};
pub(crate) use code::redirect_uri;
pub use id_token::IdTokenAlgorithm;
pub(crate) use id_token::{IdTokenRules, Identity, Nonce};
pub(crate) use pkce::unguessable;
pub use pushed::PushedAuthorization;
