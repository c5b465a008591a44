//! Where grants live: [`GrantStore`], its [`Record`]s and the [`Lease`] that serialises renewal.

mod contract;
mod record;

pub use contract::{GrantStore, Lease, StoreChange, StoreChanges};
pub use record::{Grant, Intent, Loaded, Record};
