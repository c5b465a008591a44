//! Which profile a model provider's name stands for, now.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use credential_provider_api::{
    CredentialError, CredentialId, Detail, ErrorClass, ErrorCode, Request, Resolution, SecretRef,
    SecretString, Timestamp,
};

use super::core::{Core, View, unfit};
use super::serve::{is_good, unresolved};
use crate::openclaw::provider_name::same_auth;
use crate::openclaw::{For, ProfileKind, ProfileSecret, Usage, order};
use crate::renewal::{Ours, mark_in};

/// How long a profile that could not be served is passed over, unless it changes or its source asks
/// for more.
const PAUSE: Duration = Duration::from_secs(30);

/// Profiles that could not be served, and references known to resolve: a choice asks no source in vain
/// twice, and none that answered at all.
#[derive(Debug, Default)]
pub(crate) struct Ailments(Mutex<HashMap<String, Known>>);

#[derive(Clone, Debug)]
struct Known {
    entry: [u8; 32],
    /// Why it could not be served, and until when that counts.
    failed: Option<(CredentialError, Timestamp)>,
}

impl Ailments {
    fn of(&self, id: &str, entry: [u8; 32]) -> Option<Known> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(id).filter(|known| known.entry == entry).cloned()
    }

    fn note(&self, id: &str, known: Known) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id.to_owned(), known);
    }
}

impl Core {
    /// The profile that OpenClaw would use for a model provider.
    pub(crate) async fn choose(
        &self,
        request: &Request,
        view: &View,
        name: &str,
    ) -> Result<Resolution, CredentialError> {
        let now = request.now();
        let hint = request.hint();
        let set = self.model_provider(name).and_then(|set| set.pin.as_deref());
        let pinned = hint.prefer.as_deref().or(set);
        let whom = pinned.map_or_else(For::default, For::pinned);
        let order = order(&view.profiles, &view.config, name, whom, now);
        if order.is_empty() {
            return Err(none(view, name, now));
        }
        let model = hint.model.as_deref();
        let (mut fit, mut cooling) = (Vec::new(), Vec::new());
        for choice in order {
            match view.cooling(&choice.id, model, now) {
                (None, _) => fit.push(choice.id),
                (Some(until), usage) => cooling.push((until, usage)),
            }
        }
        let alternatives = fit.len() > 1;
        let mut proofs = HashMap::new();
        let mut first_error = None;
        let mut rest = fit.as_slice();
        while let Some((id, others)) = rest.split_first() {
            // With one profile there is no choice, and its own request asks.
            if alternatives && !proofs.contains_key(id) {
                proofs.extend(self.prove(&self.unproven(view, rest, now)).await);
            }
            rest = others;
            let proof = proofs.remove(id);
            let failure = match self.check(request, view, id, proof).await {
                Ok(()) => match CredentialId::new(id) {
                    Ok(id) => return Ok(Resolution::Selected(id)),
                    Err(problem) => problem.into(),
                },
                // Given up by whoever asked: nothing is wrong with the profile.
                Err(error) if error.code() == ErrorCode::Cancelled => return Err(error.passing()),
                Err(error) => error,
            };
            tracing::warn!(profile = %id, error = %failure, "an auth profile cannot be served; the next is tried");
            first_error.get_or_insert(failure);
        }
        let error = first_error.unwrap_or_else(|| all_cool(name, &cooling, now));
        Err(error.passing())
    }

    /// Whether a profile can be served. A login that has ended is renewed for it.
    async fn check(
        &self,
        request: &Request,
        view: &View,
        id: &str,
        proof: Option<Result<SecretString, CredentialError>>,
    ) -> Result<(), CredentialError> {
        let now = request.now();
        let profile = view.fit(id, now)?;
        let entry = Ours::print(&profile);
        let known = self.ailments.of(id, entry);
        if let Some((error, until)) = known.and_then(|known| known.failed)
            && now < until
            && proof.is_none()
        {
            return Err(error);
        }
        let reference = matches!(profile.secret(), Some(ProfileSecret::Reference(_)));
        // The one profile there is, unasked: its own request finds out.
        let known_to_resolve = !reference || proof.is_some();
        let outcome = match (profile.kind(), proof) {
            (_, Some(Err(error))) => Err(error),
            (_, Some(Ok(secret))) => check_text(id, &secret),
            (ProfileKind::OAuth, None) if is_good(&profile, now) => {
                // The engine renews it in time; here it is enough that it is good, and no fence.
                let refresh = profile.text("refresh");
                refresh.and_then(|text| mark_in(id, &text)).map_or(Ok(()), Err)
            }
            (ProfileKind::OAuth, None) => {
                self.login(request, view, id, profile, None).await.map(drop)
            }
            (_, None) => match profile.secret() {
                Some(ProfileSecret::Inline(secret)) => check_text(id, &secret),
                _ => Ok(()),
            },
        };
        let failed = match &outcome {
            Ok(()) if !known_to_resolve => return outcome,
            Err(error) if error.code() == ErrorCode::Cancelled => return outcome,
            Err(error) => {
                let until = match error.class() {
                    ErrorClass::Retry => {
                        now.plus(error.retry_after().unwrap_or_default().max(PAUSE))
                    }
                    // A sign-in may be made elsewhere than in its entry: in the main agent's copy, or where
                    // its reference leads to. Nothing is sent again for the look.
                    _ => now.plus(PAUSE),
                };
                Some((error.clone(), until))
            }
            Ok(()) => None,
        };
        self.ailments.note(id, Known { entry, failed });
        outcome
    }

    /// The references to be asked about now: the first profile's and those that follow directly, as
    /// far as it is not known whether they resolve.
    fn unproven(&self, view: &View, ids: &[String], now: Timestamp) -> Vec<(String, SecretRef)> {
        let mut unproven = Vec::new();
        for id in ids {
            let Some(profile) = view.profiles.profile(id) else { break };
            let Some(ProfileSecret::Reference(reference)) = profile.secret() else { break };
            match self.ailments.of(id, Ours::print(&profile)) {
                Some(Known { failed: None, .. }) => break,
                Some(Known { failed: Some((_, until)), .. }) if now < until => {}
                _ => unproven.push((id.clone(), reference)),
            }
        }
        unproven
    }

    /// All at once, so that a program that resolves them is started once.
    async fn prove(
        &self,
        unproven: &[(String, SecretRef)],
    ) -> HashMap<String, Result<SecretString, CredentialError>> {
        if unproven.is_empty() {
            return HashMap::new();
        }
        let references: Vec<SecretRef> =
            unproven.iter().map(|(_, reference)| reference.clone()).collect();
        let mut found = self.secret_refs.resolve(&references).await.into_iter();
        let ids = unproven.iter().map(|(id, _)| id.clone());
        ids.map(|id| {
            let found = found.next().unwrap_or_else(|| Err(unresolved(&id)));
            (id, found)
        })
        .collect()
    }
}

fn check_text(id: &str, secret: &SecretString) -> Result<(), CredentialError> {
    use credential_provider_api::ExposeSecret as _;
    mark_in(id, secret.expose_secret()).map_or(Ok(()), Err)
}

/// There is no profile of this name, and none for such a model provider that may be used.
fn none(view: &View, name: &str, now: Timestamp) -> CredentialError {
    let mut stored = view.profiles.profiles().filter(|(_, p)| same_auth(p.provider(), name));
    match stored.next() {
        None => {
            let detail = "there is no auth profile, and no model provider with one, of this name";
            CredentialError::new(ErrorCode::CredentialNotFound, detail)
        }
        Some((id, _)) => unfit(&id, view.eligibility(&id, name, now)).passing(),
    }
}

/// Every profile cools down: until the soonest end, for the reason that OpenClaw would name.
fn all_cool(name: &str, cooling: &[(Timestamp, Usage)], now: Timestamp) -> CredentialError {
    let soonest = cooling.iter().map(|(until, _)| *until).min().unwrap_or(now);
    let why = why_all(cooling.iter().map(|(_, usage)| usage), now);
    let detail = format!("every auth profile for \"{name}\" cools down: {why}");
    CredentialError::new(ErrorCode::RateLimited, Detail::composed(detail))
        .with_retry_after(now.until(soonest))
}

/// OpenClaw's reasons, the gravest first.
const REASONS: [&str; 9] = [
    "auth_permanent",
    "auth",
    "billing",
    "format",
    "model_not_found",
    "overloaded",
    "timeout",
    "rate_limit",
    "unknown",
];

/// OpenClaw's reckoning of why none can be used: a profile that is disabled weighs 1000, another as
/// much as it failed; of two that weigh the same the graver counts.
pub(crate) fn why_all<'a>(usages: impl Iterator<Item = &'a Usage>, now: Timestamp) -> &'static str {
    let mut weights = [0.0_f64; REASONS.len()];
    let mut add = |reason: &str, weight: f64| {
        let at = REASONS.iter().position(|known| *known == reason);
        if let Some(sum) = at.and_then(|at| weights.get_mut(at)) {
            *sum += weight;
        }
    };
    for usage in usages {
        let object = usage.object();
        #[allow(clippy::cast_precision_loss, reason = "milliseconds are exact for 285,000 years")]
        let disabled =
            object.number("disabledUntil").is_some_and(|until| (now.as_millis() as f64) < until);
        match object.text("disabledReason").filter(|_| disabled) {
            Some(reason) => add(&reason, 1000.0),
            None => {
                let counts = object.object("failureCounts").unwrap_or_default();
                if counts.is_empty() {
                    object.text("cooldownReason").iter().for_each(|reason| add(reason, 1.0));
                }
                for (reason, count) in counts.entries() {
                    add(reason, count.number().unwrap_or(0.0));
                }
            }
        }
    }
    let best = weights.iter().copied().fold(0.0, f64::max);
    let found = REASONS.iter().zip(weights).find(|(_, weight)| best > 0.0 && *weight >= best);
    found.map_or("unknown", |(reason, _)| reason)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::json::Object;

    #[test]
    fn the_gravest_reason_is_named() {
        let why = |all: &[&str]| {
            let usages: Vec<Usage> =
                all.iter().map(|json| Usage::new(Object::parse(json).unwrap())).collect();
            why_all(usages.iter(), Timestamp::from_secs(1_000))
        };
        let billing =
            r#"{"disabledUntil":2000000,"disabledReason":"billing","failureCounts":{"auth":5}}"#;
        let past =
            r#"{"disabledUntil":1000,"disabledReason":"billing","failureCounts":{"auth":5}}"#;
        assert_eq!(why(&[billing]), "billing");
        assert_eq!(why(&[past]), "auth");
        assert_eq!(why(&[r#"{"failureCounts":{"rate_limit":2,"auth":2}}"#]), "auth");
        assert_eq!(
            why(&[r#"{"failureCounts":{"rate_limit":2}}"#, r#"{"failureCounts":{"auth":1}}"#]),
            "rate_limit"
        );
        assert_eq!(why(&[r#"{"cooldownReason":"timeout"}"#]), "timeout");
        assert_eq!(why(&[r#"{"failureCounts":{"new":9}}"#]), "unknown");
    }
}
