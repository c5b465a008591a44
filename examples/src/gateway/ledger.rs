//! What the issuer has given out, and to whom.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::{Duration, SystemTime};

use credential_provider_api::{SecretString, Timestamp};

/// Stands in every secret that is given out. Nothing with it in may be printed.
pub const MARK: &str = "issuer-secret";

/// How long an access token lives, if nobody says otherwise.
pub const TOKEN_LIFE: Duration = Duration::from_secs(3);

/// The books of the issuer.
pub(super) struct Ledger {
    pub(super) token_life: Duration,
    random: RandomState,
    serial: u64,
    codes: HashMap<String, String>,
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, Access>,
    renewals: HashMap<String, u64>,
    spent_twice: u64,
}

struct Refresh {
    user: String,
    /// All refresh tokens that came from one sign-in.
    grant: u64,
    spent: bool,
}

struct Access {
    user: String,
    grant: u64,
    end: Timestamp,
}

/// What a sign-in or a renewal brings.
#[derive(Clone)]
pub struct Tokens {
    /// Who signed in.
    pub user: String,
    /// The access token.
    pub access: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The next refresh token.
    pub refresh: SecretString,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            token_life: TOKEN_LIFE,
            random: RandomState::new(),
            serial: 0,
            codes: HashMap::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
            renewals: HashMap::new(),
            spent_twice: 0,
        }
    }

    /// A secret nobody had before.
    pub(super) fn secret(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{MARK}-{kind}-{:016x}", self.random.hash_one(self.serial))
    }

    /// A code for `user`.
    pub(super) fn code(&mut self, user: &str) -> String {
        let code = self.secret("code");
        self.codes.insert(code.clone(), user.to_owned());
        code
    }

    /// Tokens for a code, once.
    pub(super) fn redeem(&mut self, code: &str) -> Option<Tokens> {
        let user = self.codes.remove(code)?;
        self.serial += 1;
        Some(self.issue(user, self.serial))
    }

    /// Tokens for a refresh token, once. The second time somebody has stolen it, or two hosts keep
    /// the same one: the grant is over for both.
    pub(super) fn renew(&mut self, refresh: &str) -> Option<Tokens> {
        let known = self.refresh.get_mut(refresh)?;
        let (user, grant) = (known.user.clone(), known.grant);
        if std::mem::replace(&mut known.spent, true) {
            self.spent_twice += 1;
            self.refresh.retain(|_, other| other.grant != grant);
            return None;
        }
        *self.renewals.entry(user.clone()).or_default() += 1;
        Some(self.issue(user, grant))
    }

    /// Ends a grant, and the access tokens that came of it.
    pub(super) fn end_grant(&mut self, refresh: &str) {
        if let Some(ended) = self.refresh.remove(refresh) {
            self.refresh.retain(|_, other| other.grant != ended.grant);
            self.access.retain(|_, access| access.grant != ended.grant);
        }
    }

    /// Ends the access tokens of a user; the grant stays good.
    pub(super) fn end_access(&mut self, user: &str) {
        self.access.retain(|_, access| access.user != user);
    }

    /// Whose access token it is, if it is still good.
    pub(super) fn owner(&self, access: &str) -> Option<String> {
        let access = self.access.get(access)?;
        (now() < access.end).then(|| access.user.clone())
    }

    pub(super) fn renewals_of(&self, user: &str) -> u64 {
        self.renewals.get(user).copied().unwrap_or_default()
    }

    pub(super) fn spent_twice(&self) -> u64 {
        self.spent_twice
    }

    fn issue(&mut self, user: String, grant: u64) -> Tokens {
        let (access, refresh) = (self.secret("access"), self.secret("refresh"));
        let expires_at = now().plus(self.token_life);
        let next = Refresh { user: user.clone(), grant, spent: false };
        self.refresh.insert(refresh.clone(), next);
        let known = Access { user: user.clone(), grant, end: expires_at };
        self.access.insert(access.clone(), known);
        Tokens { user, access: access.into(), expires_at, refresh: refresh.into() }
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use credential_provider_api::ExposeSecret as _;

    #[test]
    fn a_refresh_token_spent_twice_ends_its_grant() {
        let mut ledger = Ledger::new();
        let code = ledger.code("alice");
        let first = ledger.redeem(&code).unwrap();
        assert!(ledger.redeem(&code).is_none());
        let second = ledger.renew(first.refresh.expose_secret()).unwrap();
        assert!(ledger.renew(first.refresh.expose_secret()).is_none());
        assert!(ledger.renew(second.refresh.expose_secret()).is_none());
        assert_eq!(ledger.spent_twice(), 1);
    }
}
