//! Values that users keep in the vault: opaque text, the field `value`.

use std::collections::BTreeMap;

use credential_provider_api::{
    Credential, CredentialError, ErrorCode, ExposeSecret as _, Field, Revocation, SecretString,
    SignInAnswer, SignInProgress, SignInStep, SignedIn,
};

use super::vault::{Asking, of_user};
use crate::action::resource::{
    CreateUserCredential, DeleteUserCredential, GetUserCredential, UpdateUserCredential,
};
use crate::wire::Fault;

/// The field of the value.
const VALUE: &str = "value";

impl Asking<'_> {
    pub(super) async fn user_credential(&self) -> Result<Credential, CredentialError> {
        let id = self.name()?;
        let (answer, token) = self
            .call(|token| {
                let mut ask = GetUserCredential::new(id.clone(), token);
                ask.pool_name = self.pool();
                ask
            })
            .await?;
        let missing = || CredentialError::new(ErrorCode::InvalidResponse, "there is no value");
        let value = answer.credential_data.ok_or_else(missing)?;
        let fields = BTreeMap::from([(VALUE.to_owned(), value)]);
        Ok(of_user(Credential::user_value(fields), &token))
    }

    /// The step in which a user types their value.
    pub(crate) fn ask_value(&self) -> SignInProgress {
        let fields = vec![Field::secret(VALUE, &self.hosted.description)];
        SignInProgress::Step(SignInStep::AskFields { fields })
    }

    /// What was typed; it counts when it is [kept](Self::keep_value).
    pub(crate) async fn typed_value(
        &self,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let typed = match answer {
            SignInAnswer::Fields(mut fields) => fields.remove(VALUE),
            _ => None,
        };
        let value = typed.filter(|value| !value.expose_secret().is_empty());
        let none = || CredentialError::new(ErrorCode::Conflict, "there is no field `value`");
        let value = value.ok_or_else(none)?;
        // It is the value of whoever is signed in.
        let token = self.request.depend_on(self.workload_token()?).await?;
        let account = token.account().cloned();
        Ok(SignInProgress::Finished(SignedIn::new(account, Box::new(value))))
    }

    /// Writes the value to the vault, in place of the one that is there.
    pub(crate) async fn keep_value(&self, done: SignedIn) -> Result<(), CredentialError> {
        let strange = |_| CredentialError::new(ErrorCode::Internal, "the state is another's");
        let value = *done.state.downcast::<SecretString>().map_err(strange)?;
        let (id, pool) = (self.name()?, self.pool());
        let update = self.call(|token| {
            let mut update = UpdateUserCredential::new(id.clone(), token);
            (update.credential_data, update.pool_name) = (Some(value.clone()), pool.clone());
            update
        });
        match update.await {
            Err(error) if error.fault() == Some(Fault::NotFound) => {}
            done => return done.map(|_| ()).map_err(Into::into),
        }
        let create = self.call(|token| {
            let mut create = CreateUserCredential::new(value.clone(), token);
            (create.credential_id, create.pool_name) = (Some(id.clone()), pool.clone());
            create
        });
        create.await.map(|_| ()).map_err(Into::into)
    }

    /// Has the vault forget the value. One that is not there is forgotten already.
    pub(crate) async fn forget_value(&self) -> Result<Revocation, CredentialError> {
        let (id, pool) = (self.name()?, self.pool());
        let forget = self.call(|token| {
            let mut forget = DeleteUserCredential::new(id.clone(), token);
            forget.pool_name.clone_from(&pool);
            forget
        });
        match forget.await {
            Err(error) if error.fault() != Some(Fault::NotFound) => Err(error.into()),
            _ => Ok(Revocation::Remote),
        }
    }
}
