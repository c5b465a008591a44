//! Reading: whole, bounded, and again where somebody is just writing.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use credential_provider_api::CredentialError;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::problem::{malformed, unreadable};

/// A file's text, and what it is recognised by.
pub(crate) struct Contents {
    pub(crate) text: Zeroizing<String>,
    pub(crate) mark: Mark,
}

/// What tells one state of a file from another.
///
/// Time and length are what others cache by. The digest finds a change that keeps both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) modified: SystemTime,
    length: u64,
    digest: [u8; 32],
}

/// The pauses between two looks at a file that is being written. A test passes its own.
pub(crate) type Pauses<'a> = &'a dyn Fn(Duration);

/// A writer that is not atomic is done long before these have passed.
const AGAIN: [Duration; 5] = [
    Duration::from_millis(5),
    Duration::from_millis(15),
    Duration::from_millis(40),
    Duration::from_millis(80),
    Duration::from_millis(160),
];

/// What the file holds; `None` if there is none.
///
/// A symbolic link is followed, as the owners of these files do; a pipe or a device is refused.
///
/// # Errors
/// `store_unreadable` for what is no plain file, is larger than `most` bytes, or is not UTF-8.
pub(crate) fn read(path: &Path, most: u64) -> Result<Option<Contents>, CredentialError> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(path, &error)),
    };
    let found = file.metadata().map_err(|error| unreadable(path, &error))?;
    if !found.is_file() {
        return Err(malformed(path, "is not a plain file"));
    }
    if found.len() > most {
        return Err(malformed(path, "is too large"));
    }
    let modified = found.modified().map_err(|error| unreadable(path, &error))?;
    // One allocation, so that no copy of a secret stays behind; a file that grows meanwhile is torn.
    let room = usize::try_from(found.len()).unwrap_or(usize::MAX).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    (&file).take(room as u64).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    let mark =
        Mark { modified, length: bytes.len() as u64, digest: Sha256::digest(&*bytes).into() };
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed(path, "is not UTF-8 text"))?;
    Ok(Some(Contents { text: Zeroizing::new(text.to_owned()), mark }))
}

/// The state of a file now; `None` if there is none or it cannot be read.
pub(crate) fn mark_of(path: &Path, most: u64) -> Option<Mark> {
    read(path, most).ok().flatten().map(|contents| contents.mark)
}

/// What the file says, read by `parse`; `None` if there is no file.
///
/// Some writers are not atomic: a text that cannot be parsed, or an empty one, is read again after a
/// pause, and is an error only once it has stayed so. The file is never touched.
///
/// # Errors
/// As for [`read`], and `store_unreadable` with the line for what cannot be parsed.
pub(crate) fn read_settled<T, E: std::fmt::Display>(
    path: &Path,
    most: u64,
    pauses: Pauses<'_>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<(T, Mark)>, CredentialError> {
    let mut pause = AGAIN.iter();
    loop {
        let problem = match read(path, most) {
            Ok(None) => return Ok(None),
            Ok(Some(contents)) => match parse(&contents.text) {
                Ok(parsed) => return Ok(Some((parsed, contents.mark))),
                Err(error) => malformed(path, &format!("is torn or corrupt: {error}")),
            },
            Err(error) => error,
        };
        match pause.next() {
            Some(pause) => pauses(*pause),
            None => return Err(problem),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Opening a pipe without a writer would wait for ever.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::json::Object;
    use crate::testing::Folder;

    #[test]
    fn what_is_not_there_is_none_and_what_is_no_file_an_error() {
        let folder = Folder::new();
        assert!(read(&folder.path("nothing"), 100).unwrap().is_none());
        assert!(read(&folder.path("nothing/below"), 100).unwrap().is_none());
        assert!(read(folder.root(), 100).is_err());
        folder.write("large", &"x".repeat(101));
        assert!(read(&folder.path("large"), 100).is_err());
        std::fs::write(folder.path("binary"), [0xff, 0xfe]).unwrap();
        assert!(read(&folder.path("binary"), 100).is_err());
    }

    #[test]
    fn a_torn_file_is_read_again_until_it_is_whole() {
        let folder = Folder::new();
        let file = folder.write("torn.json", "{\"a\":");
        let looks = std::cell::Cell::new(0);
        let pauses = |_| {
            looks.set(looks.get() + 1);
            if looks.get() == 2 {
                std::fs::write(&file, "{\"a\":1}").unwrap();
            }
        };
        let (object, _) = read_settled(&file, 100, &pauses, Object::parse).unwrap().unwrap();
        assert_eq!((object.number("a"), looks.get()), (Some(1.0), 2));
    }

    #[test]
    fn a_corrupt_file_is_an_error_that_quotes_nothing_and_leaves_it_untouched() {
        let folder = Folder::new();
        let file = folder.write("corrupt.json", "{\"key\":\"sk-marked\"");
        let error = read_settled(&file, 100, &|_| {}, Object::parse).unwrap_err();
        assert_eq!(error.code(), credential_provider_api::ErrorCode::StoreUnreadable);
        assert!(!error.to_string().contains("sk-marked"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"key\":\"sk-marked\"");
    }

    #[test]
    fn a_change_that_keeps_time_and_length_is_seen() {
        let folder = Folder::new();
        let file = folder.write("a", "one");
        let before = mark_of(&file, 100).unwrap();
        std::fs::write(&file, "two").unwrap();
        File::options().write(true).open(&file).unwrap().set_modified(before.modified).unwrap();
        let after = mark_of(&file, 100).unwrap();
        assert_eq!(after.modified, before.modified);
        assert_ne!(after, before);
    }
}
