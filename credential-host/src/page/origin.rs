//! Where a request comes from.

use std::net::SocketAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};

/// Whether it was sent to the address this port has, and to no name that points here.
pub(super) fn is_for(address: SocketAddr, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().is_some_and(|host| host.as_bytes() == address.to_string().as_bytes());
    host && hosts.next().is_none()
}

/// Whether the page itself sent it. A request that says nothing of where it is from was not sent by a
/// browser's page.
pub(super) fn is_from(address: SocketAddr, headers: &HeaderMap) -> bool {
    let own = format!("http://{address}");
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes() == b"same-origin");
    match headers.get(ORIGIN) {
        Some(origin) => origin.as_bytes() == own.as_bytes() && site.unwrap_or(true),
        None => site.unwrap_or(false),
    }
}

/// Whether another site's page sent it, of all that a browser says.
pub(super) fn is_foreign(address: SocketAddr, headers: &HeaderMap) -> bool {
    let own = format!("http://{address}");
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes() != own.as_bytes())
        || site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_host_is_the_address_and_nothing_else() {
        let v4 = "127.0.0.1:80".parse().unwrap();
        assert!(is_for(v4, &headers(&[("host", "127.0.0.1:80")])));
        assert!(is_for("[::1]:80".parse().unwrap(), &headers(&[("host", "[::1]:80")])));
        for other in ["localhost:80", "127.0.0.1", "127.0.0.1:81", "evil.example:80", ""] {
            assert!(!is_for(v4, &headers(&[("host", other)])), "{other}");
        }
        assert!(!is_for(v4, &headers(&[])));
        let mut twice = headers(&[("host", "127.0.0.1:80")]);
        twice.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(!is_for(v4, &twice));
    }

    #[test]
    fn a_change_says_where_it_is_from() {
        let at = "127.0.0.1:80".parse().unwrap();
        let own = ("origin", "http://127.0.0.1:80");
        let cases: [(&[(&str, &str)], bool); 7] = [
            (&[own], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[own, ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], false),
            (&[("origin", "http://127.0.0.1:81")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[], false),
        ];
        for (pairs, expected) in cases {
            let pairs: Vec<_> = pairs.to_vec();
            let leaked: &'static [(&'static str, &'static str)] = Box::leak(pairs.into());
            assert_eq!(is_from(at, &headers(leaked)), expected, "{leaked:?}");
        }
    }
}
