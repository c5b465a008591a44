//! [`Reach`]: how far a request may go, by the kind of address it connects to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// How far a request may go. Each allows what the one before it does.
///
/// An address that somebody else wrote down (a server's metadata, an issuer's) could otherwise lead
/// into the network that the host stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reach {
    /// https to addresses of the internet.
    Public,
    /// https to private addresses too: RFC 1918, shared (RFC 6598), unique local (RFC 4193).
    Private,
    /// https or http to this machine too.
    Loopback,
    /// Wherever the host's own configuration points: https anywhere, http on loopback.
    #[default]
    Configured,
}

/// What an address is, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Public,
    Private,
    Loopback,
    /// Link-local, unspecified, multicast, documentation, reserved, and where clouds keep keys.
    Special,
}

impl Reach {
    /// Whether a connection to `address` may be made: after the name was resolved, and for an address
    /// that stands in the URL.
    ///
    /// ```
    /// use oauth_provider::Reach;
    /// assert!(Reach::Public.admits("1.1.1.1".parse()?));
    /// assert!(!Reach::Public.admits("10.0.0.1".parse()?));
    /// assert!(!Reach::Public.admits("::ffff:10.0.0.1".parse()?));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn admits(self, address: IpAddr) -> bool {
        let kind = match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        };
        self.admits_kind(kind)
    }

    /// How far what a server at `url` says may lead: as far as the server itself is away, judged by
    /// what stands in its address.
    pub(crate) fn of(url: &Url) -> Self {
        match kind_of_host(url) {
            Some(Kind::Loopback) => Self::Loopback,
            Some(Kind::Private) => Self::Private,
            _ => Self::Public,
        }
    }

    /// Whether scheme and host of `url` are within reach, as far as can be told without resolving.
    pub(crate) fn admits_url(self, url: &Url) -> bool {
        let kind = kind_of_host(url);
        let scheme = match url.scheme() {
            "https" => true,
            "http" => self >= Self::Loopback && kind == Some(Kind::Loopback),
            _ => false,
        };
        scheme && url.has_host() && kind.is_none_or(|kind| self.admits_kind(kind))
    }

    fn admits_kind(self, kind: Kind) -> bool {
        match kind {
            Kind::Public => true,
            Kind::Private => self >= Self::Private,
            Kind::Loopback => self >= Self::Loopback,
            Kind::Special => self >= Self::Configured,
        }
    }
}

/// Of an address, and of the name that RFC 6761 §6.3 keeps for this machine.
fn kind_of_host(url: &Url) -> Option<Kind> {
    match url.host()? {
        Host::Ipv4(address) => Some(of_v4(address)),
        Host::Ipv6(address) => Some(of_v6(address)),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            (name == "localhost" || name.ends_with(".localhost")).then_some(Kind::Loopback)
        }
    }
}

/// Addresses in private or public space at which clouds hand out credentials: Alibaba Cloud,
/// Volcengine, Azure.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(100, 96, 0, 96),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// The same in unique local space: Amazon Web Services, Google Cloud.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// By the IANA IPv4 Special-Purpose Address Registry (2026-11).
fn of_v4(address: Ipv4Addr) -> Kind {
    if METADATA_V4.contains(&address) {
        return Kind::Special;
    }
    match address.octets() {
        [127, ..] => Kind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Kind::Private,
        [0, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => Kind::Special,
        _ => Kind::Public,
    }
}

/// By the IANA IPv6 Special-Purpose Address Registry (2026-11): only 2000::/3 is of the internet.
fn of_v6(address: Ipv6Addr) -> Kind {
    if METADATA_V6.contains(&address) {
        return Kind::Special;
    }
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        // IPv4-mapped, and NAT64 (RFC 6052): what is meant is the IPv4 address.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0xfc00..=0xfdff, ..] => Kind::Private,
        // IETF protocols with Teredo and benchmarks; documentation; 6to4, whose relays are gone.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => {
            Kind::Special
        }
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Special,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The farthest-fenced reach that admits each.
    const CASES: &[(&str, Reach)] = &[
        ("1.1.1.1", Reach::Public),
        ("100.63.255.255", Reach::Public),
        ("100.128.0.0", Reach::Public),
        ("172.15.0.1", Reach::Public),
        ("172.32.0.1", Reach::Public),
        ("192.0.1.1", Reach::Public),
        ("223.255.255.255", Reach::Public),
        ("2606:4700::1111", Reach::Public),
        ("2001:200::1", Reach::Public),
        ("::ffff:1.1.1.1", Reach::Public),
        ("64:ff9b::1.1.1.1", Reach::Public),
        ("10.0.0.1", Reach::Private),
        ("172.16.0.1", Reach::Private),
        ("172.31.255.255", Reach::Private),
        ("192.168.1.1", Reach::Private),
        ("100.64.0.1", Reach::Private),
        ("100.127.255.255", Reach::Private),
        ("fc00::1", Reach::Private),
        ("fdff::1", Reach::Private),
        ("::ffff:10.0.0.1", Reach::Private),
        ("64:ff9b::192.168.0.1", Reach::Private),
        ("127.0.0.1", Reach::Loopback),
        ("127.255.255.254", Reach::Loopback),
        ("::1", Reach::Loopback),
        ("::ffff:127.0.0.1", Reach::Loopback),
        ("64:ff9b::127.0.0.1", Reach::Loopback),
        ("0.0.0.0", Reach::Configured),
        ("0.1.2.3", Reach::Configured),
        ("169.254.169.254", Reach::Configured),
        ("100.100.100.200", Reach::Configured),
        ("100.96.0.96", Reach::Configured),
        ("168.63.129.16", Reach::Configured),
        ("192.0.0.192", Reach::Configured),
        ("192.0.2.1", Reach::Configured),
        ("192.88.99.1", Reach::Configured),
        ("198.18.0.1", Reach::Configured),
        ("198.51.100.1", Reach::Configured),
        ("203.0.113.1", Reach::Configured),
        ("224.0.0.1", Reach::Configured),
        ("240.0.0.1", Reach::Configured),
        ("255.255.255.255", Reach::Configured),
        ("::", Reach::Configured),
        ("::127.0.0.1", Reach::Configured),
        ("::ffff:169.254.169.254", Reach::Configured),
        ("64:ff9b::169.254.169.254", Reach::Configured),
        ("64:ff9b:1::10.0.0.1", Reach::Configured),
        ("fd00:ec2::254", Reach::Configured),
        ("fd20:ce::254", Reach::Configured),
        ("fe80::1", Reach::Configured),
        ("fec0::1", Reach::Configured),
        ("ff02::1", Reach::Configured),
        ("100::1", Reach::Configured),
        ("2001::1", Reach::Configured),
        ("2001:db8::1", Reach::Configured),
        ("2002:a00:1::", Reach::Configured),
        ("2002:7f00:1::", Reach::Configured),
        ("3fff::1", Reach::Configured),
        ("5f00::1", Reach::Configured),
    ];

    #[test]
    fn each_address_has_its_reach() {
        let all = [Reach::Public, Reach::Private, Reach::Loopback, Reach::Configured];
        for (address, nearest) in CASES {
            let found = all.into_iter().find(|reach| reach.admits(address.parse().unwrap()));
            assert_eq!(found, Some(*nearest), "{address}");
        }
    }

    #[test]
    fn an_address_in_a_url_is_judged_however_it_is_written() {
        for (url, reach) in [
            ("https://login.example/t", Reach::Public),
            ("https://[2606:4700::1111]/", Reach::Public),
            ("https://0x0a000001/", Reach::Private),
            ("https://10.1/", Reach::Private),
            ("https://[::ffff:a00:1]/", Reach::Private),
            ("https://2130706433/", Reach::Loopback),
            ("https://LOCALHOST./", Reach::Loopback),
            ("https://x.localhost/", Reach::Loopback),
            ("http://127.1:8/", Reach::Loopback),
            ("http://[::1]/", Reach::Loopback),
            ("https://169.254.169.254/latest", Reach::Configured),
        ] {
            let parsed = Url::parse(url).unwrap();
            let all = [Reach::Public, Reach::Private, Reach::Loopback, Reach::Configured];
            let found = all.into_iter().find(|reach| reach.admits_url(&parsed));
            assert_eq!(found, Some(reach), "{url}");
        }
        for url in ["http://login.example/", "http://10.0.0.1/", "file:///etc/passwd", "data:,x"] {
            assert!(!Reach::Configured.admits_url(&Url::parse(url).unwrap()), "{url}");
        }
    }

    #[test]
    fn a_server_leads_no_further_than_it_is_itself() {
        for (url, reach) in [
            ("https://mcp.example/mcp", Reach::Public),
            ("https://1.1.1.1/mcp", Reach::Public),
            ("https://192.168.0.2/mcp", Reach::Private),
            ("http://127.0.0.1:1/mcp", Reach::Loopback),
            ("http://localhost:1/mcp", Reach::Loopback),
            ("https://169.254.0.1/mcp", Reach::Public),
        ] {
            assert_eq!(Reach::of(&Url::parse(url).unwrap()), reach, "{url}");
        }
    }
}
