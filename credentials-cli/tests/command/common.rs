//! A folder with a configuration, and the command on it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_credentials");

/// In every secret of these tests.
pub(crate) const MARK: &str = "canary";
pub(crate) const KEY: &str = "sk-canary-0123456789-WXYZ";

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// Fails the test with what was said, unless the exit code is this one.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "{text}: {self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text}: {self:?}");
        self
    }

    /// No marked secret was said, on either stream.
    #[track_caller]
    pub(crate) fn keeps_quiet(self) -> Self {
        assert!(!self.out.contains(MARK) && !self.err.contains(MARK), "{self:?}");
        self
    }
}

/// A folder of one test, removed with it.
pub(crate) struct World(PathBuf);

impl World {
    /// Without a configuration.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("credentials-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        Self(path)
    }

    /// Keys in a file, of which one is granted to the command.
    pub(crate) fn keys() -> Self {
        let world = Self::new();
        world.configure(json!({}), json!([grant("keys/openai")]));
        world
    }

    /// Keys in a file, these providers too, and these rules.
    pub(crate) fn configure(&self, more: Value, access: Value) -> PathBuf {
        let file = json!({"keys": {"openai": KEY, "other": "sk-canary-other-secret-0000"}});
        let keys = self.file("keys.json", &file.to_string());
        let mut providers = json!({"keys": {"type": "file", "path": keys}});
        providers.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let whole = json!({
            "credentialProviders": providers,
            "credentialAccess": access,
            "credentialStore": {"folder": "grants", "keyFile": "grants.key"},
            "credentialGateway": {"audit": "audit.jsonl"},
        });
        self.file("credentials.json5", &whole.to_string())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.path("credentials.json5")
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        self.mode(name, 0o600);
        path
    }

    pub(crate) fn mode(&self, name: &str, mode: u32) {
        let path = self.path(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A program of the shell.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name, &format!("#!/bin/sh\n{text}\n"));
        self.mode(name, 0o700);
        path
    }

    /// The command with nothing in its environment but a home and the configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env_clear();
        command.env("HOME", &self.0).env("CREDENTIALS_CONFIG", self.configuration());
        command.env("PATH", "/usr/bin:/bin").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Done {
        self.run_on(arguments, "").await
    }

    pub(crate) async fn run_on(&self, arguments: &[&str], input: &str) -> Done {
        end(self.command(arguments), input).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a command to its end.
pub(crate) async fn end(mut command: Command, input: &str) -> Done {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that reads nothing may have gone.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    Done { code, out: text(&output.stdout), err: text(&output.stderr) }
}

pub(crate) fn grant(credential: &str) -> Value {
    json!({"consumer": "cli:credentials", "credential": credential})
}

/// A vault that people type secrets into: the keychain provider on a folder.
pub(crate) fn vault(world: &World) -> Value {
    json!({"vault": {
        "type": "keychain", "stores": ["encrypted_file"],
        "encryptedFile": {"folder": world.path("vault"), "keyFile": world.path("vault.key")},
        "credentials": {
            "*": {"kind": "api_key"},
            "login": {"kind": "user_value", "fields": [
                {"name": "user", "label": "User", "plain": true},
                {"name": "password", "label": "Password"},
            ]},
        },
    }})
}
