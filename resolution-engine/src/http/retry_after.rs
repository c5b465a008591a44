//! `Retry-After` (RFC 9110 §10.2.3).

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// A service that asks for more is taken to ask for this.
const LONGEST: u64 = 24 * 3600;

/// How long the service asks to wait. A date is read against the service's own `Date`, so that two
/// clocks that disagree do no harm; without one it says nothing.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = text(RETRY_AFTER)?;
    let seconds = if !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit()) {
        after.parse().unwrap_or(LONGEST)
    } else {
        u64::try_from(moment(after)? - moment(text(DATE)?)?).ok()?
    };
    Some(Duration::from_secs(seconds.min(LONGEST)))
}

/// Seconds since 1970 of an IMF-fixdate, the one form that senders may use (RFC 9110 §5.6.7).
fn moment(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.split_once(", ")?;
    let parts: Vec<&str> = date.split([' ', ':']).collect();
    let &[day, month, year, hour, minute, second, "GMT"] = parts.as_slice() else {
        return None;
    };
    let number = |text: &str, most: i64| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| digits && *number <= most)
    };
    let month = MONTHS.iter().position(|known| *known == month)?;
    let days = days(number(year, 9999)?, i64::try_from(month).ok()? + 1, number(day, 31)?);
    let (hours, minutes) = (days * 24 + number(hour, 23)?, number(minute, 59)?);
    Some((hours * 60 + minutes) * 60 + number(second, 60)?)
}

/// Days since 1970 in the Gregorian calendar. A year begins in March here, so that a leap day is its
/// last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &str)]) -> Option<Duration> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        retry_after(&map)
    }

    #[test]
    fn seconds_and_dates() {
        assert_eq!(of(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        let longest = Some(Duration::from_secs(LONGEST));
        assert_eq!(of(&[("retry-after", "99999999999999999999999")]), longest);
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let then = ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT");
        assert_eq!(of(&[date, then]), Some(Duration::from_secs(60)));
        let past = ("retry-after", "Sun, 06 Nov 1994 08:48:37 GMT");
        for wrong in [&[then][..], &[date, past], &[("retry-after", "soon")], &[]] {
            assert_eq!(of(wrong), None);
        }
        assert_eq!(of(&[date, ("retry-after", "Sun, 06 Nov 1994 08:50:37 CET")]), None);
        assert_eq!(of(&[date, ("retry-after", "")]), None);
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        assert_eq!(moment("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(moment("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(moment("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400));
        assert_eq!(moment("Fri, 31 Dec 2100 23:59:59 GMT"), Some(4_133_980_799));
    }
}
