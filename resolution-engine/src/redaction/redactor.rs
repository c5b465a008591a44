//! [`Redactor`]: the secrets it knows, and text without them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credential_provider_api::{Credential, ExposeSecret as _, Random, SecretString, Timestamp};

use super::fingerprint::{Keys, WINDOW};
use super::known::Known;
use super::pattern::fingerprints;
use super::register::{BATCH, Claim, Register, Why};
use super::scan::Scanner;
use super::span::Copier;
use super::stream::RedactingStream;
use crate::sync::lock;

/// Masks the secrets it knows. Cheap to clone; all clones know the same.
///
/// Give one to [`EngineBuilder::redactor`](crate::EngineBuilder::redactor), and pass everything that
/// flows back to the model through it. One may serve several engines. The module says what is
/// masked, for how long, and what that costs.
#[derive(Clone)]
pub struct Redactor {
    shared: Arc<Shared>,
}

/// What scans read.
pub(super) struct Shared {
    pub(super) keys: Keys,
    pub(super) known: Known,
    register: Mutex<Register>,
    retention: Retention,
    too_short: AtomicU64,
    crowded_out: AtomicU64,
}

/// How long and how many secrets are known that nobody holds any more.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Retention {
    /// How long one without an expiry is known after it was withdrawn. 30 days.
    pub unexpiring: Duration,
    /// Secrets known; those held may be more. 100,000.
    pub secrets: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { unexpiring: Duration::from_secs(30 * 24 * 3600), secrets: 100_000 }
    }
}

/// Why a secret cannot be masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmaskable {
    /// It is shorter than 8 bytes: too much else would look like it.
    TooShort,
}

impl fmt::Display for Unmaskable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("a secret of less than 8 bytes cannot be masked"),
        }
    }
}

impl Error for Unmaskable {}

/// What a redactor has counted, and how much it knows now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactorCounts {
    /// Secrets known now.
    pub secrets: usize,
    /// Secrets it was given that are too short to be masked.
    pub too_short: u64,
    /// Secrets forgotten before their time because there were too many.
    pub crowded_out: u64,
}

impl Redactor {
    /// One that knows nothing yet, with a key of its own and the default [`Retention`].
    #[must_use]
    pub fn new(random: &dyn Random) -> Self {
        Self::with_retention(random, Retention::default())
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_retention(random: &dyn Random, retention: Retention) -> Self {
        let shared = Shared {
            keys: Keys::new(random),
            known: Known::new(),
            register: Mutex::new(Register::new(retention.secrets)),
            retention,
            too_short: AtomicU64::new(0),
            crowded_out: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Masks `secret` from here on, until `end`; without one for as long as there is a redactor.
    /// Its text is not kept.
    ///
    /// # Errors
    /// [`Unmaskable`] if it cannot be; it is not masked then.
    pub fn add(&self, secret: &SecretString, end: Option<Timestamp>) -> Result<(), Unmaskable> {
        let claim = Claim::Host { until: end.unwrap_or(Timestamp::MAX) };
        let now = lock(&self.shared.register).now();
        self.shared.learn(secret.expose_secret(), &claim, now)
    }

    /// Masks every secret of `credential`, for as long as anybody holds it and until it expires.
    pub(crate) fn feed(&self, credential: &Arc<Credential>, now: Timestamp) {
        for (field, secret) in credential.material().secrets() {
            let claim = Claim::Credential(credential);
            if let Err(problem) = self.shared.learn(secret.expose_secret(), &claim, now) {
                tracing::warn!(field, %problem, "a secret of a credential is not masked");
            }
        }
    }

    /// `text` with a mark in place of each secret.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redact_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Secrets are whole characters, in each of their forms.
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(redacted) => redacted,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }

    /// The same for any bytes.
    #[must_use]
    pub fn redact_bytes<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let mut scanner = Scanner::default();
        let end = scanner.advance(&self.shared, text, 0, true);
        if scanner.spans().is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = Vec::with_capacity(text.len());
        Copier::default().copy(text, 0, end, scanner.spans(), &mut out);
        Cow::Owned(out)
    }

    /// For a text that comes in parts.
    pub fn stream(&self) -> RedactingStream {
        RedactingStream::new(self.clone())
    }

    /// Notices what nobody holds any more, and forgets what is over at `now`. An engine does this
    /// once a minute; only a host without one needs to.
    pub fn sweep(&self, now: Timestamp) {
        let unexpiring = self.shared.retention.unexpiring;
        let due = lock(&self.shared.register).due(now, unexpiring);
        self.shared.forget(&due, now, &Why::Over { unexpiring });
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> RedactorCounts {
        RedactorCounts {
            secrets: lock(&self.shared.register).len(),
            too_short: self.shared.too_short.load(Ordering::Relaxed),
            crowded_out: self.shared.crowded_out.load(Ordering::Relaxed),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Shared {
    fn learn(&self, text: &str, claim: &Claim<'_>, now: Timestamp) -> Result<(), Unmaskable> {
        if text.len() < WINDOW {
            self.too_short.fetch_add(1, Ordering::Relaxed);
            return Err(Unmaskable::TooShort);
        }
        let id = self.keys.strong(text.as_bytes());
        if lock(&self.register).claim(id, claim) {
            return Ok(());
        }
        // Hashed under no lock.
        let prints = fingerprints(&self.keys, text);
        let mut register = lock(&self.register);
        register.add(&self.known, id, prints, claim);
        let crowded_out = register.crowded_out(now, self.retention.secrets);
        drop(register);
        if !crowded_out.is_empty() {
            let count = self.forget(&crowded_out, now, &Why::CrowdedOut);
            self.crowded_out.fetch_add(count as u64, Ordering::Relaxed);
            tracing::warn!(count, "more secrets than are kept: the oldest are not masked any more");
        }
        Ok(())
    }

    /// A few at a time, so that nobody who adds one waits long.
    fn forget(&self, ids: &[u128], now: Timestamp, why: &Why) -> usize {
        let batches = ids.chunks(BATCH);
        batches.map(|ids| lock(&self.register).forget(&self.known, now, ids, why)).sum()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("counts", &self.counts()).finish()
    }
}
