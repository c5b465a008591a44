//! What the issuer has given out, and to whom.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::{Duration, Instant};

use crate::gateway::narrator::MARK;

/// The books of the issuer.
pub(super) struct Ledger {
    token_life: Duration,
    random: RandomState,
    serial: u64,
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, Access>,
    renewals: HashMap<String, u64>,
    spent_twice: u64,
}

/// A consent, and what the token request that redeems it must fit.
pub(super) struct Code {
    pub(super) user: String,
    pub(super) redirect_uri: String,
    /// Of PKCE (RFC 7636).
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
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
    end: Instant,
}

/// What a sign-in or a renewal brings.
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
}

impl Ledger {
    pub(super) fn new(token_life: Duration) -> Self {
        Self {
            token_life,
            random: RandomState::new(),
            serial: 0,
            codes: HashMap::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
            renewals: HashMap::new(),
            spent_twice: 0,
        }
    }

    /// A code for a consent.
    pub(super) fn code(&mut self, consent: Code) -> String {
        let code = self.secret("code");
        self.codes.insert(code.clone(), consent);
        code
    }

    /// The consent that a code stands for, once.
    pub(super) fn redeem(&mut self, code: &str) -> Option<Code> {
        self.codes.remove(code)
    }

    /// Tokens for somebody who has signed in.
    pub(super) fn sign_in(&mut self, user: &str) -> Tokens {
        self.serial += 1;
        self.issue(user.to_owned(), self.serial)
    }

    /// Tokens for a refresh token, once. The second time somebody has stolen it, or two hosts keep
    /// the same one: the grant is over for both (RFC 9700 §4.14.2).
    pub(super) fn renew(&mut self, refresh: &str) -> Option<Tokens> {
        let known = self.refresh.get_mut(refresh)?;
        let (user, grant) = (known.user.clone(), known.grant);
        if std::mem::replace(&mut known.spent, true) {
            self.spent_twice += 1;
            self.end(grant);
            return None;
        }
        *self.renewals.entry(user.clone()).or_default() += 1;
        Some(self.issue(user, grant))
    }

    /// An access token for an access token of the same user (RFC 8693).
    pub(super) fn exchange(&mut self, access: &str) -> Option<String> {
        let user = self.owner(access)?.to_owned();
        let grant = self.access.get(access)?.grant;
        Some(self.access_token(user, grant))
    }

    /// Ends the grant of a refresh token, and the access tokens that came of it.
    pub(super) fn end_grant(&mut self, refresh: &str) {
        if let Some(grant) = self.refresh.get(refresh).map(|ended| ended.grant) {
            self.end(grant);
        }
    }

    /// Ends the access tokens of a user; the grant stays good.
    pub(super) fn end_access(&mut self, user: &str) {
        self.access.retain(|_, access| access.user != user);
    }

    /// Whose access token it is, if it is still good.
    pub(super) fn owner(&self, access: &str) -> Option<&str> {
        let access = self.access.get(access)?;
        (Instant::now() < access.end).then_some(&*access.user)
    }

    pub(super) fn renewals_of(&self, user: &str) -> u64 {
        self.renewals.get(user).copied().unwrap_or_default()
    }

    pub(super) fn spent_twice(&self) -> u64 {
        self.spent_twice
    }

    fn end(&mut self, grant: u64) {
        self.refresh.retain(|_, other| other.grant != grant);
        self.access.retain(|_, other| other.grant != grant);
    }

    fn issue(&mut self, user: String, grant: u64) -> Tokens {
        let refresh = self.secret("refresh");
        let next = Refresh { user: user.clone(), grant, spent: false };
        self.refresh.insert(refresh.clone(), next);
        Tokens { access: self.access_token(user, grant), refresh }
    }

    fn access_token(&mut self, user: String, grant: u64) -> String {
        let access = self.secret("access");
        let end = Instant::now() + self.token_life;
        self.access.insert(access.clone(), Access { user, grant, end });
        access
    }

    /// A secret nobody had before.
    fn secret(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{MARK}-{kind}-{:016x}", self.random.hash_one(self.serial))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_spent_twice_ends_its_grant() {
        let mut ledger = Ledger::new(Duration::from_secs(60));
        let first = ledger.sign_in("alice");
        let second = ledger.renew(&first.refresh).unwrap();
        assert_eq!(ledger.owner(&second.access), Some("alice"));
        assert!(ledger.renew(&first.refresh).is_none());
        assert!(ledger.renew(&second.refresh).is_none());
        assert_eq!(ledger.owner(&second.access), None);
        assert_eq!((ledger.spent_twice(), ledger.renewals_of("alice")), (1, 1));
    }
}
