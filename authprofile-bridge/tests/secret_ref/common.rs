//! A folder, a configuration, and programs written for a test.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use authprofile_bridge::secret_ref::{
    SecretRefError, SecretRefProblem, SecretRefs, SecretsConfiguration,
};
use credential_provider_api::{
    ExposeSecret as _, ManualClock, SecretRef, SecretSource, SecretString,
};
use serde_json::{Value, json};

/// A folder of one test, removed with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "authprofile-bridge-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        // A temporary folder may itself be reached by a link.
        Self(path.canonicalize().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file of mode 0600.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A program of mode 0700. Another process writes it: a file that this process has open for
    /// writing while another test forks cannot be run.
    pub(crate) fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.0.join(name);
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 700 \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let whole = format!("#!/bin/sh\n{script}\n");
        writer.stdin.take().unwrap().write_all(whole.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A resolver of this section. Its time stands still.
pub(crate) fn secrets(section: &Value) -> SecretRefs {
    with_variables(section, &[])
}

pub(crate) fn with_variables(section: &Value, variables: &[(&str, &str)]) -> SecretRefs {
    timed(section, variables, &ManualClock::default())
}

pub(crate) fn timed(
    section: &Value,
    variables: &[(&str, &str)],
    clock: &ManualClock,
) -> SecretRefs {
    let configuration = SecretsConfiguration::read("secrets", section).unwrap();
    let variable = |(name, value): &(&str, &str)| ((*name).to_owned(), SecretString::from(*value));
    let variables: BTreeMap<_, _> = variables.iter().map(variable).collect();
    SecretRefs::new(configuration, Arc::new(variables), Arc::new(clock.clone()))
}

/// One source called `x`.
pub(crate) fn one(source: Value) -> Value {
    json!({ "providers": { "x": source } })
}

pub(crate) fn file(id: &str) -> SecretRef {
    SecretRef::new(SecretSource::File, "x", id)
}

pub(crate) fn exec(id: &str) -> SecretRef {
    SecretRef::new(SecretSource::Exec, "x", id)
}

pub(crate) async fn value(secrets: &SecretRefs, reference: SecretRef) -> String {
    let found = secrets.resolve_all(&[reference]).await.remove(0);
    found.unwrap().expose_secret().to_owned()
}

pub(crate) async fn error(secrets: &SecretRefs, reference: SecretRef) -> SecretRefError {
    secrets.resolve_all(&[reference]).await.remove(0).unwrap_err()
}

pub(crate) async fn problem(secrets: &SecretRefs, reference: SecretRef) -> SecretRefProblem {
    error(secrets, reference).await.problem().clone()
}
