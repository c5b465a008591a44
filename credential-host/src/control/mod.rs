//! What a person can do to a host, in the same process or through its socket.
//!
//! An [`Operation`] is data, and so is its [`Answer`]: the command asks a gateway that runs, or performs
//! them itself on the same configuration and store, and the status page of a gateway uses them too.
//!
//! # The socket
//! A Unix socket with mode 0600. A peer of another user is turned away, whatever the mode says. Each line
//! is one JSON message of at most 1 MiB: the peer sends an operation, the gateway answers it; after
//! [`Operation::Watch`] events follow until the peer closes. Whoever may open it can do what a person at
//! the gateway's console can. [`Operation::Get`] and [`Operation::Inject`] are the exception: they are the
//! consumer `cli:credentials`, and the access rules decide.
//!
//! Secrets cross the socket only as what a person typed, as what [`Reveal::Secret`] and
//! [`Operation::Inject`] asked for, and as the addresses of sign-ins and of the page.

mod answer;
mod event;
mod flow;
mod operation;
mod perform;
mod secret;
#[cfg(unix)]
mod socket;

pub use answer::{
    Answer, CredentialLine, EntryLine, FlowLine, FlowStanding, HealthLine, Hello, ProviderLine,
    Refusal, Renewed, Reply, Served, Shown, Source, Step, StepField,
};
pub use event::EventLine;
pub use operation::{Named, Operation, Reveal, Typed};
pub use perform::Operations;
pub use secret::Secret;
#[cfg(unix)]
pub use socket::{Connection, SocketError, serve};
