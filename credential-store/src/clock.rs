//! The system's clock, for tokio.

use std::time::{Duration, SystemTime};

use credential_provider_api::{Clock, Sleep, Timestamp};

/// Waits are made of short ones: monotonic time stands still while the machine sleeps.
const HOP: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn sleep_until(&self, when: Timestamp) -> Sleep {
        Box::pin(async move {
            loop {
                let left = Timestamp::from(SystemTime::now()).until(when);
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(HOP)).await;
            }
        })
    }
}
