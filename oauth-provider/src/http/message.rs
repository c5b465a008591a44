//! One request, one answer.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::Reach;

/// The methods that issuers, and the metadata services of clouds, need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpMethod {
    /// Metadata and keys.
    Get,
    /// Everything that carries a secret.
    Post,
    /// A metadata service's token for a session with it.
    Put,
}

/// A request. `Debug` shows the method and the address without its query.
#[non_exhaustive]
pub struct HttpRequest {
    /// The method.
    pub method: HttpMethod,
    /// The whole address.
    pub url: String,
    /// Headers; values may be secret.
    pub headers: Vec<(&'static str, SecretString)>,
    /// The body; empty for none.
    pub body: SecretSlice<u8>,
    /// The most bytes of body to read.
    pub response_limit: usize,
    /// How far it may go.
    pub reach: Reach,
}

impl HttpRequest {
    /// A `GET` that accepts JSON.
    #[must_use]
    pub fn get(url: impl Into<String>, response_limit: usize) -> Self {
        let headers = vec![("accept", "application/json".into())];
        let (method, url, body) = (HttpMethod::Get, url.into(), Vec::new().into());
        Self { method, url, headers, body, response_limit, reach: Reach::default() }
    }

    /// A `POST` of a form that accepts JSON.
    #[must_use]
    pub fn post(url: impl Into<String>, body: SecretSlice<u8>, response_limit: usize) -> Self {
        let headers = vec![
            ("accept", "application/json".into()),
            ("content-type", "application/x-www-form-urlencoded".into()),
        ];
        let (method, url) = (HttpMethod::Post, url.into());
        Self { method, url, headers, body, response_limit, reach: Reach::default() }
    }

    /// A `POST` of JSON. It accepts what `accept` names.
    pub(crate) fn post_json(
        url: impl Into<String>,
        accept: &str,
        body: SecretSlice<u8>,
        response_limit: usize,
    ) -> Self {
        let headers = vec![("accept", accept.into()), ("content-type", "application/json".into())];
        let (method, url) = (HttpMethod::Post, url.into());
        Self { method, url, headers, body, response_limit, reach: Reach::default() }
    }

    /// It may go so far; without this, wherever the configuration points.
    #[must_use]
    pub const fn with_reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// With a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: SecretString) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &url)
            .finish_non_exhaustive()
    }
}

/// An answer. `Debug` shows the status and the size.
#[non_exhaustive]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body: tokens are in it.
    pub body: SecretSlice<u8>,
}

impl HttpResponse {
    /// An answer of its parts.
    #[must_use]
    pub const fn new(status: u16, headers: Vec<(String, String)>, body: SecretSlice<u8>) -> Self {
        Self { status, headers, body }
    }

    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// All headers of this name, in any case.
    pub(crate) fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.headers.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("bytes", &self.body.expose_secret().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_messages_show_no_secret() {
        let request =
            HttpRequest::post("https://a.example/t?x=canary", b"canary".to_vec().into(), 1)
                .with_header("authorization", "canary".into());
        let headers = vec![("set-cookie".to_owned(), "canary".to_owned())];
        let response = HttpResponse::new(200, headers, b"canary".to_vec().into());
        let shown = format!("{request:?} {request:#?} {response:?} {response:#?}");
        assert!(shown.contains("https://a.example/t") && !shown.contains("canary"), "{shown}");
    }
}
