//! [`KeychainCredential`]: one credential, or all whose id matches a pattern.

use credential_provider_api::{
    Credential, CredentialDescriptor, CredentialError, CredentialKind, ErrorCode, Field, IdPattern,
    Material, Origin, Placement, Scope,
};

use crate::item::ForeignItem;

/// What a keychain has for one credential, or for all whose id matches a pattern.
#[derive(Clone, Debug)]
pub struct KeychainCredential {
    pub(crate) id: IdPattern,
    pub(crate) kind: CredentialKind,
    pub(crate) scope: Scope,
    pub(crate) foreign: Option<ForeignItem>,
    pub(crate) fields: Vec<Field>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) placement: Option<Placement>,
    pub(crate) description: String,
}

impl KeychainCredential {
    fn of(id: IdPattern, kind: CredentialKind, fields: Vec<Field>) -> Self {
        Self {
            id,
            kind,
            scope: Scope::Gateway,
            foreign: None,
            fields,
            origins: Vec::new(),
            placement: None,
            description: String::new(),
        }
    }

    /// A static key. A sign-in asks for the field `key`.
    #[must_use]
    pub fn api_key(id: IdPattern) -> Self {
        Self::of(id, CredentialKind::ApiKey, vec![Field::secret("key", "API key")])
    }

    /// A bearer token. A sign-in asks for the field `token`.
    #[must_use]
    pub fn token(id: IdPattern) -> Self {
        Self::of(id, CredentialKind::Token, vec![Field::secret("token", "Token")])
    }

    /// Named values. A sign-in asks for these fields.
    #[must_use]
    pub fn user_value(id: IdPattern, fields: impl IntoIterator<Item = Field>) -> Self {
        Self::of(id, CredentialKind::UserValue, fields.into_iter().collect())
    }

    /// One for each effective session, in place of one for the gateway.
    #[must_use]
    pub const fn of_each_session(mut self) -> Self {
        self.scope = Scope::Session;
        self
    }

    /// Read from an item that another program keeps, and never written.
    #[must_use]
    pub fn from_item(mut self, item: ForeignItem) -> Self {
        self.foreign = Some(item);
        self
    }

    /// Adds an origin it may be sent to.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origins.push(origin);
        self
    }

    /// Where in a request it goes, if not in `Authorization: Bearer`.
    #[must_use]
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = Some(placement);
        self
    }

    /// A line for people.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), CredentialError> {
        let wrong = |detail: &'static str| {
            Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail))
        };
        if self.foreign.is_some() && !self.id.is_exact() {
            return wrong("an item of another program has one id, not a pattern");
        }
        if self.foreign.is_some() && self.scope == Scope::Session {
            return wrong("an item of another program is the gateway's: it belongs to no session");
        }
        if self.fields.is_empty() && self.foreign.is_none() {
            return wrong("a user value that a person sets has at least one field");
        }
        let mut names: Vec<_> = self.fields.iter().map(|field| field.name.as_str()).collect();
        names.sort_unstable();
        if names.iter().any(|name| name.is_empty())
            || names.windows(2).any(|two| two.first() == two.last())
        {
            return wrong("each field has a name of its own");
        }
        Ok(())
    }

    pub(crate) fn descriptor(&self) -> CredentialDescriptor {
        let described = match self.scope {
            Scope::Gateway => CredentialDescriptor::gateway(self.id.clone(), self.kind),
            _ => CredentialDescriptor::session(self.id.clone(), self.kind),
        };
        described.with_description(self.description.clone())
    }

    /// The credential that `material` is.
    pub(crate) fn credential(&self, material: Material) -> Credential {
        let mut credential = Credential::new(material);
        for origin in &self.origins {
            credential = credential.with_origin(origin.clone());
        }
        match &self.placement {
            Some(placement) => credential.with_placement(placement.clone()),
            None => credential,
        }
    }
}
