//! The catalogue: what is publicly known of well-known issuers, as data.
//!
//! One row a service, in `services.json`. Each fact comes from the sources that the row names, read on
//! its date; what they do not say is not there. A quirk is in the catalogue only if this crate honours
//! it: a service that needs more has no row.

#[cfg(test)]
mod page;
mod quirk;
mod service;
mod setup;
mod template;

pub use quirk::Quirk;
pub use service::{
    Pkce, RefreshToken, RefreshTokenIssued, Rotation, Service, ServiceEndpoints, ServiceParameter,
};
pub(crate) use setup::{Has, Setup};
