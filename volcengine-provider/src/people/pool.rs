//! A user pool and its client, found by their names.

use std::collections::BTreeMap;

use credential_provider_api::{Credential, CredentialError, ErrorCode, SecretString};

use super::all_pages;
use super::settings::{Missing, PoolNames};
use crate::action::user_pool::{
    CreateUserPool, CreateUserPoolClient, GetUserPool, GetUserPoolClient, IdTokenUpdate,
    ListIdentityProviders, ListUserPoolClients, ListUserPools, UpdateUserPoolClient, UserPool,
    UserPoolClient, UserPoolClientFilter, UserPoolFilter,
};
use crate::wire::{CallError, Client, Fault, Keys};

/// How often a callback is registered anew because somebody else wrote at the same time.
const WRITES: u32 = 3;

/// Finds them.
pub(crate) struct Lookup<'a> {
    pub(crate) client: &'a Client,
    pub(crate) keys: &'a dyn Keys,
    pub(crate) names: &'a PoolNames,
    pub(crate) missing: Missing,
    /// The identity provider that is said; the pool's first otherwise.
    pub(crate) identity_provider: Option<&'a str>,
}

impl Lookup<'_> {
    /// Issuer, client and identity provider, as a credential for this provider itself.
    pub(crate) async fn credential(&self) -> Result<Credential, CallError> {
        let uid = self.pool().await?;
        let (client, keys) = (self.client, self.keys);
        let pool = client.call(&GetUserPool::new(uid.clone()), keys).await?;
        let issuer = issuer(&pool).ok_or_else(|| invalid("the user pool has no issuer"))?;
        let found = self.registered(&uid).await?;
        let client_id = found.uid.ok_or_else(|| invalid("the client has no id"))?;
        let mut fields: BTreeMap<String, SecretString> = BTreeMap::new();
        fields.insert("issuer".into(), issuer.into());
        fields.insert("client_id".into(), client_id.into());
        let secret = found.client_secret.filter(|secret| !is_empty(secret));
        fields.extend(secret.map(|secret| ("client_secret".to_owned(), secret)));
        let via = match self.identity_provider {
            Some(said) => Some(said.to_owned()),
            None => self.first_identity_provider(&uid).await?,
        };
        fields.extend(via.map(|via| ("identity_provider".to_owned(), via.into())));
        Ok(Credential::user_value(fields))
    }

    async fn pool(&self) -> Result<String, CallError> {
        if let Some(uid) = self.find_pool().await? {
            return Ok(uid);
        }
        match self.missing {
            Missing::Create => {}
            Missing::Refuse => return Err(none("there is no user pool of this name")),
            Missing::RefuseForLogins => {
                return Err(none(
                    "there is no user pool of this name, and people are signed in through one: if it \
                     was renamed, configure its name; to begin with a new one, sign them out first",
                ));
            }
        }
        let mut create = CreateUserPool::new(self.names.pool.clone());
        create.self_sign_up_enabled = Some(false);
        create.self_account_recovery_enabled = Some(true);
        let made = self.client.call(&create, self.keys).await.map(|pool| pool.uid);
        if let Some(uid) = made_here(made)? {
            return Ok(uid);
        }
        let missing = || invalid("the user pool was created and is not there");
        self.find_pool().await?.ok_or_else(missing)
    }

    async fn find_pool(&self) -> Result<Option<String>, CallError> {
        let name = &self.names.pool;
        let pools = all_pages(|number, size| {
            Box::pin(async move {
                let mut list = ListUserPools::new(number, size);
                let filter = UserPoolFilter { name: Some(name.clone()), ..Default::default() };
                list.filter = Some(filter);
                let page = self.client.call(&list, self.keys).await?;
                Ok((page.total_count, page.data))
            })
        });
        only(pools.await?, name, |pool| pool.name.as_deref(), |pool| pool.uid)
    }

    async fn registered(&self, pool: &str) -> Result<UserPoolClient, CallError> {
        let uid = self.registered_uid(pool).await?;
        let read = GetUserPoolClient::new(uid, pool.to_owned());
        let mut found = self.client.call(&read, self.keys).await?;
        let Some(callback) = &self.names.callback_url else { return Ok(found) };
        for _ in 0..WRITES {
            if found.allowed_callback_urls.contains(callback) {
                return Ok(found);
            }
            let update = with_callback(&read, &found, callback);
            self.client.call(&update, self.keys).await?;
            // Another gateway may have written what it had read before.
            found = self.client.call(&read, self.keys).await?;
        }
        if found.allowed_callback_urls.contains(callback) {
            return Ok(found);
        }
        let detail = "the callback was registered and is not there: somebody else writes too";
        Err(CredentialError::new(ErrorCode::Conflict, detail).into())
    }

    async fn registered_uid(&self, pool: &str) -> Result<String, CallError> {
        if let Some(uid) = self.find_client(pool).await? {
            return Ok(uid);
        }
        match self.missing {
            Missing::Create => {}
            Missing::Refuse => return Err(none("the user pool has no client of this name")),
            Missing::RefuseForLogins => {
                return Err(none(
                    "the user pool has no client of this name, and people are signed in through one: if \
                     it was renamed, configure its name; to begin with a new one, sign them out first",
                ));
            }
        }
        let (kind, name) = ("WEB_APPLICATION".to_owned(), self.names.client.clone());
        let mut create = CreateUserPoolClient::new(kind, name, pool.to_owned());
        create.allowed_callback_urls = self.names.callback_url.clone().map(|url| vec![url]);
        let made = self.client.call(&create, self.keys).await.map(|client| client.uid);
        if let Some(uid) = made_here(made)? {
            return Ok(uid);
        }
        let missing = || invalid("the client was created and is not there");
        self.find_client(pool).await?.ok_or_else(missing)
    }

    async fn find_client(&self, pool: &str) -> Result<Option<String>, CallError> {
        let name = &self.names.client;
        let clients = all_pages(|number, size| {
            Box::pin(async move {
                let mut list = ListUserPoolClients::new(number, size, pool.to_owned());
                let filter =
                    UserPoolClientFilter { name: Some(name.clone()), ..Default::default() };
                list.filter = Some(filter);
                let page = self.client.call(&list, self.keys).await?;
                Ok((page.total_count, page.data))
            })
        });
        only(clients.await?, name, |client| client.name.as_deref(), |client| client.uid)
    }

    /// The first that is not switched off.
    async fn first_identity_provider(&self, pool: &str) -> Result<Option<String>, CallError> {
        let all = all_pages(|number, size| {
            Box::pin(async move {
                let list = ListIdentityProviders::new(number, size, pool.to_owned());
                let page = self.client.call(&list, self.keys).await?;
                Ok((page.total_count, page.data))
            })
        });
        let on = all.await?.into_iter().find(|one| one.enabled != Some(false));
        Ok(on.and_then(|one| one.name))
    }
}

/// The id of what was created; `None` if somebody else has created it meanwhile.
fn made_here(made: Result<Option<String>, CallError>) -> Result<Option<String>, CallError> {
    match made {
        Err(error) if error.fault() == Some(Fault::AlreadyExists) => Ok(None),
        made => made,
    }
}

/// The id of the one thing of exactly this name.
fn only<T>(
    all: Vec<T>,
    wanted: &str,
    name: impl Fn(&T) -> Option<&str>,
    uid: impl Fn(T) -> Option<String>,
) -> Result<Option<String>, CallError> {
    let mut same = all.into_iter().filter(|one| name(one) == Some(wanted));
    let Some(first) = same.next() else { return Ok(None) };
    if same.next().is_some() {
        let detail = "several have this name: say which by discoveryUrl and clientId";
        return Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail).into());
    }
    uid(first).map(Some).ok_or_else(|| invalid("what has this name has no id"))
}

fn issuer(pool: &UserPool) -> Option<String> {
    let from = |url: &String| {
        let url = url.strip_suffix("/.well-known/openid-configuration").unwrap_or(url);
        Some(url.to_owned()).filter(|url| !url.is_empty())
    };
    let domain = |domain: &String| Some(format!("https://{domain}")).filter(|_| !domain.is_empty());
    pool.issuer_url
        .as_ref()
        .and_then(from)
        .or_else(|| pool.discovery_url.as_ref().and_then(from))
        .or_else(|| pool.domain.as_ref().and_then(domain))
}

/// What was read, whole, and the callback: what an update leaves out is lost.
fn with_callback(
    read: &GetUserPoolClient,
    found: &UserPoolClient,
    callback: &str,
) -> UpdateUserPoolClient {
    let mut update = UpdateUserPoolClient::new(read.client_uid.clone(), read.user_pool_uid.clone());
    let mut callbacks = found.allowed_callback_urls.clone();
    callbacks.push(callback.to_owned());
    update.allowed_callback_urls = Some(callbacks);
    update.allowed_cors = Some(found.allowed_cors.clone());
    update.allowed_logout_urls = Some(found.allowed_logout_urls.clone());
    update.allowed_web_origins = Some(found.allowed_web_origins.clone());
    update.description = found.description.clone();
    update.development_mode_enabled = found.development_mode_enabled;
    update.dismiss_login_page_enabled = found.dismiss_login_page_enabled;
    update.id_token = found
        .id_token
        .as_ref()
        .map(|settings| IdTokenUpdate { life_time_seconds: settings.lifetime_seconds });
    update.logo_uri = found.logo_uri.clone();
    update.name = found.name.clone();
    update.refresh_token = found.refresh_token.clone();
    update.skip_consent_enabled = found.skip_consent_enabled;
    update
}

fn is_empty(secret: &SecretString) -> bool {
    credential_provider_api::ExposeSecret::expose_secret(secret).is_empty()
}

fn invalid(detail: &'static str) -> CallError {
    CredentialError::new(ErrorCode::InvalidResponse, detail).into()
}

fn none(detail: &'static str) -> CallError {
    CredentialError::new(ErrorCode::NotConfigured, detail).into()
}
