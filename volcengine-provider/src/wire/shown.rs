//! [`shown`]: what may be shown of an error code.
//!
//! A code is text from outside: it is shown by literals of this crate, part by part. A part that is
//! not known here is left out, so that nothing that was put in its place can be read.

use super::code::{fragment, known};

/// First parts of the service's codes that are not codes by themselves.
const FAMILIES: &[&str] = &[
    "AlreadyExists",
    "Conflict",
    "Duplicate",
    "Duplicated",
    "Forbidden",
    "LimitExceeded",
    "NotFound",
    "NotSupported",
    "OperationDenied",
    "QuotaExceeded",
    "ResourceNotFound",
    "Unauthorized",
];

/// What a code may be about: things and parameters of the actions here, and reasons.
const THINGS: &[&str] = &[
    "AccountNotInWhitelist",
    "Action",
    "ApiKeyCredentialProvider",
    "Audience",
    "Client",
    "ClientUid",
    "Code",
    "CredentialData",
    "CredentialId",
    "CredentialPool",
    "CredentialProvider",
    "CustomParameters",
    "CustomState",
    "DurationSeconds",
    "Error",
    "Filter",
    "Flow",
    "ForceAuthentication",
    "IdentityProvider",
    "IdentityToken",
    "Name",
    "Namespace",
    "Oauth2CredentialProvider",
    "PageNumber",
    "PageSize",
    "Pool",
    "PoolName",
    "ProjectName",
    "ProviderName",
    "RedirectUrl",
    "RequestedRoleTrn",
    "Resource",
    "ResourceOauth2ReturnUrl",
    "Role",
    "RoleCredentialProvider",
    "RoleSessionName",
    "RoleTrn",
    "Scopes",
    "SessionUri",
    "State",
    "User",
    "UserCredential",
    "UserId",
    "UserIdentifier",
    "UserPool",
    "UserPoolClient",
    "UserPoolUid",
    "UserToken",
    "Vendor",
    "Version",
    "Workload",
    "WorkloadIdentity",
    "WorkloadPool",
    "WorkloadPoolName",
];

/// The code as far as it is made of words known here; `None` if its first part is not. A first part
/// that only contains a known word is shown as that word.
pub(super) fn shown(code: &str) -> Option<String> {
    if let Some(code) = known(code) {
        return Some(code.to_owned());
    }
    let mut parts = code.split('.');
    let first = parts.next()?;
    let within = || fragment(first).map(|word| format!("…{word}…"));
    let first = known(first).or_else(|| literal(FAMILIES, first)).map(str::to_owned);
    let mut text = first.or_else(within)?;
    for part in parts {
        text.push('.');
        text.push_str(literal(THINGS, part).unwrap_or("…"));
    }
    Some(text)
}

fn literal(words: &[&'static str], part: &str) -> Option<&'static str> {
    words.iter().find(|word| word.eq_ignore_ascii_case(part)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_shown_as_far_as_its_words_are_known() {
        for (code, text) in [
            ("SignatureDoesNotMatch", Some("signaturedoesnotmatch")),
            ("NotFound.WorkloadIdentity", Some("NotFound.WorkloadIdentity")),
            ("InvalidParameter.Name", Some("invalidparameter.Name")),
            (
                "OperationDenied.AccountNotInWhitelist",
                Some("OperationDenied.AccountNotInWhitelist"),
            ),
            ("EntityAlreadyExists", Some("…exist…")),
            ("NotFound.sk-canary", Some("NotFound.…")),
            ("sk-canary-notfound", Some("…notfound…")),
            ("sk-canary", None),
            ("", None),
        ] {
            assert_eq!(shown(code).as_deref(), text, "{code}");
        }
    }
}
