//! [`Question`]: whether an agent may act for a user, or use a tool or a skill.

use credential_provider_api::{Credential, CredentialError, Detail, ErrorCode};

use crate::action::permission::{CheckPermission, Entity};
use crate::provider::VolcengineProvider;
use crate::wire::Keys;

/// What the service is asked. Whose question it is, is in the workload token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a question is put by `VolcengineProvider::permits`"]
pub struct Question {
    namespace: String,
    resource: Resource,
    operation: (String, String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Resource {
    /// The agent that acts.
    Agent,
    Named(&'static str, String),
}

/// What was decided. Anything but a clear yes is a no.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "what is denied must not happen"]
#[allow(clippy::exhaustive_enums, reason = "yes and no are the definition")]
pub enum Decision {
    /// It may.
    Allowed,
    /// It may not, or nobody knows.
    Denied(Detail),
}

impl Decision {
    /// Whether it may.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed)
    }
}

impl Question {
    /// Whether the agent that acts may act for the user.
    pub fn agent() -> Self {
        Self::about(Resource::Agent)
    }

    /// Whether it may use this tool. It is the first of the question's `OriginalCallers` then, before
    /// those that it acts for.
    pub fn tool(name: impl Into<String>) -> Self {
        Self::about(Resource::Named("tool", name.into()))
    }

    /// Whether it may read this skill. It is among the callers as for a [tool](Self::tool).
    pub fn skill(name: impl Into<String>) -> Self {
        Self::about(Resource::Named("skill", name.into()))
    }

    /// In this namespace of policies; `default` without this.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = name.into();
        self
    }

    /// Of this type and id; `Action`, `invoke` without this.
    pub fn operation(mut self, kind: impl Into<String>, id: impl Into<String>) -> Self {
        self.operation = (kind.into(), id.into());
        self
    }

    fn about(resource: Resource) -> Self {
        let operation = ("Action".to_owned(), "invoke".to_owned());
        Self { namespace: "default".to_owned(), resource, operation }
    }

    fn call(&self, token: &Credential) -> Result<CheckPermission, CredentialError> {
        let no_token = || {
            let detail = "that is no workload token: it names neither user nor workload";
            CredentialError::new(ErrorCode::ConfigurationInvalid, detail)
        };
        let user = token.account().ok_or_else(no_token)?;
        let actors: Vec<String> = token
            .property("actors")
            .and_then(|actors| serde_json::from_str(actors).ok())
            .ok_or_else(no_token)?;
        let (agent, before) = actors.split_first().ok_or_else(no_token)?;
        // The agent asks for a tool, as those before it asked for the agent.
        let (kind, id, callers) = match &self.resource {
            Resource::Agent => ("agent", agent, before),
            Resource::Named(kind, id) => (*kind, id, &*actors),
        };
        let mut check = CheckPermission::new(self.namespace.clone());
        check.principal = Some(Entity::new("user", user.as_str()));
        check.operation = Some(Entity::new(self.operation.0.clone(), self.operation.1.clone()));
        check.resource = Some(Entity::new(kind, id.clone()));
        check.original_callers =
            Some(callers.iter().map(|caller| Entity::new("agent", caller.clone())).collect());
        Ok(check)
    }
}

impl VolcengineProvider {
    /// Puts a question for the user and the workloads of `token`, a
    /// [workload token](crate#workload-tokens) that has not ended. Fails closed: whatever goes wrong
    /// is a denial. Cancel-safe.
    pub async fn permits(
        &self,
        question: &Question,
        token: &Credential,
        keys: &dyn Keys,
    ) -> Decision {
        if token.expires_at().is_none_or(|end| self.client().clock.now() >= end) {
            return Decision::Denied("the workload token has ended".into());
        }
        let call = match question.call(token) {
            Ok(call) => call,
            Err(error) => return Decision::Denied(Detail::composed(error.to_string())),
        };
        match self.client().call(&call, keys).await {
            Ok(permission) if permission.is_allowed() => Decision::Allowed,
            Ok(permission) => {
                let message = permission.message.as_deref().unwrap_or("it is not allowed");
                Decision::Denied(Detail::cleaned(message))
            }
            Err(error) => Decision::Denied(Detail::composed(error.to_string())),
        }
    }
}
