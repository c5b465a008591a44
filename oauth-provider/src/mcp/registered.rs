//! [`Remembered`]: what was found and registered, in the bytes of a record of its own.

use std::fmt;

use credential_provider_api::{CredentialError, ErrorCode, Grant, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::client::ClientAuthentication;

/// How a registered client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RegisteredAuthentication {
    None,
    ClientSecretBasic,
    ClientSecretPost,
}

impl From<RegisteredAuthentication> for ClientAuthentication {
    fn from(authentication: RegisteredAuthentication) -> Self {
        match authentication {
            RegisteredAuthentication::None => Self::None,
            RegisteredAuthentication::ClientSecretBasic => Self::ClientSecretBasic,
            RegisteredAuthentication::ClientSecretPost => Self::ClientSecretPost,
        }
    }
}

/// A client that an issuer has registered. It is used at this issuer and nowhere else.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisteredClient {
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) secret: Option<SecretString>,
    pub(super) authentication: RegisteredAuthentication,
    /// Where its sign-ins come back to.
    pub(super) redirect_uri: String,
    /// When its secret ends, in milliseconds since 1970.
    pub(super) secret_ends_at: Option<u64>,
    /// Whether a sign-in with it has counted: somebody's login may need it.
    #[serde(default)]
    pub(super) accepted: bool,
}

/// The issuer that somebody has signed in at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    pub(super) issuer: String,
    /// What the server calls itself: tokens are bound to it.
    pub(super) resource: String,
    /// Where the issuer's keys are, if not at its own origin.
    pub(super) keys: Option<String>,
}

/// All that is kept for one server.
#[derive(Clone, Default)]
pub(super) struct Remembered {
    /// Where the last sign-in that counted was. Logins of another issuer are nobody's.
    pub(super) place: Option<Place>,
    /// The newest last.
    pub(super) clients: Vec<RegisteredClient>,
}

/// Clients that nobody has signed in with yet: anybody can have them registered.
const MOST_UNUSED: usize = 8;
/// Another client that is signed in with is needed only for another redirect address or issuer, or
/// when a secret has ended.
const MOST_ACCEPTED: usize = 64;
const VERSION: u8 = 1;

impl RegisteredClient {
    /// Whether a sign-in that comes back to `redirect_uri` may be this client's. An issuer lets any
    /// port of a loopback address pass (RFC 8252 §7.3).
    pub(super) fn serves(&self, issuer: &str, redirect_uri: &str, now: Timestamp) -> bool {
        let ended = self.secret_ends_at.is_some_and(|end| Timestamp::from_millis(end) <= now);
        self.issuer == issuer && !ended && same_place(&self.redirect_uri, redirect_uri)
    }
}

fn same_place(one: &str, other: &str) -> bool {
    let portless = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        let loopback = match url.host()? {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(_) => false,
        };
        if loopback {
            url.set_port(None).ok()?;
        }
        Some(url)
    };
    one == other || portless(one).is_some_and(|url| Some(url) == portless(other))
}

impl Remembered {
    /// The client of this name at this issuer.
    pub(super) fn client(&self, issuer: &str, client_id: &str) -> Option<&RegisteredClient> {
        let mut clients = self.clients.iter().rev();
        clients.find(|client| client.issuer == issuer && client.client_id == client_id)
    }

    /// Adds a client, in place of one of the same name. What nobody has signed in with makes room for
    /// its like alone.
    pub(super) fn add(&mut self, mut client: RegisteredClient) {
        let known = self.client(&client.issuer, &client.client_id);
        client.accepted |= known.is_some_and(|known| known.accepted);
        self.forget(&client.issuer, &client.client_id);
        let accepted = client.accepted;
        self.clients.push(client);
        self.keep(accepted, if accepted { MOST_ACCEPTED } else { MOST_UNUSED });
    }

    /// Remembers that a sign-in with this client has counted, though the client may have made room for
    /// others meanwhile. Whether that is new.
    pub(super) fn accept(&mut self, client: &RegisteredClient) -> bool {
        let known = self.client(&client.issuer, &client.client_id);
        if known.is_some_and(|known| known.accepted) {
            return false;
        }
        let client = known.unwrap_or(client).clone();
        self.add(RegisteredClient { accepted: true, ..client });
        true
    }

    /// Of the clients that are accepted, or that are not, the newest `most` stay.
    fn keep(&mut self, accepted: bool, most: usize) {
        let count = self.clients.iter().filter(|client| client.accepted == accepted).count();
        let mut beyond = count.saturating_sub(most);
        self.clients.retain(|client| {
            let goes = beyond > 0 && client.accepted == accepted;
            beyond -= usize::from(goes);
            !goes
        });
    }

    /// Whether there was such a client.
    pub(super) fn forget(&mut self, issuer: &str, client_id: &str) -> bool {
        let before = self.clients.len();
        self.clients.retain(|client| client.issuer != issuer || client.client_id != client_id);
        self.clients.len() < before
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Out<'a> {
    version: u8,
    server: &'a str,
    place: Option<&'a Place>,
    clients: Vec<ClientOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClientOut<'a> {
    issuer: &'a str,
    client_id: &'a str,
    secret: Option<&'a str>,
    authentication: RegisteredAuthentication,
    redirect_uri: &'a str,
    secret_ends_at: Option<u64>,
    accepted: bool,
}

#[derive(Deserialize)]
struct In {
    version: u8,
    server: String,
    place: Option<Place>,
    clients: Vec<RegisteredClient>,
}

impl Remembered {
    pub(super) fn to_grant(&self, server: &str) -> Result<Grant, CredentialError> {
        let clients = self.clients.iter().map(|client| ClientOut {
            issuer: &client.issuer,
            client_id: &client.client_id,
            secret: client.secret.as_ref().map(|secret| secret.expose_secret()),
            authentication: client.authentication,
            redirect_uri: &client.redirect_uri,
            secret_ends_at: client.secret_ends_at,
            accepted: client.accepted,
        });
        let place = self.place.as_ref();
        let out = Out { version: VERSION, server, place, clients: clients.collect() };
        // Sized for the worst case: a buffer that grows leaves copies of secrets behind.
        let texts = out.clients.iter().flat_map(|client| {
            [client.issuer, client.client_id, client.secret.unwrap_or(""), client.redirect_uri]
        });
        let place = place.into_iter().flat_map(|place| {
            [place.issuer.as_str(), &place.resource, place.keys.as_deref().unwrap_or("")]
        });
        let text: usize = texts.chain(place).chain([server]).map(|text| 6 * text.len()).sum();
        let mut bytes = Vec::with_capacity(text + 256 * (1 + out.clients.len()));
        serde_json::to_writer(&mut bytes, &out).map_err(|_| {
            CredentialError::new(ErrorCode::Internal, "a registration was not encoded")
        })?;
        Ok(Grant::from(bytes))
    }

    /// What is kept for `server`: nothing, if it was another server's.
    pub(super) fn from_grant(grant: &Grant, server: &str) -> Result<Self, CredentialError> {
        let unreadable = || {
            let detail = "what was registered is not in this form";
            CredentialError::new(ErrorCode::StoreUnreadable, detail)
        };
        let read: In = serde_json::from_slice(grant.expose()).map_err(|_| unreadable())?;
        match read {
            In { version: VERSION, server: of, place, clients } if of == server => {
                Ok(Self { place, clients })
            }
            In { version: VERSION, .. } => Ok(Self::default()),
            _ => Err(unreadable()),
        }
    }
}

impl fmt::Debug for RegisteredClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredClient").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(issuer: &str, id: &str) -> RegisteredClient {
        RegisteredClient {
            issuer: issuer.into(),
            client_id: id.into(),
            secret: Some("canary\"\u{1}".into()),
            authentication: RegisteredAuthentication::ClientSecretPost,
            redirect_uri: "https://host.example/callback".into(),
            secret_ends_at: Some(5000),
            accepted: false,
        }
    }

    #[test]
    fn it_comes_back_for_its_own_server_and_shows_nothing() {
        let place = Place { issuer: "https://a.example".into(), resource: "r".into(), keys: None };
        let mut kept = Remembered { place: Some(place.clone()), ..Remembered::default() };
        kept.add(client("https://a.example", "one"));
        let grant = kept.to_grant("https://mcp.example").unwrap();
        let back = Remembered::from_grant(&grant, "https://mcp.example").unwrap();
        let found = back.client("https://a.example", "one").unwrap();
        assert_eq!(found.secret.as_ref().unwrap().expose_secret(), "canary\"\u{1}");
        assert_eq!((&back.place, found.secret_ends_at), (&Some(place), Some(5000)));
        assert!(!format!("{found:?} {found:#?}").contains("canary"));
        let other = Remembered::from_grant(&grant, "https://other.example").unwrap();
        assert!(other.place.is_none() && other.clients.is_empty());
    }

    #[test]
    fn what_is_in_another_form_is_not_guessed_at() {
        for bytes in ["x", r#"{"version":2,"server":"s","place":null,"clients":[]}"#] {
            let grant = Grant::from(bytes.as_bytes().to_vec());
            let error = Remembered::from_grant(&grant, "s").map(drop).unwrap_err();
            assert_eq!(error.code(), ErrorCode::StoreUnreadable);
        }
    }

    #[test]
    fn a_client_is_of_one_issuer_and_one_place_and_ends_with_its_secret() {
        let one = client("https://a.example", "one");
        let (home, before) = ("https://host.example/callback", Timestamp::from_millis(4999));
        assert!(one.serves("https://a.example", home, before));
        assert!(!one.serves("https://a.example/", home, before));
        assert!(!one.serves("https://a.example", "https://host.example/other", before));
        assert!(!one.serves("https://a.example", home, Timestamp::from_millis(5000)));
        for (uri, other, same) in [
            ("http://127.0.0.1:1/callback", "http://127.0.0.1:2/callback", true),
            ("http://[::1]:1/callback", "http://[::1]:2/callback", true),
            ("http://127.0.0.1:1/callback", "http://[::1]:1/callback", false),
            ("http://127.0.0.1:1/callback", "http://127.0.0.1:1/other", false),
            ("http://localhost:1/callback", "http://localhost:2/callback", false),
            ("https://a.example:1/callback", "https://a.example:2/callback", false),
        ] {
            assert_eq!(same_place(uri, other), same, "{uri} {other}");
        }
    }

    #[test]
    fn the_number_of_clients_is_bounded() {
        let mut kept = Remembered::default();
        for number in 0..20 {
            kept.add(client("https://a.example", &number.to_string()));
        }
        kept.add(client("https://a.example", "19"));
        assert_eq!(kept.clients.len(), MOST_UNUSED);
        assert!(kept.client("https://a.example", "19").is_some());
        assert!(kept.client("https://b.example", "19").is_none());
        for number in 0..100 {
            assert!(kept.accept(&client("https://a.example", &number.to_string())));
        }
        assert_eq!(kept.clients.len(), MOST_ACCEPTED);
    }

    #[test]
    fn a_client_that_was_signed_in_with_makes_no_room_for_others() {
        let issuer = "https://a.example";
        let mut kept = Remembered::default();
        let one = client(issuer, "one");
        kept.add(one.clone());
        assert!(kept.accept(&one));
        assert!(!kept.accept(&one), "once is enough");
        // Registered again under the same name.
        kept.add(one.clone());
        let grant = kept.to_grant("s").unwrap();
        let mut kept = Remembered::from_grant(&grant, "s").unwrap();
        for number in 0..20 {
            kept.add(client(issuer, &number.to_string()));
        }
        assert!(kept.client(issuer, "one").is_some_and(|client| client.accepted));
        assert_eq!(kept.clients.len(), 1 + MOST_UNUSED);
        // One that has made room during its sign-in comes back when that counts.
        assert!(kept.client(issuer, "3").is_none());
        assert!(kept.accept(&client(issuer, "3")));
        assert!(kept.client(issuer, "3").is_some_and(|client| client.accepted));
    }

    #[test]
    fn a_record_that_does_not_say_who_was_signed_in_with_is_read() {
        let bytes = r#"{"version":1,"server":"s","place":null,"clients":[{"issuer":"i",
            "clientId":"c","secret":null,"authentication":"none","redirectUri":"r",
            "secretEndsAt":null}]}"#;
        let kept = Remembered::from_grant(&Grant::from(bytes.as_bytes().to_vec()), "s").unwrap();
        assert!(kept.client("i", "c").is_some_and(|client| !client.accepted));
    }
}
