//! [`Terms`]: what an issuer says to clients that it has not met (RFC 8414 §2).

use serde::Deserialize;

/// Kept as it came: whoever relies on a part looks at it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Terms {
    /// Where clients register themselves (RFC 7591).
    pub(crate) registration_endpoint: Option<String>,
    /// Ways of PKCE (RFC 7636); none known if it is not there.
    pub(crate) code_challenge_methods_supported: Vec<String>,
    /// It fetches what stands at a client id that is an address (OAuth Client ID Metadata Document).
    pub(crate) client_id_metadata_document_supported: bool,
    /// `client_secret_basic` alone if it is not there.
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(crate) grant_types_supported: Option<Vec<String>>,
}

impl Terms {
    /// A document that says none of this in the form RFC 8414 asks for has said none of it: issuers
    /// that nobody registers at are not turned away for that.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// Whether it says that it can do PKCE with S256.
    pub(crate) fn has_s256(&self) -> bool {
        self.code_challenge_methods_supported.iter().any(|method| method == "S256")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_not_assumed() {
        for document in ["{}", r#"{"code_challenge_methods_supported":["plain"]}"#] {
            let terms = Terms::read(document.as_bytes());
            assert!(!terms.has_s256() && terms.registration_endpoint.is_none(), "{document}");
        }
        for document in [r#"{"code_challenge_methods_supported":"S256"}"#, "[]", "<html>"] {
            assert!(!Terms::read(document.as_bytes()).has_s256(), "{document}");
        }
        let said = r#"{"code_challenge_methods_supported":["plain","S256"]}"#;
        assert!(Terms::read(said.as_bytes()).has_s256());
    }
}
