//! Every number that shapes the engine's behaviour, with its default.

use std::time::Duration;

/// Limits, windows and pauses. Start from [`Tuning::default`] and change what you must.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tuning {
    /// Longest provider call, retries apart; a committed exchange is not cut. 30 s.
    pub fetch_limit: Duration,
    /// How long a caller waits unless it says otherwise. 60 s.
    pub default_deadline: Duration,
    /// Provider calls at once, all providers together. 64.
    pub calls: usize,
    /// Provider calls at once of one provider. 8.
    pub calls_per_provider: usize,
    /// Renewal ahead starts this long before the end at most … 5 min.
    pub advisory: Duration,
    /// … and callers wait for it from this long before the end at most. 1 min.
    pub mandatory: Duration,
    /// Tries within one flight while the source fails transiently. 3.
    pub attempts: u32,
    /// First pause between tries within a flight; doubles. 200 ms.
    pub retry_pause: Duration,
    /// First pause after a flight failed transiently; doubles … 1 s.
    pub backoff: Duration,
    /// … up to this. 5 min.
    pub backoff_limit: Duration,
    /// How long a permanent failure is remembered. 60 s.
    pub permanent: Duration,
    /// At most one renewal of a credential because of a rejection in this time. 10 s.
    pub forced_pause: Duration,
    /// Entries nobody used for this long are forgotten. 1 h.
    pub idle: Duration,
    /// Revocations nobody ran into for this long are forgotten. 30 days.
    pub revocations: Duration,
    /// Entries kept. 100,000.
    pub entries: usize,
    /// Effective sessions that have entries. 50,000.
    pub sessions: usize,
    /// Callers waiting at once. 100,000.
    pub waiters: usize,
    /// Handles bound at once. 100,000.
    pub handles: usize,
    /// Sign-ins under way at once. 1,000.
    pub flows: usize,
    /// How long a sign-in may take. 10 min.
    pub flow_life: Duration,
    /// How often providers that can are checked; `None` for never. Never.
    pub health_every: Option<Duration>,
    /// Events a slow listener may be behind before it misses some. 1,024.
    pub event_buffer: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            fetch_limit: Duration::from_secs(30),
            default_deadline: Duration::from_secs(60),
            calls: 64,
            calls_per_provider: 8,
            advisory: Duration::from_secs(300),
            mandatory: Duration::from_secs(60),
            attempts: 3,
            retry_pause: Duration::from_millis(200),
            backoff: Duration::from_secs(1),
            backoff_limit: Duration::from_secs(300),
            permanent: Duration::from_secs(60),
            forced_pause: Duration::from_secs(10),
            idle: Duration::from_secs(3600),
            revocations: Duration::from_secs(30 * 24 * 3600),
            entries: 100_000,
            sessions: 50_000,
            waiters: 100_000,
            handles: 100_000,
            flows: 1_000,
            flow_life: Duration::from_secs(600),
            health_every: None,
            event_buffer: 1_024,
        }
    }
}
