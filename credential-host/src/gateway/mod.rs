//! A whole gateway on a configuration file: what a program's `main` calls.
//!
//! [`run`] serves what the file configures until it is told to end, and tells line by line what it does:
//!
//! - the socket for the `credentials` command ([`control::serve`](crate::control::serve));
//! - the way back of sign-ins and the status page ([`page`](crate::page)), whose address it prints;
//! - the gateway's own credentials are asked for once at the start, and again whenever they changed
//!   outside, so that the page shows what consumers would be served. Nothing is handed out by that.
//!
//! | what comes | what it does |
//! |---|---|
//! | an edit of the file, `SIGHUP` | puts it into force within about a second; one that cannot be used is told of with its place, and everything stays as it was |
//! | `SIGUSR1` | prints a new address of the page; the one before is good no more |
//! | `SIGTERM`, `SIGINT` | takes nothing new, lets answers and exchanges under way finish (at most [`DRAIN`]), removes the socket, ends with 0 |
//! | a second one of these | ends at once |
//!
//! All of them are heeded while an edit is put into force.
//!
//! | exit code | why |
//! |---|---|
//! | 0 | it was told to end, and all under way was finished |
//! | 1 | it was told to end, and something under way was not finished in time |
//! | 69 | the socket or the port is not to be had |
//! | 78 | the configuration cannot be used |
//! | 130 | it was told to end twice |
//!
//! The address of the page is printed, and is as good as a password until it was used.
//!
//! A read that a drive does not answer stays on its thread: a program ends its runtime with
//! `shutdown_background` after this, or waits for the drive.

mod drain;
mod followed;
mod keeper;
mod narrator;
mod run;
mod signals;
mod telling;

pub use drain::DRAIN;
pub use run::run;

/// What takes the lines that a gateway tells: a terminal, a log. It is called on a thread of its own and
/// may block: what is served, and the end, do not wait for it. Of what comes after 1024 lines that it has
/// not taken, only the count is told. No line has a control character in it.
pub type Tell = dyn Fn(&str) + Send + Sync;
