//! [`Target`]: an address, and where a `Location` leads from it (RFC 3986 §5).
//!
//! What is judged here is sent exactly as it was judged: the address is built anew from its parts. A
//! `Location` that parsers are known to read differently (backslashes, white space, controls, user
//! names, text that is not ASCII in a host, a host that ends in a number and is no IPv4 address in its
//! usual form) is refused.

use std::fmt;

use credential_provider_api::{ExposeSecret as _, Origin, SecretString};
use http::Uri;
use zeroize::Zeroizing;

use super::error::HttpRefusal;
use super::query;

/// Where a request goes. `Debug` shows the origin only.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) origin: Origin,
    pub(super) path: String,
    pub(super) query: Option<String>,
}

impl Target {
    pub(super) fn of(uri: &Uri) -> Result<Self, HttpRefusal> {
        let invalid = HttpRefusal::AddressInvalid;
        let (scheme, authority) = (uri.scheme_str(), uri.authority());
        let (scheme, authority) = scheme.zip(authority).ok_or(invalid)?;
        if authority.as_str().contains('@') {
            return Err(invalid);
        }
        let origin = Origin::parse(&format!("{scheme}://{authority}")).map_err(|_| invalid)?;
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        Ok(Self { origin, path: path.to_owned(), query: uri.query().map(str::to_owned) })
    }

    /// The whole address.
    pub(super) fn address(&self) -> Zeroizing<String> {
        let (origin, query) = (self.origin.to_string(), self.query.as_deref());
        let room = origin.len() + self.path.len() + query.map_or(0, |query| query.len() + 1);
        let mut text = Zeroizing::new(String::with_capacity(room));
        text.push_str(&origin);
        text.push_str(&self.path);
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        text
    }

    /// The address, with parameters added to its query.
    pub(super) fn uri(&self, added: &[(String, SecretString)]) -> Result<Uri, HttpRefusal> {
        let mut text = self.address();
        // A text that grows later would leave copies of the parameters behind.
        let most = |(name, value): &(String, SecretString)| {
            2 + 3 * (name.len() + value.expose_secret().len())
        };
        text.reserve_exact(added.iter().map(most).sum());
        let mut mark = match self.query.as_deref() {
            None => "?",
            Some("") => "",
            Some(_) => "&",
        };
        for (name, value) in added {
            text.push_str(mark);
            query::encode(name, &mut text);
            text.push('=');
            query::encode(value.expose_secret(), &mut text);
            mark = "&";
        }
        Uri::try_from(text.as_str()).map_err(|_| HttpRefusal::AddressInvalid)
    }

    /// Where `location` leads from here.
    pub(super) fn join(&self, location: &[u8]) -> Result<Self, HttpRefusal> {
        let invalid = HttpRefusal::RedirectInvalid;
        let text = ascii(location)?;
        let text = text.split('#').next().unwrap_or_default();
        let (before, query) = match text.split_once('?') {
            Some((before, query)) => (before, Some(query.to_owned())),
            None => (text, None),
        };
        let scheme_end = before
            .find([':', '/'])
            .filter(|at| before.get(*at..).is_some_and(|t| t.starts_with(':')));
        let (scheme, rest) = match scheme_end.and_then(|at| before.split_at_checked(at)) {
            Some((scheme, rest)) => (scheme, rest.strip_prefix(':').ok_or(invalid)?),
            None => (self.origin.scheme(), before),
        };
        let Some(rest) = rest.strip_prefix("//") else {
            if scheme_end.is_some() {
                return Err(invalid);
            }
            return Ok(self.join_path(rest, query));
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(HttpRefusal::RedirectUserinfo);
        }
        let origin = Origin::parse(&format!("{scheme}://{authority}")).map_err(|_| invalid)?;
        if self.origin.scheme() == "https" && origin.scheme() == "http" {
            return Err(HttpRefusal::RedirectDowngrade);
        }
        Ok(Self { origin, path: without_dots(path), query })
    }

    fn join_path(&self, path: &str, query: Option<String>) -> Self {
        let origin = self.origin.clone();
        if path.is_empty() {
            let query = query.or_else(|| self.query.clone());
            return Self { origin, path: self.path.clone(), query };
        }
        let whole = if path.starts_with('/') {
            path.to_owned()
        } else {
            let folder = self.path.rfind('/').and_then(|at| self.path.get(..=at));
            format!("{}{path}", folder.unwrap_or("/"))
        };
        Self { origin, path: without_dots(&whole), query }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.origin)
    }
}

/// The address as a URI may be written: what else stands in it is percent-encoded, as everybody does,
/// which no host survives. What parsers drop, or take for a slash, is refused.
fn ascii(location: &[u8]) -> Result<String, HttpRefusal> {
    let mut text = String::with_capacity(location.len());
    for byte in location {
        match byte {
            0..b' ' | 0x7f | b'\\' => return Err(HttpRefusal::RedirectInvalid),
            b' ' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
                text.push_str(&format!("%{byte:02X}"));
            }
            _ => text.push(char::from(*byte)),
        }
    }
    Ok(text)
}

/// RFC 3986 §5.2.4, for a path that is empty or begins with a slash.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => {
                kept.push(other);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Target {
        Target::of(&text.parse().unwrap()).unwrap()
    }

    fn leads(from: &str, location: &str) -> Result<String, HttpRefusal> {
        Ok(at(from).join(location.as_bytes())?.uri(&[])?.to_string())
    }

    /// The examples of RFC 3986 §5.4 that stay within http.
    #[test]
    fn references_resolve_as_in_rfc_3986() {
        let base = "http://a/b/c/d;p?q";
        for (location, wanted) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("//[0:0::1]/", "http://[::1]/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g?y#s", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("./g/.", "http://a/b/c/g/"),
            ("g/../h", "http://a/b/c/h"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?u=http://b:1/", "http://a/b/c/g?u=http://b:1/"),
            ("HTTP://B:80/x", "http://b/x"),
            ("https://b", "https://b/"),
            ("/\u{e9}?{a b}", "http://a/%C3%A9?%7Ba%20b%7D"),
        ] {
            assert_eq!(leads(base, location).as_deref(), Ok(wanted), "{location}");
        }
    }

    #[test]
    fn what_can_be_read_two_ways_is_refused() {
        for location in [
            "/\\evil.example",
            "\\\\evil.example",
            "http:\\\\evil.example",
            "http:g",
            "https:evil.example",
            "http:/evil.example",
            "ftp://a/",
            "javascript:alert(1)",
            "http://",
            "///evil.example",
            "http://a b/",
            "http://a\tb/",
            "//ev\u{ef}l.example",
            "http://a:",
            "http://a:x/",
            "http://a:0/",
            "http://a%2eb/",
            "http://127.1/",
            "//0x7f.1/",
            "a:b",
        ] {
            assert_eq!(
                leads("http://a/", location),
                Err(HttpRefusal::RedirectInvalid),
                "{location}"
            );
        }
        for location in ["http://u@a/", "//u:p@a/", "http://a@evil.example/", "//@a/"] {
            assert_eq!(
                leads("http://a/", location),
                Err(HttpRefusal::RedirectUserinfo),
                "{location}"
            );
        }
    }

    #[test]
    fn from_https_no_redirect_leads_to_http() {
        let refused = Err(HttpRefusal::RedirectDowngrade);
        assert_eq!(leads("https://a/", "http://a/"), refused);
        assert_eq!(leads("https://a/", "HTTP://b/"), refused);
        assert_eq!(leads("https://a/", "//b/").as_deref(), Ok("https://b/"));
        assert_eq!(leads("http://a/", "https://a/").as_deref(), Ok("https://a/"));
    }

    #[test]
    fn an_address_is_absolute_and_names_no_user() {
        for wrong in ["/path", "http://u:p@a/", "ftp://a/", "http://a:0/"] {
            let refused = Target::of(&wrong.parse().unwrap()).unwrap_err();
            assert_eq!(refused, HttpRefusal::AddressInvalid, "{wrong}");
        }
        assert!(!format!("{:?}", at("http://a/?key=canary")).contains("canary"));
    }

    #[test]
    fn parameters_are_added_to_what_is_there() {
        let key = [("k y".to_owned(), SecretString::from("a&b=+"))];
        for (from, wanted) in [
            ("http://a", "http://a/?k%20y=a%26b%3D%2B"),
            ("http://a/?", "http://a/?k%20y=a%26b%3D%2B"),
            ("http://a/?x=1", "http://a/?x=1&k%20y=a%26b%3D%2B"),
        ] {
            assert_eq!(at(from).uri(&key).unwrap().to_string(), wanted);
        }
        assert_eq!(
            at("http://[::1]:8080/x?").uri(&[]).unwrap().to_string(),
            "http://[::1]:8080/x?"
        );
    }
}
