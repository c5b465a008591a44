//! All that one emulator knows at one moment, behind one lock that no await is under.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use credential_provider_api::{Clock, Random, Timestamp};
use serde_json::{Value, json};

use super::EmulatorError;
use super::counters::Counters;
use super::gateway::hex;
use super::issuer::Logins;
use super::state::{Account, State, complete};
use super::sts::StsSession;
use super::token::SigningKey;
use super::vault::Vault;

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) counters: Counters,
    pub(crate) sts: BTreeMap<String, StsSession>,
    pub(crate) vault: Vault,
    pub(crate) logins: Logins,
    /// Documents of issuers elsewhere, by their identifier.
    pub(crate) issuers: BTreeMap<String, Elsewhere>,
    /// Tokens of the metadata server, with their end.
    pub(crate) metadata_tokens: BTreeMap<String, i64>,
    pub(crate) key: SigningKey,
    pub(crate) url: String,
    clock: Arc<dyn Clock>,
    random: Box<dyn Random>,
}

/// What an issuer elsewhere has published.
#[derive(Clone)]
pub(crate) struct Elsewhere {
    pub(crate) metadata: Value,
    pub(crate) keys: Value,
}

impl World {
    pub(crate) fn new(
        state: State,
        address: SocketAddr,
        clock: Arc<dyn Clock>,
        random: Box<dyn Random>,
    ) -> Result<Self, EmulatorError> {
        let key = SigningKey::read(&state.signing_key)?;
        let mut world = Self {
            state,
            counters: Counters::default(),
            sts: BTreeMap::new(),
            vault: Vault::default(),
            logins: Logins::default(),
            issuers: BTreeMap::new(),
            metadata_tokens: BTreeMap::new(),
            key,
            url: format!("http://{address}"),
            clock,
            random,
        };
        world.complete();
        Ok(world)
    }

    /// Fills what is left out of the state, after the start and after each change.
    pub(crate) fn complete(&mut self) {
        let now = self.stamp();
        let random = &self.random;
        complete(&mut self.state, &now, |prefix| format!("{prefix}{}", token(&**random, 8)));
        for account in &self.state.accounts {
            for key in &account.sessions {
                let session = || StsSession::of(account.account_id, key);
                self.sts.entry(key.access_key_id.clone()).or_insert_with(session);
            }
        }
    }

    /// Seconds since the epoch, by the clock and its skew.
    pub(crate) fn now(&self) -> i64 {
        let seconds = i64::try_from(self.clock.now().as_millis() / 1000).unwrap_or(i64::MAX);
        seconds.saturating_add(self.state.faults.clock_skew_seconds)
    }

    /// When a call that arrived now and waits for `delay` goes on, by the clock.
    pub(crate) fn after(&self, delay: Duration) -> Timestamp {
        self.clock.now().plus(delay)
    }

    /// The time, as Identity writes it.
    pub(crate) fn stamp(&self) -> String {
        utc(self.now())
    }

    /// A new name nobody has: `prefix` and random hex.
    pub(crate) fn mint(&self, prefix: &str) -> String {
        format!("{prefix}{}", token(&*self.random, 20))
    }

    /// Whether a thing that happens to `percent` of 100 happens.
    pub(crate) fn happens(&self, percent: u8) -> bool {
        percent > 0 && self.random.next_u64() % 100 < u64::from(percent)
    }

    pub(crate) fn account(&self, id: u64) -> Option<&Account> {
        self.state.account(id)
    }

    /// `claims`, signed with the emulator's key.
    pub(crate) fn signed(&self, claims: &Value) -> String {
        self.key.sign(claims).unwrap_or_default()
    }

    /// The identifier of the pool's issuer: its own, or the emulator's for it.
    pub(crate) fn user_pool_issuer(&self, uid: &str) -> String {
        match self.state.user_pool(uid) {
            Some((_, pool)) if !pool.issuer.is_empty() => pool.issuer.clone(),
            _ => format!("{}/userpool/{uid}", self.url),
        }
    }

    pub(crate) fn workload_issuer(&self, pool_id: &str) -> String {
        format!("{}/workloadpool/{pool_id}", self.url)
    }

    /// A name of a resource.
    pub(crate) fn trn(&self, account: u64, resource: &str) -> String {
        format!("trn:id:{}:{account}:{resource}", self.state.region)
    }

    /// Keys of `issuer`: the emulator's own, or what has been fetched.
    pub(crate) fn keys_of(&self, issuer: &str) -> Value {
        match self.issuers.get(issuer) {
            Some(elsewhere) => elsewhere.keys.clone(),
            None if issuer.starts_with(&format!("{}/", self.url)) => self.key.jwks(),
            None => json!({ "keys": [] }),
        }
    }

    /// Issuers elsewhere that the state names.
    pub(crate) fn elsewhere(&self) -> Vec<String> {
        let accounts = &self.state.accounts;
        let pools =
            accounts.iter().flat_map(|account| &account.user_pools).map(|pool| &pool.issuer);
        let roles = accounts.iter().flat_map(|account| &account.roles);
        let trusted = roles.flat_map(|role| &role.trust).filter(|who| who.starts_with("http"));
        let own = format!("{}/", self.url);
        let mut all: Vec<String> = pools.chain(trusted).cloned().collect();
        all.retain(|issuer| !issuer.is_empty() && !issuer.starts_with(&own));
        all.sort();
        all.dedup();
        all
    }
}

fn token(random: &dyn Random, bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    random.fill(&mut buffer);
    hex(&buffer)
}

/// `2025-09-15T07:59:24Z`, as Identity writes times.
pub(crate) fn utc(seconds: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `2021-04-12T11:57:09+08:00`, as STS writes times.
pub(crate) fn beijing(seconds: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    FixedOffset::east_opt(8 * 3600)
        .map(|offset| time.with_timezone(&offset).to_rfc3339_opts(SecondsFormat::Secs, false))
        .unwrap_or_default()
}
