//! API keys, and where in a request they go.

use credential_provider_api::{Credential, CredentialError, ErrorCode, Placement};

use super::vault::{Asking, of_user};
use crate::action::resource::{ApiKeyMetadata, GetResourceApiKey};

impl Asking<'_> {
    pub(super) async fn api_key(&self) -> Result<Credential, CredentialError> {
        let name = self.name()?;
        let (answer, token) = self
            .call(|token| {
                let mut ask = GetResourceApiKey::new(token, name.clone());
                ask.pool_name = self.pool();
                ask
            })
            .await?;
        let missing = || CredentialError::new(ErrorCode::InvalidResponse, "there is no API key");
        let key = answer.api_key.ok_or_else(missing)?;
        let mut credential = of_user(Credential::api_key(key), &token);
        if let Some(placement) = answer.api_key_metadata.iter().find_map(placement) {
            credential = credential.with_placement(placement);
        }
        Ok(credential)
    }
}

/// The values of `Location` are not documented: header and query are known by what they contain.
fn placement(metadata: &ApiKeyMetadata) -> Option<Placement> {
    let location = metadata.location.as_deref()?.to_ascii_lowercase();
    let name = metadata.parameter_name.as_deref()?;
    let prefix = metadata.prefix.as_deref().unwrap_or_default();
    // RFC 9110 §5.6.2: a name of anything else is no header's, and a break in a prefix would be one
    // in the request.
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let visible = |c: char| c.is_ascii_graphic() || c == ' ';
    if name.is_empty() || !name.chars().all(token) || !prefix.chars().all(visible) {
        return None;
    }
    if location.contains("header") {
        Some(Placement::header(name, prefix))
    } else if location.contains("query") && prefix.is_empty() {
        Some(Placement::query(name))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(location: &str, name: &str, prefix: &str) -> Option<Placement> {
        placement(&ApiKeyMetadata {
            location: Some(location.into()),
            parameter_name: Some(name.into()),
            prefix: Some(prefix.into()),
        })
    }

    #[test]
    fn a_key_goes_where_the_vault_says_if_that_is_a_place() {
        assert_eq!(at("HEADER", "X-Api-Key", ""), Some(Placement::header("X-Api-Key", "")));
        assert_eq!(
            at("header", "Authorization", "Key "),
            Some(Placement::header("Authorization", "Key "))
        );
        assert_eq!(at("Query", "key", ""), Some(Placement::query("key")));
        for (location, name, prefix) in [
            ("cookie", "k", ""),
            ("header", "a b", ""),
            ("header", "", ""),
            ("header", "k", "a\r\nb: "),
            ("query", "k", "Bearer "),
        ] {
            assert_eq!(at(location, name, prefix), None, "{location} {name} {prefix}");
        }
    }
}
