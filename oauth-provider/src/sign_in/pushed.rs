//! The address a person opens: with the whole request in it, or with a reference to one that was
//! pushed to the issuer before (RFC 9126), where no browser can change or read it.

use std::time::Duration;

use credential_provider_api::{
    CredentialError, Detail, ErrorCode, Request, SignInStart, Timestamp,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::core::Core;
use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::http::HttpResponse;
use crate::issuer::{Metadata, Pushed};
use crate::token::patience;

/// When authorization requests are pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PushedAuthorization {
    /// When the issuer's metadata says that it must be so.
    #[default]
    WhenRequired,
    /// Always: an issuer without a place for it is an error.
    Always,
}

/// The address, and until when it is good.
pub(super) async fn page(
    core: &Core,
    request: &Request,
    metadata: &Metadata,
    endpoint: &Endpoint,
    parameters: Vec<(&str, String)>,
    start: &SignInStart,
) -> Result<(String, Timestamp), CredentialError> {
    let required = metadata.pushed == Pushed::Required;
    if !required && core.pushed == PushedAuthorization::WhenRequired {
        let mut url = endpoint.url().clone();
        url.query_pairs_mut().extend_pairs(parameters);
        return Ok((url.into(), start.expires_at));
    }
    let place = metadata.pushed_authorization_request_endpoint.as_ref().ok_or_else(|| {
        let detail = "the issuer has no place for pushed authorization requests";
        CredentialError::new(ErrorCode::Unsupported, detail)
    })?;
    let fields = parameters.into_iter().filter(|(name, _)| *name != "client_id");
    let form = fields.fold(Form::default(), |form, (name, value)| form.text(name, &value));
    let sent_at = core.clock.now();
    // The client is named by its authentication, once (RFC 9126 §2.1).
    let form = match core.endpoint.client.is_named_by_header() {
        true => form.text("client_id", &core.endpoint.client.id),
        false => form,
    };
    let response = core.endpoint.ask(request, place, form, None).await?;
    let (reference, life) = read(&response)?;
    let mut url = endpoint.url().clone();
    url.query_pairs_mut()
        .append_pair("client_id", &core.endpoint.client.id)
        .append_pair("request_uri", reference.expose_secret());
    Ok((url.into(), start.expires_at.min(sent_at.plus(life))))
}

#[derive(Deserialize)]
struct Body {
    request_uri: Option<SecretString>,
    expires_in: Option<u64>,
    error: Option<String>,
    #[serde(default)]
    error_description: String,
}

/// RFC 9126 §2.2, §2.3.
fn read(response: &HttpResponse) -> Result<(SecretString, Duration), CredentialError> {
    if matches!(response.status, 429 | 500..) {
        return Err(patience(response));
    }
    let unreadable = || {
        let detail = "the answer to a pushed authorization request cannot be read";
        CredentialError::new(ErrorCode::InvalidResponse, detail)
    };
    let body: Body =
        serde_json::from_slice(response.body.expose_secret()).map_err(|_| unreadable())?;
    match body {
        Body { error: Some(code), error_description, .. } => {
            let detail = Detail::cleaned(&format!("{code}: {error_description}"));
            Err(CredentialError::new(ErrorCode::ConfigurationInvalid, detail))
        }
        Body { request_uri: Some(reference), expires_in: Some(life), .. }
            if matches!(response.status, 200 | 201) =>
        {
            Ok((reference, Duration::from_secs(life)))
        }
        _ => Err(unreadable()),
    }
}
