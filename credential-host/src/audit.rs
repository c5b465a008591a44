//! [`FileAudit`]: the audit trail as lines of JSON.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use credential_provider_api::{AuditAction, AuditFailed, AuditRecord, AuditSink};
use serde::{Deserialize, Serialize};

/// An audit trail in a file, one JSON object a line, mode 0600.
///
/// Several processes may append to one file: a line is one write. A file over 16 MiB is renamed to
/// `….1`, in place of the one before.
#[derive(Debug)]
pub struct FileAudit {
    path: PathBuf,
    open: Mutex<Option<(File, u64)>>,
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

    fn append(&self, line: &[u8]) -> std::io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let full = open.as_ref().is_some_and(|(_, size)| *size >= LARGEST);
        if full {
            let mut older = self.path.as_os_str().to_owned();
            older.push(".1");
            // Another process may have done so already: its fresh file is small.
            if std::fs::metadata(&self.path)?.len() >= LARGEST {
                std::fs::rename(&self.path, older)?;
            }
            *open = None;
        }
        let (file, size) = match open.as_mut() {
            Some(open) => open,
            None => {
                let file = private_append(&self.path)?;
                let size = file.metadata()?.len();
                open.insert((file, size))
            }
        };
        file.write_all(line)?;
        *size += u64::try_from(line.len()).unwrap_or(0);
        Ok(())
    }
}

fn private_append(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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
        // A trail that cannot be kept says so.
        let nowhere = FileAudit::new("/nowhere/at/all");
        assert!(nowhere.record(&record(AuditAction::Denied)).is_err());
    }
}
