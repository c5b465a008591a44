//! A cloud access key that signs requests.

use std::sync::Arc;

use credential_provider_api::conformance::ProviderSuite;
use credential_provider_api::{
    AccessKey, Authorization, Credential, CredentialError, CredentialKind, CredentialProvider,
    Material, Origin, OutgoingRequest, ProviderDescriptor, Reason, Request, Resolution,
    SignRequest, Timestamp, async_trait,
};

use super::{Answer, Good, describe, only};

pub(crate) struct Signing {
    descriptor: ProviderDescriptor,
}

/// Signs with the length of what it signs: enough for a test.
struct Signer;

impl SignRequest for Signer {
    fn sign(
        &self,
        material: &Material,
        request: &OutgoingRequest<'_>,
        _: Timestamp,
    ) -> Result<Authorization, CredentialError> {
        let Material::AccessKey(key) = material else {
            unreachable!("made for access keys");
        };
        let signature = format!("{}:{}", key.access_key_id, request.path.len());
        let mut added = Authorization::default();
        added.headers.push(("Authorization".to_owned(), signature.into()));
        Ok(added)
    }
}

impl Signing {
    pub(crate) fn key() -> Credential {
        let session = Some("session-token".into());
        let key = AccessKey::new("AKID".to_owned(), "secret-access-key".into(), session);
        Credential::access_key(key)
            .with_signer(Arc::new(Signer))
            .with_origin(Origin::parse("https://cloud.example").unwrap())
    }
}

impl Good for Signing {
    type World = ();

    fn new((): ()) -> Self {
        Self { descriptor: describe("cloud", "role", CredentialKind::AccessKey) }
    }

    fn suite(
        (): (),
        alter: impl Fn(Self) -> Arc<dyn CredentialProvider> + Send + Sync + 'static,
    ) -> ProviderSuite {
        ProviderSuite::new(move || alter(Self::new(()))).credential("role")
    }
}

#[async_trait]
impl CredentialProvider for Signing {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, request: &Request) -> Answer {
        only(request, "role")?;
        Ok(Self::key().into())
    }

    async fn refresh(&self, request: &Request, _: &Credential, _: Reason) -> Answer {
        only(request, "role")?;
        Ok(Resolution::Unchanged)
    }
}
