//! The gateway as a process, its folder, and what is said to it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use credential_host::control::{Answer, Connection, FlowStanding, Named, Operation, Step};
use credential_provider_api::{CredentialRef, ExposeSecret as _};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");
/// On a machine that does much else.
const LONGEST: Duration = Duration::from_secs(60);

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("gw-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self.path(name);
        let mut options = std::fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    }

    /// A key in a file, and these providers beside it.
    pub(crate) fn configuration(&self, more: &str) -> PathBuf {
        let keys = self.file("keys.json", r#"{"keys": {"openai": "sk-0123456789"}}"#);
        let text = format!(
            "{{ credentialProviders: {{ {more} keys: {{ type: 'file', path: {keys:?} }} }},
                credentialStore: {{ folder: 'grants', keyFile: 'grants.key' }},
                credentialGateway: {{ socket: 'state/gateway.sock' }} }}"
        );
        self.file("gateway.json5", &text)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn command(configuration: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("--config").arg(configuration).env("HOME", "/nowhere");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

/// To its end: the exit code and what it said.
pub(crate) async fn run(configuration: &Path) -> (Option<i32>, String) {
    let ended = tokio::time::timeout(LONGEST, command(configuration).output()).await;
    let ended = ended.unwrap().unwrap();
    (ended.status.code(), String::from_utf8(ended.stdout).unwrap())
}

pub(crate) struct Gateway {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    socket: PathBuf,
    pub(crate) link: String,
    pub(crate) callback: String,
}

impl Gateway {
    /// It serves when this returns.
    pub(crate) async fn start(folder: &Folder) -> Self {
        let mut child = command(&folder.path("gateway.json5")).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let socket = folder.path("state/gateway.sock");
        let mut gateway =
            Self { child, lines, socket, link: String::new(), callback: String::new() };
        let last = |line: String| line.split_whitespace().last().unwrap().to_owned();
        gateway.callback = last(gateway.prints("callback  http").await);
        gateway.link = last(gateway.prints("page      http").await);
        while Connection::open(&gateway.socket).await.is_err() {
            assert!(gateway.child.try_wait().unwrap().is_none(), "it serves");
            tokio::task::yield_now().await;
        }
        gateway
    }

    /// The next line with these words.
    pub(crate) async fn prints(&mut self, words: &str) -> String {
        let mut before = Vec::new();
        let found = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(words) {
                    return Some(line);
                }
                before.push(line);
            }
            None
        };
        let found = tokio::time::timeout(LONGEST, found).await;
        found.ok().flatten().unwrap_or_else(|| panic!("no {words:?} in {before:#?}"))
    }

    pub(crate) async fn ask(&self, operation: Operation) -> Answer {
        let mut connection = Connection::open(&self.socket).await.unwrap();
        connection.perform(&operation).await.unwrap().unwrap()
    }

    pub(crate) async fn providers(&self) -> Vec<String> {
        let Answer::Providers { providers } = self.ask(Operation::Providers).await else {
            panic!()
        };
        providers.into_iter().map(|provider| provider.id).collect()
    }

    /// Starts a sign-in that comes back to the page: its state.
    pub(crate) async fn login(&self, credential: &str) -> String {
        let login = Operation::Login {
            of: Named::new(CredentialRef::parse(credential).unwrap()),
            method: None,
            redirect_uri: Some(self.callback.clone()),
            account: None,
        };
        let Answer::Flow(flow) = self.ask(login).await else { panic!() };
        assert!(matches!(flow.standing, FlowStanding::Step(Step::OpenUrl { .. })));
        flow.flow.into_inner().expose_secret().to_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    pub(crate) async fn end(self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.ended().await
    }

    /// Its end, while nobody reads what it says.
    pub(crate) async fn ended_unread(mut self) -> bool {
        let soon = Duration::from_secs(20);
        tokio::time::timeout(soon, self.child.wait()).await.is_ok()
    }

    pub(crate) async fn ended(mut self) -> Option<i32> {
        // Whoever reads nothing more would hold it up.
        let read = async { while let Ok(Some(_)) = self.lines.next_line().await {} };
        tokio::time::timeout(LONGEST, read).await.unwrap();
        self.child.wait().await.unwrap().code()
    }
}

/// The status that a GET of this address is answered with.
pub(crate) async fn status(url: &str) -> u16 {
    try_status(url).await.unwrap()
}

pub(crate) async fn try_status(url: &str) -> Option<u16> {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.ok()?;
    let ask = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.ok()?;
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    text.split(' ').nth(1)?.parse().ok()
}
