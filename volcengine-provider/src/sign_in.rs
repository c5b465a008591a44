//! Signing in: through the user pool, or by a consent at a third party.

use credential_provider_api::{
    AccountId, Credential, CredentialError, ErrorCode, FlowState, Request, Revocation, SignIn,
    SignInAnswer, SignInProgress, SignInStart, SignedIn, async_trait,
};

use crate::hosted::Consent;
use crate::people::People;
use crate::provider::VolcengineProvider;

/// Who signs in where.
enum Place<'a> {
    UserPool(&'a People),
    ThirdParty,
}

impl VolcengineProvider {
    fn place(&self, request: &Request) -> Result<Place<'_>, CredentialError> {
        let id = &request.key().credential;
        if let Some(people) = &self.people {
            if *id == people.identity.id {
                return Ok(Place::UserPool(people));
            }
            if let Some(vault) = &self.vault
                && !self.is_own(id)
                && vault.find(id).is_some_and(crate::hosted::Hosted::is_consented)
            {
                return Ok(Place::ThirdParty);
            }
        }
        let error = CredentialError::new(ErrorCode::Unsupported, "nobody signs in to this one");
        Err(error.about(&request.key().reference()))
    }

    fn asking<'a>(
        &'a self,
        request: &'a Request,
    ) -> Result<crate::hosted::Asking<'a>, CredentialError> {
        let missing = || CredentialError::new(ErrorCode::CredentialNotFound, "");
        let vault = self.vault.as_ref().ok_or_else(missing)?;
        vault.asking(request, self.client(), self.platform())
    }
}

#[async_trait]
impl SignIn for VolcengineProvider {
    async fn start(
        &self,
        request: &Request,
        start: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        match self.place(request)? {
            Place::UserPool(people) => people.provider(request).await?.start(request, start).await,
            Place::ThirdParty => {
                let (consent, progress) = self.asking(request)?.start_consent(start).await?;
                Ok((Box::new(consent), progress))
            }
        }
    }

    async fn answer(
        &self,
        request: &Request,
        state: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        match self.place(request)? {
            Place::UserPool(people) => {
                people.provider(request).await?.answer(request, state, answer).await
            }
            Place::ThirdParty => {
                let consent = state.downcast_mut::<Consent>().ok_or_else(|| {
                    CredentialError::new(ErrorCode::Internal, "the flow's state is another's")
                })?;
                self.asking(request)?.answer_consent(consent, answer).await
            }
        }
    }

    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        match self.place(request)? {
            Place::UserPool(people) => people.provider(request).await?.accept(request, done).await,
            // The vault has the grant. The credential is had by asking for it, so that it is known
            // what it was derived from.
            Place::ThirdParty => Ok(None),
        }
    }

    async fn account(&self, request: &Request) -> Result<Option<AccountId>, CredentialError> {
        match self.place(request)? {
            Place::UserPool(people) => people.provider(request).await?.account(request).await,
            Place::ThirdParty => Ok(None),
        }
    }

    async fn discard(&self, request: &Request, done: SignedIn) {
        // A consent that does not count cannot be taken back: the vault has no action for that.
        if let Ok(Place::UserPool(people)) = self.place(request)
            && let Ok(provider) = people.provider(request).await
        {
            provider.discard(request, done).await;
        }
    }

    async fn cancel(&self, request: &Request, state: FlowState) {
        if let Ok(Place::UserPool(people)) = self.place(request)
            && let Ok(provider) = people.provider(request).await
        {
            provider.cancel(request, state).await;
        }
    }

    async fn logout_page(&self, request: &Request) -> Result<Option<String>, CredentialError> {
        match self.place(request)? {
            Place::UserPool(people) => people.provider(request).await?.logout_page(request).await,
            Place::ThirdParty => Ok(None),
        }
    }

    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        match self.place(request)? {
            Place::UserPool(people) => people.sign_out(request).await,
            // The vault keeps the consent: it has no action that ends one.
            Place::ThirdParty => Ok(Revocation::LocalOnly),
        }
    }
}
