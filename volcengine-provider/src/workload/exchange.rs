//! [`WorkloadTokens`]: an ID token for a workload token.

use std::time::Duration;

use credential_provider_api::{
    AccountId, Credential, CredentialError, CredentialRef, EffectiveSession, ErrorCode, Placement,
    Request, SecretString, Variant, Want,
};

use super::claims::{Claims, Expected};
use super::parents::Parents;
use super::settings::{Asked, ChildSessions, MissingWorkload, Workload};
use super::{PARENT, VARIANT};
use crate::acting::{Acting, Bearer};
use crate::action::workload::{
    CreateWorkloadIdentity, GetWorkloadAccessTokenForJWT, WorkloadAccessToken,
};
use crate::wire::{CallError, Client, Fault, RequestKeys};

/// A user's token that ends sooner is renewed first.
const SHORTEST: Duration = Duration::from_secs(60);
/// The header by which workload tokens go from agent to agent.
const HEADER: &str = "X-Ve-TIP-Token";

/// What makes workload tokens. None is kept: the engine has them, in memory alone.
#[derive(Debug)]
pub(crate) struct WorkloadTokens {
    pub(crate) workload: Workload,
    /// The user's token.
    pub(crate) identity: CredentialRef,
    parents: Parents,
}

impl WorkloadTokens {
    pub(crate) fn new(workload: Workload, identity: CredentialRef) -> Self {
        Self { workload, identity, parents: Parents::default() }
    }

    /// A token for the user of the request's session.
    pub(crate) async fn obtain(
        &self,
        request: &Request,
        client: &Client,
        platform: &CredentialRef,
    ) -> Result<Credential, CredentialError> {
        request.require_variant(&VARIANT)?;
        let variant = &request.key().variant;
        let asked = self.workload.asked(variant)?;
        let keys = RequestKeys::new(request, platform.clone());
        let acting = Acting { client, request, keys: &keys, bearer: Bearer::User };
        let least = SHORTEST.max(request.min_validity());
        let wanted = self.made_of(request)?.with_min_validity(least);
        let duration = self.workload.duration;
        // The account decides whose token it is: nothing is sent for another.
        let account = variant.get("account");
        let make = |user: &Credential| {
            let token = user.secret().ok_or_else(no_token)?;
            let claims = Claims::read(token)?;
            if account.as_ref().is_some_and(|account| **account != *claims.subject) {
                let detail = "somebody else than the variant's account is signed in";
                return Err(CredentialError::new(ErrorCode::AccountMismatch, detail));
            }
            let left = request.now().until(claims.expires_at);
            Ok((exchange(&asked, token, duration.min(left)), claims))
        };
        let found = acting.call(wanted.clone(), make).await;
        let (answer, user) = match found {
            Err(error) if self.creates(&asked, &error) => {
                self.create(&asked, client, &keys).await?;
                acting.call(wanted, make).await?
            }
            found => found?,
        };
        let credential = self.credential(request, &asked, answer, &user)?;
        if self.workload.child_sessions == ChildSessions::Exchange
            && let (Ok(session), Some(name)) = (request.session(), &asked.name)
        {
            let until = credential.expires_at().unwrap_or_else(|| request.now());
            self.parents.acted(session, name, until);
        }
        Ok(credential)
    }

    /// What the token is made of: the identity of the session, or, for a session that was started by
    /// another and where that is said, the workload token of that one.
    fn made_of(&self, request: &Request) -> Result<Want, CredentialError> {
        let parent = request.session().ok().and_then(EffectiveSession::parent);
        let said = request.key().variant.get(PARENT);
        let exchanged = self.workload.child_sessions == ChildSessions::Exchange;
        let Some(parent) = parent.filter(|_| exchanged) else {
            if said.is_some() {
                let detail = "the token is not made of another session's: there is no `parent`";
                return Err(CredentialError::new(ErrorCode::Unsupported, detail));
            }
            return Ok(Want::new(self.identity.clone()));
        };
        // The parent's audience is the parent's own; whose it is, and where, is not.
        let mut variant = Variant::builder();
        let acted = || self.parents.workload_of(&parent).filter(|_| self.workload.is_by_variant());
        if let Some(workload) = said.map(std::borrow::Cow::into_owned).or_else(acted) {
            variant = variant.parameter("workload", &workload);
        }
        for name in ["account", "pool"] {
            if let Some(value) = request.key().variant.get(name) {
                variant = variant.parameter(name, &value);
            }
        }
        Ok(Want::new(request.key().reference()).with_variant(variant.build()?).of_parent())
    }

    /// Whether the workload is what was not found: one that was named, and no other thing.
    fn creates(&self, asked: &Asked, error: &CallError) -> bool {
        let CallError::Service(error) = error else { return false };
        self.workload.missing == MissingWorkload::Create
            && asked.name.is_some()
            && error.fault == Fault::NotFound
            && is_missed_workload(error.code())
    }

    async fn create(
        &self,
        asked: &Asked,
        client: &Client,
        keys: &RequestKeys<'_>,
    ) -> Result<(), CallError> {
        let Some(name) = &asked.name else { return Ok(()) };
        let mut create = CreateWorkloadIdentity::new(name.clone());
        create.workload_pool_name = Some(asked.pool.clone());
        create.category = Some("Agent".to_owned());
        match client.call(&create, keys).await {
            Ok(_) => Ok(()),
            // Somebody else has created it meanwhile.
            Err(error) if error.fault() == Some(Fault::AlreadyExists) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn credential(
        &self,
        request: &Request,
        asked: &Asked,
        answer: WorkloadAccessToken,
        user: &Claims,
    ) -> Result<Credential, CredentialError> {
        let token = answer.workload_access_token.ok_or_else(no_token)?;
        let claims = Claims::read(&token)?;
        claims.check(&Expected {
            user,
            workload: asked.name.as_deref(),
            audience: &asked.audience,
            duration: self.workload.duration,
            now: request.now(),
        })?;
        let actors = serde_json::to_string(&claims.actors).unwrap_or_default();
        let mut credential = Credential::token(token)
            .with_expiry(claims.expires_at)
            .with_issue_time(claims.issued_at)
            .with_account(AccountId::new(&claims.subject)?)
            .with_placement(Placement::header(HEADER, ""))
            .with_property("pool", asked.pool.clone())
            .with_property("actors", actors);
        if let Some(workload) = claims.actors.first() {
            credential = credential.with_property("workload", workload);
        }
        if let Some(issuer) = claims.issuer {
            credential = credential.with_property("issuer", issuer);
        }
        if !claims.audience.is_empty() {
            credential = credential.with_property("audience", claims.audience.join(" "));
        }
        for origin in &self.workload.origins {
            credential = credential.with_origin(origin.clone());
        }
        Ok(credential)
    }
}

/// Whether a code by which something is missed means the workload: it names that, or nothing.
fn is_missed_workload(code: &str) -> bool {
    const NOTHING_NAMED: [&str; 5] = ["", "entity", "resource", "object", "item"];
    let mut rest: String = code.chars().filter(char::is_ascii_alphabetic).collect();
    rest.make_ascii_lowercase();
    for words in
        ["notfound", "doesnotexist", "notexists", "notexist", "nosuch", "exception", "error"]
    {
        rest = rest.replace(words, "");
    }
    NOTHING_NAMED.contains(&&*rest)
        || (rest.contains("workload") && !rest.contains("pool"))
        || rest == "identity"
}

fn exchange(asked: &Asked, token: &SecretString, life: Duration) -> GetWorkloadAccessTokenForJWT {
    let mut exchange = GetWorkloadAccessTokenForJWT::new(token.clone());
    exchange.name = asked.name.clone();
    exchange.workload_pool_name = Some(asked.pool.clone());
    exchange.duration_seconds = Some(life.as_secs());
    exchange.audience = Some(asked.audience.clone()).filter(|audience| !audience.is_empty());
    exchange
}

fn no_token() -> CredentialError {
    CredentialError::new(ErrorCode::InvalidResponse, "there is no token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_names_another_thing_misses_no_workload() {
        for code in [
            "",
            "NotFound",
            "NotFound.WorkloadIdentity",
            "WorkloadIdentityNotFound",
            "WorkloadIdentity.NotExist",
            "NoSuchEntity",
            "ResourceNotFound",
            "ResourceNotFoundException",
        ] {
            assert!(is_missed_workload(code), "{code}");
        }
        for code in [
            "NotFound.User",
            "NotFound.UserPool",
            "NotFound.WorkloadPool",
            "WorkloadIdentityPoolNotExist",
            "NotFound.IdentityProvider",
            "AccountNotExist",
            "PolicyNotExist",
        ] {
            assert!(!is_missed_workload(code), "{code}");
        }
    }
}
