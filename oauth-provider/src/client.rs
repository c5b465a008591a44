//! The client: its id, and how it proves who it is (RFC 6749 §2.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use credential_provider_api::{CredentialError, CredentialRef, ErrorCode, Request, Want};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::http::HttpRequest;

/// How a client proves to the token endpoint who it is (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// It does not: a public client, which names itself in the body.
    None,
    /// Id and secret in the `Authorization` header (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// Id and secret in the body (RFC 6749 §2.3.1).
    ClientSecretPost,
}

pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) secret: Option<ClientSecret>,
}

/// Where the client's secret is.
#[derive(Clone)]
pub(crate) enum ClientSecret {
    Held(SecretString),
    /// Another provider's credential, asked for each time.
    Asked(CredentialRef),
}

impl Client {
    /// The secret for one call, asked for as the request allows.
    pub(crate) async fn secret(
        &self,
        request: &Request,
    ) -> Result<Option<SecretString>, CredentialError> {
        match &self.secret {
            None => Ok(None),
            Some(ClientSecret::Held(secret)) => Ok(Some(secret.clone())),
            Some(ClientSecret::Asked(reference)) => {
                let found = request.depend_on(Want::new(reference.clone())).await?;
                found.secret().cloned().map(Some).ok_or_else(|| {
                    let detail = "the client's secret is a credential of several values";
                    CredentialError::new(ErrorCode::ConfigurationInvalid, detail).about(reference)
                })
            }
        }
    }

    /// A call to `endpoint` in this client's name.
    pub(crate) fn post(
        &self,
        endpoint: &Endpoint,
        form: Form,
        secret: Option<&SecretString>,
        response_limit: usize,
    ) -> HttpRequest {
        let post = |form: Form| {
            HttpRequest::post(endpoint.url().as_str(), form.into_body(), response_limit)
        };
        match (self.authentication, secret) {
            (ClientAuthentication::ClientSecretBasic, Some(secret)) => {
                post(form).with_header("authorization", basic(&self.id, secret))
            }
            (ClientAuthentication::ClientSecretPost, Some(secret)) => {
                post(form.text("client_id", &self.id).secret("client_secret", secret))
            }
            _ => post(form.text("client_id", &self.id)),
        }
    }
}

/// RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
fn basic(id: &str, secret: &SecretString) -> SecretString {
    let secret = secret.expose_secret();
    let mut pair = Zeroizing::new(String::with_capacity(3 * (id.len() + secret.len()) + 1));
    pair.extend(byte_serialize(id.as_bytes()));
    pair.push(':');
    pair.extend(byte_serialize(secret.as_bytes()));
    let mut header = Zeroizing::new(String::with_capacity(6 + pair.len() * 4 / 3 + 4));
    header.push_str("Basic ");
    STANDARD.encode_string(pair.as_bytes(), &mut header);
    std::mem::take(&mut *header).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(authentication: ClientAuthentication, secret: Option<&str>) -> (String, String) {
        let client = Client { id: "a:b".into(), authentication, secret: None };
        let endpoint = Endpoint::parse("https://a.example/t").unwrap();
        let secret = secret.map(SecretString::from);
        let request = client.post(&endpoint, Form::new("x"), secret.as_ref(), 1);
        let header = request.headers.iter().find(|(name, _)| *name == "authorization");
        let header = header.map_or("", |(_, value)| value.expose_secret()).to_owned();
        (header, String::from_utf8(request.body.expose_secret().to_vec()).unwrap())
    }

    #[test]
    fn each_way_names_the_client_once() {
        let (header, body) = sent(ClientAuthentication::None, None);
        assert_eq!((header.as_str(), body.as_str()), ("", "grant_type=x&client_id=a%3Ab"));
        let (header, body) = sent(ClientAuthentication::ClientSecretPost, Some("s&"));
        assert_eq!(header, "");
        assert_eq!(body, "grant_type=x&client_id=a%3Ab&client_secret=s%26");
        let (header, body) = sent(ClientAuthentication::ClientSecretBasic, Some("s&"));
        assert_eq!(header, format!("Basic {}", STANDARD.encode("a%3Ab:s%26")));
        assert_eq!(body, "grant_type=x");
    }
}
