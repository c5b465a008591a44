//! Values that users keep in the vault: opaque text, the field `value`.

use std::collections::BTreeMap;

use credential_provider_api::{Credential, CredentialError, ErrorCode};

use super::vault::{Asking, of_user};
use crate::action::resource::GetUserCredential;

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
        let fields = BTreeMap::from([("value".to_owned(), value)]);
        Ok(of_user(Credential::user_value(fields), &token))
    }
}
