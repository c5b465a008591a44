//! `Retry-After` (RFC 9110 §10.2.3).

use std::time::Duration;

use chrono::DateTime;

use crate::http::HttpResponse;

/// An issuer that asks for more is asked again after this all the same.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl HttpResponse {
    /// How long the server asks to wait (`Retry-After`, RFC 9110 §10.2.3), at most a day.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self)
    }
}

/// How long a server asks to wait. A date is read against the server's own `Date`, so that two
/// clocks that disagree do no harm.
pub(crate) fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = |text: &str| DateTime::parse_from_rfc2822(text).ok();
            let now = date(response.header("date")?)?;
            u64::try_from(date(text)?.signed_duration_since(now).num_seconds()).ok()?
        }
    };
    Some(Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)]) -> Option<Duration> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        HttpResponse::new(429, headers, Vec::new().into()).retry_after()
    }

    #[test]
    fn seconds_and_dates() {
        assert_eq!(of(&[("Retry-After", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(of(&[("Retry-After", "99999999999")]), Some(LONGEST));
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let then = ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT");
        assert_eq!(of(&[date, then]), Some(Duration::from_secs(60)));
        assert_eq!(of(&[then]), None);
        assert_eq!(of(&[("retry-after", "soon")]), None);
        assert_eq!(of(&[]), None);
    }
}
