//! [`WorkloadSettings`]: whose token, in which pool, for whom.

use std::time::Duration;

use credential_provider_api::{ConfigError, CredentialError, ErrorCode, Origin, Variant};
use serde::Deserialize;

use crate::configuration::at;
use crate::provider::PlatformAudience;

/// The pool that every account has.
pub(crate) const USUAL_POOL: &str = "default";
/// The workload of an agent that nobody named.
const USUAL_NAME: &str = "openclaw-agent";
/// The lives that can be asked for.
const DURATIONS: std::ops::RangeInclusive<u64> = 60..=43_200;

/// The section `workload`; the [crate's page](crate#configuration) has a table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkloadSettings {
    pool_name: Option<String>,
    name: Option<String>,
    #[serde(default)]
    audience: Vec<String>,
    duration_seconds: Option<u64>,
    auto_create: Option<bool>,
    #[serde(default)]
    child_sessions: ChildSessions,
    #[serde(default)]
    pub(crate) granted_to: PlatformAudience,
    #[serde(default)]
    pub(crate) origins: Vec<Origin>,
}

/// Which workload tokens are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pool: String,
    name: Name,
    audience: Vec<String>,
    pub(crate) duration: Duration,
    pub(crate) missing: MissingWorkload,
    pub(crate) child_sessions: ChildSessions,
    pub(crate) granted_to: PlatformAudience,
    pub(crate) origins: Vec<Origin>,
}

/// What the tokens of child sessions are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChildSessions {
    /// Of an identity of their own.
    #[default]
    OwnIdentity,
    /// Of the token of the session that started them.
    Exchange,
}

/// How a workload is called.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// So.
    Said(String),
    /// By the role that the call's keys are of.
    Role,
    /// As the variant says, or as usual.
    Agent,
}

/// What is done about a workload that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingWorkload {
    /// It is created.
    Create,
    /// It is an error.
    Refuse,
}

/// One token to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) pool: String,
    /// The workload; `None` leaves it to the service, which takes the caller's role.
    pub(crate) name: Option<String>,
    pub(crate) audience: Vec<String>,
}

impl WorkloadSettings {
    /// # Errors
    /// [`ConfigError`] with the path of what cannot be used.
    pub(crate) fn checked(self, path: &str, has_role: bool) -> Result<Workload, ConfigError> {
        let wrong = |name: &str, problem| Err(at(path, &format!("workload.{name}"), problem));
        let seconds = self.duration_seconds.unwrap_or(3600);
        if !DURATIONS.contains(&seconds) {
            return wrong("durationSeconds", "is between 60 and 43200");
        }
        let texts = self.pool_name.iter().chain(&self.name).chain(&self.audience);
        if texts.into_iter().any(|text| text.is_empty() || text.chars().any(char::is_control)) {
            return wrong("name", "and `poolName` and `audience` are not empty");
        }
        if self.granted_to == PlatformAudience::Providers && !self.origins.is_empty() {
            return wrong("origins", "is for tokens that consumers are granted");
        }
        let name = match self.name {
            Some(name) => Name::Said(name),
            None if has_role => Name::Role,
            None => Name::Agent,
        };
        Ok(Workload {
            pool: self.pool_name.unwrap_or_else(|| USUAL_POOL.to_owned()),
            name,
            audience: self.audience,
            duration: Duration::from_secs(seconds),
            missing: match self.auto_create {
                Some(false) => MissingWorkload::Refuse,
                Some(true) | None => MissingWorkload::Create,
            },
            child_sessions: self.child_sessions,
            granted_to: self.granted_to,
            origins: self.origins,
        })
    }
}

impl Workload {
    /// Whether a variant may say the workload's name.
    pub(crate) fn is_by_variant(&self) -> bool {
        self.name == Name::Agent
    }

    /// The pool that is said; `None` for the usual one, which the service takes by itself.
    pub(crate) fn said_pool(&self) -> Option<String> {
        Some(self.pool.clone()).filter(|pool| pool != USUAL_POOL)
    }

    /// The token that a variant asks for.
    ///
    /// # Errors
    /// `unsupported` for the parameter `workload` where the configuration says the name.
    pub(crate) fn asked(&self, variant: &Variant) -> Result<Asked, CredentialError> {
        let parameter = |name| variant.get(name).map(std::borrow::Cow::into_owned);
        let name = match (&self.name, parameter("workload")) {
            (Name::Said(name), None) => Some(name.clone()),
            (Name::Role, None) => None,
            (Name::Agent, named) => Some(named.unwrap_or_else(|| USUAL_NAME.to_owned())),
            (Name::Said(_) | Name::Role, Some(_)) => {
                let detail = "the workload's name is configured; a variant cannot say another";
                return Err(CredentialError::new(ErrorCode::Unsupported, detail));
            }
        };
        let audience = parameter("audience").map_or_else(|| self.audience.clone(), |one| vec![one]);
        let pool = parameter("pool").unwrap_or_else(|| self.pool.clone());
        Ok(Asked { pool, name, audience })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(settings: &str, has_role: bool, variant: &Variant) -> Result<Asked, ErrorCode> {
        let settings: WorkloadSettings = serde_json::from_str(settings).unwrap();
        let workload = settings.checked("p.volc", has_role).unwrap();
        workload.asked(variant).map_err(|error| error.code())
    }

    #[test]
    fn a_name_that_is_said_goes_before_the_role_and_that_before_the_agent() {
        let none = Variant::none();
        let agent = Variant::builder().parameter("workload", "writer").build().unwrap();
        let said = r#"{"name":"gateway"}"#;
        assert_eq!(asked(said, true, &none).unwrap().name.as_deref(), Some("gateway"));
        assert_eq!(asked("{}", true, &none).unwrap().name, None);
        assert_eq!(asked("{}", false, &none).unwrap().name.as_deref(), Some("openclaw-agent"));
        assert_eq!(asked("{}", false, &agent).unwrap().name.as_deref(), Some("writer"));
        assert_eq!(asked(said, false, &agent).unwrap_err(), ErrorCode::Unsupported);
        assert_eq!(asked("{}", true, &agent).unwrap_err(), ErrorCode::Unsupported);
    }

    #[test]
    fn a_variant_s_audience_and_pool_stand_in_place_of_the_usual_ones() {
        let said = r#"{"audience":["a","b"]}"#;
        let usual = asked(said, false, &Variant::none()).unwrap();
        assert_eq!((usual.pool.as_str(), usual.audience.len()), ("default", 2));
        let variant = Variant::builder().audience("c").parameter("pool", "p").build().unwrap();
        let other = asked(said, false, &variant).unwrap();
        assert_eq!((other.pool.as_str(), other.audience), ("p", vec!["c".to_owned()]));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (text, name) in [
            (r#"{"durationSeconds":59}"#, "p.volc.workload.durationSeconds"),
            (r#"{"audience":[""]}"#, "p.volc.workload.name"),
            (r#"{"origins":["https://a.example"]}"#, "p.volc.workload.origins"),
        ] {
            let settings: WorkloadSettings = serde_json::from_str(text).unwrap();
            assert_eq!(settings.checked("p.volc", false).unwrap_err().path(), name);
        }
    }
}
