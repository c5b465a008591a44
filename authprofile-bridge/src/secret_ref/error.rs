//! [`SecretRefError`]: how a reference can fail, as types.

use std::fmt;

use credential_provider_api::{CredentialError, Detail, ErrorCode, SecretRef, SecretSource};

/// Why a reference was not resolved.
///
/// It names the alias and, where they keep the grammar, the id: words of the configuration. It never
/// holds what a file or program said.
#[derive(Clone, Debug)]
pub struct SecretRefError {
    source: SecretSource,
    /// The alias and the id, if they keep the grammar.
    alias: Option<String>,
    id: Option<String>,
    problem: SecretRefProblem,
}

/// What went wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SecretRefProblem {
    /// No source of this alias is configured.
    NotConfigured,
    /// The source of this alias is of another kind than the reference says.
    SourceMismatch,
    /// The source is one that a plugin of OpenClaw brings, or of a kind not known here.
    NotSupported,
    /// The alias or the id does not keep the grammar of the source.
    InvalidReference,
    /// The variable is not in the allowlist.
    NotAllowlisted,
    /// The variable is not set, or empty.
    VariableMissing,
    /// The path of a file or program is refused.
    Path(PathProblem),
    /// The file cannot be read.
    FileUnreadable,
    /// The file was not read in time.
    FileTimedOut,
    /// The file is longer than `maxBytes`.
    FileTooBig,
    /// The file is not a JSON object, or no text.
    FileNotObject,
    /// The pointer leads nowhere.
    PointerNotFound,
    /// The program could not be started.
    NotStarted,
    /// The program did not end in time.
    TimedOut,
    /// The program was silent for longer than `noOutputTimeoutMs`.
    NoOutput,
    /// The program said more than `maxOutputBytes`.
    TooMuchOutput,
    /// The program ended with another code than 0; `None` if by a signal.
    Exited(Option<i32>),
    /// The program said nothing.
    EmptyAnswer,
    /// The program's answer is not a JSON object.
    InvalidAnswer,
    /// The program's answer is of another version than 1.
    WrongVersion,
    /// The program's answer has no object `values`.
    MissingValues,
    /// The program refused this id, with this code where it is one of letters and underscores.
    Refused(Option<String>),
    /// The program's answer does not mention this id.
    MissingId,
    /// More ids for one source than `maxRefsPerProvider`.
    TooManyIds,
    /// A request of more than `maxBatchBytes`.
    BatchTooBig,
    /// The value is empty, or not text.
    NotText,
    /// A redaction mark, a fence, a sentinel or an unresolved reference stands where a value should be.
    Mark,
    /// The host lends no store.
    NoStore,
    /// The store has no entry of this name.
    EntryMissing,
    /// The store failed.
    Store(CredentialError),
}

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathProblem {
    /// It is not absolute.
    NotAbsolute,
    /// Nothing is there, or it cannot be looked at.
    NotReadable,
    /// It is a symbolic link.
    SymbolicLink,
    /// It is not a regular file.
    NotAFile,
    /// It has other hard links.
    HardLinks,
    /// It belongs to another user.
    Owner,
    /// Others can write it, or read it where it holds secrets.
    TooOpen,
    /// It is outside the trusted folders.
    Untrusted,
    /// Owner and mode cannot be told here.
    Unverifiable,
}

impl PathProblem {
    const fn words(self) -> &'static str {
        match self {
            Self::NotAbsolute => "its path is not absolute",
            Self::NotReadable => "nothing readable is at its path",
            Self::SymbolicLink => "its path is a symbolic link",
            Self::NotAFile => "its path is not a regular file",
            Self::HardLinks => "its file has other hard links",
            Self::Owner => "its file belongs to another user",
            Self::TooOpen => "its file is open to other users",
            Self::Untrusted => "its path is outside trustedDirs",
            Self::Unverifiable => "owner and mode of its file cannot be told here",
        }
    }
}

impl SecretRefProblem {
    /// What is wrong, in words of ours.
    fn words(&self) -> &'static str {
        match self {
            Self::NotConfigured => "no such source is configured",
            Self::SourceMismatch => "the source of this alias is of another kind",
            Self::NotSupported => "this source is a plugin's or of a kind not known here",
            Self::InvalidReference => "the reference does not keep the grammar of its source",
            Self::NotAllowlisted => "the variable is not in the allowlist",
            Self::VariableMissing => "the variable is not set, or empty",
            Self::Path(problem) => problem.words(),
            Self::FileUnreadable => "its file cannot be read",
            Self::FileTimedOut => "its file was not read within timeoutMs",
            Self::FileTooBig => "its file is longer than maxBytes",
            Self::FileNotObject => "its file is not a JSON object",
            Self::PointerNotFound => "the pointer leads nowhere",
            Self::NotStarted => "its program could not be started",
            Self::TimedOut => "its program did not end within timeoutMs",
            Self::NoOutput => "its program was silent for longer than noOutputTimeoutMs",
            Self::TooMuchOutput => "its program said more than maxOutputBytes",
            Self::Exited(_) => "its program failed",
            Self::EmptyAnswer => "its program answered nothing",
            Self::InvalidAnswer => "its program's answer is not a JSON object",
            Self::WrongVersion => "its program's answer is not of protocol version 1",
            Self::MissingValues => "its program's answer has no values",
            Self::Refused(_) => "its program refused it",
            Self::MissingId => "its program's answer does not mention it",
            Self::TooManyIds => "more ids than maxRefsPerProvider",
            Self::BatchTooBig => "a request of more than maxBatchBytes",
            Self::NotText => "its value is empty or not text",
            Self::Mark => "a redaction mark or an unresolved reference stands in its place",
            Self::NoStore => "this host lends no store",
            Self::EntryMissing => "the store has no entry of this name",
            Self::Store(_) => "the store failed",
        }
    }

    fn error_code(&self) -> ErrorCode {
        match self {
            Self::NotConfigured | Self::VariableMissing | Self::NoStore => ErrorCode::NotConfigured,
            Self::SourceMismatch
            | Self::InvalidReference
            | Self::Path(_)
            | Self::FileUnreadable
            | Self::FileTooBig
            | Self::FileNotObject
            | Self::TooManyIds
            | Self::BatchTooBig => ErrorCode::ConfigurationInvalid,
            Self::NotSupported => ErrorCode::Unsupported,
            Self::NotAllowlisted => ErrorCode::AccessDenied,
            Self::FileTimedOut | Self::TimedOut | Self::NoOutput => ErrorCode::Timeout,
            Self::PointerNotFound | Self::EntryMissing => ErrorCode::CredentialNotFound,
            Self::NotStarted | Self::Exited(_) | Self::Store(_) => ErrorCode::Unavailable,
            Self::Refused(code) => match code {
                Some(code) if is_not_found(code) => ErrorCode::CredentialNotFound,
                _ => ErrorCode::Unavailable,
            },
            Self::TooMuchOutput
            | Self::EmptyAnswer
            | Self::InvalidAnswer
            | Self::WrongVersion
            | Self::MissingValues
            | Self::MissingId
            | Self::NotText => ErrorCode::InvalidResponse,
            Self::Mark => ErrorCode::RedactedValue,
        }
    }
}

fn is_not_found(code: &str) -> bool {
    code == "NOT_FOUND"
}

impl SecretRefError {
    /// `problem` with `reference`, of which only what keeps the grammar is repeated.
    pub(crate) fn new(reference: &SecretRef, problem: SecretRefProblem) -> Self {
        let alias = super::check_alias(&reference.provider).then(|| reference.provider.clone());
        let id = super::check_id(reference.source, &reference.id).then(|| reference.id.clone());
        Self { source: reference.source, alias, id, problem }
    }

    /// What went wrong.
    #[must_use]
    pub const fn problem(&self) -> &SecretRefProblem {
        &self.problem
    }

    /// The source's kind.
    #[must_use]
    pub const fn source_kind(&self) -> SecretSource {
        self.source
    }

    /// OpenClaw's name for it (2026.9.6).
    #[must_use]
    pub fn code(&self) -> &'static str {
        use SecretRefProblem as P;
        match &self.problem {
            P::NotConfigured | P::NoStore => "SECRET_PROVIDER_NOT_CONFIGURED",
            P::SourceMismatch | P::NotSupported | P::Path(PathProblem::NotAbsolute) => {
                "SECRET_PROVIDER_INVALID"
            }
            P::Path(PathProblem::NotReadable)
            | P::FileUnreadable
            | P::FileTimedOut
            | P::NotStarted
            | P::TimedOut
            | P::NoOutput
            | P::Exited(_)
            | P::Store(_) => "SECRET_PROVIDER_UNAVAILABLE",
            P::Path(_) => "SECRET_PROVIDER_PATH_SECURITY_UNVERIFIABLE",
            P::InvalidReference => "SECRET_REF_INVALID",
            P::NotAllowlisted | P::TooManyIds | P::BatchTooBig => "SECRET_REF_POLICY_DENIED",
            P::VariableMissing | P::PointerNotFound | P::EntryMissing => "SECRET_REF_NOT_FOUND",
            P::Refused(Some(code)) if is_not_found(code) => "SECRET_REF_NOT_FOUND",
            P::Refused(_) => "SECRET_REF_PROVIDER_ERROR",
            P::FileTooBig
            | P::FileNotObject
            | P::TooMuchOutput
            | P::EmptyAnswer
            | P::InvalidAnswer
            | P::WrongVersion
            | P::MissingValues
            | P::MissingId
            | P::NotText => "SECRET_REF_PROVIDER_CONTRACT",
            P::Mark => "SECRET_REF_REDACTED_VALUE",
        }
    }

    /// Whether every reference to this alias fails with it.
    #[must_use]
    pub fn is_of_provider(&self) -> bool {
        self.code().starts_with("SECRET_PROVIDER_")
    }
}

impl fmt::Display for SecretRefError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            SecretSource::Env => "env",
            SecretSource::File => "file",
            SecretSource::Exec => "exec",
            _ => "store",
        };
        let alias = self.alias.as_deref().unwrap_or("?");
        let id = self.id.as_deref().unwrap_or("?");
        write!(f, "{} ({source}:{alias}:{id}): {}", self.code(), self.problem.words())?;
        match &self.problem {
            SecretRefProblem::Exited(Some(code)) => write!(f, " with exit code {code}"),
            SecretRefProblem::Exited(None) => f.write_str(" by a signal"),
            SecretRefProblem::Refused(Some(code)) => write!(f, " with {code}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for SecretRefError {}

impl From<SecretRefError> for CredentialError {
    fn from(error: SecretRefError) -> Self {
        match error.problem {
            // It has a code and a next step of its own.
            SecretRefProblem::Store(cause) => cause,
            _ => Self::new(error.problem.error_code(), Detail::composed(error.to_string())),
        }
    }
}
