//! What goes wrong with a file of somebody else, in the words of whoever can mend it.

use std::io;
use std::path::Path;

use credential_provider_api::{CredentialError, Detail, ErrorCode};

/// It cannot be read, and was left as it is.
pub(crate) fn unreadable(path: &Path, why: &io::Error) -> CredentialError {
    CredentialError::new(
        ErrorCode::StoreUnreadable,
        Detail::composed(format!("{}: {}", path.display(), kind(why))),
    )
}

/// It cannot be written; what it held stays.
pub(crate) fn unwritable(path: &Path, why: &io::Error) -> CredentialError {
    CredentialError::new(
        ErrorCode::StoreUnwritable,
        Detail::composed(format!("{}: {}", path.display(), kind(why))),
    )
}

/// It can be read, but is not what it should be, and was left as it is.
pub(crate) fn malformed(path: &Path, why: &str) -> CredentialError {
    CredentialError::new(
        ErrorCode::StoreUnreadable,
        Detail::composed(format!("{} {why}", path.display())),
    )
}

/// The kind alone: the full text may quote what was read.
fn kind(why: &io::Error) -> String {
    why.raw_os_error().map_or_else(
        || why.kind().to_string(),
        |code| io::Error::from_raw_os_error(code).to_string(),
    )
}
