//! [`Reply`]: what goes back, with the headers that every answer has.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// No inline script, nothing from elsewhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const ALWAYS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// An answer under way.
pub(super) struct Reply(Response<Body>);

impl Reply {
    pub(super) fn of(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Self {
        Self::streamed(status, kind, Full::new(body.into()).boxed_unsync())
    }

    pub(super) fn streamed(status: u16, kind: &'static str, body: Body) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        for (name, value) in ALWAYS {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers.insert(hyper::header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Self(response)
    }

    pub(super) fn html(status: u16, text: String) -> Self {
        Self::of(status, "text/html; charset=utf-8", text)
    }

    pub(super) fn text(status: u16, text: &'static str) -> Self {
        Self::of(status, "text/plain; charset=utf-8", text)
    }

    pub(super) fn json<T: serde::Serialize>(status: u16, message: &T) -> Self {
        match serde_json::to_vec(message) {
            Ok(body) => Self::of(status, "application/json", body),
            Err(_) => Self::text(500, "the answer cannot be written\n"),
        }
    }

    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(name == hyper::header::SET_COOKIE);
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    pub(super) fn into_response(self) -> Response<Body> {
        self.0
    }
}
