//! What OpenClaw remembers of a profile's use: windows in which it is not to be used, and counts.

use std::time::Duration;

use credential_provider_api::Timestamp;

use super::config::Config;
use super::cooldowns::Cooldowns;
use super::era::Era;
use super::order::never_cools;
use crate::json::{Object, Raw};

/// What is remembered of one profile's use, with the fields we do not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage(Object);

/// Why using a profile failed, in OpenClaw's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureReason {
    /// Refused, perhaps not for good.
    Auth,
    /// Refused for good.
    AuthPermanent,
    /// The account has no credit left.
    Billing,
    /// Too many requests.
    RateLimit,
    /// The service is overloaded.
    Overloaded,
    /// The service did not answer.
    Timeout,
    /// Something else.
    Unknown,
}

impl FailureReason {
    /// What OpenClaw writes, or none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const ALL: [FailureReason; 7] = [
            FailureReason::Auth,
            FailureReason::AuthPermanent,
            FailureReason::Billing,
            FailureReason::RateLimit,
            FailureReason::Overloaded,
            FailureReason::Timeout,
            FailureReason::Unknown,
        ];
        ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// As OpenClaw writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthPermanent => "auth_permanent",
            Self::Billing => "billing",
            Self::RateLimit => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Unknown => "unknown",
        }
    }
}

/// The windows, each with the fields that end with it.
const WINDOWS: [&[&str]; 3] = [
    &["cooldownUntil", "cooldownReason", "cooldownModel", "cooldownClassification"],
    &["blockedUntil", "blockedReason", "blockedSource", "blockedModel", "blockedScope"],
    &["disabledUntil", "disabledReason"],
];

/// Reasons whose window is one model's.
const MODEL_SCOPED: [&str; 3] = ["rate_limit", "timeout", "model_not_found"];

impl Usage {
    /// What stands in a store.
    #[must_use]
    pub const fn new(object: Object) -> Self {
        Self(object)
    }

    /// As it is to stand in a store.
    #[must_use]
    pub const fn object(&self) -> &Object {
        &self.0
    }

    /// When it was last used; the epoch if never.
    #[must_use]
    pub fn last_used(&self) -> Timestamp {
        self.time("lastUsed").unwrap_or(Timestamp::EPOCH)
    }

    /// The end of the last of its windows, passed ones included.
    #[must_use]
    pub fn unusable_until(&self) -> Option<Timestamp> {
        WINDOWS.iter().filter_map(|window| self.time(window.first()?)).max()
    }

    /// Until when it is not to be used for this model; none if it may be used now.
    ///
    /// A window that is one model's counts for that one only, unless the profile is disabled or blocked.
    #[must_use]
    pub fn cooling_until(&self, model: Option<&str>, now: Timestamp) -> Option<Timestamp> {
        let another = |of: &str| {
            let of = self.0.text(of).filter(|of| !of.is_empty());
            model.is_some_and(|model| of.is_some_and(|of| *of != model))
        };
        let is_models = MODEL_SCOPED.iter().any(|reason| self.text_is("cooldownReason", reason));
        let block_is_models = self.text_is("blockedScope", "model") && another("blockedModel");
        let blocked = if block_is_models { None } else { self.time("blockedUntil") };
        let held = blocked.max(self.time("disabledUntil"));
        if is_models && another("cooldownModel") && held.is_none_or(|until| now >= until) {
            return None;
        }
        held.max(self.time("cooldownUntil")).filter(|until| now < *until)
    }

    /// Forgets the windows that have passed, and the counts once none is left.
    pub fn forget_passed(&mut self, now: Timestamp) {
        let mut any = false;
        for window in WINDOWS {
            let until = window.first().and_then(|name| self.time(name));
            if until.is_some_and(|until| now >= until) {
                window.iter().for_each(|name| self.0.remove(name));
                any = true;
            }
        }
        if any && self.unusable_until().is_none() {
            self.0.set("errorCount", Raw::from_number(0.0));
            self.0.remove("failureCounts");
        }
    }

    /// It worked: counts and windows are over.
    pub fn succeeded(&mut self, now: Timestamp) {
        for name in WINDOWS.concat() {
            self.0.remove(name);
        }
        self.0.remove("failureCounts");
        self.0.set("errorCount", Raw::from_number(0.0));
        self.set_time("lastUsed", now);
    }

    /// It failed for `reason`, on `model` where that is known, as a profile of `provider`, by the rules
    /// of an era.
    ///
    /// Profiles of `openrouter` and `kilocode` never cool down: nothing is written for them.
    pub fn failed_for(
        &mut self,
        provider: &str,
        reason: FailureReason,
        model: Option<&str>,
        rules: (&Config, Era),
        now: Timestamp,
    ) {
        let (config, era) = rules;
        if !never_cools(provider) {
            self.failed(reason, model, &config.cooldowns(era, provider), now);
        }
    }

    /// It failed for `reason`, on `model` where that is known.
    ///
    /// A window that is open is neither shortened nor extended. Counts begin anew once the last window
    /// has passed, or the last failure is older than the configured time.
    pub fn failed(
        &mut self,
        reason: FailureReason,
        model: Option<&str>,
        cooldowns: &Cooldowns,
        now: Timestamp,
    ) {
        if cooldowns.is_later() && reason == FailureReason::RateLimit && self.is_limited(model, now)
        {
            return;
        }
        let long_ago = self
            .time("lastFailureAt")
            .is_some_and(|last| last.until(now) > cooldowns.failure_window);
        let passed = self.unusable_until().is_some_and(|until| now >= until);
        let anew = long_ago || passed;
        let errors = if anew { 0.0 } else { self.0.number("errorCount").unwrap_or(0.0) } + 1.0;
        let counts = self.counted(reason, anew, cooldowns);
        let count = counts.number(reason.as_str()).unwrap_or(1.0);
        if cooldowns.is_later() {
            self.0.remove("cooldownClassification");
        }
        self.0.set("errorCount", Raw::from_number(errors));
        // Three levels in: usageStats, the profile, this.
        self.0.set("failureCounts", Raw::from_object(&counts, 3));
        self.set_time("lastFailureAt", now);
        match reason {
            FailureReason::Billing | FailureReason::AuthPermanent => {
                let pause = cooldowns.disabled_for(reason, count);
                self.open("disabledUntil", now, pause);
                self.0.set("disabledReason", Raw::from_text(reason.as_str()));
            }
            _ => {
                let scoped = reason == FailureReason::RateLimit
                    || (cooldowns.is_later() && MODEL_SCOPED.contains(&reason.as_str()));
                let open = self.time("cooldownUntil").is_some_and(|until| now < until);
                self.open("cooldownUntil", now, cooldowns.cools_for(reason, errors, count));
                self.0.set("cooldownReason", Raw::from_text(reason.as_str()));
                self.scope(model.filter(|_| scoped), open);
            }
        }
    }

    /// Whether a subscription's limit is known to be reached, which says more than one answer.
    fn is_limited(&self, model: Option<&str>, now: Timestamp) -> bool {
        let scoped = self.text_is("blockedScope", "model");
        let of = self.0.text("blockedModel").filter(|of| !of.is_empty());
        let another = scoped && of.is_some_and(|of| model != Some(&of));
        self.text_is("blockedReason", "subscription_limit")
            && !another
            && self.time("blockedUntil").is_some_and(|until| now < until)
    }

    fn counted(&self, reason: FailureReason, anew: bool, cooldowns: &Cooldowns) -> Object {
        let before = self.0.object("failureCounts").unwrap_or_default();
        let mut counts = if anew { Object::new() } else { before.clone() };
        // Later versions remember how often a service asked for fewer calls.
        if let Some(count) = before.get("rate_limit").filter(|_| anew && cooldowns.is_later())
            && count.number().is_some_and(|count| count != 0.0)
        {
            counts.set("rate_limit", count.clone());
        }
        let count = counts.number(reason.as_str()).unwrap_or(0.0) + 1.0;
        counts.set(reason.as_str(), Raw::from_number(count));
        counts
    }

    /// Says whose window it is: that model's, until another one, or one that nobody named, fails too.
    fn scope(&mut self, model: Option<&str>, open: bool) {
        let before = self.0.text("cooldownModel").filter(|of| !of.is_empty());
        let of = if open {
            model.filter(|model| before.as_deref().is_some_and(|of| of == model))
        } else {
            model
        };
        match of.map(Raw::from_text) {
            Some(of) => self.0.set("cooldownModel", of),
            None => self.0.remove("cooldownModel"),
        }
    }

    fn open(&mut self, window: &str, now: Timestamp, pause: Duration) {
        if self.time(window).is_none_or(|until| now >= until) {
            self.set_time(window, now.plus(pause));
        }
    }

    fn text_is(&self, name: &str, text: &str) -> bool {
        self.0.text(name).is_some_and(|value| *value == text)
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        super::profile::time(self.0.number(name)?)
    }

    #[allow(clippy::cast_precision_loss, reason = "milliseconds are exact for 285,000 years")]
    fn set_time(&mut self, name: &str, time: Timestamp) {
        self.0.set(name, Raw::from_number(time.as_millis() as f64));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn usage(json: &str) -> Usage {
        Usage::new(Object::parse(json).unwrap())
    }

    #[test]
    fn failures_in_a_row_keep_their_window_and_the_next_one_is_longer() {
        let mut usage = Usage::default();
        let rules = Cooldowns::default();
        usage.failed(FailureReason::Auth, None, &rules, at(0));
        assert_eq!(usage.cooling_until(None, at(0)), Some(at(30)));
        usage.failed(FailureReason::Auth, None, &rules, at(10));
        assert_eq!(usage.cooling_until(None, at(10)), Some(at(30)), "an open window stays");
        // After it has passed, counting begins anew.
        usage.failed(FailureReason::Auth, None, &rules, at(31));
        assert_eq!(usage.cooling_until(None, at(31)), Some(at(61)));
    }

    #[test]
    fn billing_disables_for_hours_and_doubles() {
        let mut usage = Usage::default();
        let rules = Cooldowns::default();
        usage.failed(FailureReason::Billing, None, &rules, at(0));
        assert_eq!(usage.cooling_until(Some("any"), at(1)), Some(at(5 * 3600)));
        let mut again = usage_with_billing(2.0);
        again.failed(FailureReason::Billing, None, &rules, at(0));
        assert_eq!(again.cooling_until(None, at(1)), Some(at(20 * 3600)));
    }

    fn usage_with_billing(count: f64) -> Usage {
        usage(&format!("{{\"errorCount\":1,\"failureCounts\":{{\"billing\":{count}}}}}"))
    }

    #[test]
    fn a_rate_limit_is_its_models_until_another_model_meets_one() {
        let mut usage = Usage::default();
        let rules = Cooldowns::default();
        usage.failed(FailureReason::RateLimit, Some("a"), &rules, at(0));
        assert!(usage.cooling_until(Some("a"), at(1)).is_some());
        assert!(usage.cooling_until(None, at(1)).is_some());
        assert_eq!(usage.cooling_until(Some("b"), at(1)), None);
        usage.failed(FailureReason::RateLimit, Some("b"), &rules, at(2));
        assert!(usage.cooling_until(Some("b"), at(3)).is_some());
    }

    #[test]
    fn success_ends_everything_and_keeps_what_is_not_known() {
        let mut usage = usage(r#"{"cooldownUntil":9e15,"errorCount":3,"lastProbeAt":7,"new":[1]}"#);
        usage.succeeded(at(0));
        assert_eq!(usage.cooling_until(None, at(0)), None);
        assert_eq!(usage.last_used(), at(0));
        assert_eq!(usage.object().get("new").unwrap().as_str(), "[1]");
        assert_eq!(usage.object().number("lastProbeAt"), Some(7.0));
        assert_eq!(usage.object().number("errorCount"), Some(0.0));
    }

    #[test]
    fn passed_windows_are_forgotten_one_by_one() {
        let now = at(0);
        let later = at(60).as_millis();
        let mut usage = usage(&format!(
            "{{\"cooldownUntil\":1,\"cooldownReason\":\"auth\",\"disabledUntil\":{later},\"errorCount\":2}}"
        ));
        usage.forget_passed(now);
        assert!(usage.object().get("cooldownUntil").is_none());
        assert!(usage.object().get("cooldownReason").is_none());
        assert_eq!(usage.object().number("errorCount"), Some(2.0), "one window is left");
        usage.forget_passed(at(61));
        assert_eq!(usage.object().number("errorCount"), Some(0.0));
    }
}
