//! One authority for the credentials of a host.
#![cfg_attr(doc, doc = "")]

mod access;
mod admin;
mod audit;
mod clock;
mod configuration;
mod consumer;
mod core;
mod counters;
mod engine;
mod entry;
mod events;
mod flight;
mod flows;
mod handle;
mod health;
mod random;
mod registry;
mod report;
mod resolve;
mod schedule;
mod service;
mod store_view;
mod sync;
mod tuning;

#[cfg(feature = "measure")]
#[doc(hidden)]
pub mod measure {
    //! Parts that the benchmarks measure by themselves. Not a public API.
    pub use crate::schedule::{Passing, Wheel};
}

pub use access::{AccessRules, Effect, Rule};
pub use admin::{Administrator, EntryStatus, Target};
pub use audit::AuditPolicy;
pub use clock::SystemClock;
pub use configuration::{Configuration, ReloadReport};
pub use consumer::{Consumer, RequestBuilder, ResolveFuture};
pub use counters::CounterSnapshot;
pub use engine::{EngineBuilder, ResolutionEngine};
pub use events::{Delivery, EventStream};
pub use flows::{FlowStatus, SignInFlow, SignInRequest};
pub use handle::{Handle, Version};
pub use random::SystemRandom;
pub use tuning::Tuning;
