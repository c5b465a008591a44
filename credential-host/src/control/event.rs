//! An event, as it is told.

use credential_provider_api::{Event, EventKind, HealthStatus, Key};
use serde::{Deserialize, Serialize};

use super::answer::Refusal;

/// Something that happened. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventLine {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// `state`, `renewed`, `provider`, `access` or `health`.
    pub what: String,
    /// The credential, `provider/id`, or the provider.
    pub about: Option<String>,
    /// The effective session, encoded.
    pub session: Option<String>,
    /// The state before.
    pub from: Option<String>,
    /// The state now, or how the provider is.
    pub to: Option<String>,
    /// Why.
    pub cause: Option<String>,
    /// The failure it is in.
    pub error: Option<Refusal>,
}

impl From<&Event> for EventLine {
    fn from(event: &Event) -> Self {
        let mut line = Self {
            at: event.at.as_millis(),
            what: "other".to_owned(),
            about: None,
            session: None,
            from: None,
            to: None,
            cause: None,
            error: None,
        };
        match &event.kind {
            EventKind::StateChanged { key, from, to, cause, error } => {
                line.of(key, "state");
                line.from = Some(from.to_string());
                line.to = Some(to.to_string());
                line.cause = Some(snake(&format!("{cause:?}")));
                line.error = error.as_ref().map(Refusal::from);
            }
            EventKind::Renewed { key, .. } => line.of(key, "renewed"),
            EventKind::ProviderChanged { provider, generation } => {
                line.what = "provider".to_owned();
                line.about = Some(provider.to_string());
                let to = if generation.is_some() { "in_service" } else { "removed" };
                line.to = Some(to.to_owned());
            }
            EventKind::AccessChanged => line.what = "access".to_owned(),
            EventKind::HealthChecked { provider, health } => {
                line.what = "health".to_owned();
                line.about = Some(provider.to_string());
                line.to = Some(status(health.status).to_owned());
            }
            _ => {}
        }
        line
    }
}

impl EventLine {
    fn of(&mut self, key: &Key, what: &str) {
        self.what = what.to_owned();
        self.about = Some(key.reference().to_string());
        self.session = key.session.as_ref().map(|session| session.encoded().to_owned());
    }
}

pub(super) const fn status(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "healthy",
        HealthStatus::Degraded => "degraded",
        _ => "failing",
    }
}

/// `SignedIn` as `signed_in`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
