//! Calls over the wire: one envelope, one table of errors, one policy of retries.
//!
//! - `client`: sends signed calls and repeats those that may be;
//! - `keys`: where a call's keys come from;
//! - `envelope`, `error`, `code`: what an answer means; `shown`: what may be said of it;
//! - `endpoints`: which host, which region;
//! - `body`: request bodies with secrets in them.

mod answer;
mod body;
mod client;
mod code;
mod endpoints;
mod envelope;
mod error;
mod keys;
mod raw;
mod retry;
mod shown;
mod time;

pub(crate) use answer::{lenient, lenient_amount};
pub(crate) use body::{Body, Json, object};
pub use client::Client;
pub(crate) use client::SOURCE;
pub use code::Fault;
pub use endpoints::Service;
pub(crate) use endpoints::{Endpoints, IdentityHost, identity_in, usual_sts};
pub use error::{CallError, RequestId, ServiceError};
pub(crate) use keys::KeySources;
pub(crate) use keys::Unsigned as NoKeys;
pub use keys::{HeldKeys, Keys, RequestKeys};
pub(crate) use raw::At;
pub use raw::{RawAnswer, RawCall};
pub use retry::{Effect, RetryPolicy};
pub(crate) use time::parse_time;
