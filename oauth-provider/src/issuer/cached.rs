//! What was fetched and is kept for a while.

use std::time::Duration;

use credential_provider_api::{CredentialError, Timestamp};

/// A source that fails is asked again after this long, while what it said before is used.
const PAUSE: Duration = Duration::from_secs(30);

pub(crate) struct Cached<T> {
    kept: Option<(T, Timestamp)>,
    failed: Option<Timestamp>,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self { kept: None, failed: None }
    }
}

impl<T: Clone> Cached<T> {
    /// What is kept, if it is younger than `age`, or if its source failed a moment ago.
    pub(crate) fn fresh(&self, now: Timestamp, age: Duration) -> Option<T> {
        let (kept, at) = self.kept.as_ref()?;
        // A clock set back makes nothing young for ever.
        let young = |at: Timestamp, age: Duration| at <= now && now < at.plus(age);
        let paused = self.failed.is_some_and(|at| young(at, PAUSE));
        (paused || young(*at, age)).then(|| kept.clone())
    }

    /// Keeps what came. Where waiting can mend the failure, what was there before is the answer.
    pub(crate) fn settle(
        &mut self,
        fetched: Result<T, CredentialError>,
        now: Timestamp,
    ) -> Result<T, CredentialError> {
        match (fetched, &self.kept) {
            (Ok(fetched), _) => {
                *self = Self { kept: Some((fetched.clone(), now)), failed: None };
                Ok(fetched)
            }
            (Err(error), Some((kept, _))) if error.is_transient() => {
                self.failed = Some(now);
                Ok(kept.clone())
            }
            (Err(error), _) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use credential_provider_api::ErrorCode;

    use super::*;

    const AGE: Duration = Duration::from_secs(300);
    const START: Timestamp = Timestamp::from_secs(1000);

    fn failing(code: ErrorCode) -> Result<u8, CredentialError> {
        Err(CredentialError::new(code, ""))
    }

    #[test]
    fn it_is_kept_for_its_time() {
        let mut cached = Cached::default();
        assert_eq!(cached.settle(Ok(1), START).unwrap(), 1);
        assert_eq!(cached.fresh(START.plus(AGE - Duration::from_millis(1)), AGE), Some(1));
        assert_eq!(cached.fresh(START.plus(AGE), AGE), None);
        assert_eq!(cached.fresh(START.minus(AGE), AGE), None, "a clock set back");
    }

    #[test]
    fn promise_3_a_source_that_is_down_does_not_take_what_it_said() {
        let mut cached = Cached::default();
        assert!(cached.settle(failing(ErrorCode::Unavailable), START).is_err());
        let later = START.plus(AGE);
        cached.settle(Ok(1), START).unwrap();
        assert_eq!(cached.settle(failing(ErrorCode::Unavailable), later).unwrap(), 1);
        assert_eq!(cached.fresh(later, AGE), Some(1), "it is not asked again at once");
        assert_eq!(cached.fresh(later.plus(PAUSE), AGE), None);
        assert!(cached.settle(failing(ErrorCode::ConfigurationInvalid), later).is_err());
    }
}
