//! [`Endpoint`]: an address that may be sent to.

use std::fmt;

use credential_provider_api::Origin;
use url::{Host, Url};

/// https, or http on loopback (RFC 8252 §8.3); no user name, no fragment.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    /// Parses `text`; the error says what is wrong with it and does not repeat it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        Self::parse_where(text, Self::is_loopback)
    }

    /// As [`parse`](Self::parse), and http on private addresses is fine too.
    #[cfg(feature = "reqwest")]
    pub(crate) fn parse_private(text: &str) -> Result<Self, &'static str> {
        Self::parse_where(text, |found| found.is_loopback() || found.is_private())
    }

    fn parse_where(text: &str, plain: impl Fn(&Self) -> bool) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "is no absolute address")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has a user name in it");
        }
        if url.fragment().is_some() {
            return Err("has a fragment");
        }
        let endpoint = Self(url);
        match endpoint.0.scheme() {
            "https" if endpoint.0.has_host() => Ok(endpoint),
            "http" if plain(&endpoint) => Ok(endpoint),
            _ => Err("is neither https nor on loopback"),
        }
    }

    /// Parses an address learned from `issuer`: only an issuer on loopback may do without https.
    pub(crate) fn learned(text: &str, issuer: &Self) -> Result<Self, &'static str> {
        let endpoint = Self::parse(text)?;
        if issuer.is_loopback() {
            return Ok(endpoint);
        }
        if endpoint.is_loopback() || endpoint.is_called_local() {
            return Err("is on loopback, and the issuer is not");
        }
        if endpoint.0.scheme() == "https" { Ok(endpoint) } else { Err("is not https") }
    }

    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    /// Said as a number: a name could be anybody's tomorrow. 100.64.0.0/10 is shared (RFC 6598).
    #[cfg(feature = "reqwest")]
    fn is_private(&self) -> bool {
        let Some(Host::Ipv4(address)) = self.0.host() else { return false };
        let [first, second, ..] = address.octets();
        let shared = first == 100 && second & 0xc0 == 64;
        shared || address.is_private() || address.is_link_local()
    }

    /// RFC 6761 §6.3: these names are this machine's too, where resolvers follow it.
    fn is_called_local(&self) -> bool {
        let Some(Host::Domain(name)) = self.0.host() else { return false };
        let name = name.trim_end_matches('.');
        name == "localhost" || name.ends_with(".localhost")
    }

    pub(crate) fn origin(&self) -> Option<Origin> {
        Origin::new(self.0.scheme(), self.0.host_str()?, self.0.port_or_known_default()?).ok()
    }

    /// As a proof names it (RFC 9449 §4.2).
    pub(crate) fn without_query(&self) -> String {
        let mut url = self.0.clone();
        url.set_query(None);
        url.into()
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback() {
        for good in
            ["https://a.example/t", "http://127.0.0.1:1/t", "http://[::1]/", "http://localhost:8/"]
        {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example/",
            "http://127.0.0.1.a.example/",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
            "https://u@a.example/",
            "https://a.example/#x",
            "/token",
            "file:///etc/passwd",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    #[cfg(feature = "reqwest")]
    fn a_metadata_service_has_a_private_address_in_numbers() {
        for good in [
            "http://100.96.0.96/",
            "http://169.254.169.254/x",
            "http://10.1.2.3/",
            "http://127.0.0.1/",
        ] {
            assert!(Endpoint::parse_private(good).is_ok(), "{good}");
        }
        for bad in [
            "http://100.128.0.1/",
            "http://8.8.8.8/",
            "http://metadata.example/",
            "ftp://10.0.0.1/",
        ] {
            assert!(Endpoint::parse_private(bad).is_err(), "{bad}");
        }
        assert!(Endpoint::parse("http://100.96.0.96/").is_err());
    }

    #[test]
    fn an_issuer_elsewhere_cannot_point_at_plain_http() {
        let near = "http://127.0.0.1:1";
        let far = "https://a.example";
        let far = Endpoint::parse(far).unwrap();
        for here in [
            near,
            "https://127.0.0.1:8443/t",
            "https://[::1]/t",
            "https://localhost/t",
            "https://localhost./t",
            "https://a.localhost/t",
        ] {
            assert!(Endpoint::learned(here, &far).is_err(), "{here}");
        }
        assert!(Endpoint::learned(near, &Endpoint::parse(near).unwrap()).is_ok());
    }
}
