//! One credential for one key: a state machine without I/O, and the thin shell around it.

mod cell;
#[cfg(test)]
mod exploration;
mod kin;
mod machine;
mod table;
mod window;

pub(crate) use cell::{Entry, Launch, Served, Step};
pub(crate) use kin::Edge;
pub(crate) use machine::{Ask, Cause, Persistence, Withdrawal};
pub(crate) use table::{Probe, Table};
