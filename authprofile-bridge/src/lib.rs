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
//! | a key for a model, from profiles or an engine | [`delegation`] |
//! | secrets of profiles, moved to where they are safe | [`migration`] |
//! | resolved credentials as profiles of its own | [`synthetic`] |

mod authority;
mod file;
pub mod json;
mod lock;

pub mod delegation;
pub mod exec;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod login;
pub mod migration;
pub mod openclaw;
pub mod provider;
pub mod renewal;
pub mod secret_ref;
pub mod synthetic;

#[cfg(feature = "engine")]
pub use authority::EngineAuthority;
pub use authority::{Authority, News, NewsStream, Wanted};

/// The examples of the README, compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

#[cfg(test)]
mod testing;
