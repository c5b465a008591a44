//! Requests over HTTP that carry a credential: a tower layer around the host's own client.
//!
//! One request runs through [`exchange`]: ask the engine, authorize, send, look at the answer, and
//! perhaps send once more or go where the answer points. [`route`] knows what may be sent to the
//! present address, [`location`] reads addresses, [`leak`] looks for credentials in them, [`outcome`]
//! reads answers.

mod error;
mod exchange;
mod layer;
mod leak;
mod location;
mod outcome;
mod payload;
mod query;
mod retry_after;
mod route;

pub use error::{AuthorizeError, HttpRefusal};
pub use layer::{Authorize, AuthorizeFuture, AuthorizeLayer};
pub use outcome::{NotRenewed, SentTo};
pub use payload::Payload;
