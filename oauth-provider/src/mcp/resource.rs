//! [`ProtectedResource`]: what a server says about itself (RFC 9728), and how that is found.

use credential_provider_api::{CredentialError, Detail, ErrorCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::challenge::{BearerChallenge, bearer_challenges, scopes};
use super::server::Server;
use crate::http::{HttpClient, HttpError, HttpRequest, Reach};
use crate::token::patience;

/// The most bytes a metadata document may have.
const LIMIT: usize = 1 << 20;
/// The most bytes of an answer whose head alone is read.
const PROBE_LIMIT: usize = 64 << 10;

/// What is used of it.
#[derive(Debug)]
pub(super) struct ProtectedResource {
    /// Its own name for itself, to the letter: issuers compare it.
    pub(super) resource: String,
    /// Issuers of its tokens, as it names them.
    pub(super) issuers: Vec<String>,
    /// The scopes of its challenge, or else those it knows.
    pub(super) scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

/// Asks the server; `None` if it has no metadata anywhere. Cancel-safe.
pub(super) async fn find(
    http: &dyn HttpClient,
    server: &Server,
) -> Result<Option<ProtectedResource>, CredentialError> {
    let challenges = challenged(http, server).await?;
    let named = challenges.iter().find(|challenge| challenge.resource_metadata.is_some());
    let challenge = named.or_else(|| challenges.first());
    let mut found = match challenge.and_then(|challenge| challenge.resource_metadata.as_deref()) {
        Some(place) => {
            let url = Url::parse(place).ok().filter(|url| server.reach().admits_url(url));
            let url = url.ok_or_else(|| {
                wrong("the server names an address for its metadata that it may not lead to")
            })?;
            let document = document(http, server, url.as_str(), server.reach()).await?;
            Some(document.ok_or_else(|| wrong("there is no metadata where the server says"))?)
        }
        None => well_known(http, server).await?,
    };
    let asked = challenge.map(|challenge| &challenge.scopes).filter(|scopes| !scopes.is_empty());
    if let (Some(found), Some(asked)) = (&mut found, asked) {
        found.scopes.clone_from(asked);
    }
    Ok(found)
}

/// What the server answers to somebody without a token. A `ping` changes nothing there (MCP,
/// "Ping"); a server that lets anybody in has no challenge.
async fn challenged(
    http: &dyn HttpClient,
    server: &Server,
) -> Result<Vec<BearerChallenge>, CredentialError> {
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    let accept = "application/json, text/event-stream";
    let request =
        HttpRequest::post_json(server.url(), accept, ping.into_bytes().into(), PROBE_LIMIT);
    match http.send(request).await {
        Ok(response) if response.status == 401 => {
            Ok(bearer_challenges(response.headers_named("www-authenticate")))
        }
        Ok(response) if matches!(response.status, 429 | 500..) => Err(patience(&response)),
        // It does something else, a stream that goes on perhaps: its metadata may be there.
        Ok(_) | Err(HttpError::Unanswered(_)) => Ok(Vec::new()),
        Err(unsent) => Err(unsent.into()),
    }
}

async fn well_known(
    http: &dyn HttpClient,
    server: &Server,
) -> Result<Option<ProtectedResource>, CredentialError> {
    for place in server.metadata_places() {
        // The host's own configuration, with a path that the RFC adds.
        if let Some(found) = document(http, server, &place, Reach::Configured).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The document at `place`, if there is one; it must be of this server.
async fn document(
    http: &dyn HttpClient,
    server: &Server,
    place: &str,
    reach: Reach,
) -> Result<Option<ProtectedResource>, CredentialError> {
    let response = http.send(HttpRequest::get(place, LIMIT).with_reach(reach)).await?;
    match response.status {
        200 => {}
        429 | 500.. => return Err(patience(&response)),
        _ => return Ok(None),
    }
    let read: Document = serde_json::from_slice(response.body.expose_secret()).map_err(|_| {
        CredentialError::new(ErrorCode::InvalidResponse, "the server's metadata cannot be read")
    })?;
    // RFC 9728 §3.3: whoever describes another resource is not to be believed at all.
    if !server.is(&read.resource) {
        return Err(wrong(
            "the server's metadata is of another resource; if that is right, name it as `resource`",
        ));
    }
    Ok(Some(ProtectedResource {
        resource: read.resource,
        issuers: read.authorization_servers,
        scopes: scopes(read.scopes_supported.iter().map(String::as_str)),
    }))
}

fn wrong(detail: impl Into<Detail>) -> CredentialError {
    CredentialError::new(ErrorCode::ConfigurationInvalid, detail)
}
