//! A gateway with a provider of its own, and the life of its credentials, told line by line.
//!
//! | file | what |
//! |---|---|
//! | [`issuer`], `ledger` | what stands outside: accounts, tokens, a calendar, a model's console |
//! | [`provider`], `sign_in`, `exchange` | a provider: users sign in, tokens are renewed |
//! | [`folder`] | where the grants are: encrypted, shared with a second gateway |
//! | [`chat`], [`console`] | two more: a derived token, a static key |
//! | [`host`], `tool` | the gateway: engine, rules, consumers, two people in one group chat |
//! | `story` | what happens, one chapter a file |
//! | [`narrator`], `events`, [`measure`], [`checks`] | what is shown of it, and what is expected |

pub mod chat;
pub mod checks;
pub mod console;
mod events;
mod exchange;
pub mod folder;
pub mod host;
pub mod issuer;
mod ledger;
pub mod measure;
pub mod narrator;
pub mod provider;
mod sign_in;
mod story;
mod tool;

use std::sync::Arc;

use self::host::{Host, Pace};
use self::narrator::Narrator;

/// What the story told.
#[derive(Debug)]
pub struct Told {
    /// Whether everything it expects of itself came true.
    pub ok: bool,
    /// The lines printed.
    pub lines: Vec<String>,
}

/// Tells the story.
pub async fn run(pace: Pace) -> Told {
    let narrator = Arc::new(Narrator::new());
    let ok = match Host::open(pace, narrator.clone()).await {
        Ok(host) => story::tell(host).await,
        Err(error) => {
            narrator.say("gateway", format!("does not start: {error}"));
            false
        }
    };
    Told { ok, lines: narrator.lines() }
}
