//! What the vault has: lists of credential providers, with filters.

use credential_provider_api::{CredentialDescriptor, CredentialError, Scope};

use super::settings::{Flow, Hosted, HostedKind};
use super::vault::Vault;
use crate::action::providers::{
    CredentialProvider, CredentialProviderFilter, ListCredentialProviders,
    ListRoleCredentialProviders, RoleCredentialProvider, RoleCredentialProviderFilter,
};
use crate::people::all_pages;
use crate::wire::{CallError, Client, Keys};

/// Which credential providers for API keys and OAuth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialProviderQuery {
    /// The pool they are in.
    pub pool_name: Option<String>,
    /// Their name, to the letter.
    pub name: Option<String>,
    /// `USER_FEDERATION` or `M2M`.
    pub flow: Option<String>,
    /// `api_key` or `oauth2`.
    pub kind: Option<String>,
}

/// Which credential providers for roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleQuery {
    /// The pool they are in.
    pub pool_name: Option<String>,
    /// What their names begin with.
    pub name_prefix: Option<String>,
    /// The user pool whose people they are for; those for agents are left out then.
    pub user_pool_name: Option<String>,
}

/// A page of a list, as the service cuts it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listed<T> {
    /// How many there are in all, if the service says.
    pub total: Option<u64>,
    /// Those on this page, as the service filters them: nothing is compared here.
    pub items: Vec<T>,
}

impl CredentialProviderQuery {
    fn filter(&self) -> CredentialProviderFilter {
        CredentialProviderFilter {
            name: self.name.clone(),
            flow: self.flow.clone(),
            kind: self.kind.clone(),
            pool_name: self.pool_name.clone(),
            ..Default::default()
        }
    }

    /// How the service compares is not documented: what comes back is compared here too.
    fn matches(&self, one: &CredentialProvider) -> bool {
        let same =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        same(&self.name, &one.name) && same(&self.flow, &one.flow) && same(&self.kind, &one.kind)
    }
}

impl RoleQuery {
    fn matches(&self, one: &RoleCredentialProvider) -> bool {
        let name = one.name.as_deref().unwrap_or_default();
        let prefix = self.name_prefix.as_deref().unwrap_or_default();
        let pool = user_pool_of(one);
        name.starts_with(prefix)
            && self.user_pool_name.as_deref().is_none_or(|wanted| pool == Some(wanted))
    }
}

/// The user pool whose people it is for, by name.
fn user_pool_of(one: &RoleCredentialProvider) -> Option<&str> {
    let pool = one.config.as_ref()?.identity_pool.as_ref()?;
    pool.user_pool.as_ref()?.pool_name.as_deref()
}

/// One page of credential providers, counted from 1.
pub(crate) async fn credential_provider_page(
    client: &Client,
    keys: &dyn Keys,
    query: &CredentialProviderQuery,
    (number, size): (u64, u64),
) -> Result<Listed<CredentialProvider>, CallError> {
    let mut list = ListCredentialProviders::new(number, size);
    list.pool_name.clone_from(&query.pool_name);
    list.filter = Some(query.filter());
    let page = client.call(&list, keys).await?;
    Ok(Listed { total: page.total_count, items: page.credential_providers })
}

/// All credential providers that match.
pub(crate) async fn credential_providers(
    client: &Client,
    keys: &dyn Keys,
    query: &CredentialProviderQuery,
) -> Result<Vec<CredentialProvider>, CallError> {
    let all = all_pages(|number, size| {
        Box::pin(async move {
            let page = credential_provider_page(client, keys, query, (number, size)).await?;
            Ok((page.total, page.items))
        })
    });
    Ok(all.await?.into_iter().filter(|one| query.matches(one)).collect())
}

/// All credential providers for roles that match.
pub(crate) async fn role_providers(
    client: &Client,
    keys: &dyn Keys,
    query: &RoleQuery,
) -> Result<Vec<RoleCredentialProvider>, CallError> {
    let all = all_pages(|number, size| {
        Box::pin(async move {
            let mut list = ListRoleCredentialProviders::new(number, size);
            let pool_name = query.pool_name.clone();
            list.filter = Some(RoleCredentialProviderFilter { pool_name, ..Default::default() });
            let page = client.call(&list, keys).await?;
            Ok((page.total_count, page.role_credential_providers))
        })
    });
    Ok(all.await?.into_iter().filter(|one| query.matches(one)).collect())
}

impl Vault {
    /// What the patterns stand for now: the credential providers that the service has.
    pub(crate) async fn list(
        &self,
        client: &Client,
        keys: &dyn Keys,
        owner: Scope,
    ) -> Result<Vec<CredentialDescriptor>, CredentialError> {
        let mut listed = Vec::new();
        for hosted in &self.hosted {
            let names = match &hosted.kind {
                // Users' own values have no list.
                _ if hosted.pattern.is_exact() => Vec::new(),
                HostedKind::UserCredential => Vec::new(),
                HostedKind::Role(_) => {
                    let query = RoleQuery { pool_name: self.pool_of(hosted), ..Default::default() };
                    let found = role_providers(client, keys, &query).await?;
                    let ours = found.into_iter().filter(|one| !self.is_of_others(one));
                    ours.filter_map(|one| one.name).collect()
                }
                HostedKind::ApiKey => self.names(client, keys, hosted, "api_key", None).await?,
                HostedKind::OAuth(oauth) => {
                    self.names(client, keys, hosted, "oauth2", oauth.flow).await?
                }
            };
            let ids = names.iter().filter_map(|name| hosted.id_of(name));
            // One that another description fits better is that one's.
            let ids =
                ids.filter(|id| self.find(id).is_some_and(|best| best.pattern == hosted.pattern));
            let described = hosted.descriptor(owner);
            if hosted.pattern.is_exact() {
                listed.push(described);
                continue;
            }
            listed.extend(ids.map(|id| {
                let mut one = described.clone();
                one.id = (&id).into();
                one
            }));
        }
        Ok(listed)
    }

    /// Whether it is for the people of another user pool than the one that is signed in to.
    fn is_of_others(&self, one: &RoleCredentialProvider) -> bool {
        let ours = self.user_pool.as_deref();
        ours.zip(user_pool_of(one)).is_some_and(|(ours, theirs)| ours != theirs)
    }

    /// The pool that is looked into: without a variant, as for what is asked for.
    fn pool_of(&self, hosted: &Hosted) -> Option<String> {
        hosted.pool.clone().or_else(|| self.pool.clone())
    }

    async fn names(
        &self,
        client: &Client,
        keys: &dyn Keys,
        hosted: &Hosted,
        kind: &str,
        flow: Option<Flow>,
    ) -> Result<Vec<String>, CredentialError> {
        let query = CredentialProviderQuery {
            pool_name: self.pool_of(hosted),
            name: None,
            flow: flow.map(|flow| flow.as_str().to_owned()),
            kind: Some(kind.to_owned()),
        };
        let found = credential_providers(client, keys, &query).await?;
        Ok(found.into_iter().filter_map(|one| one.name).collect())
    }
}
