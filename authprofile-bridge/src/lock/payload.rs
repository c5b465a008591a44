//! What stands in a lock file: who holds it, and since when.

use chrono::{DateTime, SecondsFormat, Utc};
use credential_provider_api::Timestamp;
use serde::Deserialize;

/// Who holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) pid: u32,
    /// When the lock was taken, where it can be read.
    pub(crate) since: Option<Timestamp>,
    /// Field 22 of `/proc/PID/stat`, where newer versions wrote it.
    pub(crate) start_time: Option<u64>,
}

/// A payload is a few dozen bytes; more is none.
pub(crate) const MOST: u64 = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    pid: Option<f64>,
    created_at: Option<String>,
    starttime: Option<f64>,
}

impl Owner {
    /// The payload of a lock file, as text.
    pub(crate) fn to_text(self) -> String {
        let since = self.since.unwrap_or(Timestamp::EPOCH);
        let since = i64::try_from(since.as_millis()).ok().and_then(DateTime::from_timestamp_millis);
        let since = since.unwrap_or(DateTime::<Utc>::UNIX_EPOCH);
        let since = since.to_rfc3339_opts(SecondsFormat::Millis, true);
        let start = self.start_time.map(|start| format!(",\n  \"starttime\": {start}"));
        let start = start.unwrap_or_default();
        format!("{{\n  \"pid\": {},\n  \"createdAt\": \"{since}\"{start}\n}}", self.pid)
    }

    /// Who the payload names; none if it names nobody.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let wire: Wire = serde_json::from_str(text).ok()?;
        let since = wire.created_at.as_deref().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        Some(Self {
            pid: whole(wire.pid?).and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0)?,
            since: since
                .and_then(|at| u64::try_from(at.timestamp_millis()).ok())
                .map(Timestamp::from_millis),
            start_time: wire.starttime.and_then(whole),
        })
    }
}

/// JavaScript writes numbers; ids and times are whole ones.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
fn whole(number: f64) -> Option<u64> {
    let fits = number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number);
    fits.then_some(number as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_payload_reads_back() {
        let owner = Owner {
            pid: 7,
            since: Some(Timestamp::from_millis(1_770_000_000_123)),
            start_time: Some(42),
        };
        assert_eq!(
            owner.to_text(),
            "{\n  \"pid\": 7,\n  \"createdAt\": \"2026-02-02T02:40:00.123Z\",\n  \"starttime\": 42\n}"
        );
        assert_eq!(Owner::parse(&owner.to_text()), Some(owner));
    }

    #[test]
    fn what_names_nobody_is_nobody() {
        for text in
            ["", "{}", "[]", "{\"pid\":\"7\"}", "{\"pid\":0}", "{\"pid\":1.5}", "{\"pid\":-1}"]
        {
            assert_eq!(Owner::parse(text), None, "{text}");
        }
        let bare = Owner::parse("{\"pid\":7,\"createdAt\":\"yesterday\"}").unwrap();
        assert_eq!(bare, Owner { pid: 7, since: None, start_time: None });
    }
}
