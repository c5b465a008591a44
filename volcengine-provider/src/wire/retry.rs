//! [`RetryPolicy`]: which calls are made again, and after how long.

use std::time::Duration;

use credential_provider_api::Random;
use oauth_provider::{HttpError, HttpProblem};

use super::code::Fault;
use super::error::CallError;

/// What it does to make a call twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing more than making it once.
    Repeatable,
    /// Something more: it creates or spends. It is made again only if nothing can have been done.
    Once,
}

/// How often, and after how long. The default is that of the official clients: 3 times more, after
/// 300 ms doubled each time, at most 300 s, and up to 300 ms more by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Calls after the first.
    pub retries: u32,
    /// The first pause; it doubles.
    pub pause: Duration,
    /// The longest pause. A call for which the service asks for a longer one is not made again: its
    /// error says after how long it may be.
    pub longest: Duration,
    /// The most by which chance lengthens a pause.
    pub jitter: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 3,
            pause: Duration::from_millis(300),
            longest: Duration::from_secs(300),
            jitter: Duration::from_millis(300),
        }
    }
}

impl RetryPolicy {
    /// So many calls after the first.
    #[must_use]
    pub const fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// How long to wait before retry number `done`, counted from 0; `None` if there is none. The
    /// service's own wish counts if it is longer, and ends it if it is longer than the longest pause.
    pub(super) fn wait(
        &self,
        error: &CallError,
        effect: Effect,
        done: u32,
        random: &dyn Random,
    ) -> Option<Duration> {
        if done >= self.retries || !may_repeat(error, effect) {
            return None;
        }
        let doubled = self.pause.saturating_mul(1_u32.checked_shl(done).unwrap_or(u32::MAX));
        let span = u64::try_from(self.jitter.as_millis()).unwrap_or(u64::MAX);
        let chance = Duration::from_millis(random.next_u64().checked_rem(span).unwrap_or(0));
        let asked = match error {
            CallError::Service(error) => error.retry_after,
            _ => None,
        };
        let asked = asked.unwrap_or_default();
        (asked <= self.longest).then(|| (doubled.min(self.longest) + chance).max(asked))
    }
}

fn may_repeat(error: &CallError, effect: Effect) -> bool {
    let repeatable = effect == Effect::Repeatable;
    match error {
        CallError::Http(HttpError::NotSent(problem)) => {
            matches!(problem, HttpProblem::Unreachable | HttpProblem::Timeout)
        }
        CallError::Http(HttpError::Unanswered(problem)) => {
            repeatable && matches!(problem, HttpProblem::Broken | HttpProblem::Timeout)
        }
        CallError::Service(error) => match (error.fault, error.status) {
            (Fault::Throttled, _) | (_, 429) => true,
            // The gateway says so before anything is done.
            (Fault::Server, 503) => true,
            (Fault::Server, _) => repeatable,
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use credential_provider_api::{Detail, SeededRandom};

    fn service(status: u16, code: &str, retry_after: Option<Duration>) -> CallError {
        CallError::Service(Box::new(super::super::error::ServiceError {
            status,
            fault: Fault::of(status, code, ""),
            request_id: None,
            retry_after,
            action: String::new(),
            code: code.into(),
            message: Detail::from(""),
        }))
    }

    #[test]
    fn pauses_double_and_the_service_s_wish_counts() {
        let (policy, random) = (RetryPolicy::default(), SeededRandom::new(1));
        let error = service(429, "", None);
        for (done, base) in [(0, 300), (1, 600), (2, 1200)] {
            let wait = policy.wait(&error, Effect::Once, done, &random).unwrap();
            let base = Duration::from_millis(base);
            assert!(wait >= base && wait < base + policy.jitter, "{wait:?}");
        }
        assert_eq!(policy.wait(&error, Effect::Once, 3, &random), None);
        let asked = service(503, "", Some(Duration::from_secs(7)));
        assert_eq!(policy.wait(&asked, Effect::Once, 0, &random), Some(Duration::from_secs(7)));
    }

    #[test]
    fn nobody_sleeps_longer_than_the_longest_pause() {
        let (policy, random) = (RetryPolicy::default(), SeededRandom::new(1));
        for (seconds, waits) in [(300, true), (301, false), (86_400, false)] {
            let asked = service(429, "", Some(Duration::from_secs(seconds)));
            let wait = policy.wait(&asked, Effect::Repeatable, 0, &random);
            assert_eq!(wait.is_some(), waits, "{seconds}");
        }
    }

    #[test]
    fn what_may_have_been_done_is_done_again_only_if_that_is_harmless() {
        let timeout = CallError::Http(HttpError::Unanswered(HttpProblem::Timeout));
        let unsent = CallError::Http(HttpError::NotSent(HttpProblem::Timeout));
        let huge = CallError::Http(HttpError::Unanswered(HttpProblem::TooLarge));
        for (error, repeatable, once) in [
            (timeout, true, false),
            (unsent, true, true),
            (huge, false, false),
            (service(500, "", None), true, false),
            (service(502, "", None), true, false),
            (service(504, "", None), true, false),
            (service(503, "", None), true, true),
            (service(429, "", None), true, true),
            (service(200, "FlowLimitExceeded", None), true, true),
            (service(401, "", None), false, false),
            (service(403, "", None), false, false),
            (service(404, "", None), false, false),
            (service(409, "", None), false, false),
            (service(400, "", None), false, false),
        ] {
            assert_eq!(may_repeat(&error, Effect::Repeatable), repeatable, "{error:?}");
            assert_eq!(may_repeat(&error, Effect::Once), once, "{error:?}");
        }
    }
}
