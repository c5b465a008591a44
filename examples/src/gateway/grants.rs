//! Where the provider keeps what renews a credential. In memory; a real host gives it a store.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use credential_provider_api::{EffectiveSession, SecretString};

/// A refresh token that was not spent yet, and whose it is.
#[derive(Clone)]
pub struct Grant {
    /// The account that signed in.
    pub user: String,
    /// The refresh token.
    pub refresh: SecretString,
    /// Which sign-in it comes from.
    sign_in: u64,
}

/// The grants, one for each session.
#[derive(Default)]
pub struct Grants(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    sign_ins: u64,
    by_session: HashMap<EffectiveSession, Grant>,
}

impl Grants {
    /// The grant of a session.
    #[must_use]
    pub fn get(&self, session: &EffectiveSession) -> Option<Grant> {
        self.inner().by_session.get(session).cloned()
    }

    /// A sign-in: in place of whatever was there.
    pub fn sign_in(&self, session: &EffectiveSession, user: String, refresh: SecretString) {
        let mut inner = self.inner();
        inner.sign_ins += 1;
        let grant = Grant { user, refresh, sign_in: inner.sign_ins };
        inner.by_session.insert(session.clone(), grant);
    }

    /// A renewal: only if the grant that was spent is still the one kept. A sign-in or a revocation
    /// meanwhile wins.
    pub fn renewed(&self, session: &EffectiveSession, spent: &Grant, refresh: SecretString) {
        if let Some(kept) = self.inner().by_session.get_mut(session)
            && kept.sign_in == spent.sign_in
        {
            kept.refresh = refresh;
        }
    }

    /// Takes the grant of a session away.
    pub fn remove(&self, session: &EffectiveSession) -> Option<Grant> {
        self.inner().by_session.remove(session)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
