//! [`Credential`]: what a consumer gets, and the words around it.
//!
//! - [`material`](Material): the secret, by kind;
//! - [`authorize`](Credential::authorize): how it authorizes a request, the sink it is made for;
//! - [`wire`](Credential::encode): how a store keeps it.

mod authorize;
mod freshness;
mod issued;
mod material;
mod wire;

pub use authorize::{Advice, Authorization, OutgoingRequest, Placement, SignRequest};
pub use freshness::{Freshness, ServingWindow};
pub use issued::Credential;
pub use material::{AccessKey, CredentialKind, Material, is_mark};
