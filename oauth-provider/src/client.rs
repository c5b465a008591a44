//! The client: its id, and how it proves who it is (RFC 6749 §2.3, RFC 7523 §2.2).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use credential_provider_api::{
    Clock, CredentialError, CredentialRef, ErrorCode, Random, Request, Want,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::http::HttpRequest;
use crate::jose::{Claims, SigningAlgorithm, SigningKey, random_id, sign};

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good for: the time of a call, and two clocks apart.
const ASSERTION_LIFE: Duration = Duration::from_secs(60);

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
    /// An assertion signed with the client's key (RFC 7523 §2.2).
    PrivateKeyJwt,
}

/// Whom a client's assertion is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AssertionAudience {
    /// The issuer's identifier, so that no other server can pass it on.
    #[default]
    Issuer,
    /// The token endpoint's address, where an issuer insists (OpenID Connect Core §9).
    TokenEndpoint,
}

pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) secret: Option<Kept<SecretString>>,
    pub(crate) key: Option<ClientKey>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

/// The key that signs the client's assertions.
pub(crate) struct ClientKey {
    pub(crate) key: Kept<Arc<SigningKey>>,
    pub(crate) algorithm: Option<SigningAlgorithm>,
    pub(crate) id: Option<String>,
    pub(crate) audience: AssertionAudience,
}

/// Where something secret is.
pub(crate) enum Kept<T> {
    Here(T),
    /// Another provider's credential, asked for each time.
    Asked(CredentialRef),
}

/// What a call needs to be made in the client's name, had before anything is sent.
#[derive(Clone)]
pub(crate) enum Proven {
    Nobody,
    /// The form speaks for itself and names no client.
    Unnamed,
    Secret(SecretString),
    Key(Arc<SigningKey>),
}

/// The issuer as an assertion names it.
#[derive(Clone, Copy)]
pub(crate) struct Addressee<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) token_endpoint: &'a Endpoint,
}

impl Client {
    /// The secret or key for one call, asked for as the request allows.
    pub(crate) async fn proven(&self, request: &Request) -> Result<Proven, CredentialError> {
        match self.authentication {
            ClientAuthentication::None => Ok(Proven::Nobody),
            ClientAuthentication::PrivateKeyJwt => self.key(request).await.map(Proven::Key),
            _ => match &self.secret {
                None => Ok(Proven::Nobody),
                Some(Kept::Here(secret)) => Ok(Proven::Secret(secret.clone())),
                Some(Kept::Asked(from)) => asked(request, from).await.map(Proven::Secret),
            },
        }
    }

    /// Whether its authentication names it in a header, and no form does.
    pub(crate) const fn is_named_by_header(&self) -> bool {
        matches!(self.authentication, ClientAuthentication::ClientSecretBasic)
    }

    /// The key that signs.
    pub(crate) async fn key(&self, request: &Request) -> Result<Arc<SigningKey>, CredentialError> {
        let Some(kept) = &self.key else {
            return Err(CredentialError::new(ErrorCode::NotConfigured, "`clientKey` is missing"));
        };
        match &kept.key {
            Kept::Here(key) => Ok(key.clone()),
            Kept::Asked(from) => {
                let pem = asked(request, from).await?;
                SigningKey::from_pem(&pem, kept.algorithm).map(Arc::new).map_err(|problem| {
                    CredentialError::new(ErrorCode::ConfigurationInvalid, problem).about(from)
                })
            }
        }
    }

    /// A call to `endpoint` in this client's name. An assertion is made for this one call.
    pub(crate) fn post(
        &self,
        endpoint: &Endpoint,
        addressee: Addressee<'_>,
        form: Form,
        proven: &Proven,
        response_limit: usize,
    ) -> Result<HttpRequest, CredentialError> {
        let post = |form: Form| {
            HttpRequest::post(endpoint.url().as_str(), form.into_body(), response_limit)
        };
        let named = |form: Form| form.text("client_id", &self.id);
        Ok(match (self.authentication, proven) {
            (ClientAuthentication::ClientSecretBasic, Proven::Secret(secret)) => {
                post(form).with_header("authorization", basic(&self.id, secret))
            }
            (_, Proven::Secret(secret)) => post(named(form).secret("client_secret", secret)),
            (_, Proven::Key(key)) => {
                let assertion = self.assertion(addressee, key)?;
                let form = named(form).text("client_assertion_type", ASSERTION_TYPE);
                post(form.secret("client_assertion", &assertion))
            }
            (_, Proven::Nobody) => post(named(form)),
            (_, Proven::Unnamed) => post(form),
        })
    }

    /// RFC 7523 §3: the client is both who speaks and who is spoken of.
    fn assertion(
        &self,
        to: Addressee<'_>,
        key: &SigningKey,
    ) -> Result<SecretString, CredentialError> {
        let audience = match self.key.as_ref().map(|key| key.audience) {
            Some(AssertionAudience::TokenEndpoint) => to.token_endpoint.url().as_str(),
            _ => to.issuer,
        };
        let claims = Claims::default();
        let claims = claims.with("iss", &*self.id).with("sub", &*self.id).with("aud", audience);
        self.signed(key, claims, ASSERTION_LIFE)
    }

    /// `claims` with when and until when they hold, good once.
    pub(crate) fn signed(
        &self,
        key: &SigningKey,
        claims: Claims,
        life: Duration,
    ) -> Result<SecretString, CredentialError> {
        let now = self.clock.now();
        let claims = claims
            .with("jti", random_id(&*self.random))
            .with("iat", now.as_millis() / 1000)
            .with("exp", now.plus(life).as_millis() / 1000);
        let id = self.key.as_ref().and_then(|key| key.id.as_deref());
        sign(key, Claims::default().with("typ", "JWT").optional("kid", id), claims)
    }
}

async fn asked(
    request: &Request,
    reference: &CredentialRef,
) -> Result<SecretString, CredentialError> {
    let found = request.depend_on(Want::new(reference.clone())).await?;
    found.secret().cloned().ok_or_else(|| {
        let detail = "the client's secret is a credential of several values";
        CredentialError::new(ErrorCode::ConfigurationInvalid, detail).about(reference)
    })
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
    use credential_provider_api::{ManualClock, SeededRandom};

    use super::*;

    fn sent(authentication: ClientAuthentication, proven: &Proven) -> (String, String) {
        let client = Client {
            id: "a:b".into(),
            authentication,
            secret: None,
            key: None,
            clock: Arc::new(ManualClock::default()),
            random: Arc::new(SeededRandom::new(1)),
        };
        let endpoint = Endpoint::parse("https://a.example/t").unwrap();
        let to = Addressee { issuer: "https://a.example", token_endpoint: &endpoint };
        let request = client.post(&endpoint, to, Form::new("x"), proven, 1).unwrap();
        let header = request.headers.iter().find(|(name, _)| *name == "authorization");
        let header = header.map_or("", |(_, value)| value.expose_secret()).to_owned();
        (header, String::from_utf8(request.body.expose_secret().to_vec()).unwrap())
    }

    #[test]
    fn each_way_names_the_client_once() {
        let secret = Proven::Secret("s&".into());
        let (header, body) = sent(ClientAuthentication::None, &Proven::Nobody);
        assert_eq!((header.as_str(), body.as_str()), ("", "grant_type=x&client_id=a%3Ab"));
        let (header, body) = sent(ClientAuthentication::ClientSecretPost, &secret);
        assert_eq!(header, "");
        assert_eq!(body, "grant_type=x&client_id=a%3Ab&client_secret=s%26");
        let (header, body) = sent(ClientAuthentication::ClientSecretBasic, &secret);
        assert_eq!(header, format!("Basic {}", STANDARD.encode("a%3Ab:s%26")));
        assert_eq!(body, "grant_type=x");
    }
}
