//! A folder with a configuration, and the resolver in it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use authprofile_bridge::secret_ref::{SecretRefs, SecretsConfiguration};
use credential_provider_api::{SecretRef, SecretSource, SecretString};
use resolution_engine::SystemClock;
use serde_json::{Value, json};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_secretref");

/// A folder of one test, removed with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("examples-secretref-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Static keys in a file, granted but for one, and what else there is.
    pub(crate) fn keys(&self, more: Value) -> PathBuf {
        let file = r#"{"keys": {"openai": "sk-1", "team/key": "sk-2", "secret": "canary"}}"#;
        let keys = self.file("keys.json", file);
        let mut providers = json!({"keys": {"type": "file", "path": keys}});
        providers.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let whole = json!({
            "credentialProviders": providers,
            "credentialAccess": [
                {"consumer": credential_host::resolver::CONSUMER, "credential": "*"},
                {"consumer": "secretref:*", "credential": "keys/secret", "effect": "deny"},
            ],
        });
        // JSON5: a comment and a comma at the end.
        let text = whole.to_string();
        let text = format!("// ours\n{},}}", text.strip_suffix('}').unwrap());
        self.file("credentials.json5", &text)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The resolver as an exec source under each of `aliases`.
pub(crate) fn asked_of(configuration: &Path, aliases: &[&str]) -> SecretRefs {
    asked_within(60_000, configuration, aliases)
}

/// The same, and killed after so many milliseconds.
pub(crate) fn asked_within(limit: u64, configuration: &Path, aliases: &[&str]) -> SecretRefs {
    // What cargo builds has two hard links; this is about the answer.
    let source = json!({"source": "exec", "command": PROGRAM, "allowInsecurePath": true,
        "passEnv": ["CREDENTIALS_CONFIG"], "timeoutMs": limit});
    let sources: serde_json::Map<_, _> =
        aliases.iter().map(|alias| ((*alias).to_owned(), source.clone())).collect();
    let section = SecretsConfiguration::read("secrets", &json!({"providers": sources})).unwrap();
    let path = SecretString::from(configuration.to_str().unwrap());
    let environment = BTreeMap::from([("CREDENTIALS_CONFIG".to_owned(), path)]);
    SecretRefs::new(section, Arc::new(environment), Arc::new(SystemClock::new()))
}

pub(crate) fn exec(alias: &str, id: &str) -> SecretRef {
    SecretRef::new(SecretSource::Exec, alias, id)
}

/// The resolver, started with nothing in its environment.
pub(crate) fn started(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that says what is wrong before it reads may have gone.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}
