//! [`Service`]: one row of the catalogue.

use std::collections::BTreeMap;
use std::time::Duration;

use credential_provider_api::Origin;
use serde::{Deserialize, Deserializer};

use super::quirk::Quirk;
use crate::client::ClientAuthentication;

/// What is publicly known of one service. A field that is empty or `None` is not known.
///
/// Addresses may have placeholders in braces, one for each of the [`parameters`](Self::parameters).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Service {
    /// What the setting `service` says.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What has to be said of one's own place there, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, ServiceParameter>,
    /// The issuer's identifier. Where the service publishes none, the origin of its sign-in page.
    pub issuer: String,
    /// The endpoints. `None`: they are discovered.
    pub endpoints: Option<ServiceEndpoints>,
    /// Origins, beside the issuer's own, at which its keys are.
    #[serde(default)]
    pub jwks_origins: Vec<Origin>,
    /// The ways of this crate that it accepts.
    pub client_authentication: Option<Vec<ClientAuthentication>>,
    /// Whether it checks the proof key (RFC 7636), which is always sent.
    pub pkce: Option<Pkce>,
    /// Parameters of the sign-in page that it needs, for a refresh token for example.
    #[serde(default)]
    pub authorization_parameters: BTreeMap<String, String>,
    /// Its refresh tokens.
    pub refresh_token: Option<RefreshToken>,
    /// How long its access tokens last; what an answer says counts.
    #[serde(default, deserialize_with = "seconds")]
    pub access_token: Option<Duration>,
    /// What it does in its own way.
    #[serde(default)]
    pub quirks: Vec<Quirk>,
    /// Where its access tokens are used.
    #[serde(default)]
    pub origins: Vec<String>,
    /// The public pages these facts are from.
    pub sources: Vec<String>,
    /// When the sources were read, or their own date: a day, `2026-11-22`.
    pub date: String,
}

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceParameter {
    /// A host name in lower case, with a port if need be.
    Host,
    /// One part of a path: letters, digits, `-`, `.`, `_`, `~`.
    Segment,
    /// A UUID in lower case.
    Uuid,
}

/// The endpoints of a service without metadata.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ServiceEndpoints {
    /// Where a person signs in.
    pub authorization: String,
    /// Where codes and refresh tokens are exchanged.
    pub token: String,
    /// Where tokens are revoked as RFC 7009 says.
    pub revocation: Option<String>,
    /// Where a device asks for a code (RFC 8628).
    pub device_authorization: Option<String>,
    /// Where tokens are looked at (RFC 7662).
    pub introspection: Option<String>,
}

/// Whether a service checks the proof key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pkce {
    /// It does, with S256.
    Supported,
    /// Only for apps that have it switched on at the service; others are turned away with it.
    ByAppSetting,
}

/// The refresh tokens of a service.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RefreshToken {
    /// When there is one.
    pub issued: Option<RefreshTokenIssued>,
    /// The scope it comes for. A credential that wants it asks for it.
    pub scope: Option<String>,
    /// What a renewal does to it.
    pub rotation: Option<Rotation>,
    /// How long it lasts.
    #[serde(default, deserialize_with = "seconds")]
    pub lifetime: Option<Duration>,
}

/// When a service issues a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefreshTokenIssued {
    /// With every sign-in.
    Always,
    /// If the app is set so at the service.
    ByAppSetting,
    /// If the sign-in page has the row's parameters.
    WithParameters,
    /// If the scope is asked for.
    WithScope,
}

/// What a renewal does to the refresh token that was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rotation {
    /// As the app is set at the service.
    ByAppSetting,
    /// It stays, and no other comes.
    Kept,
    /// Another comes with each renewal; that the old one ends is not said.
    Replaced,
    /// Another comes with each renewal, and the old one is good no more.
    SingleUse,
}

const ROWS: &str = include_str!("services.json");

impl Service {
    /// All of them, in the order of their ids.
    #[must_use]
    pub fn all() -> Vec<Self> {
        // What is compiled in is read by a test.
        serde_json::from_str(ROWS).unwrap_or_default()
    }

    /// The one of this id.
    #[must_use]
    pub fn find(id: &str) -> Option<Self> {
        Self::all().into_iter().find(|service| service.id == id)
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sign_in::RESERVED;

    #[test]
    fn every_row_can_be_read() {
        let rows: Vec<Service> = serde_json::from_str(ROWS).unwrap();
        assert!(rows.len() >= 15);
        let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
        let sorted: Vec<_> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        assert_eq!(ids, sorted, "in order, each once");
        assert!(Service::find("github").is_some() && Service::find("GitHub").is_none());
    }

    #[test]
    fn a_row_with_something_unknown_is_not_read() {
        let with = |more: &str| {
            let row =
                r#"{"id":"a","name":"A","issuer":"https://a.example","sources":[],"date":"d""#;
            serde_json::from_str::<Service>(&format!("{row}{more}}}"))
        };
        assert!(with("").is_ok());
        for more in [
            r#","quirks":["tokens_by_post"]"#,
            r#","colour":"red""#,
            r#","clientAuthentication":["tls_client_auth"]"#,
            r#","pkce":"maybe""#,
        ] {
            assert!(with(more).is_err(), "{more}");
        }
    }

    #[test]
    fn every_row_says_where_it_is_from() {
        for row in Service::all() {
            assert!(!row.sources.is_empty(), "{}", row.id);
            for source in &row.sources {
                assert_eq!(url::Url::parse(source).unwrap().scheme(), "https", "{source}");
            }
            let day = chrono::NaiveDate::parse_from_str(&row.date, "%Y-%m-%d").unwrap();
            assert_eq!(day.to_string(), row.date);
        }
    }

    #[test]
    fn no_row_contradicts_itself() {
        for row in Service::all() {
            let id = &row.id;
            let plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
            assert!(id.chars().all(plain) && !row.name.is_empty(), "{id}");
            let reserved = |name: &str| RESERVED.contains(&name) || name == "user_scope";
            assert!(!row.authorization_parameters.keys().any(|name| reserved(name)), "{id}");
            if let Some(ways) = &row.client_authentication {
                assert!(!ways.is_empty(), "{id}");
            }
            let quirks: BTreeSet<_> = row.quirks.iter().map(|quirk| quirk.as_str()).collect();
            assert_eq!(quirks.len(), row.quirks.len(), "{id}");
            assert!(!(quirks.contains("bot_token") && quirks.contains("user_token")), "{id}");
            if let Some(refresh) = &row.refresh_token {
                let scope = refresh.issued == Some(RefreshTokenIssued::WithScope);
                assert_eq!(refresh.scope.is_some(), scope, "{id}");
                let parameters = refresh.issued == Some(RefreshTokenIssued::WithParameters);
                assert!(!parameters || !row.authorization_parameters.is_empty(), "{id}");
                assert!(refresh.lifetime.is_none_or(|span| !span.is_zero()), "{id}");
            }
            assert!(row.access_token.is_none_or(|span| !span.is_zero()), "{id}");
        }
    }
}
