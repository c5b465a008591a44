//! `console/model`: a static key of the gateway that somebody may rotate outside.

use std::sync::Arc;

use credential_provider_api::{
    Capability, Change, Changes, Credential, CredentialDescriptor, CredentialError, CredentialKind,
    CredentialProvider, CredentialRef, ErrorCode, IdPattern, Key, Origin, ProviderDescriptor,
    ProviderId, Request, Resolution, async_trait,
};
use futures::stream;

use super::issuer::Issuer;
use super::provider::refused;

/// The model's console.
pub struct Console {
    issuer: Arc<Issuer>,
    descriptor: ProviderDescriptor,
    model: Key,
    origin: Origin,
}

impl Console {
    /// The provider.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn new(issuer: Arc<Issuer>) -> Result<Self, CredentialError> {
        let model = IdPattern::new("model")?;
        let model = CredentialDescriptor::gateway(model, CredentialKind::ApiKey)
            .with_description("the gateway's key of the model");
        let descriptor = ProviderDescriptor::new(ProviderId::new("console")?, "Console")
            .with_credential(model)
            .with_capability(Capability::Changes);
        let model = Key::gateway(&CredentialRef::parse("console/model")?);
        Ok(Self { issuer, descriptor, model, origin: Origin::parse("https://model.example")? })
    }
}

#[async_trait]
impl CredentialProvider for Console {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        request.require_no_variant()?;
        if request.key().credential.as_str() != "model" {
            return Err(CredentialError::new(ErrorCode::CredentialNotFound, ""));
        }
        let key = self.issuer.model_key().await.map_err(refused)?;
        Ok(Credential::api_key(key).with_origin(self.origin.clone()).into())
    }

    fn changes(&self) -> Changes {
        let seen = (self.issuer.model_key_rotations(), self.model.clone());
        Box::pin(stream::unfold(seen, |(mut rotations, model)| async {
            rotations.changed().await.ok()?;
            Some((Change::Key(model.clone()), (rotations, model)))
        }))
    }
}
