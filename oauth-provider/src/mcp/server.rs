//! [`Server`]: the MCP server, as configured.

use credential_provider_api::Origin;
use url::Url;

use crate::endpoint::Endpoint;
use crate::http::Reach;

/// Its endpoint's address, and what follows from it.
#[derive(Clone)]
pub(super) struct Server {
    endpoint: Endpoint,
    origin: Origin,
    /// What it must call itself: its own address unless configured.
    resource: String,
    reach: Reach,
}

impl Server {
    /// The error says what is wrong with the address and does not repeat it.
    pub(super) fn parse(address: &str) -> Result<Self, &'static str> {
        let endpoint = Endpoint::parse(address)?;
        let origin = endpoint.origin().ok_or("has no host that a token can be sent to")?;
        let (resource, reach) = (canonical(endpoint.url()), Reach::of(endpoint.url()));
        Ok(Self { endpoint, origin, resource, reach })
    }

    /// It calls itself otherwise: a wider resource of the same origin, which only the host may say.
    pub(super) fn called(mut self, resource: &str) -> Result<Self, &'static str> {
        let named = Endpoint::parse(resource)?;
        if named.origin().as_ref() != Some(&self.origin) {
            return Err("is of another origin than the server");
        }
        resource.clone_into(&mut self.resource);
        Ok(self)
    }

    /// It is on a private network, says the host, though its address does not show it.
    pub(super) fn private(mut self) -> Self {
        self.reach = self.reach.max(Reach::Private);
        self
    }

    pub(super) fn url(&self) -> &str {
        self.endpoint.url().as_str()
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The canonical URI: what it must call itself, and what a token is bound to.
    pub(super) fn resource(&self) -> &str {
        &self.resource
    }

    /// How far the addresses it names may lead.
    pub(super) const fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether `found` names it (RFC 9728 §3.3): the same address. `/` at the end makes no difference.
    pub(super) fn is(&self, found: &str) -> bool {
        let read = |text: &str| Url::parse(text).ok().filter(|url| url.fragment().is_none());
        read(found)
            .zip(read(&self.resource))
            .is_some_and(|(found, own)| canonical(&found) == canonical(&own))
    }

    /// Where its metadata may stand when it does not say (RFC 9728 §3.1; the second by MCP's
    /// "Protected Resource Metadata Discovery Requirements").
    pub(super) fn metadata_places(&self) -> Vec<String> {
        const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
        let mut place = self.endpoint.url().clone();
        let path = place.path().trim_end_matches('/').to_owned();
        place.set_path(&format!("{WELL_KNOWN}{path}"));
        let mut places = vec![place.clone().into()];
        if !path.is_empty() || place.query().is_some() {
            place.set_path(WELL_KNOWN);
            place.set_query(None);
            places.push(place.into());
        }
        places
    }
}

/// Without `/` at the end, as MCP's "Canonical Server URI" prefers.
fn canonical(url: &Url) -> String {
    match url.query() {
        None => url.as_str().trim_end_matches('/').to_owned(),
        Some(_) => url.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str) -> Server {
        Server::parse(address).unwrap()
    }

    #[test]
    fn a_server_is_named_by_its_own_address_alone() {
        let mcp = server("https://MCP.example:443/a/mcp");
        assert_eq!(mcp.resource(), "https://mcp.example/a/mcp");
        for same in ["https://mcp.example/a/mcp", "HTTPS://mcp.EXAMPLE:443/a/mcp/"] {
            assert!(mcp.is(same), "{same}");
        }
        for other in [
            "https://mcp.example",
            "https://mcp.example/a",
            "https://mcp.example/a/mcp/b",
            "https://mcp.example/a/mcp?x",
            "https://mcp.example/a/mcp#x",
            "https://mcp.example:8443/a/mcp",
            "http://mcp.example/a/mcp",
            "https://mcp.example.evil.example/a/mcp",
            "https://mcp.example@evil.example/a/mcp",
            "mcp.example/a/mcp",
            "",
        ] {
            assert!(!mcp.is(other), "{other}");
        }
        let root = server("https://mcp.example/");
        assert_eq!(root.resource(), "https://mcp.example");
        assert!(root.is("https://mcp.example") && root.is("https://mcp.example/"));
    }

    #[test]
    fn only_the_host_may_give_it_a_wider_name() {
        let wide = server("https://mcp.example/mcp").called("https://mcp.example/").unwrap();
        assert!(wide.is("https://mcp.example") && !wide.is("https://mcp.example/mcp"));
        assert!(server("https://mcp.example/mcp").called("https://evil.example").is_err());
    }

    #[test]
    fn metadata_stands_where_rfc_9728_puts_it() {
        let well_known = "https://mcp.example/.well-known/oauth-protected-resource";
        for (address, ends) in [
            ("https://mcp.example", vec![""]),
            ("https://mcp.example/", vec![""]),
            ("https://mcp.example/a/mcp", vec!["/a/mcp", ""]),
            ("https://mcp.example/mcp/", vec!["/mcp", ""]),
            ("https://mcp.example/mcp?t=1", vec!["/mcp?t=1", ""]),
        ] {
            let expected: Vec<_> = ends.iter().map(|end| format!("{well_known}{end}")).collect();
            assert_eq!(server(address).metadata_places(), expected, "{address}");
        }
    }

    #[test]
    fn a_host_may_say_that_a_server_is_private() {
        let public = server("https://mcp.example/mcp");
        assert_eq!(public.reach(), Reach::Public);
        assert_eq!(public.private().reach(), Reach::Private);
        assert_eq!(server("http://127.0.0.1:1/").private().reach(), Reach::Loopback);
    }
}
