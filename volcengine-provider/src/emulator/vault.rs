//! Hosted OAuth 2.0 tokens: who has consented to what, and what is pending.

use std::collections::{BTreeMap, BTreeSet};

use super::gateway::ApiError;
use super::http::with_query;
use super::state::OAuthProvider;
use super::world::World;

/// Whose tokens: account, pool, provider, and the user (nobody for machine to machine).
pub(crate) type GrantKey = (u64, String, String, String);

/// What is kept of consents.
#[derive(Default)]
pub(crate) struct Vault {
    pub(crate) grants: BTreeMap<GrantKey, HostedGrant>,
    /// By session URI.
    pub(crate) pending: BTreeMap<String, Pending>,
    /// Every access token that was handed out.
    pub(crate) tokens: BTreeMap<String, TokenOwner>,
}

/// A consent, with its present token.
pub(crate) struct HostedGrant {
    scopes: BTreeSet<String>,
    login: String,
    token: String,
    end: i64,
}

/// Whose an access token is, for the resource it is shown to.
#[derive(Clone)]
pub(crate) struct TokenOwner {
    pub(crate) key: GrantKey,
    /// The account at the vendor.
    pub(crate) login: String,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) end: i64,
}

/// A consent under way.
#[derive(Clone)]
pub(crate) struct Pending {
    pub(crate) key: GrantKey,
    pub(crate) state: String,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) redirect: String,
    pub(crate) return_url: Option<String>,
    pub(crate) custom_state: Option<String>,
    pub(crate) url: String,
    pub(crate) end: i64,
    pub(crate) phase: Phase,
}

/// How far it has come.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nobody has decided.
    Open,
    /// The vendor has given this code for this account.
    Consented { code: String, login: String },
    /// The code is spent; whoever opened the page has to be named.
    Unbound { login: String },
}

/// How long a page may stay open.
pub(crate) const OPEN_SECONDS: i64 = 600;
const LIFETIME: u64 = 3600;

impl World {
    /// Keeps a consent and gives its first token, with the seconds it lives.
    pub(crate) fn grant(
        &mut self,
        key: &GrantKey,
        scopes: BTreeSet<String>,
        login: &str,
    ) -> Result<(String, i64), ApiError> {
        let lifetime = self.oauth_provider(key)?.token_lifetime_seconds.unwrap_or(LIFETIME);
        let lifetime = i64::try_from(lifetime).unwrap_or(i64::MAX);
        let (token, end) = (self.mint("vat-"), self.now().saturating_add(lifetime));
        let owner =
            TokenOwner { key: key.clone(), login: login.into(), scopes: scopes.clone(), end };
        self.vault.tokens.insert(token.clone(), owner);
        let grant = HostedGrant { scopes, login: login.to_owned(), token: token.clone(), end };
        self.vault.grants.insert(key.clone(), grant);
        Ok((token, lifetime))
    }

    /// The token there is for `scopes`, renewed if it has ended, with the seconds it lives.
    pub(crate) fn hosted(
        &mut self,
        key: &GrantKey,
        scopes: &BTreeSet<String>,
    ) -> Result<Option<(String, i64)>, ApiError> {
        let renewable = !self.oauth_provider(key)?.not_renewable;
        let now = self.now();
        let Some(grant) = self.vault.grants.get(key) else { return Ok(None) };
        if !grant.scopes.is_superset(scopes) {
            return Ok(None);
        }
        if grant.end > now {
            return Ok(Some((grant.token.clone(), grant.end - now)));
        }
        if !renewable {
            self.vault.grants.remove(key);
            return Ok(None);
        }
        let (scopes, login) = (grant.scopes.clone(), grant.login.clone());
        self.grant(key, scopes, &login).map(Some)
    }

    pub(crate) fn oauth_provider(&self, key: &GrantKey) -> Result<&OAuthProvider, ApiError> {
        let (account, pool, name, _) = key;
        let providers = self.account(*account).map(|account| &account.oauth_providers);
        let mut found = providers.into_iter().flatten();
        found
            .find(|provider| provider.pool_name == *pool && provider.name == *name)
            .ok_or_else(|| ApiError::not_found("CredentialProvider", name))
    }

    /// The managed callback.
    pub(crate) fn managed_callback(&self) -> String {
        format!("{}/api/v1/oauth2callback", self.url)
    }

    /// The consent under way with this state.
    pub(crate) fn pending_by_state(&self, state: &str) -> Option<(String, Pending)> {
        let mut all = self.vault.pending.iter();
        let (uri, pending) = all.find(|(_, pending)| pending.state == state)?;
        (pending.end > self.now()).then(|| (uri.clone(), pending.clone()))
    }

    /// Spends `code`: whose account it is for.
    pub(crate) fn spend(&self, pending: &Pending, code: &str) -> Option<String> {
        match &pending.phase {
            Phase::Consented { code: given, login } if given == code => Some(login.clone()),
            _ => None,
        }
    }

    /// The vendor's page for this consent.
    pub(crate) fn vendor_page(
        &self,
        provider: &OAuthProvider,
        redirect: &str,
        scopes: &BTreeSet<String>,
        state: &str,
    ) -> String {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let scopes = scopes.join(" ");
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", &*provider.config.client_id),
            ("redirect_uri", redirect),
            ("scope", &scopes),
            ("state", state),
        ];
        let custom = provider.config.custom_parameters.iter().flat_map(|custom| &custom.entries);
        query.extend(custom.map(|pair| (&*pair.key, &*pair.value)));
        with_query(&format!("{}/vendor/authorize", self.url), &query)
    }
}
