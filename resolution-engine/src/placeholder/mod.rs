//! Credentials in a tool's parameters, put there at the host's edge.
//!
//! The model writes `{{credential:provider/id}}` where a value belongs; it never learns the value. Just
//! before the host sends the parameters on, it has the placeholders filled, where its own rules and
//! the credential allow it.
//!
//! ```
//! # use credential_provider_api::*;
//! # use resolution_engine::*;
//! use resolution_engine::placeholder::{PlaceholderRules, Placeholders};
//!
//! # struct Vault(ProviderDescriptor);
//! # #[async_trait]
//! # impl CredentialProvider for Vault {
//! #     fn descriptor(&self) -> &ProviderDescriptor { &self.0 }
//! #     async fn resolve(&self, _: &Request) -> Result<Resolution, CredentialError> {
//! #         let origin = Origin::parse("https://api.example")?;
//! #         Ok(Credential::api_key("sk-0123456789".into()).with_origin(origin).into())
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let any = CredentialDescriptor::gateway(IdPattern::any(), CredentialKind::ApiKey);
//! # let vault = Vault(ProviderDescriptor::new(ProviderId::new("vault")?, "Vault").with_credential(any));
//! # let access = AccessRules::deny_all().allow("tool:http", "vault/api")?;
//! # let engine = ResolutionEngine::builder().provider(vault).access(access).build()?;
//! let rules = PlaceholderRules::none()
//!     .allow("tool:http", "/headers/X-Api-Key", "https://api.example")?;
//! let placeholders = Placeholders::new(rules);
//!
//! let parameters = serde_json::json!({
//!     "url": "https://api.example/items",
//!     "headers": { "X-Api-Key": "{{credential:vault/api}}" }
//! });
//! let tool = engine.consumer("tool:http")?;
//! let origin = Origin::parse("https://api.example")?; // of the URL, by the host's URL parser
//! let filled = placeholders.fill(&tool, None, Some(&origin), &parameters).await?;
//! assert_eq!(filled.expose_parameters()["headers"]["X-Api-Key"], "sk-0123456789");
//! # engine.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! In configuration the rules are a list:
//! ```
//! let section = r#"[
//!     { "consumer": "tool:http", "parameter": "/headers/*", "origin": "https://api.example" }
//! ]"#;
//! let rules: resolution_engine::placeholder::PlaceholderRules = serde_json::from_str(section)?;
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # What holds
//! - A placeholder is a whole text: `{{credential:provider/id}}`, or `{{credential:provider/id#field}}`
//!   for one field. The id ends at the first `#`. Part of a longer text, such as a shell command, it is
//!   never filled, and is an error.
//! - What only looks like one is an error too, in a value or in a key: one in another case, with spaces,
//!   or with characters in its `{{credential:` that are not seen, are full-width or mathematical forms,
//!   other colons or braces, or Cyrillic or Greek letters drawn alike. Other alphabets are not compared.
//! - It is filled only if a rule names the consumer, the parameter and the origin the call goes to,
//!   *and* the credential itself may be sent to that origin, *and* the access rules grant it. A call
//!   that goes to no known origin fills nothing.
//! - At most 1,000 stand in one call. Each credential is asked for once, however often it is named.
//! - All or nothing: on an error no parameter is filled. The parameters passed in are never changed.
//! - Parameters without placeholders need no rule and no origin, and come back as they are.
//! - What comes back shows no value in `Debug`, leaves through named sinks only, and wipes its texts
//!   when dropped.
//!
//! # What to know
//! The host says which origin the call goes to. It must be where the tool really sends the parameters:
//! take it from the URL the tool gets, split by the parser that the tool uses, and do not let it follow
//! redirects elsewhere. A tool that runs shell commands gets credentials by
//! [injection](crate::injection).

mod filled;
mod look;
mod path;
mod rules;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Credential, CredentialError, CredentialRef, Detail, EffectiveSession, ErrorCode, Origin,
    SecretString,
};
use futures::future::join_all;
use serde_json::Value;

pub use filled::FilledParameters;
pub use rules::{PlaceholderRule, PlaceholderRules};

use crate::consumer::Consumer;
use crate::injection::{Judged, ShortValues, judge};
use path::Path;
use scan::Found;

/// What came of each request.
type Credentials<'f> = BTreeMap<&'f CredentialRef, Result<Arc<Credential>, CredentialError>>;

/// Fills placeholders by a host's rules.
#[derive(Clone, Debug)]
pub struct Placeholders {
    rules: PlaceholderRules,
    short: ShortValues,
    min_validity: Duration,
}

impl Placeholders {
    /// By these rules. Short values are refused.
    #[must_use]
    pub const fn new(rules: PlaceholderRules) -> Self {
        Self { rules, short: ShortValues::Refuse, min_validity: Duration::ZERO }
    }

    /// What becomes of values under 8 characters.
    #[must_use]
    pub const fn short_values(mut self, short: ShortValues) -> Self {
        self.short = short;
        self
    }

    /// Values that last at least this long, where the source can give them.
    #[must_use]
    pub const fn min_validity(mut self, min_validity: Duration) -> Self {
        self.min_validity = min_validity;
        self
    }

    /// Fills the placeholders of one call of the tool `consumer`, for the session it is for, whose
    /// parameters go to `origin`. Nobody is asked to sign in. Cancel-safe.
    ///
    /// # Errors
    /// `placeholder_refused` names the parameter; `origin_denied` if the credential may not be sent
    /// there; else what a request fails with, `access_denied` and `session_required` among them.
    pub async fn fill(
        &self,
        consumer: &Consumer,
        session: Option<&EffectiveSession>,
        origin: Option<&Origin>,
        parameters: &Value,
    ) -> Result<FilledParameters, CredentialError> {
        let found = scan::scan(parameters)?;
        for Found { path, placeholder } in &found {
            let Some(origin) = origin else {
                let problem = "the call goes to no known origin, so nothing may be filled in";
                return Err(refused(path, problem).about(&placeholder.credential));
            };
            if !self.rules.allow_at(consumer.name(), path, origin) {
                let problem = format!("no rule allows a placeholder here for {origin}");
                return Err(refused(path, &problem).about(&placeholder.credential));
            }
        }
        let credentials = self.credentials(consumer, session, &found).await;
        let values = found.iter().map(|found| self.value(&credentials, origin, found));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let (values, held): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        let filled = FilledParameters::new(parameters, found.iter().map(|f| &f.path).zip(&values))?;
        Ok(filled.holding(held))
    }

    /// Each credential that is named, once.
    async fn credentials<'f>(
        &self,
        consumer: &Consumer,
        session: Option<&EffectiveSession>,
        found: &'f [Found<'_>],
    ) -> Credentials<'f> {
        let named = found.iter().map(|found| &found.placeholder.credential);
        let named: BTreeSet<&CredentialRef> = named.collect();
        let asked = named.into_iter().map(|reference| async move {
            let request = consumer.request(reference).min_validity(self.min_validity);
            let answer = match session {
                Some(session) => request.session(session).await,
                None => request.await,
            };
            (reference, answer)
        });
        join_all(asked).await.into_iter().collect()
    }

    fn value(
        &self,
        credentials: &Credentials<'_>,
        origin: Option<&Origin>,
        found: &Found<'_>,
    ) -> Result<(SecretString, Arc<Credential>), CredentialError> {
        let Found { path, placeholder } = found;
        let reference = &placeholder.credential;
        let credential = match credentials.get(reference) {
            Some(answer) => answer.as_ref().map_err(CredentialError::clone)?,
            None => {
                return Err(CredentialError::new(
                    ErrorCode::Internal,
                    "a credential was not asked for",
                ));
            }
        };
        if !origin.is_some_and(|origin| credential.origins().contains(origin)) {
            let detail = format!("{path}: the call's origin is not among the credential's");
            let error = CredentialError::new(ErrorCode::OriginDenied, Detail::composed(detail));
            return Err(error.about(reference));
        }
        match judge(credential, placeholder.field.as_deref(), self.short) {
            Ok(Judged::Fine(value)) => Ok((value, credential.clone())),
            Ok(Judged::Short(value)) => {
                tracing::warn!(credential = %reference, "a value too short to be masked is filled in");
                Ok((value, credential.clone()))
            }
            Err(problem) => Err(refused(path, problem).about(reference)),
        }
    }
}

/// A placeholder that is not filled, and where.
fn refused(path: &Path<'_>, problem: &str) -> CredentialError {
    let detail = Detail::composed(format!("{path}: {problem}"));
    CredentialError::new(ErrorCode::PlaceholderRefused, detail)
}
