//! Whether the store is as it should be.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use credential_provider_api::{CredentialError, Detail, Health, HealthStatus};

use super::core::{Core, View};
use crate::file::blocking;
use crate::lock::Sidecar;

impl Core {
    /// Reads the store and looks at its files.
    pub(crate) async fn health(&self) -> Result<Health, CredentialError> {
        let view = match self.view().await {
            Ok(view) => view,
            Err(error) => {
                let detail = Detail::composed(error.to_string());
                return Ok(Health::new(HealthStatus::Failing, detail));
            }
        };
        let mut faults = self.faults(&view);
        let stores: Vec<_> = std::iter::once(&self.own).chain(&self.main).cloned().collect();
        let clock = Arc::clone(&self.clock);
        let found = blocking(move || {
            let mut faults = Vec::new();
            for store in stores {
                let folder = store.folder();
                for name in ["auth-profiles.json", "auth-state.json"] {
                    let file = folder.join(name);
                    too_open(&file, &mut faults);
                    if Sidecar::of(&file, Arc::clone(&clock)).is_abandoned() {
                        faults.push(format!("{}.lock was left behind", file.display()));
                    }
                }
                too_open(&folder.join("openclaw-agent.sqlite"), &mut faults);
            }
            Ok(faults)
        });
        faults.extend(found.await?);
        if faults.is_empty() {
            return Ok(Health::healthy());
        }
        Ok(Health::new(HealthStatus::Degraded, Detail::composed(faults.join("; "))))
    }

    fn faults(&self, view: &View) -> Vec<String> {
        let mut fenced = String::new();
        for one in self.listed(view).iter().filter(|one| one.is_fenced()) {
            let _ = write!(fenced, " \"{}\"", one.id);
        }
        let skipped = view.profiles.skipped().len();
        let mut faults = Vec::new();
        if !fenced.is_empty() {
            faults.push(format!("fenced by OpenClaw:{fenced}"));
        }
        if skipped > 0 {
            faults.push(format!("entries that OpenClaw skips: {skipped}"));
        }
        faults
    }
}

/// Whether others than its owner may read or write it.
#[cfg(unix)]
fn too_open(file: &Path, faults: &mut Vec<String>) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).map(|found| found.permissions().mode());
    if let Some(mode) = mode.ok().filter(|mode| mode & 0o077 != 0) {
        faults.push(format!("{} is open to others: mode {:o}", file.display(), mode & 0o777));
    }
}

#[cfg(not(unix))]
fn too_open(_: &Path, _: &mut Vec<String>) {}
