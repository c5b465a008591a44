//! JSON objects that keep what they do not know.
//!
//! A store that belongs to somebody else is edited, not rewritten: [`Object`] holds every value as the
//! text it was read as and replaces only what is set.

mod object;
mod raw;

pub use object::{NotAnObject, Object};
pub use raw::Raw;
