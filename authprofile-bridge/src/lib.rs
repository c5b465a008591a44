//! Bridges between the resolution engine and the auth-profile stores that already exist.
//!
//! # Rooms
//! | what is common to stores | module |
//! |---|---|
//! | JSON objects that keep what they do not know | `json` |
//! | files of others: read, replaced, watched | `file` |
//! | locks of others, in their protocol | `lock` |
//!
//! | what is OpenClaw's | module |
//! |---|---|
//! | where it keeps what, its profiles, its order and cooldowns | [`openclaw`] |
//! | its store as a provider of the engine's | [`provider`] |
//! | renewal of the logins in it | [`renewal`] |
//! | its references to secrets | [`secret_ref`] |
//! | its protocol for programs that resolve them | [`exec`] |
//! | logins of other tools on the same machine | [`login`] |

mod file;
pub mod json;
mod lock;

pub mod exec;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod login;
pub mod openclaw;
pub mod provider;
pub mod renewal;
pub mod secret_ref;

#[cfg(test)]
mod testing;
