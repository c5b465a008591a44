//! What path leads where, and for whom.

use std::net::SocketAddr;
use std::time::Duration;

use credential_provider_api::{CredentialError, ErrorCode, SecretString};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use hyper::{HeaderMap, Method, Request};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::connection::Shared;
use super::gate::{SESSION_LIFE, Session};
use super::reply::Reply;
use super::{asset, callback, origin, stream};
use crate::control::{self, Operation, Refusal};

const LONGEST_BODY: usize = 64 * 1024;
/// How long a body may take to come.
const SLOWEST_BODY: Duration = Duration::from_secs(10);

pub(super) async fn answer(shared: &Shared, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    if !origin::is_for(shared.address, &head.headers) {
        return Reply::text(403, "this is not the address of the page\n");
    }
    let query = head.uri.query().unwrap_or_default();
    let path = head.uri.path();
    let allowed = if path == "/operation" { Method::POST } else { Method::GET };
    let known = ["/", "/callback", "/events", "/operation", "/page.css", "/page.js"];
    if !known.contains(&path) {
        return Reply::text(404, "there is no such page\n");
    }
    if head.method != allowed {
        return Reply::text(405, "not in this way\n").with(ALLOW, allowed.as_str());
    }
    let session = || session(shared, &head.headers);
    match path {
        "/callback" => callback::receive(shared.operations.host().engine(), query).await,
        "/page.css" => asset::style(),
        "/page.js" => asset::script(),
        "/events" => match session() {
            Some(_) if origin::is_foreign(shared.address, &head.headers) => foreign(),
            Some(session) => stream::events(shared, &session),
            None => Reply::text(401, "no session\n"),
        },
        "/operation" => match session() {
            Some(session) => operation(shared, &session, &head.headers, body).await,
            None => Reply::text(401, "no session\n"),
        },
        _ => match (token(query), session()) {
            (Some(token), session) => match shared.gate.exchange(&token) {
                Some(cookie) => enter(shared.address, &cookie),
                // A link that is opened again in the browser it was for does no harm.
                None if session.is_some() => Reply::text(303, "").with(LOCATION, "/"),
                None => asset::locked(),
            },
            (None, Some(session)) => asset::page(session.csrf()),
            (None, None) => asset::locked(),
        },
    }
}

fn foreign() -> Reply {
    Reply::text(403, "another site's page may not ask this\n")
}

fn token(query: &str) -> Option<Zeroizing<String>> {
    let token = query.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    Some(Zeroizing::new(token.to_owned()))
}

fn enter(address: SocketAddr, cookie: &SecretString) -> Reply {
    let name = cookie_name(address);
    let life = SESSION_LIFE.as_secs();
    let cookie = Zeroizing::new(format!(
        "{name}={}; Path=/; Max-Age={life}; HttpOnly; SameSite=Strict",
        cookie.expose_secret()
    ));
    Reply::text(303, "").with(LOCATION, "/").with(SET_COOKIE, &cookie)
}

/// Browsers send a cookie to every port of a host.
fn cookie_name(address: SocketAddr) -> String {
    format!("credential-page-{}", address.port())
}

fn session(shared: &Shared, headers: &HeaderMap) -> Option<Session> {
    let name = cookie_name(shared.address);
    let mut pairs = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    shared.gate.session(value)
}

async fn operation(
    shared: &Shared,
    session: &Session,
    headers: &HeaderMap,
    body: Incoming,
) -> Reply {
    if !origin::is_from(shared.address, headers) {
        return foreign();
    }
    let given = headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
    if given.is_none_or(|given| !session.has_csrf(given)) {
        return Reply::text(403, "the page is of another session: load it again\n");
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_none_or(|kind| kind.split(';').next().unwrap_or_default() != "application/json") {
        return Reply::text(415, "JSON is awaited\n");
    }
    let read = Limited::new(body, LONGEST_BODY).collect();
    let body = match tokio::time::timeout(SLOWEST_BODY, read).await {
        Ok(Ok(body)) => Zeroizing::new(body.to_bytes().to_vec()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return Reply::text(413, "longer than 64 KiB\n");
        }
        Ok(Err(_)) => return Reply::text(400, "the body was cut short\n"),
        Err(_) => return Reply::text(408, "the body did not come in time\n"),
    };
    let Ok(operation) = serde_json::from_slice::<Operation>(&body) else {
        return Reply::text(400, "no operation is known by this\n");
    };
    match permitted(operation, &shared.callback()) {
        Ok(operation) => match shared.operations.perform(operation).await {
            Ok(answer) => Reply::json(200, &control::Reply::Done(Box::new(answer))),
            Err(refusal) => Reply::json(200, &control::Reply::Refused(refusal)),
        },
        Err(refusal) => Reply::json(403, &control::Reply::Refused(*refusal)),
    }
}

/// What a page may ask for, with the ways of this page. Whatever is not named here is refused, so that
/// an operation added elsewhere reaches no browser by itself.
fn permitted(operation: Operation, callback: &str) -> Result<Operation, Box<Refusal>> {
    match operation {
        Operation::Login { of, method, account, .. } => {
            let redirect_uri = Some(callback.to_owned());
            Ok(Operation::Login { of, method, redirect_uri, account })
        }
        Operation::Hello
        | Operation::Providers
        | Operation::List { .. }
        | Operation::Status
        | Operation::Refresh { .. }
        | Operation::Check { .. }
        | Operation::Revoke { .. }
        | Operation::Logout { .. }
        | Operation::Answer { .. }
        | Operation::Flow { .. }
        | Operation::Cancel { .. }
        | Operation::Audit { .. }
        | Operation::Reload => Ok(operation),
        _ => {
            let detail = "a page never shows secrets or parts of them, and does not do this: use the command";
            Err(Box::new(CredentialError::new(ErrorCode::AccessDenied, detail).into()))
        }
    }
}
