//! [`Site`]: an origin of Volcengine's, and the service and region its signatures are for.

use credential_provider_api::Origin;

use super::signature::SigningScope;

/// The region where nothing says another.
pub(crate) const DEFAULT_REGION: &str = "cn-beijing";

/// The domains whose hosts are named `service.region.domain` or `service.domain`.
const DOMAINS: &[&str] =
    &["volcengineapi.com", "volcengine-api.com", "byteplusapi.com", "byteplusapi.com.cn"];

/// An origin, and the service and region its signatures are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    origin: Origin,
    service: String,
    region: String,
}

impl Site {
    /// A site said in full, for hosts whose names do not tell.
    #[must_use]
    pub fn new(origin: Origin, service: impl Into<String>, region: impl Into<String>) -> Self {
        Self { origin, service: service.into(), region: region.into() }
    }

    /// The site at `origin`, if its host is `service.region.volcengineapi.com` or
    /// `service.volcengineapi.com` (or BytePlus's). The shared gateway `open.…` serves all services,
    /// so its host does not tell: `None`.
    #[must_use]
    pub fn of(origin: Origin) -> Option<Self> {
        let stem = DOMAINS.iter().find_map(|d| origin.host().strip_suffix(d)?.strip_suffix('.'))?;
        let (service, region) = match stem.split_once('.') {
            None => (stem, DEFAULT_REGION),
            Some((service, region)) => (service, region),
        };
        if service == "open" || service.is_empty() || !is_region(region) {
            return None;
        }
        let (service, region) = (service.to_owned(), region.to_owned());
        Some(Self { origin, service, region })
    }

    /// Where it is.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What signatures for it are scoped to.
    #[must_use]
    pub fn scope(&self) -> SigningScope<'_> {
        SigningScope { service: &self.service, region: &self.region }
    }
}

/// A region's id: `a–z 0–9 -`, first not `-`, at most 63 characters. What a metadata service says
/// becomes part of a host's name, so nothing else may pass.
pub(crate) fn is_region(text: &str) -> bool {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= 63 && !text.starts_with('-') && text.chars().all(valid)
}

/// The `Host` header of a request to `origin`: with the port unless it is the scheme's.
pub(crate) fn host_header(origin: &Origin) -> String {
    match (origin.scheme(), origin.port()) {
        ("https", 443) | ("http", 80) => origin.host().to_owned(),
        (_, port) => format!("{}:{port}", origin.host()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(String, String)> {
        let site = Site::of(Origin::parse(text).unwrap())?;
        Some((site.service, site.region))
    }

    #[test]
    fn a_host_tells_its_service_and_region() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(of("https://id.cn-shanghai.volcengineapi.com"), pair("id", "cn-shanghai"));
        assert_eq!(of("https://sts.volcengineapi.com"), pair("sts", "cn-beijing"));
        assert_eq!(of("https://id.ap-southeast-1.byteplusapi.com"), pair("id", "ap-southeast-1"));
        assert_eq!(of("https://iam.cn-beijing.volcengine-api.com"), pair("iam", "cn-beijing"));
    }

    #[test]
    fn other_hosts_do_not() {
        for host in [
            "https://open.volcengineapi.com",
            "https://volcengineapi.com",
            "https://id.a.b.volcengineapi.com",
            "https://id.cn-beijing.evilvolcengineapi.com",
            "https://id.cn-beijing.volcengineapi.com.evil.example",
            "http://127.0.0.1:8080",
        ] {
            assert_eq!(of(host), None, "{host}");
        }
    }

    #[test]
    fn a_region_is_a_part_of_a_host_name() {
        for good in ["cn-beijing", "ap-southeast-1", "x"] {
            assert!(is_region(good), "{good}");
        }
        for bad in ["", "unknown.evil", "-a", "CN", "a/b", "a b", "<html>", &"a".repeat(64)] {
            assert!(!is_region(bad), "{bad}");
        }
    }
}
