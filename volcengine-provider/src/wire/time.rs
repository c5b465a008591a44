//! Moments as the services write them.

use std::time::SystemTime;

use chrono::{DateTime, NaiveDateTime, Utc};
use credential_provider_api::Timestamp;

/// RFC 3339 with its offset (`2021-04-12T11:57:09+08:00`); without one it is UTC.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let moment = DateTime::parse_from_rfc3339(text).map(|moment| moment.with_timezone(&Utc));
    let moment = moment.or_else(|_| {
        let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
        let naive = naive.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"));
        naive.map(|naive| naive.and_utc())
    });
    moment.ok().map(|moment| Timestamp::from(SystemTime::from(moment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_3_an_offset_counts() {
        let utc = parse_time("2021-04-12T03:57:09Z").unwrap();
        assert_eq!(utc, Timestamp::from_secs(1_618_199_829));
        for same in [
            "2021-04-12T11:57:09+08:00",
            "2021-04-12T03:57:09",
            "2021-04-12 03:57:09",
            "2021-04-12T03:57:09.000Z",
        ] {
            assert_eq!(parse_time(same), Some(utc), "{same}");
        }
        assert_eq!(parse_time("soon"), None);
    }
}
