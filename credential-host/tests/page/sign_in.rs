//! A provider whose sign-in opens an address and comes back.

use credential_provider_api::{
    AccountId, Credential, CredentialDescriptor, CredentialError, CredentialKind,
    CredentialProvider, Detail, ErrorCode, ExposeSecret as _, FlowState, IdPattern,
    ProviderDescriptor, ProviderId, Request, Resolution, SignIn, SignInAnswer, SignInMethod,
    SignInProgress, SignInStart, SignInStep, SignedIn, async_trait,
};

use super::gateway::CANARY;

pub(crate) struct Work {
    descriptor: ProviderDescriptor,
}

impl Work {
    pub(crate) fn new() -> Self {
        let mail =
            CredentialDescriptor::gateway(IdPattern::new("mail").unwrap(), CredentialKind::Token);
        let descriptor = ProviderDescriptor::new(ProviderId::new("work").unwrap(), "Work")
            .with_credential(mail)
            .with_sign_in(SignInMethod::AuthorizationCode);
        Self { descriptor }
    }
}

#[async_trait]
impl CredentialProvider for Work {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.descriptor
    }

    async fn resolve(&self, _: &Request) -> Result<Resolution, CredentialError> {
        Err(CredentialError::new(ErrorCode::NeedsReauth, ""))
    }

    fn sign_in(&self) -> Option<&dyn SignIn> {
        Some(self)
    }
}

#[async_trait]
impl SignIn for Work {
    async fn start(
        &self,
        _: &Request,
        start: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        let back = start.redirect_uri.clone().unwrap_or_default();
        let flow = start.flow.expose();
        let step = SignInStep::OpenUrl {
            url: format!("https://issuer.example/?redirect_uri={back}&state={flow}"),
            expires_at: start.expires_at,
            poll_every: None,
        };
        Ok((Box::new(()), SignInProgress::Step(step)))
    }

    async fn answer(
        &self,
        _: &Request,
        _: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let SignInAnswer::Callback(query) = answer else {
            return Err(CredentialError::new(ErrorCode::InvalidResponse, "a callback is awaited"));
        };
        if let Some(error) = query.get("error") {
            let said = Detail::cleaned(error.expose_secret());
            return Err(CredentialError::new(ErrorCode::FlowEnded, said));
        }
        assert_eq!(query["code"].expose_secret(), "good");
        let account = query.get("account").map(|a| AccountId::new(a.expose_secret()).unwrap());
        Ok(SignInProgress::Finished(SignedIn::new(account, Box::new(()))))
    }

    async fn accept(
        &self,
        _: &Request,
        _: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        Ok(Some(Credential::token(format!("access-{CANARY}-0123456789").into())))
    }

    async fn sign_out(
        &self,
        _: &Request,
    ) -> Result<credential_provider_api::Revocation, CredentialError> {
        Ok(credential_provider_api::Revocation::LocalOnly)
    }
}
