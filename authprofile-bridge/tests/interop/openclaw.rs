//! Commands of OpenClaw, each test in folders of its own and with nothing of our environment.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The last but one that keeps its profiles in JSON.
    V2026_5_28,
    /// Keeps them in SQLite.
    V2026_9_6,
}

pub const BOTH: [Version; 2] = [Version::V2026_5_28, Version::V2026_9_6];

/// The longest that a command may take, on a machine that does much else.
const LONGEST: Duration = Duration::from_secs(180);

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("{name} is not set: run .ci/interop bridge"))
        .into()
}

impl Version {
    /// The folder of the installed package.
    pub fn package(self) -> PathBuf {
        variable(match self {
            Self::V2026_5_28 => "OPENCLAW_2026_5_28",
            Self::V2026_9_6 => "OPENCLAW_2026_9_6",
        })
    }
}

/// One installation with its home, state and configuration.
pub struct OpenClaw {
    version: Version,
    root: PathBuf,
}

pub struct Answer {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Answer {
    pub fn ok(self) -> Self {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.out, self.err);
        self
    }

    /// What it printed from the first brace on: some versions say other things before.
    pub fn json(&self) -> Value {
        let start =
            self.out.find('{').unwrap_or_else(|| panic!("no JSON: {}\n{}", self.out, self.err));
        serde_json::from_str(&self.out[start..]).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

impl OpenClaw {
    pub fn new(version: Version, name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let root =
            std::env::temp_dir().join(format!("openclaw-{name}-{}-{next}", std::process::id()));
        fs::create_dir_all(root.join("home")).unwrap();
        let claw = Self { version, root };
        claw.configure(&serde_json::json!({}));
        claw
    }

    /// Its configuration, besides what keeps it from asking the network.
    pub fn configure(&self, more: &Value) {
        let mut all = serde_json::json!({"update": {"checkOnStart": false}, "gateway": {"mode": "local", "port": free_port()}});
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        fs::write(self.root.join("openclaw.json"), all.to_string()).unwrap();
    }

    pub fn state(&self, file: &str) -> PathBuf {
        self.root.join("state").join(file)
    }

    fn command(&self, program: &Path) -> Command {
        let node = variable("OPENCLAW_NODE");
        let mut command = Command::new(&node);
        command
            .arg(program)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", node.parent().unwrap().display()))
            .env("HOME", self.root.join("home"))
            .env("OPENCLAW_STATE_DIR", self.root.join("state"))
            .env("OPENCLAW_CONFIG_PATH", self.root.join("openclaw.json"))
            .env("TMPDIR", self.root.join("home"))
            .env("NO_COLOR", "1")
            .env("npm_config_offline", "true")
            .current_dir(&self.root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    pub async fn run(&self, words: &str) -> Answer {
        self.run_with(words, "").await
    }

    /// Runs a command with this on its standard input. The words are parted at spaces.
    pub async fn run_with(&self, words: &str, input: &str) -> Answer {
        let words: Vec<&str> = words.split(' ').collect();
        self.run_words(&words, input).await
    }

    pub async fn run_words(&self, words: &[&str], input: &str) -> Answer {
        let mut command = self.command(&self.version.package().join("openclaw.mjs"));
        let mut child = Running::new(command.args(words).spawn().unwrap());
        let mut stdin = child.child.stdin.take().unwrap();
        let (mut stdout, mut stderr) =
            (child.child.stdout.take().unwrap(), child.child.stderr.take().unwrap());
        let (mut out, mut err) = (String::new(), String::new());
        let all = async {
            // A command that reads nothing may be gone already.
            let _ = stdin.write_all(input.as_bytes()).await;
            drop(stdin);
            let _ = tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err));
            child.child.wait().await.unwrap()
        };
        let status =
            timeout(LONGEST, all).await.unwrap_or_else(|_| panic!("{words:?} took too long"));
        Answer { status, out, err }
    }

    /// Starts the gateway; it listens when this returns.
    pub async fn gateway(&self) -> Running {
        let port = free_port();
        let mut command = self.command(&self.version.package().join("openclaw.mjs"));
        command.args([
            "gateway",
            "run",
            "--port",
            &port.to_string(),
            "--auth",
            "token",
            "--token",
            "test-token-of-the-gateway",
        ]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
        let mut running = Running::new(command.spawn().unwrap());
        let until = Instant::now() + LONGEST;
        while tokio::task::spawn_blocking(move || std::net::TcpStream::connect(("127.0.0.1", port)))
            .await
            .unwrap()
            .is_err()
        {
            assert!(Instant::now() < until, "the gateway does not listen");
            assert!(running.child.try_wait().unwrap().is_none(), "the gateway ended");
            sleep(Duration::from_millis(100)).await;
        }
        running
    }

    /// Has it take a lock of its own: `store FILE` or `refresh PROVIDER PROFILE`.
    pub async fn lock(&self, words: &[&str]) -> Lock {
        let mut command = self.command(&variable("OPENCLAW_LOCK"));
        let mut running =
            Running::new(command.arg(self.version.package()).args(words).spawn().unwrap());
        let orders = running.child.stdin.take().unwrap();
        let answers = BufReader::new(running.child.stdout.take().unwrap()).lines();
        Lock { orders, answers, running }
    }
}

impl Drop for OpenClaw {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A process that was started, with all that it started: they end with this.
pub struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Running {
    fn new(child: Child) -> Self {
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).unwrap()));
        Self { child, group }
    }

    pub fn id(&self) -> u32 {
        u32::try_from(self.group.unwrap().as_raw_nonzero().get()).unwrap()
    }

    /// SIGKILL, and until it is gone.
    pub async fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group.take() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// A lock that OpenClaw's own code holds or waits for.
pub struct Lock {
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    pub running: Running,
}

impl Lock {
    /// What it says next: `HELD {…}`, `RELEASED`, `HANGING` or `REFUSED {…}`.
    pub async fn says(&mut self) -> String {
        let line = timeout(LONGEST, self.answers.next_line()).await.expect("it says nothing");
        line.unwrap().unwrap_or_default()
    }

    /// The lock file that it holds.
    pub async fn held(&mut self) -> PathBuf {
        let line = self.says().await;
        let json = line.strip_prefix("HELD ").unwrap_or_else(|| panic!("{line}"));
        let told: Value = serde_json::from_str(json).unwrap();
        told["lock"].as_str().unwrap().into()
    }

    /// `release` or `hang`.
    pub async fn order(&mut self, word: &str) -> String {
        self.orders.write_all(format!("{word}\n").as_bytes()).await.unwrap();
        self.says().await
    }
}

/// A port that nothing listened on a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
