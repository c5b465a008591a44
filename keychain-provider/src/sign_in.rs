//! Setting a credential: a sign-in that asks for its fields.

use std::collections::BTreeMap;

use credential_provider_api::{
    Credential, CredentialError, CredentialKind, Detail, ErrorCode, ExposeSecret as _, FlowState,
    Material, Request, Revocation, SecretString, SignIn, SignInAnswer, SignInMethod,
    SignInProgress, SignInStart, SignInStep, SignedIn, async_trait,
};

use crate::credential::KeychainCredential;
use crate::error::unsupported;
use crate::item::Item;
use crate::provider::KeychainProvider;
use crate::secret;

#[async_trait]
impl SignIn for KeychainProvider {
    async fn start(
        &self,
        request: &Request,
        start: &SignInStart,
    ) -> Result<(FlowState, SignInProgress), CredentialError> {
        let credential = self.core.described(request)?;
        self.core.own(credential, request.key())?;
        if start.method.is_some_and(|method| method != SignInMethod::Fields) {
            return Err(unsupported("an item of a keychain is set by typing it in"));
        }
        let step = SignInStep::AskFields { fields: credential.fields.clone() };
        Ok((Box::new(()), SignInProgress::Step(step)))
    }

    async fn answer(
        &self,
        request: &Request,
        _: &mut FlowState,
        answer: SignInAnswer,
    ) -> Result<SignInProgress, CredentialError> {
        let credential = self.core.described(request)?;
        let step =
            || SignInProgress::Step(SignInStep::AskFields { fields: credential.fields.clone() });
        match answer {
            SignInAnswer::Fields(fields) => {
                let material = material(credential, fields)
                    .map_err(|error| error.about(&request.key().reference()))?;
                Ok(SignInProgress::Finished(SignedIn::new(None, Box::new(material))))
            }
            SignInAnswer::Poll => Ok(step()),
            _ => Err(unsupported("the fields are wanted")),
        }
    }

    async fn accept(
        &self,
        request: &Request,
        done: SignedIn,
    ) -> Result<Option<Credential>, CredentialError> {
        let core = &self.core;
        let credential = core.described(request)?;
        let own = core.own(credential, request.key())?;
        let Ok(material) = done.state.downcast::<Material>() else {
            return Err(CredentialError::new(ErrorCode::Internal, "another provider's sign-in"));
        };
        let label = format!("{} ({})", request.key().credential, core.descriptor.display_name);
        let secret = secret::to_bytes(&material)?;
        let item = Item::Own(own.clone());
        core.change(request, &item, move |k, call| k.write(&own, &label, &secret, call)).await?;
        Ok(Some(core.credential(credential, *material)))
    }

    async fn sign_out(&self, request: &Request) -> Result<Revocation, CredentialError> {
        self.delete(request).await?;
        Ok(Revocation::LocalOnly)
    }
}

impl KeychainProvider {
    /// Deletes the item of ours that keeps what is asked for.
    pub(crate) async fn delete(&self, request: &Request) -> Result<bool, CredentialError> {
        let core = &self.core;
        let own = core.own(core.described(request)?, request.key())?;
        let item = Item::Own(own.clone());
        core.change(request, &item, move |k, call| k.delete(&own, call)).await
    }
}

/// What the fields make, if they are the fields asked for and something stands in each.
fn material(
    credential: &KeychainCredential,
    mut fields: BTreeMap<String, SecretString>,
) -> Result<Material, CredentialError> {
    let mut taken = BTreeMap::new();
    for field in &credential.fields {
        let value = fields.remove(&field.name).filter(|value| !value.expose_secret().is_empty());
        let Some(value) = value else {
            let detail = Detail::composed(format!("the field {} is missing or empty", field.name));
            return Err(CredentialError::new(ErrorCode::InvalidResponse, detail));
        };
        taken.insert(field.name.clone(), value);
    }
    if !fields.is_empty() {
        let detail = "an answer has a field that was not asked for";
        return Err(CredentialError::new(ErrorCode::InvalidResponse, detail));
    }
    let one = |taken: BTreeMap<String, SecretString>| {
        let first = taken.into_values().next();
        let text = first.unwrap_or_default();
        // A pasted key often brings the end of its line along.
        SecretString::from(text.expose_secret().trim())
    };
    let material = match credential.kind {
        CredentialKind::ApiKey => Material::ApiKey(one(taken)),
        CredentialKind::Token => Material::Token(one(taken)),
        _ => Material::UserValue(taken),
    };
    // A mask or an unresolved reference is never kept as a secret.
    Credential::new(material.clone())
        .validate()
        .map_err(|problem| CredentialError::new(ErrorCode::RedactedValue, problem))?;
    Ok(material)
}
