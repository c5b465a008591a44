//! [`Problem`]: what can go wrong on a disk, before it is an error of ours.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use credential_provider_api::{CredentialError, Detail, ErrorCode};

use crate::key::KeyId;

/// Whether something was being read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

#[derive(Debug)]
pub(crate) enum Problem {
    /// The system said no.
    Io { access: Access, path: PathBuf, error: io::Error },
    /// It is there, and not what we trust.
    Refused { path: PathBuf, why: &'static str },
    /// It is there, and not what we wrote.
    Unreadable { path: PathBuf, why: String },
    /// Another revision is there than expected.
    Conflict,
    /// Encrypted with a key we have not seen.
    UnknownKey { path: PathBuf, key: KeyId },
    /// The keys were rotated since they were read.
    StaleKeys,
    /// Somebody keeps a lock that is only ever held for a moment.
    Locked { path: PathBuf },
    /// An error that is ours already.
    Known(CredentialError),
}

pub(crate) type Outcome<T> = Result<T, Problem>;

impl Problem {
    pub(crate) fn unreadable(path: &Path, why: impl Into<String>) -> Self {
        Self::Unreadable { path: path.to_owned(), why: why.into() }
    }
}

/// Says where an operation of the system failed.
pub(crate) trait At<T> {
    fn reading(self, path: &Path) -> Outcome<T>;
    fn writing(self, path: &Path) -> Outcome<T>;
}

impl<T> At<T> for io::Result<T> {
    fn reading(self, path: &Path) -> Outcome<T> {
        self.map_err(|error| Problem::Io { access: Access::Read, path: path.to_owned(), error })
    }

    fn writing(self, path: &Path) -> Outcome<T> {
        self.map_err(|error| Problem::Io { access: Access::Write, path: path.to_owned(), error })
    }
}

impl From<CredentialError> for Problem {
    fn from(error: CredentialError) -> Self {
        Self::Known(error)
    }
}

impl From<Problem> for CredentialError {
    fn from(problem: Problem) -> Self {
        let (code, detail) = match problem {
            Problem::Io { access, path, error } => {
                let code = match (access, error.kind()) {
                    (
                        Access::Write,
                        ErrorKind::StorageFull
                        | ErrorKind::QuotaExceeded
                        | ErrorKind::FileTooLarge
                        | ErrorKind::ReadOnlyFilesystem
                        | ErrorKind::PermissionDenied
                        | ErrorKind::NotFound
                        | ErrorKind::NotADirectory,
                    ) => ErrorCode::StoreUnwritable,
                    (Access::Read, ErrorKind::PermissionDenied) => ErrorCode::StoreUnreadable,
                    _ => ErrorCode::Unavailable,
                };
                let verb = if access == Access::Read { "reading" } else { "writing" };
                (code, format!("{verb} {} failed: {}", path.display(), error.kind()))
            }
            Problem::Refused { path, why } => {
                (ErrorCode::StoreUnreadable, format!("{} {why}; it was not used", path.display()))
            }
            Problem::Unreadable { path, why } => (
                ErrorCode::StoreUnreadable,
                format!("{} {why}; it was left untouched", path.display()),
            ),
            Problem::Conflict => {
                return Self::new(ErrorCode::Conflict, "the record has another revision");
            }
            Problem::UnknownKey { path, key } => (
                ErrorCode::StoreUnreadable,
                format!(
                    "{} is encrypted with key {key}, which the key source does not have; \
                     bring that key back",
                    path.display()
                ),
            ),
            Problem::StaleKeys => {
                (ErrorCode::Unavailable, "the keys of the store are being rotated".to_owned())
            }
            Problem::Locked { path } => {
                let path = path.display();
                let detail = format!(
                    "{path} is locked by another process, stopped perhaps; fuser(1) names it"
                );
                (ErrorCode::StoreLocked, detail)
            }
            Problem::Known(error) => return error,
        };
        Self::new(code, Detail::composed(detail))
    }
}
