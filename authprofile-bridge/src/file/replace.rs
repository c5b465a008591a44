//! Replacing: readers see the old file or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use credential_provider_api::CredentialError;

use super::problem::unwritable;

/// Ends the name of every file of ours that is to take another's place.
const TEMPORARY: &str = ".bridge-tmp";

/// Replaces the file by one with this text, mode 0600, in its place beyond links.
///
/// When this has returned, a crash does not undo it. The file's time differs from `before` by at least
/// a millisecond: others cache by it.
///
/// # Errors
/// `store_unwritable`; the file is as it was.
pub(crate) fn replace(
    path: &Path,
    text: &str,
    before: Option<SystemTime>,
) -> Result<(), CredentialError> {
    // A link stays a link: what it points at is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |error: io::Error| unwritable(&path, &error);
    let (temporary, mut file) = temporary(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if let Some(before) = before {
        let now = file.metadata().and_then(|found| found.modified()).map_err(failed)?;
        if millis(now) == millis(before) {
            file.set_modified(now + Duration::from_millis(2)).map_err(failed)?;
        }
    }
    file.sync_all().map_err(failed)?;
    fs::rename(&temporary.0, &path).map_err(failed)?;
    temporary.renamed();
    sync_folder(&path).map_err(failed)
}

/// Makes a folder, and those above it that are missing, for their owner alone, as OpenClaw does.
///
/// # Errors
/// `store_unwritable`.
pub(crate) fn make_folder(path: &Path) -> Result<(), CredentialError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| unwritable(path, &error))
}

/// Removes what a process of ours that is gone has left half written beside `path`: it holds secrets.
/// Only with the lock of the file held, under which nobody else of ours writes.
pub(crate) fn remove_leftovers(path: &Path) {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (Some(folder), Some(begin)) = (path.parent(), path.file_name()) else { return };
    let begin = format!(".{}.", begin.to_string_lossy());
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(&begin) && name.ends_with(TEMPORARY));
        if ours {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn temporary(path: &Path) -> io::Result<(Temporary, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!(".{own}.{}-{count}{TEMPORARY}", std::process::id());
        let temporary = path.with_file_name(name);
        match options.open(&temporary) {
            Ok(file) => return Ok((Temporary(temporary), file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn millis(time: SystemTime) -> Option<u128> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_millis())
}

/// Removed when dropped, unless it has taken another's place.
struct Temporary(PathBuf);

impl Temporary {
    fn renamed(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.0);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::testing::Folder;

    #[test]
    fn the_new_file_is_private_and_its_time_another() {
        let folder = Folder::new();
        let file = folder.write("a.json", "old");
        let ahead = SystemTime::now() + Duration::from_secs(5);
        for before in [fs::metadata(&file).unwrap().modified().unwrap(), ahead] {
            replace(&file, "new", Some(before)).unwrap();
            let found = fs::metadata(&file).unwrap();
            assert_eq!(found.permissions().mode() & 0o777, 0o600);
            assert_ne!(millis(found.modified().unwrap()), millis(before));
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    }

    #[test]
    fn a_time_within_the_same_millisecond_is_moved_on() {
        let folder = Folder::new();
        let file = folder.write("a.json", "0");
        for round in 0..40 {
            let before = fs::metadata(&file).unwrap().modified().unwrap();
            replace(&file, &round.to_string(), Some(before)).unwrap();
            let after = fs::metadata(&file).unwrap().modified().unwrap();
            assert_ne!(millis(after), millis(before), "round {round}");
        }
    }

    #[test]
    fn a_folder_is_made_for_its_owner_alone() {
        let folder = Folder::new();
        make_folder(&folder.path("a/b")).unwrap();
        make_folder(&folder.path("a/b")).unwrap();
        let found = fs::metadata(folder.path("a/b")).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = Folder::new();
        let file = folder.write("real.json", "old");
        let link = folder.path("link.json");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, "new", None).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    }

    #[test]
    fn a_failure_leaves_the_file_and_nothing_beside_it() {
        let folder = Folder::new();
        fs::create_dir(folder.path("a.json")).unwrap();
        replace(&folder.path("a.json"), "new", None).unwrap_err();
        assert_eq!(folder.names(), ["a.json"]);
    }

    #[test]
    fn what_a_dead_process_left_is_removed_and_nothing_else() {
        let folder = Folder::new();
        let file = folder.write("a.json", "old");
        folder.write(".a.json.1-0.bridge-tmp", "secret");
        folder.write(".b.json.1-0.bridge-tmp", "another's");
        folder.write("a.json.tmp", "theirs");
        remove_leftovers(&file);
        assert_eq!(folder.names(), [".b.json.1-0.bridge-tmp", "a.json", "a.json.tmp"]);
    }
}
