//! [`Dialect`]: how an issuer speaks where it leaves RFC 6749.

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::ser::{SerializeMap as _, Serializer as _};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::answer::TokenType;
use crate::catalogue::Quirk;
use crate::http::HttpRequest;

/// The standard's own by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dialect {
    pub(crate) requests: Requests,
    pub(crate) page: Page,
    pub(crate) granted: Granted,
    pub(crate) holder: Holder,
    pub(crate) ok: OkField,
}

/// The body of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Requests {
    #[default]
    Form,
    Json,
}

/// What is between scopes on the sign-in page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Page {
    #[default]
    Spaces,
    Commas,
}

/// What is between scopes in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Granted {
    #[default]
    Spaces,
    CommasToo,
}

/// Whose token is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Holder {
    /// Nobody says: a bearer token (RFC 6750).
    #[default]
    Bearer,
    Bot,
    User,
}

/// Whether `ok` says if an answer is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OkField {
    #[default]
    Ignored,
    Heeded,
}

impl Dialect {
    pub(crate) fn of(quirks: &[Quirk]) -> Self {
        let mut dialect = Self::default();
        for quirk in quirks {
            match quirk {
                Quirk::BotToken => dialect.holder = Holder::Bot,
                Quirk::CommasInGrantedScopes => dialect.granted = Granted::CommasToo,
                Quirk::CommasInRequestedScopes => dialect.page = Page::Commas,
                Quirk::JsonTokenRequest => dialect.requests = Requests::Json,
                Quirk::OkFalse => dialect.ok = OkField::Heeded,
                Quirk::UserToken => dialect.holder = Holder::User,
                // Every issuer may do these.
                Quirk::ErrorsWithSuccessStatus | Quirk::JsonOnlyIfAccepted | Quirk::NoExpiresIn => {
                }
            }
        }
        dialect
    }

    /// The parameter of the sign-in page that asks for `scopes`.
    pub(crate) fn asked(&self, scopes: &[String]) -> (&'static str, String) {
        let name = if self.holder == Holder::User { "user_scope" } else { "scope" };
        let between = if self.page == Page::Commas { "," } else { " " };
        (name, scopes.join(between))
    }

    /// The scopes of an answer.
    pub(crate) fn granted(&self, text: &str) -> Vec<String> {
        let between =
            |c: char| c.is_ascii_whitespace() || (c == ',' && self.granted == Granted::CommasToo);
        text.split(between).filter(|scope| !scope.is_empty()).map(Into::into).collect()
    }

    /// RFC 6749 §7.1: a token of a type not understood must not be used.
    pub(crate) fn token_type(&self, said: Option<&str>) -> Option<TokenType> {
        let said = said.map(str::to_ascii_lowercase);
        match (self.holder, said.as_deref()) {
            // Some issuers do not say; there is only one that would do without.
            (Holder::Bearer, None | Some("bearer")) => Some(TokenType::Bearer),
            (Holder::Bearer, Some("dpop")) => Some(TokenType::DPoP),
            (Holder::Bearer, Some("n_a")) => Some(TokenType::NotApplicable),
            // Whose it is has to be said where it could be somebody else's.
            (Holder::Bot, Some("bot")) | (Holder::User, Some("user")) => Some(TokenType::Bearer),
            _ => None,
        }
    }

    /// `request`, whose body is a form, as the issuer wants it.
    pub(crate) fn spoken(&self, mut request: HttpRequest) -> HttpRequest {
        if self.requests == Requests::Form {
            return request;
        }
        let Some(json) = json(request.body.expose_secret()) else { return request };
        request.body = json;
        request.headers.retain(|(name, _)| *name != "content-type");
        request.with_header("content-type", SecretString::from("application/json"))
    }
}

/// The fields of a form as a JSON object of texts.
fn json(form: &[u8]) -> Option<SecretSlice<u8>> {
    // Neither a buffer that grows nor one that shrinks wipes what it leaves behind. A field takes at
    // most six times its bytes in a form.
    let mut bytes = Zeroizing::new(Vec::with_capacity(6 * form.len() + 64));
    let mut serializer = serde_json::Serializer::new(&mut *bytes);
    let mut object = serializer.serialize_map(None).ok()?;
    for (name, value) in form_urlencoded::parse(form) {
        let value = Zeroizing::new(value.into_owned());
        object.serialize_entry(&*name, &*value).ok()?;
    }
    object.end().ok()?;
    Some(bytes.to_vec().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Form;

    #[test]
    fn a_form_becomes_json_with_every_field_as_it_was() {
        let form = Form::new("refresh_token").secret("refresh_token", &"a&b=\"\u{1}ü".into());
        let request = HttpRequest::post("https://a.example/t", form.into_body(), 1);
        let spoken = Dialect::of(&[Quirk::JsonTokenRequest]).spoken(request);
        let body: serde_json::Value = serde_json::from_slice(spoken.body.expose_secret()).unwrap();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", "a&b=\"\u{1}ü")];
        assert_eq!(body.as_object().unwrap().len(), fields.len());
        for (name, value) in fields {
            assert_eq!(body[name], value);
        }
        let types = spoken.headers.iter().filter(|(name, _)| *name == "content-type");
        let types: Vec<_> = types.map(|(_, value)| value.expose_secret().to_owned()).collect();
        assert_eq!(types, ["application/json"]);
    }

    #[test]
    fn only_the_token_that_was_asked_for_is_taken() {
        let (bot, user) = (Dialect::of(&[Quirk::BotToken]), Dialect::of(&[Quirk::UserToken]));
        let takes = |dialect: Dialect, said| dialect.token_type(said) == Some(TokenType::Bearer);
        assert!(takes(bot, Some("bot")) && takes(user, Some("user")));
        for (dialect, other) in
            [(bot, Some("user")), (user, Some("bot")), (user, None), (bot, None)]
        {
            assert!(!takes(dialect, other));
        }
        let standard = Dialect::default();
        assert!(takes(standard, None) && takes(standard, Some("BEARER")));
        assert!(!takes(standard, Some("bot")) && !takes(standard, Some("user")));
    }

    #[test]
    fn a_comma_separates_only_where_it_is_said_to() {
        assert_eq!(Dialect::default().granted("a,b c"), ["a,b", "c"]);
        let commas = Dialect::of(&[Quirk::CommasInGrantedScopes]);
        assert_eq!(commas.granted("a,b, c"), ["a", "b", "c"]);
    }
}
