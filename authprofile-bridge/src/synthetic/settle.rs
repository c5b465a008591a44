//! One profile brought to what it should be: the rules, without a file.

use credential_provider_api::{CredentialError, ErrorCode, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

use super::ledger::Ledger;
use crate::json::Raw;
use crate::openclaw::{Expiry, Profile, ProfileKind, Profiles, about};

/// What a profile should be.
#[derive(Clone)]
pub(super) enum Wish {
    /// This token.
    Token(Token),
    /// Gone for now.
    Gone,
    /// Gone for good, with its use and its places in orders.
    Forgotten,
    /// Whatever it is, until the end written in it.
    Unchanged,
}

/// What is to be written.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) provider: String,
    pub(super) secret: SecretString,
    /// When OpenClaw is to stop using it.
    pub(super) early: Option<Timestamp>,
    /// When it truly ends.
    pub(super) end: Option<Timestamp>,
}

/// What stands there afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// Ours, until then.
    Ours(Option<Timestamp>),
    /// Nothing of ours.
    Nothing,
}

/// Brings one profile to what it should be. Nothing of anybody else is touched.
///
/// # Errors
/// `configuration_invalid` if somebody else's profile has the id.
pub(super) fn settle(
    profiles: &mut Profiles,
    ledger: &mut Ledger,
    id: &str,
    wish: &Wish,
    now: Timestamp,
) -> Result<Settled, CredentialError> {
    let standing = profiles.profile(id).filter(|profile| ledger.knows(id, profile));
    let theirs = standing.is_none() && profiles.has_entry(id);
    match wish {
        Wish::Token(token) if token.early.is_none_or(|end| now < end) => {
            if theirs {
                let what =
                    "was not made by this bridge and stays as it is: choose another profileId";
                return Err(about(ErrorCode::ConfigurationInvalid, id, what));
            }
            Ok(write(profiles, ledger, id, standing, token, now))
        }
        // Too short a life to be written at all.
        Wish::Token(_) | Wish::Gone => {
            if standing.is_some() {
                profiles.take_out(id);
            }
            Ok(Settled::Nothing)
        }
        Wish::Forgotten => {
            if standing.is_some() {
                profiles.remove(id);
            } else {
                ledger.forget_old(id, now);
            }
            Ok(Settled::Nothing)
        }
        Wish::Unchanged => match standing.as_ref().map(Profile::expires) {
            None => Ok(Settled::Nothing),
            Some(Expiry::Unsaid) => Ok(Settled::Ours(None)),
            Some(Expiry::At(end)) if now < end => Ok(Settled::Ours(Some(end))),
            Some(_) => {
                profiles.take_out(id);
                Ok(Settled::Nothing)
            }
        },
    }
}

fn write(
    profiles: &mut Profiles,
    ledger: &mut Ledger,
    id: &str,
    standing: Option<Profile>,
    token: &Token,
    now: Timestamp,
) -> Settled {
    if let Some(profile) = &standing
        && profile.text("token").is_some_and(|text| *text == token.secret.expose_secret().trim())
        && profile.text("provider").is_some_and(|text| *text == token.provider)
    {
        // An end that was early enough when it was written still is.
        match (profile.expires(), token.end) {
            (Expiry::Unsaid, None) => return Settled::Ours(None),
            (Expiry::At(early), Some(end)) if now < early && early < end => {
                return Settled::Ours(Some(early));
            }
            _ => {}
        }
    }
    ledger.add(id, token.secret.expose_secret(), now);
    let mut profile = standing.unwrap_or_else(|| Profile::new(ProfileKind::Token, &token.provider));
    profile.edit(|entry| {
        entry.set("provider", Raw::from_text(&token.provider));
        entry.set("token", Raw::from_text(token.secret.expose_secret().trim()));
        // Where both stand, OpenClaw drops the token.
        entry.remove("tokenRef");
        match token.early {
            Some(early) => entry.set("expires", Raw::from_number(millis(early))),
            None => entry.remove("expires"),
        }
    });
    profiles.put(id, &profile);
    Settled::Ours(token.early)
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds are exact for 285,000 years")]
const fn millis(time: Timestamp) -> f64 {
    time.as_millis() as f64
}
