//! A private D-Bus session with a real gnome-keyring in it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keychain_provider::Environment;

pub(crate) const PASSWORD: &str = "correct horse";

/// Only what a bus needs: no program is started by a call.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>"#;

/// A bus and a home; both end with it.
pub(crate) struct Session {
    pub(crate) home: PathBuf,
    pub(crate) address: String,
    bus: Child,
    keyring: Option<Child>,
}

impl Session {
    /// A bus without a Secret Service.
    pub(crate) fn bare(name: &str) -> Self {
        let home = std::env::temp_dir().join(format!("keychain-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&home);
        for folder in ["run", "data/keyrings", "config", "cache"] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
        let config = home.join("bus.conf");
        std::fs::write(&config, BUS).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { home, address: address.trim().to_owned(), bus, keyring: None }
    }

    /// A bus with an unlocked keyring.
    pub(crate) fn unlocked(name: &str) -> Self {
        let mut session = Self::bare(name);
        session.start_keyring();
        session
    }

    pub(crate) fn start_keyring(&mut self) {
        let control = self.home.join("run/keyring");
        let _ = std::fs::remove_dir_all(&control);
        let mut keyring = self
            .command("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .arg(format!("--control-directory={}", control.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon");
        keyring.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        self.keyring = Some(keyring);
        eventually(Duration::from_secs(10), || {
            let path = "/org/freedesktop/DBus";
            let asked = self
                .command("gdbus")
                .args(["call", "--session", "-d", "org.freedesktop.DBus", "-o", path, "-m"])
                .args(["org.freedesktop.DBus.NameHasOwner", "org.freedesktop.secrets"])
                .output()
                .unwrap();
            String::from_utf8_lossy(&asked.stdout).contains("true")
        });
    }

    /// Kills the keyring daemon, as the kernel would.
    pub(crate) fn kill_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            keyring.kill().unwrap();
            keyring.wait().unwrap();
        }
    }

    /// A program of this session.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("HOME", &self.home)
            .env("XDG_RUNTIME_DIR", self.home.join("run"))
            .env("XDG_DATA_HOME", self.home.join("data"))
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .env("XDG_CACHE_HOME", self.home.join("cache"))
            .env_remove("DISPLAY")
            .env_remove("GNOME_KEYRING_CONTROL");
        command
    }

    pub(crate) fn environment(&self) -> Environment {
        Environment::default().with("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }

    /// What `secret-tool lookup` prints; `None` if it finds nothing.
    pub(crate) fn lookup(&self, attributes: &[&str]) -> Option<String> {
        let output = self.command("secret-tool").arg("lookup").args(attributes).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// `secret-tool store`.
    pub(crate) fn store(&self, attributes: &[&str], secret: &str) {
        let mut tool = self
            .command("secret-tool")
            .args(["store", "--label=from outside"])
            .args(attributes)
            .stdin(Stdio::piped())
            .spawn()
            .expect("secret-tool");
        tool.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        assert!(tool.wait().unwrap().success(), "secret-tool store");
    }

    pub(crate) fn clear(&self, attributes: &[&str]) {
        let cleared = self.command("secret-tool").arg("clear").args(attributes).status().unwrap();
        assert!(cleared.success(), "secret-tool clear");
    }

    /// A method of the Secret Service, by `gdbus`.
    pub(crate) fn secrets(&self, path: &str, method: &str, arguments: &[&str]) -> String {
        let output = self
            .command("gdbus")
            .args(["call", "--session", "-d", "org.freedesktop.secrets", "-o", path, "-m", method])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{method}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn lock(&self) {
        let collection = "['/org/freedesktop/secrets/collection/login']";
        let method = "org.freedesktop.Secret.Service.Lock";
        self.secrets("/org/freedesktop/secrets", method, &[collection]);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in self.keyring.iter_mut().chain([&mut self.bus]) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// Tries until it is so.
pub(crate) fn eventually(limit: Duration, mut so: impl FnMut() -> bool) {
    let until = Instant::now() + limit;
    while !so() {
        assert!(Instant::now() < until, "not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
