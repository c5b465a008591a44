//! Files of others: read whole or not at all, replaced atomically, watched.
//!
//! Everything here blocks and belongs on a thread that may: `blocking` runs it there.

mod blocking;
mod problem;
mod read;
mod replace;
mod watch;

pub(crate) use blocking::blocking;
pub(crate) use problem::{malformed, unreadable, unwritable};
pub(crate) use read::{Mark, mark_of, read, read_settled};
pub(crate) use replace::{make_folder, remove_leftovers, replace};
pub(crate) use watch::watch;
