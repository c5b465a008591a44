//! Signing: JSON Web Signatures (RFC 7515) with the keys of a client.

mod claims;
mod jws;
mod key;

pub(crate) use claims::Claims;
pub(crate) use jws::{p256_jwk, random_id, sign};
pub use key::SigningAlgorithm;
pub(crate) use key::SigningKey;
