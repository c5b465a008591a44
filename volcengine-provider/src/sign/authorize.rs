//! [`SiteSigner`]: what signs a consumer's requests.

use credential_provider_api::{
    Authorization, CredentialError, ErrorCode, Material, OutgoingRequest, SignRequest, Timestamp,
};
use url::form_urlencoded;

use super::canonical::{Covered, Unsigned};
use super::signature::sign;
use super::site::{Site, host_header};

/// Signs requests to the sites it knows with an access key.
#[derive(Debug)]
pub(crate) struct SiteSigner(pub(crate) Vec<Site>);

impl SignRequest for SiteSigner {
    fn sign(
        &self,
        material: &Material,
        request: &OutgoingRequest<'_>,
        now: Timestamp,
    ) -> Result<Authorization, CredentialError> {
        let unsupported =
            |detail: &'static str| CredentialError::new(ErrorCode::Unsupported, detail);
        let Material::AccessKey(key) = material else {
            return Err(unsupported("only an access key signs requests"));
        };
        let site = self.0.iter().find(|site| site.origin() == request.origin).ok_or_else(|| {
            CredentialError::new(ErrorCode::OriginDenied, "the service at this origin is not known")
        })?;
        // The service reads a query as a form does: `+` is a space.
        let query: Vec<(String, String)> =
            form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
        if query.iter().any(|(name, value)| (name.clone() + value).contains('\u{fffd}')) {
            return Err(unsupported("the query is not UTF-8"));
        }
        let host = host_header(request.origin);
        let sets = |name: &str| {
            ["host", "authorization", "x-date", "x-content-sha256", "x-security-token"]
                .iter()
                .any(|ours| name.eq_ignore_ascii_case(ours))
        };
        let given = request.headers.iter().copied().filter(|(name, _)| !sets(name));
        let headers: Vec<(&str, &str)> = given.chain([("Host", host.as_str())]).collect();
        let unsigned = Unsigned {
            method: request.method,
            path: request.path,
            query: &query,
            headers: &headers,
            body: request.body,
        };
        let signed = sign(&unsigned, key, site.scope(), Covered::Standard, now)?;
        let mut authorization = Authorization::default();
        let named = signed.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
        authorization.headers.extend(named);
        Ok(authorization)
    }
}
