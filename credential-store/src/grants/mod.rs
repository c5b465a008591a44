//! The grants of a store, and the one protocol that renews them.

mod ask;
mod changes;
mod exchange;
mod handle;
mod protocol;
mod sign_in;
mod turn;
mod verdict;

pub use ask::Renewal;
pub use exchange::{Exchange, Exchanged};
pub use handle::{Grants, GrantsBuilder};
pub use sign_in::SignedIn;
