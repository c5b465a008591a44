//! How a person signs in: open a page, come back with a code.

use credential_provider_api::{
    AccountId, Credential, CredentialError, ErrorCode, ExposeSecret as _, FlowId, FlowState,
    Request, Revocation, SignIn, SignInAnswer, SignInMethod, SignInProgress, SignInStart,
    SignInStep, SignedIn, async_trait,
};

use credential_store::Exchange as _;

use super::issuer::Tokens;
use super::provider::{Workspace, refused};

#[async_trait]
impl SignIn for Workspace {
    async fn start(
        &self,
        _: &Request,
        start: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        if !matches!(start.method, None | Some(SignInMethod::AuthorizationCode)) {
            return Err(CredentialError::new(ErrorCode::Unsupported, "with a browser only"));
        }
        let step = SignInStep::OpenUrl {
            url: self.endpoint.issuer.sign_in_page(start.flow.expose()),
            expires_at: start.expires_at,
            poll_every: None,
        };
        Ok((Box::new(start.flow.clone()), SignInProgress::Step(step)))
    }

    async fn answer(
        &self,
        request: &Request,
        state: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        // Transient, so that the flow waits for the right answer.
        let wrong = |what: &'static str| CredentialError::new(ErrorCode::InvalidResponse, what);
        let SignInAnswer::Callback(mut parameters) = answer else {
            return Err(wrong("a callback is awaited"));
        };
        // The code must come from the page this flow opened (RFC 6749 §10.12).
        let flow = state.downcast_ref::<FlowId>().map(FlowId::expose);
        let came_from = parameters.remove("state");
        if came_from.as_ref().map(|state| state.expose_secret()) != flow {
            return Err(wrong("the callback belongs to another sign-in"));
        }
        let code = parameters.remove("code");
        let code = code.ok_or_else(|| wrong("the callback has no code"))?;
        // A code is good once: if it is sent, its answer is wanted.
        let commit = request.commit()?;
        let tokens = self.endpoint.issuer.redeem(&code).await.map_err(refused)?;
        drop(commit);
        let account = AccountId::new(&tokens.user)?;
        Ok(SignInProgress::Finished(SignedIn::new(Some(account), Box::new(tokens))))
    }

    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let (grant, credential) = self.endpoint.issued(tokens(done)?)?;
        let _commit = request.commit()?;
        let kept = self.grants.sign_in(request.key(), Some(grant), Some(credential)).await?;
        if let Some(replaced) = kept.replaced {
            self.endpoint.discard(replaced).await;
        }
        Ok(kept.credential)
    }

    /// Known after a restart too, and at a gateway where nobody has signed in.
    async fn account(&self, request: &Request) -> Result<Option<AccountId>, CredentialError> {
        let current = self.grants.current(request.key()).await?;
        Ok(current.and_then(|credential| credential.account().cloned()))
    }

    async fn discard(&self, _: &Request, done: SignedIn) {
        if let Ok((grant, _)) = tokens(done).and_then(|tokens| self.endpoint.issued(tokens)) {
            self.endpoint.discard(grant).await;
        }
    }

    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        self.end(request).await
    }
}

fn tokens(done: SignedIn) -> Result<Tokens, CredentialError> {
    let tokens = done.state.downcast::<Tokens>();
    tokens.map(|tokens| *tokens).map_err(|_| {
        CredentialError::new(ErrorCode::Internal, "the state belongs to another provider")
    })
}
