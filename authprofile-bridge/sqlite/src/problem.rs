//! What goes wrong with a file of somebody else. SQLite's own texts can quote it, so its codes alone are
//! told.

use std::io;
use std::path::Path;

use credential_provider_api::{CredentialError, Detail, ErrorCode};
use rusqlite::ErrorCode as Sqlite;

/// Why a look at a file gave nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It is locked, or was opened or closed by somebody at this moment.
    Busy(&'static str),
    /// Another look would find the same.
    Lasting(CredentialError),
}

/// It cannot be read, and was left as it is.
pub(crate) fn unreadable(file: &Path, why: &str) -> CredentialError {
    CredentialError::new(
        ErrorCode::StoreUnreadable,
        Detail::composed(format!("{} {why}", file.display())),
    )
}

/// The system does not let us look.
pub(crate) fn refused(file: &Path, why: &io::Error) -> CredentialError {
    unreadable(file, &format!("cannot be looked at ({})", why.kind()))
}

/// It was not free within the time allowed.
pub(crate) fn locked(file: &Path, why: &str) -> CredentialError {
    CredentialError::new(
        ErrorCode::StoreLocked,
        Detail::composed(format!("{} {why}", file.display())),
    )
}

/// What SQLite said, in our words.
pub(crate) fn told(file: &Path, error: &rusqlite::Error, largest: u32) -> Trouble {
    let said = match error {
        rusqlite::Error::SqlInputError { error, .. } => error,
        rusqlite::Error::SqliteFailure(error, _) => error,
        _ => return Trouble::Lasting(unreadable(file, "has a row of another form than expected")),
    };
    let extended = said.extended_code;
    let lasting =
        |why: &str| Trouble::Lasting(unreadable(file, &format!("{why} (SQLite code {extended})")));
    match said.code {
        Sqlite::DatabaseBusy | Sqlite::DatabaseLocked => {
            Trouble::Busy("is locked by another program")
        }
        // Somebody has just removed what stood beside it, or has not recovered it yet.
        Sqlite::CannotOpen | Sqlite::ReadOnly | Sqlite::FileLockingProtocolFailed => Trouble::Busy(
            "is being opened or closed by another program, or needs recovery by its owner",
        ),
        Sqlite::NotADatabase => lasting("is not an SQLite file"),
        Sqlite::DatabaseCorrupt => lasting("is damaged"),
        Sqlite::TooBig => lasting(&format!("has a row larger than {largest} bytes")),
        Sqlite::PermissionDenied | Sqlite::AuthorizationForStatementDenied => {
            lasting("may not be read")
        }
        Sqlite::SystemIoFailure => lasting("cannot be read"),
        _ => lasting("has a table of another form than known"),
    }
}
