//! The configuration file, watched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use credential_provider_api::Clock;

use super::Tell;

const PAUSE: Duration = Duration::from_secs(1);

/// A file whose changes are noticed by its text, on any file system.
pub(super) struct Followed {
    path: PathBuf,
    text: Option<Vec<u8>>,
    gone: bool,
}

impl Followed {
    /// As it is now.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), text: std::fs::read(path).ok(), gone: false }
    }

    /// Waits for another text. An edit half done is seen again once it is whole. Cancel-safe.
    pub(super) async fn changed(&mut self, clock: &dyn Clock, tell: &Tell) {
        loop {
            clock.sleep_until(clock.now().plus(PAUSE)).await;
            let path = self.path.clone();
            // On a thread that may block.
            let now = tokio::task::spawn_blocking(move || std::fs::read(path).ok()).await;
            let Some(now) = now.ok().flatten() else {
                // An editor may take it away for a moment.
                if std::mem::replace(&mut self.gone, true) {
                    continue;
                }
                tell(&format!(
                    "{}: is not there or not to be read; what it said stays in force",
                    self.path.display()
                ));
                continue;
            };
            self.gone = false;
            if self.text.as_ref() != Some(&now) {
                self.text = Some(now);
                return;
            }
        }
    }
}
