//! [`Origin`]: where a credential may be sent.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::InvalidId;

/// Scheme, host and port, compared exactly (RFC 6454).
///
/// Built from parts that a URL parser of the host's choice has split, so that no second parser can
/// disagree about where a request goes. Its text form, for configuration, is `https://host[:port]`.
/// An IPv6 address is written as the WHATWG URL standard writes it, whichever way it came.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: Box<str>,
    host: Box<str>,
    port: u16,
}

impl Origin {
    /// An origin of parts; scheme and host are compared without case. IPv6 hosts carry brackets.
    ///
    /// # Errors
    /// [`InvalidId`] if the scheme is not http or https or the host holds anything but letters,
    /// digits, `.`, `-`, `_` or a bracketed IPv6 address, or ends in a number and is no IPv4 address
    /// of four decimal numbers: `127.1` and `0x7f.1` are other addresses to one parser than to another.
    pub fn new(scheme: &str, host: &str, port: u16) -> Result<Self, InvalidId> {
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "https" && scheme != "http" {
            return Err(wrong("has the scheme https or http"));
        }
        let host = host.to_ascii_lowercase();
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let v6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host = match v6 {
            Some(address) => address.parse().ok().map(written),
            None => {
                let valid = !host.is_empty() && host.len() <= 253 && host.chars().all(name);
                valid.then_some(host)
            }
        };
        let Some(host) = host else {
            return Err(wrong("has a host of letters, digits, '.', '-' and '_', or [IPv6]"));
        };
        if ends_in_a_number(&host) && host.parse::<Ipv4Addr>().is_err() {
            return Err(wrong("has an IPv4 address, if any, of four decimal numbers"));
        }
        if port == 0 {
            return Err(wrong("has a port from 1 to 65535"));
        }
        Ok(Self { scheme: scheme.into(), host: host.into(), port })
    }

    /// Parses `https://host[:port]`; a path, query or user name is refused.
    ///
    /// # Errors
    /// [`InvalidId`] if the text has another form.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let (scheme, authority) =
            text.split_once("://").ok_or_else(|| wrong("has the form https://host[:port]"))?;
        let default = if scheme.eq_ignore_ascii_case("http") { 80 } else { 443 };
        let split = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
        match split {
            Some((host, port)) => {
                let digits = !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
                let port = port.parse().ok().filter(|_| digits);
                Self::new(scheme, host, port.ok_or_else(|| wrong("has a port from 1 to 65535"))?)
            }
            None => Self::new(scheme, authority, default),
        }
    }

    /// `https` or `http`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host, lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// In brackets, and never partly as IPv4 (WHATWG URL, host serializer).
fn written(address: Ipv6Addr) -> String {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => format!("[::ffff:{high:x}:{low:x}]"),
        _ => format!("[{address}]"),
    }
}

/// Whether URL parsers take the host for an IPv4 address (WHATWG URL, "ends in a number checker").
fn ends_in_a_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    let all = |text: &str, digit: fn(&u8) -> bool| text.as_bytes().iter().all(digit);
    !last.is_empty() && all(last, u8::is_ascii_digit)
        || last.strip_prefix("0x").is_some_and(|hex| all(hex, u8::is_ascii_hexdigit))
}

fn wrong(problem: &'static str) -> InvalidId {
    InvalidId::new("an origin", problem)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.scheme, self.port) {
            ("https", 443) | ("http", 80) => write!(f, "{}://{}", self.scheme, self.host),
            _ => write!(f, "{}://{}:{}", self.scheme, self.host, self.port),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Origin {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::parse(text)
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_parts_agree() {
        let https = Origin::parse("https://API.example.com").unwrap();
        assert_eq!(https, Origin::new("HTTPS", "api.example.com", 443).unwrap());
        assert_eq!(https.to_string(), "https://api.example.com");
        assert_eq!(Origin::parse("http://[::1]:8080").unwrap().port(), 8080);
        assert_eq!(Origin::parse("http://[::1]").unwrap().port(), 80);
    }

    #[test]
    fn an_address_has_one_form() {
        for (text, wanted) in [
            ("http://[0:0::1]", "http://[::1]"),
            ("http://[2001:DB8:0:0:1::0]", "http://[2001:db8:0:0:1::]"),
            ("http://[::ffff:1.2.3.4]", "http://[::ffff:102:304]"),
            ("http://[::1.2.3.4]", "http://[::102:304]"),
            ("http://1.2.3.4:80", "http://1.2.3.4"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), wanted);
        }
        for name in ["http://1a", "http://1.2.3.4.example", "http://0xg", "http://0x1.a-1"] {
            assert_eq!(Origin::parse(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn anything_that_could_be_read_two_ways_is_refused() {
        for text in [
            "https://a.example/path",
            "https://user@a.example",
            "https://a.example#",
            "ftp://a",
            "https://",
            "https://a.example:",
            "https://a.example:+1",
            "https://a.example:0",
            "https://a b",
            "https://[::1",
            "https://a.example\\@b",
            "//a",
            "https://ä.example",
            "https://127.1",
            "https://2130706433",
            "https://0x7f.1",
            "https://0X7F000001",
            "https://1.2.3.0x",
            "https://127.0.0.01",
            "https://127.0.0.1.",
            "https://1.2.3.4.5",
            "https://1.2.3.256",
            "https://a.1",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
