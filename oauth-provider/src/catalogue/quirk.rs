//! [`Quirk`]: what an issuer does in its own way.

use serde::Deserialize;

/// Where a service leaves the standards, and what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Quirk {
    /// The access token asked for is a bot's: its `token_type` is `bot`, and no other is taken.
    BotToken,
    /// Scopes of an answer are separated by commas. Spaces still separate them too.
    CommasInGrantedScopes,
    /// Scopes of the sign-in page are separated by commas.
    CommasInRequestedScopes,
    /// Errors come with status 200. They are understood for every issuer.
    ErrorsWithSuccessStatus,
    /// The answer is JSON only if the request accepts it. Every request does.
    JsonOnlyIfAccepted,
    /// Requests for tokens are JSON objects, not forms; so are requests to revoke one, without
    /// `token_type_hint`.
    JsonTokenRequest,
    /// Answers may have no `expires_in`: such a token is served until somebody sees it rejected.
    NoExpiresIn,
    /// An answer with `"ok": false` is an error, whatever else it has.
    OkFalse,
    /// The access token asked for is a person's: asked for in `user_scope`, sent in `authed_user` or,
    /// by a renewal, with the `token_type` `user`. A bot's token beside it is not taken.
    UserToken,
}

impl Quirk {
    /// Its name in the data.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BotToken => "bot_token",
            Self::CommasInGrantedScopes => "commas_in_granted_scopes",
            Self::CommasInRequestedScopes => "commas_in_requested_scopes",
            Self::ErrorsWithSuccessStatus => "errors_with_success_status",
            Self::JsonOnlyIfAccepted => "json_only_if_accepted",
            Self::JsonTokenRequest => "json_token_request",
            Self::NoExpiresIn => "no_expires_in",
            Self::OkFalse => "ok_false",
            Self::UserToken => "user_token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_said() {
        for quirk in crate::Service::all().iter().flat_map(|service| &service.quirks) {
            let json = format!("\"{}\"", quirk.as_str());
            assert_eq!(serde_json::from_str::<Quirk>(&json).unwrap(), *quirk);
        }
    }
}
