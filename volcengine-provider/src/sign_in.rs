//! Signing in: through the user pool, with what another page received from it, by a consent at a third
//! party, or by typing a value.

use credential_provider_api::{
    AccountId, Credential, CredentialError, ErrorCode, ExposeSecret as _, Field, FlowState,
    Request, Revocation, SecretString, SignIn, SignInAnswer, SignInMethod, SignInProgress,
    SignInStart, SignInStep, SignedIn, async_trait,
};

use oauth_provider::OAuthProvider;

use crate::hosted::{Asking, Consent};
use crate::people::People;
use crate::provider::VolcengineProvider;

/// Who signs in where.
enum Place<'a> {
    UserPool(&'a People),
    ThirdParty,
    /// Nobody signs in: a user types a value of their own.
    Value,
}

/// The state of a flow that waits for tokens from another page of the same client.
struct Adopting;

/// The fields of such a flow.
const ID_TOKEN: &str = "id_token";
const REFRESH_TOKEN: &str = "refresh_token";

impl VolcengineProvider {
    fn place(&self, request: &Request) -> Result<Place<'_>, CredentialError> {
        let id = &request.key().credential;
        if let Some(people) = &self.people {
            if *id == people.identity.id {
                return Ok(Place::UserPool(people));
            }
            let hosted = self.vault.as_ref().filter(|_| !self.is_own(id));
            match hosted.and_then(|vault| vault.find(id)) {
                Some(hosted) if hosted.is_consented() => return Ok(Place::ThirdParty),
                Some(hosted) if hosted.is_value() => return Ok(Place::Value),
                _ => {}
            }
        }
        let error = CredentialError::new(ErrorCode::Unsupported, "nobody signs in to this one");
        Err(error.about(&request.key().reference()))
    }

    pub(crate) fn asking<'a>(
        &'a self,
        request: &'a Request,
    ) -> Result<Asking<'a>, CredentialError> {
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
        let by_fields = start.method == Some(SignInMethod::Fields);
        match self.place(request)? {
            Place::UserPool(_) if by_fields => {
                let fields = vec![
                    Field::secret(ID_TOKEN, "ID token"),
                    Field::secret(REFRESH_TOKEN, "refresh token, if there is one"),
                ];
                let step = SignInStep::AskFields { fields };
                Ok((Box::new(Adopting), SignInProgress::Step(step)))
            }
            Place::UserPool(people) => people.provider(request).await?.start(request, start).await,
            Place::Value if by_fields || start.method.is_none() => {
                Ok((Box::new(()), self.asking(request)?.ask_value()))
            }
            Place::Value => {
                let error = CredentialError::new(ErrorCode::Unsupported, "a value is typed");
                Err(error.about(&request.key().reference()))
            }
            Place::ThirdParty if by_fields => {
                let error = CredentialError::new(ErrorCode::Unsupported, "a page is opened");
                Err(error.about(&request.key().reference()))
            }
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
            Place::UserPool(people) if state.is::<Adopting>() => {
                let none = || CredentialError::new(ErrorCode::Conflict, "there is no ID token");
                let SignInAnswer::Fields(mut fields) = answer else { return Err(none()) };
                let id_token = fields.remove(ID_TOKEN).filter(is_there).ok_or_else(none)?;
                let refresh_token = fields.remove(REFRESH_TOKEN).filter(is_there);
                let provider = people.provider(request).await?;
                provider.adopt(request, id_token, refresh_token).await
            }
            Place::UserPool(people) => {
                people.provider(request).await?.answer(request, state, answer).await
            }
            Place::Value => self.asking(request)?.typed_value(answer).await,
            Place::ThirdParty => {
                let consent = state.downcast_mut::<Consent>().ok_or_else(|| {
                    CredentialError::new(ErrorCode::Internal, "the flow's state is another's")
                })?;
                self.asking(request)?.answer_consent(consent, answer).await
            }
        }
    }

    fn is_spent(&self, state: &FlowState) -> bool {
        OAuthProvider::is_flow_spent(state)
    }

    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        match self.place(request)? {
            Place::UserPool(people) => people.provider(request).await?.accept(request, done).await,
            Place::Value => {
                self.asking(request)?.keep_value(done).await?;
                Ok(None)
            }
            // The vault has the grant. The credential is had by asking for it, so that it is known
            // what it was derived from.
            Place::ThirdParty => Ok(None),
        }
    }

    async fn account(&self, request: &Request) -> Result<Option<AccountId>, CredentialError> {
        match self.place(request)? {
            Place::UserPool(people) => people.provider(request).await?.account(request).await,
            Place::ThirdParty | Place::Value => Ok(None),
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
        if !state.is::<Adopting>()
            && let Ok(Place::UserPool(people)) = self.place(request)
            && let Ok(provider) = people.provider(request).await
        {
            provider.cancel(request, state).await;
        }
    }

    async fn logout_page(&self, request: &Request) -> Result<Option<String>, CredentialError> {
        match self.place(request)? {
            Place::UserPool(people) => people.provider(request).await?.logout_page(request).await,
            Place::ThirdParty | Place::Value => Ok(None),
        }
    }

    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        match self.place(request)? {
            Place::UserPool(people) => people.sign_out(request).await,
            Place::Value => self.asking(request)?.forget_value().await,
            // The vault keeps the consent: it has no action that ends one.
            Place::ThirdParty => Ok(Revocation::LocalOnly),
        }
    }
}

fn is_there(secret: &SecretString) -> bool {
    !secret.expose_secret().is_empty()
}
