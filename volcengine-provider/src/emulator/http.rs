//! Requests and answers, as far as the emulator looks at them.

use std::collections::BTreeMap;

use hyper::HeaderMap;
use hyper::body::Bytes;
use serde_json::Value;

/// A request.
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    /// As it came, still encoded.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn query(&self) -> BTreeMap<String, String> {
        pairs(self.query.as_bytes())
    }

    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        pairs(&self.body)
    }

    /// The token of a `Bearer` authorization.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

fn pairs(text: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// An answer, or none.
pub(crate) enum Reply {
    Full {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// The connection is closed.
    HangUp,
}

impl Reply {
    pub(crate) fn of(status: u16, kind: &str, body: impl Into<String>) -> Self {
        let headers = vec![("content-type", kind.to_owned()), ("cache-control", "no-store".into())];
        Self::Full { status, headers, body: body.into() }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", body)
    }

    pub(crate) fn page(status: u16, body: impl Into<String>) -> Self {
        Self::of(status, "text/html; charset=utf-8", body)
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::text(302, "").with("location", to)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Full { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }

    pub(crate) fn not_found() -> Self {
        Self::text(404, "nothing here")
    }
}

/// Adds `pairs` to the query of `address`.
pub(crate) fn with_query(address: &str, pairs: &[(&str, &str)]) -> String {
    let Ok(mut url) = url::Url::parse(address) else { return address.to_owned() };
    url.query_pairs_mut().extend_pairs(pairs);
    url.into()
}

/// `text` within a page.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
