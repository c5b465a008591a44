//! Dynamic client registration (RFC 7591 §3).

use credential_provider_api::{CredentialError, Detail, ErrorCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::registered::{RegisteredAuthentication, RegisteredClient};
use crate::endpoint::Endpoint;
use crate::http::{HttpClient, HttpRequest, HttpResponse};
use crate::issuer::{IssuerId, Terms};
use crate::token::patience;

/// The most bytes an answer may have.
const LIMIT: usize = 1 << 20;
/// It becomes a part of addresses.
const LONGEST_ID: usize = 2048;

/// Who wants to be registered, and where.
pub(super) struct Registration<'a> {
    pub(super) issuer: &'a IssuerId,
    pub(super) terms: &'a Terms,
    pub(super) client_name: &'a str,
    pub(super) redirect_uri: &'a str,
}

#[derive(Deserialize)]
struct Registered {
    client_id: String,
    client_secret: Option<SecretString>,
    client_secret_expires_at: Option<u64>,
    token_endpoint_auth_method: Option<String>,
    redirect_uris: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Registration<'_> {
    /// Registers, once.
    pub(super) async fn send(
        &self,
        http: &dyn HttpClient,
    ) -> Result<RegisteredClient, CredentialError> {
        let endpoint = self.terms.registration_endpoint.as_deref().ok_or_else(closed)?;
        let endpoint = Endpoint::learned(endpoint, self.issuer.endpoint())
            .map_err(|_| wrong("the issuer registers clients at an address that is not https"))?;
        let authentication = self.authentication()?;
        let body = self.metadata(authentication).into_bytes();
        let url = endpoint.url().as_str();
        let request = HttpRequest::post_json(url, "application/json", body.into(), LIMIT);
        let response = http.send(request).await?;
        match response.status {
            // RFC 7591 §3.2.1 has 201; some say 200.
            200 | 201 => self.read(&response, authentication),
            429 | 500.. => Err(patience(&response)),
            401 | 403 => Err(closed()),
            status => Err(refused(status, &response)),
        }
    }

    /// The weakest that will do is the best here: a secret that anybody gets by asking proves nothing.
    fn authentication(&self) -> Result<RegisteredAuthentication, CredentialError> {
        use RegisteredAuthentication as Way;
        let Some(offered) = &self.terms.token_endpoint_auth_methods_supported else {
            // RFC 8414 §2: the default.
            return Ok(Way::ClientSecretBasic);
        };
        let ways = [Way::None, Way::ClientSecretBasic, Way::ClientSecretPost];
        let found = ways.into_iter().find(|way| offered.iter().any(|name| name == way.name()));
        found.ok_or_else(|| {
            wrong("the issuer wants clients to prove themselves in ways that registration has none of")
        })
    }

    fn metadata(&self, authentication: RegisteredAuthentication) -> String {
        let offered = self.terms.grant_types_supported.as_ref();
        let renews = offered.is_none_or(|types| types.iter().any(|name| name == "refresh_token"));
        let grant_types: &[&str] =
            if renews { &["authorization_code", "refresh_token"] } else { &["authorization_code"] };
        // OpenID Connect Registration §2: `web`, the default, allows no redirect to loopback.
        let loopback = Endpoint::parse(self.redirect_uri).is_ok_and(|uri| uri.is_loopback());
        json!({
            "client_name": self.client_name,
            "redirect_uris": [self.redirect_uri],
            "grant_types": grant_types,
            "response_types": ["code"],
            "token_endpoint_auth_method": authentication.name(),
            "application_type": if loopback { "native" } else { "web" },
        })
        .to_string()
    }

    fn read(
        &self,
        response: &HttpResponse,
        asked: RegisteredAuthentication,
    ) -> Result<RegisteredClient, CredentialError> {
        let unreadable = || {
            let detail = "the issuer's answer to the registration cannot be used";
            CredentialError::new(ErrorCode::InvalidResponse, detail)
        };
        let read: Registered =
            serde_json::from_slice(response.body.expose_secret()).map_err(|_| unreadable())?;
        let secret = read.client_secret.filter(|secret| !secret.expose_secret().is_empty());
        // RFC 7591 §3.2.1: the issuer may have registered other values than were asked for.
        let authentication = match read.token_endpoint_auth_method.as_deref() {
            Some(name) => RegisteredAuthentication::named(name).ok_or_else(unreadable)?,
            None if secret.is_none() => RegisteredAuthentication::None,
            None if asked == RegisteredAuthentication::None => {
                RegisteredAuthentication::ClientSecretBasic
            }
            None => asked,
        };
        let public = authentication == RegisteredAuthentication::None;
        let named = |uris: &Vec<String>| uris.iter().any(|uri| uri == self.redirect_uri);
        if !(1..=LONGEST_ID).contains(&read.client_id.len())
            || !read.client_id.chars().all(|c| matches!(c, ' '..='~'))
            || (!public && secret.is_none())
            || !read.redirect_uris.as_ref().is_none_or(named)
        {
            return Err(unreadable());
        }
        Ok(RegisteredClient {
            issuer: self.issuer.as_str().to_owned(),
            client_id: read.client_id,
            secret: secret.filter(|_| !public),
            authentication,
            redirect_uri: self.redirect_uri.to_owned(),
            // RFC 7591 §3.2.1: 0 is never.
            secret_ends_at: read
                .client_secret_expires_at
                .filter(|end| *end > 0 && !public)
                .map(|end| end.saturating_mul(1000)),
            accepted: false,
        })
    }
}

impl RegisteredAuthentication {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost]
            .into_iter()
            .find(|way| way.name() == name)
    }
}

/// RFC 7591 §3.2.2.
fn refused(status: u16, response: &HttpResponse) -> CredentialError {
    match serde_json::from_slice::<Refused>(response.body.expose_secret()) {
        Ok(Refused { error, error_description }) => {
            let detail = Detail::cleaned(&format!("{error}: {error_description}"));
            CredentialError::new(ErrorCode::ConfigurationInvalid, detail)
        }
        Err(_) => {
            let words =
                format!("the issuer's answer to the registration, status {status}, cannot be read");
            CredentialError::new(ErrorCode::InvalidResponse, Detail::composed(words))
        }
    }
}

fn closed() -> CredentialError {
    let detail = "the issuer registers nobody who asks; register a client there and set \
                  `clientId` and `issuer`";
    CredentialError::new(ErrorCode::NotConfigured, detail)
}

fn wrong(detail: &'static str) -> CredentialError {
    CredentialError::new(ErrorCode::ConfigurationInvalid, detail)
}
