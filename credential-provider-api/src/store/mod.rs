//! Where grants live: [`GrantStore`], its [`Record`]s and the [`Lease`] that serialises renewal.

mod contract;
mod own;
mod record;
mod wire;

pub use contract::{GrantStore, Lease, StoreChange, StoreChanges};
pub use own::OwnRecords;
pub use record::{Grant, Intent, Loaded, Record, Refusal};
