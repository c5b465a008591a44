//! [`FileAudit`]: the audit trail as lines of JSON.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use credential_provider_api::{AuditAction, AuditFailed, AuditRecord, AuditSink};
use serde::{Deserialize, Serialize};

/// An audit trail in a file, one JSON object a line, mode 0600.
///
/// Several processes may append to one file: a line is one write. A file over 16 MiB is renamed to
/// `….1`, in place of the one before, by one of them; one that cannot be renamed grows on. A file that
/// was moved away, by another process or by what rotates logs, is left, and a new one begun. Its folder
/// is made if it is not there, and then for this user alone.
#[derive(Debug)]
pub struct FileAudit {
    path: PathBuf,
    open: Mutex<Option<File>>,
}

/// One line of the trail. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditLine {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Who asked.
    pub consumer: String,
    /// For what, `provider/id`.
    pub credential: String,
    /// In which effective session, encoded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session: Option<String>,
    /// In which variant, encoded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub variant: Option<String>,
    /// What came of it: `denied`, `first_use`, `signed_in`, `signed_out`, `revoked`.
    pub action: String,
    /// The revision first used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revision: Option<u64>,
}

const LARGEST: u64 = 16 << 20;

impl FileAudit {
    /// Appends to `path`, which is made when the first line comes.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), open: Mutex::default() }
    }

    /// The last `count` lines at `path`, the oldest first. A file that is not there has none; a line
    /// that is none of ours is left out.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn last(path: &Path, count: usize) -> std::io::Result<Vec<AuditLine>> {
        let mut lines = std::collections::VecDeque::new();
        let mut older = path.as_os_str().to_owned();
        older.push(".1");
        for path in [Path::new(&older), path] {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for line in BufReader::new(file).split(b'\n') {
                if let Ok(line) = serde_json::from_slice::<AuditLine>(&line?) {
                    lines.push_back(line);
                    if lines.len() > count {
                        lines.pop_front();
                    }
                }
            }
        }
        Ok(lines.into())
    }

    /// Opens the file, as the first line would, and writes nothing.
    ///
    /// # Errors
    /// Why no line could be appended to it.
    pub fn prepare(&self) -> std::io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = Some(self.current(open.take())?);
        Ok(())
    }

    fn append(&self, line: &[u8]) -> std::io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = self.current(open.take())?;
        if file.metadata()?.len() >= LARGEST && self.turn_over(&file) {
            file = self.current(None)?;
        }
        file.write_all(line)?;
        *open = Some(file);
        Ok(())
    }

    /// The file that the path leads to, which is this one unless it was moved away.
    fn current(&self, open: Option<File>) -> std::io::Result<File> {
        match open {
            Some(file) if leads_to(&self.path, &file) => Ok(file),
            _ => private_append(&self.path),
        }
    }

    /// Makes room for a fresh file; whether the path leads to another one now. It is no reason to
    /// record nothing that the large one stays.
    fn turn_over(&self, large: &File) -> bool {
        // Of several processes one does it: a second renaming would drop what the first has kept.
        if matches!(large.try_lock(), Err(TryLockError::WouldBlock)) {
            return false;
        }
        if std::fs::metadata(&self.path).is_ok_and(|found| found.len() < LARGEST) {
            return true;
        }
        let mut older = self.path.as_os_str().to_owned();
        older.push(".1");
        let turned = std::fs::rename(&self.path, older).is_ok();
        let _ = large.unlock();
        turned
    }
}

#[cfg(unix)]
fn leads_to(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (there, here) = (std::fs::metadata(path), file.metadata());
    there.is_ok_and(|there| {
        here.is_ok_and(|here| (there.dev(), there.ino()) == (here.dev(), here.ino()))
    })
}

/// It is opened for every line.
#[cfg(not(unix))]
fn leads_to(_: &Path, _: &File) -> bool {
    false
}

fn private_append(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            private_folder(folder.ok_or(error)?)?;
            options.open(path)
        }
        opened => opened,
    }
}

/// Makes it if it is not there, and then for this user alone.
pub(crate) fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

impl AuditSink for FileAudit {
    fn record(&self, record: &AuditRecord) -> Result<(), AuditFailed> {
        let mut line =
            serde_json::to_vec(&AuditLine::from(record)).map_err(|_| AuditFailed::new())?;
        line.push(b'\n');
        self.append(&line).map_err(|_| AuditFailed::new())
    }
}

impl From<&AuditRecord> for AuditLine {
    fn from(record: &AuditRecord) -> Self {
        let (action, revision) = match record.action {
            AuditAction::Denied => ("denied", None),
            AuditAction::FirstUse(revision) => ("first_use", Some(revision.get())),
            AuditAction::SignedIn => ("signed_in", None),
            AuditAction::SignedOut => ("signed_out", None),
            AuditAction::Revoked => ("revoked", None),
            _ => ("other", None),
        };
        let key = &record.key;
        Self {
            at: record.at.as_millis(),
            consumer: record.consumer.to_string(),
            credential: key.reference().to_string(),
            session: key.session.as_ref().map(|session| session.encoded().to_owned()),
            variant: Some(key.variant.encoded().to_owned()).filter(|text| !text.is_empty()),
            action: action.to_owned(),
            revision,
        }
    }
}

#[cfg(test)]
mod tests {
    use credential_provider_api::{ConsumerName, CredentialRef, Key, Timestamp};

    use super::*;

    fn record(action: AuditAction) -> AuditRecord {
        let key = Key::gateway(&CredentialRef::parse("vault/openai").unwrap());
        let who = ConsumerName::new("tool:search").unwrap();
        AuditRecord::new(Timestamp::from_millis(7), who, key, action)
    }

    #[test]
    fn lines_come_back_in_order_the_last_ones_first_to_stay() {
        let path =
            std::env::temp_dir().join(format!("credential-host-audit-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        assert_eq!(FileAudit::last(&path, 5).unwrap(), []);
        let audit = FileAudit::new(&path);
        for action in [AuditAction::Denied, AuditAction::SignedIn, AuditAction::Revoked] {
            audit.record(&record(action)).unwrap();
        }
        let actions: Vec<String> =
            FileAudit::last(&path, 2).unwrap().into_iter().map(|line| line.action).collect();
        assert_eq!(actions, ["signed_in", "revoked"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_trail_that_cannot_be_kept_says_so_and_a_folder_is_made_for_its_owner() {
        let folder = std::env::temp_dir().join(format!("credential-trail-{}", std::process::id()));
        let path = folder.join("state").join("audit.jsonl");
        let audit = FileAudit::new(&path);
        audit.record(&record(AuditAction::Denied)).unwrap();
        assert_eq!(FileAudit::last(&path, 5).unwrap().len(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let mode = std::fs::metadata(path.parent().unwrap()).unwrap().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        // A file is no folder.
        let nowhere = FileAudit::new(path.join("audit.jsonl"));
        assert!(nowhere.prepare().is_err());
        assert!(nowhere.record(&record(AuditAction::Denied)).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_large_file_is_turned_over_once_whoever_else_holds_it() {
        let folder = std::env::temp_dir().join(format!("credential-turn-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("audit.jsonl");
        let audit = FileAudit::new(&path);
        audit.record(&record(AuditAction::Denied)).unwrap();
        std::fs::write(&path, "x".repeat(17 << 20) + "\n").unwrap();
        let other = File::open(&path).unwrap();
        other.lock().unwrap();
        audit.record(&record(AuditAction::SignedIn)).unwrap();
        assert!(!folder.join("audit.jsonl.1").exists(), "another one is at it");
        drop(other);
        audit.record(&record(AuditAction::Revoked)).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < LARGEST);
        let actions: Vec<String> =
            FileAudit::last(&path, 2).unwrap().into_iter().map(|line| line.action).collect();
        assert_eq!(actions, ["signed_in", "revoked"]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
