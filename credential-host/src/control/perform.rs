//! [`Operations`]: they are carried out here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use credential_provider_api::{
    Credential, CredentialError, CredentialRef, EffectiveSession, ErrorCode, Key, ProviderId,
    Revocation, Scope, SecretString, State,
};
use resolution_engine::{Consumer, RequestBuilder, Target};
use secrecy::ExposeSecret as _;

use super::answer::{
    Answer, CredentialLine, EntryLine, HealthLine, Hello, ProviderLine, Refusal, Renewed, Served,
    Shown, Source,
};
use super::operation::{Named, Operation, Reveal, method_name};
use super::secret::Secret;
use super::{event, flow};
use crate::audit::FileAudit;
use crate::host::{CLI, CONSOLE, CredentialHost};

/// Longer than any renewal makes a token last beyond its present end.
const LONGER: Duration = Duration::from_secs(1);

/// Carries operations out on a host.
#[derive(Clone, Debug)]
pub struct Operations {
    pub(super) host: Arc<CredentialHost>,
    audit: Option<PathBuf>,
    source: Source,
    #[cfg(feature = "page")]
    page: Option<crate::page::PageLinks>,
}

impl Operations {
    /// In the gateway that serves the host.
    #[must_use]
    pub fn of_gateway(host: Arc<CredentialHost>) -> Self {
        Self::new(host, Source::Gateway)
    }

    /// In a process of its own, beside gateways that may run: what it knows is what the store has.
    #[must_use]
    pub fn of_store(host: Arc<CredentialHost>) -> Self {
        Self::new(host, Source::Store)
    }

    fn new(host: Arc<CredentialHost>, source: Source) -> Self {
        let audit = host.document().gateway().ok().and_then(|gateway| gateway.audit);
        Self {
            host,
            audit,
            source,
            #[cfg(feature = "page")]
            page: None,
        }
    }

    /// With the status page whose addresses [`Operation::PageLink`] makes.
    #[cfg(feature = "page")]
    #[must_use]
    pub fn with_page(mut self, links: crate::page::PageLinks) -> Self {
        self.page = Some(links);
        self
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Arc<CredentialHost> {
        &self.host
    }

    /// Carries `operation` out. Cancel-safe: what has begun goes on. [`Operation::Watch`] only says
    /// that events may follow: take them from the engine.
    ///
    /// # Errors
    /// Why it was not done, and what to do.
    pub async fn perform(&self, operation: Operation) -> Result<Answer, Refusal> {
        match operation {
            Operation::Hello => Ok(Answer::Hello(Hello {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                process: std::process::id(),
                configuration: self.configuration(),
            })),
            Operation::Providers => Ok(Answer::Providers { providers: self.providers() }),
            Operation::List { provider } => Ok(self.list(provider).await),
            Operation::Status => self.status().await,
            Operation::Get { of, reveal } => Ok(Answer::Credential(self.get(&of, reveal).await?)),
            Operation::Inject { session } => Ok(self.inject(session.as_deref()).await?),
            Operation::Refresh { of } => Ok(Answer::Credential(self.refresh(&of).await?)),
            Operation::Check { of } => {
                let health = self.target(&of)?.check().await?;
                let status = event::status(health.status).to_owned();
                Ok(Answer::Health(HealthLine { status, detail: health.detail.as_str().to_owned() }))
            }
            Operation::Revoke { of } => Ok(taken(self.target(&of)?.revoke().await?)),
            Operation::Logout { of } => Ok(taken(self.target(&of)?.sign_out().await?)),
            Operation::Audit { last } => self.audit(last).await,
            Operation::Reload => self.reload().await,
            Operation::Watch => Ok(Answer::Watching),
            #[cfg(feature = "page")]
            Operation::PageLink => match &self.page {
                Some(links) => Ok(Answer::PageLink { url: links.mint().into() }),
                None => Err(no_page()),
            },
            #[cfg(not(feature = "page"))]
            Operation::PageLink => Err(no_page()),
            operation => flow::perform(self, operation).await,
        }
    }

    /// From the root on: who asks may be in another folder.
    fn configuration(&self) -> String {
        let document = self.host.document();
        let path = std::path::absolute(document.path());
        path.unwrap_or_else(|_| document.path().to_owned()).display().to_string()
    }

    fn providers(&self) -> Vec<ProviderLine> {
        let document = self.host.document();
        let configured = document.value().get("credentialProviders");
        let kind = |id: &ProviderId| {
            let kind = configured?.get(id.as_str())?.get("type")?.as_str()?;
            Some(kind.to_owned())
        };
        let mut failed = self.host.failed();
        let mut lines = Vec::new();
        for (descriptor, _) in self.host.engine().administrator().providers() {
            let problem = failed.remove(&descriptor.id);
            lines.push(ProviderLine {
                kind: kind(&descriptor.id),
                id: descriptor.id.to_string(),
                name: descriptor.display_name,
                state: "in_service".to_owned(),
                problem: problem.map(|problem| problem.to_string()),
                sign_in: descriptor.sign_in.iter().map(|m| method_name(*m).to_owned()).collect(),
            });
        }
        lines.extend(failed.into_iter().map(|(id, problem)| ProviderLine {
            kind: kind(&id),
            id: id.to_string(),
            name: String::new(),
            state: "failed".to_owned(),
            problem: Some(problem.to_string()),
            sign_in: Vec::new(),
        }));
        lines.sort_by(|a, b| a.id.cmp(&b.id));
        lines
    }

    async fn list(&self, only: Option<ProviderId>) -> Answer {
        let administrator = self.host.engine().administrator();
        let (mut credentials, mut failed) = (Vec::new(), BTreeMap::new());
        for (descriptor, _) in administrator.providers() {
            let id = descriptor.id.clone();
            if only.as_ref().is_some_and(|only| *only != id) {
                continue;
            }
            let listed = match administrator.list(&id).await {
                Ok(mut listed) => {
                    // It lists what is there; what it has a name for may be signed in to or set.
                    for declared in descriptor.credentials {
                        let name = declared.id.as_str();
                        if !name.contains('*') && listed.iter().all(|l| l.id.as_str() != name) {
                            listed.push(declared);
                        }
                    }
                    listed
                }
                // What it declares is then all that is known.
                Err(error) if error.code() == ErrorCode::Unsupported => descriptor.credentials,
                Err(error) => {
                    failed.insert(id.to_string(), Refusal::from(error));
                    descriptor.credentials
                }
            };
            credentials.extend(listed.into_iter().map(|of| CredentialLine {
                credential: format!("{id}/{}", of.id.as_str()),
                kind: of.kind.as_str().to_owned(),
                scope: match of.scope {
                    Scope::Session => "session".to_owned(),
                    _ => "gateway".to_owned(),
                },
                description: of.description,
            }));
        }
        if let Some(only) = only
            && !administrator.providers().iter().any(|(known, _)| known.id == only)
        {
            let missing = CredentialError::new(ErrorCode::ProviderNotFound, "");
            failed.insert(only.to_string(), Refusal::from(missing));
        }
        Answer::List { credentials, failed }
    }

    async fn status(&self) -> Result<Answer, Refusal> {
        let mut entries: Vec<EntryLine> = Vec::new();
        if self.source == Source::Gateway {
            let snapshot = self.host.engine().administrator().snapshot();
            entries.extend(snapshot.into_iter().map(|entry| EntryLine {
                until: entry.until.map(|until| until.as_millis()),
                account: entry.account.map(|account| account.to_string()),
                revision: entry.revision.map(|revision| revision.get()),
                error: entry.error.as_ref().map(Refusal::from),
                ..line_of(&entry.key, entry.state)
            }));
        }
        // What is signed in and nobody has asked for yet. What is served from memory is told without it.
        let (stored, problem) = match self.stored().await {
            Ok(stored) => (stored, None),
            Err(refusal) if self.source == Source::Gateway => (Vec::new(), Some(refusal)),
            Err(refusal) => return Err(refusal),
        };
        for key in stored {
            let mut line = line_of(&key, State::Unconfigured);
            // An entry that has forgotten what it served knows less than the store.
            let knows =
                |entry: &EntryLine| same_key(entry, &line) && entry.state != State::Unconfigured;
            if entries.iter().any(knows) {
                continue;
            }
            let Some(store) = self.host.store() else { break };
            match store.load(&key).await {
                Ok(loaded) => {
                    let Some(record) = loaded.record else { continue };
                    line.revision = loaded.revision.map(|revision| revision.get());
                    line.state = State::Expired;
                    if let Some(credential) = &record.credential {
                        line.account = credential.account().map(ToString::to_string);
                        line.until = credential.expires_at().map(|end| end.as_millis());
                        let now = self.host.clock().now();
                        if credential.expires_at().is_none_or(|end| now < end) {
                            line.state = State::Active;
                        }
                    }
                    if let Some(refusal) = &record.refusal {
                        line.state = State::NeedsReauth;
                        line.error = Some(Refusal::from(refusal.error()));
                    }
                }
                Err(error) => line.error = Some(Refusal::from(error)),
            }
            entries.retain(|entry| !same_key(entry, &line));
            entries.push(line);
        }
        entries.sort_by(|a, b| whole_key(a).cmp(&whole_key(b)));
        Ok(Answer::Status { source: self.source, entries, problem })
    }

    async fn stored(&self) -> Result<Vec<Key>, Refusal> {
        match self.host.store() {
            Some(store) => Ok(store.list().await?),
            None => Ok(Vec::new()),
        }
    }

    async fn get(&self, of: &Named, reveal: Reveal) -> Result<Shown, CredentialError> {
        let consumer = self.host.engine().consumer(CLI)?;
        Ok(shown(
            &of.credential,
            &*self.request(&consumer, of, |request| request.retry()).await?,
            reveal,
        ))
    }

    async fn inject(&self, session: Option<&str>) -> Result<Answer, CredentialError> {
        let invalid = |problem| CredentialError::new(ErrorCode::ConfigurationInvalid, problem);
        let session = session.map(EffectiveSession::from_encoded).transpose().map_err(invalid)?;
        let consumer = self.host.engine().consumer(CLI)?;
        let injection = self.host.injector().resolve(&consumer, session.as_ref()).await?;
        let secret = |value: &str| Secret::from(SecretString::from(value));
        let values = injection.expose_values();
        Ok(Answer::Environment {
            set: values.map(|(name, value)| (name.to_owned(), secret(value))).collect(),
            removed: injection.removed().map(|name| name.as_str().to_owned()).collect(),
        })
    }

    async fn refresh(&self, of: &Named) -> Result<Shown, CredentialError> {
        let console = self.host.engine().consumer(CONSOLE)?;
        let before = self.request(&console, of, |request| request.retry()).await?;
        // What is there is served on, to all others, if the source gives none.
        let rest = before.expires_at().map(|end| self.host.clock().now().until(end));
        let lasting = rest.map_or(Duration::ZERO, |rest| rest.saturating_add(LONGER));
        let after = self.request(&console, of, |request| request.renew().min_validity(lasting));
        let after = after.await?;
        let renewed = if after.same_secrets(&before) { Renewed::Same } else { Renewed::New };
        let mut shown = shown(&of.credential, &after, Reveal::Masked);
        shown.fields.clear();
        shown.renewed = Some(renewed);
        Ok(shown)
    }

    /// Asks for one as the console does, which hands nothing out.
    #[cfg(feature = "page")]
    pub(crate) async fn look_up(&self, of: &Named) -> Result<(), CredentialError> {
        let console = self.host.engine().consumer(CONSOLE)?;
        self.request(&console, of, |request| request.retry()).await.map(drop)
    }

    async fn request(
        &self,
        who: &Consumer,
        of: &Named,
        how: impl for<'a> FnOnce(RequestBuilder<'a>) -> RequestBuilder<'a>,
    ) -> Result<Arc<Credential>, CredentialError> {
        let (session, variant) = of.parts()?;
        let mut request = who.request(&of.credential).variant(&variant);
        if let Some(session) = &session {
            request = request.session(session);
        }
        how(request).await
    }

    pub(super) fn target(&self, of: &Named) -> Result<Target, CredentialError> {
        let (session, variant) = of.parts()?;
        let target = self.host.engine().administrator().at(&of.credential).variant(&variant);
        Ok(match &session {
            Some(session) => target.session(session),
            None => target,
        })
    }

    async fn audit(&self, last: usize) -> Result<Answer, Refusal> {
        let Some(path) = self.audit.clone() else {
            let detail = "no audit trail is configured: credentialGateway.audit names its file";
            return Err(CredentialError::new(ErrorCode::NotConfigured, detail).into());
        };
        let read = tokio::task::spawn_blocking(move || FileAudit::last(&path, last)).await;
        match read {
            Ok(Ok(lines)) => Ok(Answer::Audit { lines }),
            _ => {
                let detail = "the audit trail cannot be read by this user";
                Err(CredentialError::new(ErrorCode::Unavailable, detail).into())
            }
        }
    }

    async fn reload(&self) -> Result<Answer, Refusal> {
        let report = self.host.reload().await.map_err(|error| {
            let detail = credential_provider_api::Detail::cleaned(&error.to_string());
            Refusal::from(CredentialError::new(ErrorCode::ConfigurationInvalid, detail))
        })?;
        let texts = |ids: Vec<ProviderId>| ids.into_iter().map(|id| id.to_string()).collect();
        let failed = report.failed.into_iter().map(|(id, why)| (id.to_string(), why.to_string()));
        Ok(Answer::Reloaded {
            added: texts(report.added),
            replaced: texts(report.replaced),
            removed: texts(report.removed),
            failed: failed.collect(),
        })
    }
}

/// Each variant is a credential of its own.
fn whole_key(entry: &EntryLine) -> (&str, Option<&str>, Option<&str>) {
    (&entry.credential, entry.session.as_deref(), entry.variant.as_deref())
}

fn same_key(one: &EntryLine, other: &EntryLine) -> bool {
    whole_key(one) == whole_key(other)
}

/// Of which nothing but the state is known yet.
fn line_of(key: &Key, state: State) -> EntryLine {
    EntryLine {
        credential: key.reference().to_string(),
        session: key.session.as_ref().map(|session| session.encoded().to_owned()),
        variant: Some(key.variant.encoded().to_owned()).filter(|variant| !variant.is_empty()),
        state,
        until: None,
        account: None,
        revision: None,
        error: None,
    }
}

fn no_page() -> Refusal {
    let detail = "there is no status page here: a gateway with one has to run";
    CredentialError::new(ErrorCode::Unsupported, detail).into()
}

fn taken(revocation: Revocation) -> Answer {
    let reach = match revocation {
        Revocation::Remote => "remote",
        _ => "local_only",
    };
    Answer::TakenBack { reach: reach.to_owned() }
}

fn shown(reference: &CredentialRef, credential: &Credential, reveal: Reveal) -> Shown {
    let field = |(name, secret): (&str, &credential_provider_api::SecretString)| {
        let served = match reveal {
            Reveal::Secret => Served::Secret(secret.clone().into()),
            Reveal::Masked => Served::Masked(mask(secret.expose_secret())),
        };
        (name.to_owned(), served)
    };
    Shown {
        credential: reference.to_string(),
        kind: credential.kind().as_str().to_owned(),
        account: credential.account().map(ToString::to_string),
        scopes: credential.scopes().to_vec(),
        origins: credential.origins().iter().map(ToString::to_string).collect(),
        expires_at: credential.expires_at().map(|end| end.as_millis()),
        revision: credential.revision().map(|revision| revision.get()),
        fields: credential.material().secrets().map(field).collect(),
        renewed: None,
    }
}

/// The last four characters of a secret that is long enough to lose them.
fn mask(secret: &str) -> String {
    let count = secret.chars().count();
    if count < 20 {
        return "…".to_owned();
    }
    let last: String = secret.chars().skip(count - 4).collect();
    format!("…{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_four_characters_of_a_long_secret_and_none_of_a_short_one() {
        assert_eq!(mask("sk-0123456789abcdefWXYZ"), "…WXYZ");
        assert_eq!(mask("password-of-alice"), "…");
        assert_eq!(mask(""), "…");
        assert_eq!(mask(&"é".repeat(20)), "…éééé");
    }
}
