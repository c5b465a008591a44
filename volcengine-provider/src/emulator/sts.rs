//! Temporary keys, and who a caller is.

use chrono::DateTime;
use serde_json::{Value, json};

use super::gateway::ApiError;
use super::secret::Secret;
use super::state::TemporaryKey;
use super::world::{World, beijing};

/// A temporary key.
#[derive(Clone)]
pub(crate) struct StsSession {
    pub(crate) secret: Secret,
    pub(crate) token: Secret,
    pub(crate) account: u64,
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) end: i64,
}

impl StsSession {
    /// The key that a state describes.
    pub(crate) fn of(account: u64, key: &TemporaryKey) -> Self {
        let end = DateTime::parse_from_rfc3339(&key.expired_time);
        Self {
            secret: key.secret_access_key.clone(),
            token: key.session_token.clone(),
            account,
            role: key.role_name.clone(),
            name: key.role_session_name.clone(),
            end: end.map(|end| end.timestamp()).unwrap_or_default(),
        }
    }
}

/// Who signed a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) account: u64,
    pub(crate) who: Who,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The account itself.
    Account,
    User(String),
    /// A role, and the name of its session.
    Role(String, String),
    /// Nobody: the call is not signed, and says in another way who it is.
    Nobody,
}

impl Caller {
    pub(crate) fn trn(&self) -> String {
        let account = self.account;
        match &self.who {
            Who::Account | Who::Nobody => format!("trn:iam::{account}:root"),
            Who::User(name) => format!("trn:iam::{account}:user/{name}"),
            Who::Role(name, session) => format!("trn:sts::{account}:assumed-role/{name}/{session}"),
        }
    }

    /// Refuses an action that the caller's policy does not name.
    pub(crate) fn may(&self, world: &World, service: &str, action: &str) -> Result<(), ApiError> {
        let account = world.account(self.account);
        let allowed = match (&self.who, account) {
            (Who::User(name), Some(account)) => {
                account.users.iter().find(|user| user.user_name == *name).map(|user| &user.allow)
            }
            (Who::Role(name, _), Some(account)) => {
                account.roles.iter().find(|role| role.role_name == *name).map(|role| &role.allow)
            }
            (_, _) => return Ok(()),
        };
        let full = format!("{service}:{action}");
        let every = format!("{service}:*");
        match allowed {
            Some(allowed) if allowed.is_empty() => Ok(()),
            Some(allowed) if allowed.iter().any(|a| *a == full || *a == every || a == "*") => {
                Ok(())
            }
            _ => Err(ApiError::denied(format!("{full} is not allowed"))),
        }
    }
}

/// What `DurationSeconds` may be, and what it is unless asked for.
const SHORTEST: i64 = 900;
const LONGEST: i64 = 43_200;
const USUAL: i64 = 3600;

impl World {
    /// A temporary key of `role`, and its id.
    pub(crate) fn assume(
        &mut self,
        account: u64,
        role: &str,
        name: &str,
        lifetime: i64,
    ) -> (String, StsSession) {
        let session = StsSession {
            secret: Secret::new(self.mint("")),
            token: Secret::new(self.mint("STS")),
            account,
            role: role.to_owned(),
            name: name.to_owned(),
            end: self.now().saturating_add(lifetime),
        };
        let id = self.mint("AKTP");
        self.sts.insert(id.clone(), session.clone());
        (id, session)
    }
}

/// What a wish for a lifetime comes to: too short is the usual one, too long the longest.
pub(crate) fn lifetime(asked: Option<i64>) -> i64 {
    match asked {
        Some(seconds) if seconds < SHORTEST => USUAL,
        Some(seconds) => seconds.min(LONGEST),
        None => USUAL,
    }
}

/// A temporary key as an answer has it; `end` is the name of its end there.
pub(crate) fn credentials(world: &World, id: &str, session: &StsSession, end: &str) -> Value {
    json!({
        "Credentials": {
            "AccessKeyId": id,
            "SecretAccessKey": session.secret.expose(),
            "SessionToken": session.token.expose(),
            "CurrentTime": beijing(world.now()),
            end: beijing(session.end),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{}:{}", session.role, session.name),
            "Trn": format!("trn:sts::{}:assumed-role/{}/{}", session.account, session.role, session.name),
        },
    })
}
