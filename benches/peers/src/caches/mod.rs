//! The subjects.

mod aws;
mod azure;
mod general;
mod google;
mod ours;

pub use aws::Aws;
pub use azure::Azure;
pub use general::{Moka, OnceCells};
pub use google::Google;
pub use ours::Ours;
