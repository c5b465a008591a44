//! The keys that encrypt records, and where they come from.

mod data_key;
#[cfg(unix)]
mod file;
#[cfg(all(unix, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod host;
mod ring;
mod source;
mod text;

pub use data_key::{DataKey, KeyId};
#[cfg(unix)]
pub use file::KeyFile;
pub use host::HostKeys;
pub use ring::KeyRing;
pub use source::KeySource;

pub(crate) use data_key::random;
