//! Whom a token speaks for.

use serde_json::{Value, json};

use super::gateway::ApiError;
use super::token::{Unverified, verified};
use super::world::World;

/// A verified token of a user pool or of a workload pool.
pub(crate) struct Person {
    pub(crate) sub: String,
    pub(crate) end: i64,
    pub(crate) issuer: String,
    pub(crate) claims: Value,
    pub(crate) from: From,
}

/// Who issued it.
pub(crate) enum From {
    /// A user pool, to this client.
    UserPool { uid: String, client: String },
    /// A workload pool: the workload that acts, and the chain it was given.
    WorkloadPool { name: String, act: Option<Value> },
}

impl Person {
    /// The workload that acts.
    pub(crate) fn workload(&self) -> Option<(&str, &str)> {
        let From::WorkloadPool { name, act } = &self.from else { return None };
        Some((name, act.as_ref()?.get("sub")?.as_str()?))
    }
}

impl World {
    /// Verifies the token in the parameter `name` for `account`: signature, issuer, audience, time,
    /// and that whoever it speaks for is still there.
    pub(crate) fn person(&self, account: u64, token: &str, name: &str) -> Result<Person, ApiError> {
        let bad = |why: &'static str| ApiError::invalid(name, format!("{name} {why}"));
        let said = Unverified::read(token).ok_or_else(|| bad("is no token"))?;
        let issuer = said.issuer().ok_or_else(|| bad("has no issuer"))?;
        let keys = self.keys_of(issuer);
        let claims = verified(token, &keys).ok_or_else(|| bad("has no valid signature"))?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let time = |name: &str| claims.get(name).and_then(Value::as_f64).map(|time| time as i64);
        let sub = text("sub").ok_or_else(|| bad("has no subject"))?.to_owned();
        let end = time("exp").ok_or_else(|| bad("has no end"))?;
        if end <= self.now() {
            return Err(bad("has expired"));
        }
        if time("nbf").is_some_and(|begin| begin > self.now()) {
            return Err(bad("is not valid yet"));
        }
        let from = self.from(account, issuer, &claims).ok_or_else(|| bad("is of nobody known"))?;
        let person = Person { sub, end, issuer: issuer.to_owned(), from, claims };
        self.still_there(account, &person)?;
        Ok(person)
    }

    /// The workload token in `IdentityToken`.
    pub(crate) fn tip(&self, account: u64, token: &str) -> Result<Person, ApiError> {
        let person = self.person(account, token, "IdentityToken")?;
        match person.from {
            From::WorkloadPool { .. } => Ok(person),
            From::UserPool { .. } => {
                Err(ApiError::invalid("IdentityToken", "IdentityToken is no workload token"))
            }
        }
    }

    fn from(&self, account: u64, issuer: &str, claims: &Value) -> Option<From> {
        let account = self.account(account)?;
        let pools = account.workload_pools.iter();
        let mut pools = pools.filter(|pool| self.workload_issuer(&pool.workload_pool_id) == issuer);
        if let Some(pool) = pools.next() {
            let (name, act) = (pool.workload_pool_name.clone(), claims.get("act").cloned());
            return Some(From::WorkloadPool { name, act });
        }
        let pools = account.user_pools.iter().filter(|pool| !pool.disabled);
        let pool = pools.into_iter().find(|pool| self.user_pool_issuer(&pool.uid) == issuer)?;
        let audiences: Vec<&str> = match claims.get("aud")? {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        let client = pool.clients.iter().find(|client| audiences.contains(&&*client.uid))?;
        Some(From::UserPool { uid: pool.uid.clone(), client: client.uid.clone() })
    }

    fn still_there(&self, account: u64, person: &Person) -> Result<(), ApiError> {
        let Some(account) = self.account(account) else { return Ok(()) };
        let mut users = account.user_pools.iter().flat_map(|pool| &pool.users);
        if users.any(|user| user.uid == person.sub && user.disabled) {
            return Err(ApiError::denied("the user is disabled"));
        }
        if let From::UserPool { uid, .. } = &person.from {
            let pool = account.user_pools.iter().find(|pool| pool.uid == *uid);
            let own = pool.filter(|pool| pool.issuer.is_empty());
            if own.is_some_and(|pool| !pool.users.iter().any(|user| user.uid == person.sub)) {
                return Err(ApiError::denied("the user is gone"));
            }
        }
        if let Some((pool, workload)) = person.workload() {
            let role = account.roles.iter().any(|role| role.role_name == workload);
            let there = account
                .workload_identities
                .iter()
                .any(|one| one.name == workload && one.workload_pool_name == pool);
            if !there && !role {
                return Err(ApiError::not_found("WorkloadIdentity", workload));
            }
        }
        Ok(())
    }
}

/// `workload` in front of the chain that was there.
pub(crate) fn chain(workload: &str, before: Option<&Value>) -> Value {
    before.map_or_else(
        || json!({ "sub": workload }),
        |before| json!({ "sub": workload, "act": before }),
    )
}
