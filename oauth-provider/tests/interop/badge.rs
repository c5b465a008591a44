//! Another provider, which depends on the ID token as a token exchange does.

use credential_provider_api::*;

pub struct Badge(ProviderDescriptor);

impl Badge {
    pub fn new() -> Self {
        let card = IdPattern::new("card").unwrap();
        let descriptor = ProviderDescriptor::new(ProviderId::new("badge").unwrap(), "Badge")
            .with_credential(CredentialDescriptor::session(card, CredentialKind::Token));
        Self(descriptor)
    }
}

#[async_trait]
impl CredentialProvider for Badge {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }

    async fn resolve(&self, request: &Request) -> Result<Resolution, CredentialError> {
        let who = CredentialRef::parse("idp/who").unwrap();
        let token = request.depend_on(Want::new(who)).await?;
        let card = Credential::token(token.secret().unwrap().clone());
        Ok(card.with_account(token.account().unwrap().clone()).into())
    }
}
