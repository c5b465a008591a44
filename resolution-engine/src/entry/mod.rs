//! One credential for one key: a state machine without I/O, and the thin shell around it.

mod cell;
mod decision;
#[cfg(test)]
mod exploration;
mod glance;
mod kin;
mod machine;
mod settle;
mod table;
mod window;
mod withdraw;

pub(crate) use cell::{Entry, Launch, Step};
pub(crate) use glance::Served;
pub(crate) use kin::Edge;
pub(crate) use machine::{Ask, Cause, Persistence, Withdrawal};
pub(crate) use table::{Probe, Table};
