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
use crate::wire::{CallError, Fault};

/// How often a value is written that somebody else writes or deletes at the same time.
const WRITES: u32 = 3;
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
        let mut rest = WRITES;
        loop {
            rest -= 1;
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
            match create.await {
                // Somebody else has written it since the update: it is there to be updated.
                Err(error) if rest > 0 && error.fault() == Some(Fault::AlreadyExists) => {}
                done => return done.map(|_| ()).map_err(Into::into),
            }
        }
    }

    /// Has the vault forget the value. One that is not there is forgotten already; that the pool, say,
    /// is not there, tells nothing of the value.
    pub(crate) async fn forget_value(&self) -> Result<Revocation, CredentialError> {
        let (id, pool) = (self.name()?, self.pool());
        let forget = self.call(|token| {
            let mut forget = DeleteUserCredential::new(id.clone(), token);
            forget.pool_name.clone_from(&pool);
            forget
        });
        match forget.await {
            Err(error) if !is_gone(&error) => Err(error.into()),
            _ => Ok(Revocation::Remote),
        }
    }
}

/// Whether what was not found is the value: the code names it, or names nothing. How the service
/// spells its codes is not documented.
fn is_gone(error: &CallError) -> bool {
    match error {
        CallError::Service(error) => error.fault == Fault::NotFound && names_value(error.code()),
        _ => false,
    }
}

fn names_value(code: &str) -> bool {
    let mut named = code.to_ascii_lowercase();
    for word in ["notfound", "notexist", "nosuch", "resource", "entity", "error", ".", "_"] {
        named = named.replace(word, "");
    }
    matches!(named.as_str(), "" | "s" | "credential" | "credentialid")
        || named.contains("usercredential")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_value_s_own_404_says_that_it_is_gone() {
        for code in ["", "NotFound", "ResourceNotFound", "NotFound.UserCredential", "NoSuchEntity"]
        {
            assert!(names_value(code), "{code}");
        }
        for code in ["NotFound.CredentialPool", "NotFound.User", "WorkloadIdentityNotFound"] {
            assert!(!names_value(code), "{code}");
        }
    }
}
