//! [`Live`]: one login, read anew each time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use credential_provider_api::{
    AccountId, Clock, Credential, CredentialError, CredentialId, CredentialKind, Detail, ErrorCode,
    Material, Origin, ReauthReason, SecretString, Timestamp,
};
use futures::future::{Either, select};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::environment::Environment;
use super::file::{Access, FileProblem, LARGEST, read};
use super::format::{self, End, Found, Problem, ToldBy};
use super::keychain::KeychainReader;
use super::source::{LoginSource, Store};

/// Pauses before a file that is not whole is read again: 310 ms in all, then it is an error.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
    Duration::from_millis(160),
];
/// Longest that a keychain is waited for.
const LONGEST: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3600);

/// One configured login.
pub(super) struct Live {
    pub(super) id: CredentialId,
    pub(super) source: LoginSource,
    pub(super) path: PathBuf,
    pub(super) stores: Vec<Store>,
    pub(super) environment: Arc<Environment>,
    pub(super) keychain: Option<Arc<dyn KeychainReader>>,
    pub(super) expected: Option<AccountId>,
    pub(super) origins: Vec<Origin>,
    /// What was there when it was last resolved, or last told as a change.
    pub(super) known: Mutex<Option<Seen>>,
}

/// What was there, without the secret: enough to notice that it is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Content { digest: [u8; 32], written: Option<Timestamp> },
    Unreadable(FileProblem),
    Failed(ErrorCode),
}

/// The bytes of a login.
pub(super) struct Content {
    bytes: Zeroizing<Vec<u8>>,
    store: Store,
    written: Option<Timestamp>,
    access: Access,
}

/// A login that may be served.
pub(super) struct Obtained {
    pub(super) credential: Credential,
    /// Who may read the file it came from.
    pub(super) access: Access,
}

impl Live {
    pub(super) fn known(&self) -> MutexGuard<'_, Option<Seen>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The login as it is now, and what was seen of it. Read again, with short pauses, while it is
    /// not whole.
    pub(super) async fn obtain(
        &self,
        clock: &Arc<dyn Clock>,
    ) -> (Seen, Result<Obtained, CredentialError>) {
        let mut pauses = PAUSES.into_iter();
        loop {
            let (seen, looked) = self.look(clock).await;
            let found = match looked {
                Ok(None) => {
                    Err(Problem::SignIn(ReauthReason::NotSignedIn, self.source.not_there()))
                }
                Ok(Some(content)) => self.understand(&content, clock.now()),
                Err(problem) => Err(problem),
            };
            let problem = match found {
                Ok(obtained) => return (seen, Ok(obtained)),
                Err(problem) => problem,
            };
            match (problem, pauses.next()) {
                (Problem::Torn, Some(pause)) => clock.sleep_until(clock.now().plus(pause)).await,
                (problem, _) => return (seen, Err(self.error(problem))),
            }
        }
    }

    /// What is there, in the first store that has anything.
    pub(super) async fn look(
        &self,
        clock: &Arc<dyn Clock>,
    ) -> (Seen, Result<Option<Content>, Problem>) {
        for store in &self.stores {
            let looked = match store {
                Store::File => self.look_at_file().await,
                Store::Keychain => self.look_at_item(clock).await,
            };
            if !matches!(looked, (_, Ok(None))) {
                return looked;
            }
        }
        (Seen::Nothing, Ok(None))
    }

    async fn look_at_file(&self) -> (Seen, Result<Option<Content>, Problem>) {
        let path = self.path.clone();
        let looked = tokio::task::spawn_blocking(move || read(&path)).await;
        match looked.unwrap_or(Err(FileProblem::Failed)) {
            Ok(None) => (Seen::Nothing, Ok(None)),
            Ok(Some(file)) => {
                let content = Content {
                    bytes: file.bytes,
                    store: Store::File,
                    written: file.written,
                    access: file.access,
                };
                (self.seen(&content), Ok(Some(content)))
            }
            Err(problem) => (Seen::Unreadable(problem), Err(Problem::of(problem))),
        }
    }

    async fn look_at_item(
        &self,
        clock: &Arc<dyn Clock>,
    ) -> (Seen, Result<Option<Content>, Problem>) {
        let Some(keychain) = &self.keychain else { return (Seen::Nothing, Ok(None)) };
        let (source, environment) = (self.source.clone(), self.environment.clone());
        let named = tokio::task::spawn_blocking(move || source.item(&environment)).await;
        let item = match named {
            Ok(Ok(Some(item))) => item,
            Ok(Err(error)) => return (Seen::Failed(error.code()), Err(Problem::Is(error))),
            Ok(Ok(None)) | Err(_) => return (Seen::Nothing, Ok(None)),
        };
        let reading = keychain.read(&item.service, item.account.as_deref());
        let limit = clock.sleep_until(clock.now().plus(LONGEST));
        let answer = match select(reading, limit).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                let detail = "the keychain did not answer within 10 s";
                Err(CredentialError::new(ErrorCode::Timeout, detail))
            }
        };
        match answer {
            Ok(None) => (Seen::Nothing, Ok(None)),
            Ok(Some(secret)) if secret.expose_secret().len() as u64 > LARGEST => {
                let problem = FileProblem::TooLarge;
                (Seen::Unreadable(problem), Err(Problem::of(problem)))
            }
            Ok(Some(secret)) => {
                let bytes = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
                let store = Store::Keychain;
                let content = Content { bytes, store, written: None, access: Access::Owner };
                (self.seen(&content), Ok(Some(content)))
            }
            // The tool itself finds no keychain here and uses its file.
            Err(error) if is_none(&error) && self.stores.contains(&Store::File) => {
                (Seen::Nothing, Ok(None))
            }
            Err(error) => (Seen::Failed(error.code()), Err(Problem::Is(error))),
        }
    }

    fn seen(&self, content: &Content) -> Seen {
        let digest = Sha256::digest(&*content.bytes).into();
        let written = content.written.filter(|_| self.source.ends_by_age());
        Seen::Content { digest, written }
    }

    fn understand(&self, content: &Content, now: Timestamp) -> Result<Obtained, Problem> {
        let found = match content.store {
            Store::File => format::read(&self.source, &content.bytes, now),
            Store::Keychain => format::read_item(&self.source, &content.bytes, now),
        }?;
        let end = match found.end {
            End::At(end) => Some(end),
            // A file from the future was written now at the latest.
            End::HourAfterWritten => content.written.map(|written| written.min(now).plus(HOUR)),
            End::Unknown => None,
        };
        if end.is_some_and(|end| end <= now) {
            return Err(Problem::SignIn(ReauthReason::GrantExpired, "its login has ended"));
        }
        self.expect(&found)?;
        let credential = self.credential(found, end);
        credential.validate().map_err(|error| {
            Problem::Is(CredentialError::new(ErrorCode::RedactedValue, Detail::from(error)))
        })?;
        Ok(Obtained { credential, access: content.access })
    }

    /// Promise 5: where an account is expected, another one or an unnamed one is refused.
    fn expect(&self, found: &Found) -> Result<(), Problem> {
        let Some(expected) = &self.expected else { return Ok(()) };
        let mail = |email: &String| email.eq_ignore_ascii_case(expected.as_str());
        if found.account.as_ref() == Some(expected) || found.email.as_ref().is_some_and(mail) {
            return Ok(());
        }
        let detail = "the login is not of the account that the configuration expects";
        Err(Problem::Is(CredentialError::new(ErrorCode::AccountMismatch, detail)))
    }

    fn credential(&self, found: Found, end: Option<Timestamp>) -> Credential {
        let secret: SecretString = found.secret;
        let mut credential = Credential::new(match found.kind {
            CredentialKind::ApiKey => Material::ApiKey(secret),
            CredentialKind::Token => Material::Token(secret),
            _ => Material::OAuth2(secret),
        });
        if !found.scopes.is_empty() {
            credential = credential.with_scopes(found.scopes);
        }
        for origin in &self.origins {
            credential = credential.with_origin(origin.clone());
        }
        if let Some(end) = end {
            credential = credential.with_expiry(end);
        }
        if let Some(issued_at) = found.issued_at {
            credential = credential.with_issue_time(issued_at);
        }
        if found.account.is_some() {
            let told_by = match found.told_by {
                ToldBy::File => "file",
                ToldBy::UnverifiedToken => "unverified_id_token",
            };
            credential = credential.with_property("account_source", told_by);
        }
        if let Some(account) = found.account {
            credential = credential.with_account(account);
        }
        if let Some(email) = found.email {
            credential = credential.with_property("email", email);
        }
        credential
    }

    fn error(&self, problem: Problem) -> CredentialError {
        let unreadable = |why: &str| {
            let detail = format!("{}, the login of {}, {why}", self.path.display(), self.tool());
            CredentialError::new(ErrorCode::StoreUnreadable, Detail::composed(detail))
        };
        match problem {
            Problem::Is(error) => error,
            Problem::Torn => unreadable("is not whole JSON"),
            Problem::Corrupt(why) => unreadable(&format!("cannot be used: {why}")),
            Problem::SignIn(reason, why) => {
                let detail = format!("{}: {why}; {}", self.tool(), self.source.sign_in_again());
                CredentialError::needs_reauth(reason, Detail::composed(detail))
            }
        }
    }

    fn tool(&self) -> &'static str {
        self.source.tool()
    }
}

impl Problem {
    const fn of(problem: FileProblem) -> Self {
        match problem {
            FileProblem::Changing => Self::Torn,
            FileProblem::NotAFile => Self::Corrupt("it is no file"),
            FileProblem::TooLarge => Self::Corrupt("it is larger than 1 MiB"),
            FileProblem::Denied => Self::Corrupt("reading it is not permitted"),
            FileProblem::Failed => Self::Corrupt("reading it failed"),
        }
    }
}

fn is_none(error: &CredentialError) -> bool {
    matches!(error.code(), ErrorCode::NotConfigured | ErrorCode::Unsupported)
}
