//! What came back: query parameters, a pasted address, and what is wrong with them.

use std::collections::BTreeMap;

use credential_provider_api::{
    CredentialError, Detail, ErrorCode, FlowId, SecretString, SignInAnswer,
};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;
use url::{Url, form_urlencoded};

use super::code::Parameters;

/// More than any issuer sends back.
const LONGEST: usize = 16 * 1024;

/// A redirect that reached the host, and the flow it says it belongs to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Callback {
    /// The flow named by `state`. Whether there is such a flow is for the engine to say.
    pub flow: FlowId,
    /// What to hand to that flow.
    pub answer: SignInAnswer,
}

/// Reads the query of a redirect (RFC 6749 §4.1.2), for hosts with a web framework of their own: mount
/// it wherever the redirect address points, hand the answer to the flow, and show the person a page.
///
/// ```
/// let callback = oauth_provider::callback("code=c&state=flow-1")?;
/// assert_eq!(callback.flow.expose(), "flow-1");
/// // engine.sign_in_flow(&callback.flow) … flow.answer(callback.answer).await
/// # Ok::<(), credential_provider_api::CredentialError>(())
/// ```
///
/// # Errors
/// `invalid_response` if there is no `state`, a parameter comes twice, or the query is too long.
pub fn callback(query: &str) -> Result<Callback, CredentialError> {
    let parameters = parameters(query)?;
    let state = parameters.get("state").ok_or_else(|| wrong("the callback has no state"))?;
    let flow = FlowId::from_text(state.expose_secret());
    Ok(Callback { flow, answer: SignInAnswer::Callback(parameters) })
}

/// The parameters of an answer to the step that opens an address.
pub(super) fn parameters_of(
    answer: SignInAnswer,
    redirect_uri: &str,
) -> Result<Parameters, CredentialError> {
    match answer {
        SignInAnswer::Callback(parameters) => Ok(parameters),
        SignInAnswer::Pasted(text) => pasted(text.expose_secret(), redirect_uri),
        _ => Err(wrong("a callback or a pasted address is awaited")),
    }
}

/// The parameters of a query, each once (RFC 6749 §3.1).
fn parameters(query: &str) -> Result<Parameters, CredentialError> {
    if query.len() > LONGEST {
        return Err(wrong("the callback is too long"));
    }
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = SecretString::from(value.into_owned());
        if parameters.insert(name.into_owned(), value).is_some() {
            return Err(wrong("the callback has a parameter twice"));
        }
    }
    Ok(parameters)
}

/// The parameters of an address that a person copied from the browser.
fn pasted(text: &str, redirect_uri: &str) -> Result<Parameters, CredentialError> {
    if text.len() > LONGEST {
        return Err(wrong("the pasted text is too long"));
    }
    let read = |text: &str| Url::parse(text.trim()).ok();
    let (found, expected) = read(text).zip(read(redirect_uri)).ok_or_else(|| {
        wrong("the pasted text is no address; copy the whole line from the browser")
    })?;
    let place = |url: &Url| {
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url
    };
    if place(&found) != place(&expected) {
        return Err(wrong("the pasted address is not the one this sign-in comes back to"));
    }
    parameters(found.query().unwrap_or_default())
}

/// Whether two texts are the same, in a time that tells nothing.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The error an issuer redirects with (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
pub(super) fn refused(code: &str, description: &str) -> CredentialError {
    let class = match code {
        "temporarily_unavailable" | "server_error" => ErrorCode::Unavailable,
        "invalid_request"
        | "unauthorized_client"
        | "unsupported_response_type"
        | "invalid_scope"
        | "invalid_target" => ErrorCode::ConfigurationInvalid,
        "interaction_required"
        | "login_required"
        | "consent_required"
        | "account_selection_required" => ErrorCode::InteractionRequired,
        // `access_denied`: the person or the issuer said no, and this sign-in is over.
        _ => ErrorCode::FlowEnded,
    };
    CredentialError::new(class, Detail::cleaned(&format!("{code}: {description}")))
}

/// Transient: the flow goes on waiting for the right answer.
pub(super) fn wrong(detail: &'static str) -> CredentialError {
    CredentialError::new(ErrorCode::InvalidResponse, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "http://127.0.0.1:8000/callback";

    #[test]
    fn a_pasted_address_is_read_where_it_should_come_back_to() {
        let found = pasted(&format!(" {HOME}?code=a%20b&state=s#x\n"), HOME).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["code", "state"]);
        for other in
            ["http://127.0.0.1:8001/callback?code=a", "https://evil.example/?code=a", "abc"]
        {
            assert_eq!(pasted(other, HOME).unwrap_err().code(), ErrorCode::InvalidResponse);
        }
    }

    #[test]
    fn a_parameter_comes_once() {
        for query in ["state=a&state=b", "code=a", &"x".repeat(LONGEST + 1)] {
            assert_eq!(callback(query).unwrap_err().code(), ErrorCode::InvalidResponse);
        }
    }

    #[test]
    fn promise_6_a_callback_is_not_shown() {
        let callback = callback("code=canary&state=canary").unwrap();
        assert!(!format!("{callback:?} {callback:#?}").contains("canary"));
    }

    #[test]
    fn promise_9_every_refusal_has_a_code() {
        for (code, expected) in [
            ("access_denied", ErrorCode::FlowEnded),
            ("invalid_scope", ErrorCode::ConfigurationInvalid),
            ("server_error", ErrorCode::Unavailable),
            ("login_required", ErrorCode::InteractionRequired),
            ("anything", ErrorCode::FlowEnded),
        ] {
            assert_eq!(refused(code, "").code(), expected, "{code}");
        }
    }
}
