//! Signing in: flows that expire, finish once and belong to one key.

mod flow;
mod progress;
mod table;

pub use flow::{FlowStatus, SignInFlow, SignInRequest};
pub(crate) use table::{Flows, end, retire, sweep};
