//! Which profile is next.

use credential_provider_api::Timestamp;

use super::config::Config;
use super::eligibility::Eligibility;
use super::era::Era;
use super::profile::{Expiry, Profile, ProfileKind};
use super::profiles::Profiles;
use super::provider_name::{auth_name, normalized, same_auth};

/// A profile in the order OpenClaw would try it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The profile.
    pub id: String,
    /// Until when it is not to be used, if it is cooling down.
    pub cooling_until: Option<Timestamp>,
}

/// Whom an order is for.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct For<'a> {
    /// The profile a session is bound to, which comes first if it can be used at all.
    pub pinned: Option<&'a str>,
}

impl<'a> For<'a> {
    /// Somebody bound to a profile.
    #[must_use]
    pub const fn pinned(profile: &'a str) -> Self {
        Self { pinned: Some(profile) }
    }
}

/// The profiles of a provider, in the order OpenClaw would try them.
///
/// An explicit order, the store's before the configuration's, is kept. Otherwise logins come before
/// tokens before keys, and those least lately used first. What is cooling down comes last, soonest end
/// first. Providers `openrouter` and `kilocode` never cool down.
#[must_use]
pub fn order(
    profiles: &Profiles,
    config: &Config,
    provider: &str,
    whom: For<'_>,
    now: Timestamp,
) -> Vec<Choice> {
    let explicit = explicit(profiles, config, provider);
    let is_explicit = explicit.as_ref().is_some_and(|order| !order.is_empty());
    let configured = config.profiles_of(provider);
    let stored = || -> Vec<String> {
        let all =
            profiles.profiles().filter(|(_, profile)| same_auth(profile.provider(), provider));
        all.map(|(id, _)| id).collect()
    };
    let base = match explicit {
        Some(order) => order,
        None if configured.is_empty() => stored(),
        None => configured.clone(),
    };
    let eligible = |id: &String| profiles.eligibility(id, provider, config, now) == Eligibility::Ok;
    let all_missing = base.iter().all(|id| profiles.profile(id).is_none());
    let mut ids: Vec<String> = base.into_iter().filter(eligible).collect();
    if ids.is_empty() && !configured.is_empty() && all_missing {
        ids = stored().into_iter().filter(eligible).collect();
    }
    dedupe(&mut ids);
    let mut choices: Vec<Ranked> =
        ids.into_iter().map(|id| Ranked::of(id, profiles, now)).collect();
    // Stable: what ranks the same keeps its place.
    choices.sort_by_key(|ranked| ranked.rank(is_explicit));
    let mut choices: Vec<Choice> = choices.into_iter().map(|ranked| ranked.choice).collect();
    let pinned = whom.pinned.and_then(|pin| choices.iter().position(|choice| choice.id == pin));
    if let Some(at) = pinned {
        choices.get_mut(..=at).into_iter().for_each(|head| head.rotate_right(1));
    }
    choices
}

struct Ranked {
    choice: Choice,
    kind: u8,
    last_used: Timestamp,
}

impl Ranked {
    fn of(id: String, profiles: &Profiles, now: Timestamp) -> Self {
        let profile = profiles.profile(&id);
        let usage = profiles.usage(&id);
        let provider = profile.as_ref().map_or("", |profile| profile.provider());
        // The model is not asked for here, as OpenClaw does not: it skips for the model afterwards.
        let cooling_until = usage.cooling_until(None, now).filter(|_| !never_cools(provider));
        let kind = match profile.as_ref().map(Profile::kind) {
            // Later versions try a login that has ended after those that have not.
            Some(ProfileKind::OAuth) => {
                u8::from(profiles.era() == Era::C && has_ended(profile, now))
            }
            Some(ProfileKind::Token) => 2,
            Some(ProfileKind::ApiKey) => 3,
            None => 4,
        };
        Self { choice: Choice { id, cooling_until }, kind, last_used: usage.last_used() }
    }

    fn rank(&self, explicit: bool) -> (bool, Timestamp, u8, Timestamp) {
        match self.choice.cooling_until {
            Some(until) => (true, until, 0, Timestamp::EPOCH),
            None if explicit => (false, Timestamp::EPOCH, 0, Timestamp::EPOCH),
            None => (false, Timestamp::EPOCH, self.kind, self.last_used),
        }
    }
}

fn has_ended(profile: Option<Profile>, now: Timestamp) -> bool {
    profile.is_some_and(|profile| matches!(profile.expires(), Expiry::At(end) if now >= end))
}

/// Whether profiles of a provider are never left alone after a failure.
#[must_use]
pub(crate) fn never_cools(provider: &str) -> bool {
    matches!(normalized(provider).as_str(), "openrouter" | "kilocode")
}

fn explicit(profiles: &Profiles, config: &Config, provider: &str) -> Option<Vec<String>> {
    let names = [auth_name(provider), normalized(provider)];
    names
        .iter()
        .find_map(|name| profiles.order(name))
        .or_else(|| names.iter().find_map(|name| config.order(name)))
}

fn dedupe(ids: &mut Vec<String>) {
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
}
