//! Signatures of requests, HMAC-SHA256 (Volcengine OpenAPI, "signature version 4").
//!
//! - `canonical`: the one spelling of a request that both sides hash;
//! - [`sign`]: the signature over it;
//! - `authorize`: the same behind
//!   [`Credential::authorize`](credential_provider_api::Credential::authorize);
//! - `site`: which service and region an origin belongs to.

mod authorize;
mod canonical;
mod signature;
mod site;

pub(crate) use authorize::SiteSigner;
pub(crate) use canonical::encode;
pub use canonical::{Covered, Unsigned};
pub use signature::{Signed, SigningScope, sign};
pub use site::Site;
pub(crate) use site::{DEFAULT_REGION, host_header, is_region};
