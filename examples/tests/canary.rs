//! The gateway as a process at TRACE level, with marked secrets: the marks are nowhere but where they
//! were asked for.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use credential_host::control::{
    Answer, Connection, FlowStanding, Named, Operation, Reply, Reveal, Step, Typed,
};
use credential_provider_api::{CredentialRef, ExposeSecret as _, SecretString};
use examples::gateway::browser::consent;
use examples::gateway::issuer::{CLIENT, Issuer};
use examples::gateway::narrator::MARK;
use oauth_provider::{HttpClient, ReqwestClient};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");
const LONGEST: Duration = Duration::from_secs(120);

/// What a test has seen, and where.
#[derive(Default)]
struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    fn folder(&mut self, folder: &Path, except: &str) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.folder(&path, except);
            } else if path.is_file() && !path.ends_with(except) {
                self.add(path.display().to_string(), std::fs::read(path).unwrap());
            }
        }
    }

    /// How much was looked at.
    fn holds_no_mark(&self) -> usize {
        for (place, bytes) in &self.0 {
            let at = bytes.windows(MARK.len()).position(|window| window == MARK.as_bytes());
            if let Some(at) = at {
                let from = at.saturating_sub(200);
                panic!("{place}: {}", String::from_utf8_lossy(&bytes[from..at + MARK.len()]));
            }
        }
        self.0.iter().map(|(_, bytes)| bytes.len()).sum()
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn configuration(issuer: &Issuer) -> (Folder, PathBuf) {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let folder = std::env::temp_dir().join(format!("gateway-canary-{}", std::process::id()));
    std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
    let keys = folder.join("keys.json");
    std::fs::write(&keys, format!(r#"{{"keys": {{"openai": "sk-{MARK}-0123456789"}}}}"#)).unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "{{ credentialProviders: {{
              keys: {{ type: 'file', path: {keys:?} }},
              work: {{ type: 'oauth', issuer: '{}', clientId: '{CLIENT}',
                idToken: {{ algorithms: ['ES256'] }},
                credentials: {{ me: {{ owner: 'gateway', scopes: ['openid'] }} }} }} }},
            credentialStore: {{ folder: 'grants', keyFile: 'grants.key' }},
            credentialGateway: {{ socket: 'gateway.sock', audit: 'audit.jsonl' }},
            credentialBindings: [ {{ consumer: 'cli:*', env: 'KEY', credential: 'keys/openai' }} ],
            credentialAccess: [ {{ consumer: 'cli:credentials', credential: '*' }} ] }}",
        issuer.url()
    );
    let path = folder.join("gateway.json5");
    std::fs::write(&path, text).unwrap();
    (Folder(folder), path)
}

async fn get(address: &str, cookie: Option<&str>, patience: Duration) -> String {
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let cookie = cookie.map(|cookie| format!("cookie: {cookie}\r\n")).unwrap_or_default();
    let ask = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\n{cookie}\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let read = async { while stream.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {} };
    // Events go on for ever.
    let _ = tokio::time::timeout(patience, read).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn ask(socket: &Path, operation: Operation) -> Answer {
    let mut connection = Connection::open(socket).await.unwrap();
    connection.perform(&operation).await.unwrap().unwrap()
}

fn named(text: &str) -> Named {
    Named::new(CredentialRef::parse(text).unwrap())
}

async fn sign_in(socket: &Path, callback: &str, http: &Arc<dyn HttpClient>) {
    let redirect_uri = Some(callback.to_owned());
    let login =
        Operation::Login { of: named("work/me"), method: None, redirect_uri, account: None };
    let Answer::Flow(flow) = ask(socket, login).await else { panic!() };
    let FlowStanding::Step(Step::OpenUrl { url, .. }) = flow.standing else { panic!() };
    let back = consent(&**http, url.into_inner().expose_secret(), "alice").await.unwrap();
    let query = url::Url::parse(&back).unwrap();
    let query: BTreeMap<String, _> = query
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), SecretString::from(value.into_owned()).into()))
        .collect();
    let answer = Operation::Answer { flow: flow.flow, typed: Typed::Callback(query) };
    let Answer::Flow(flow) = ask(socket, answer).await else { panic!() };
    assert!(matches!(flow.standing, FlowStanding::Done { .. }), "{flow:?}");
}

#[tokio::test]
async fn promise_6_the_gateway_shows_no_secret_at_trace_level() {
    let issuer = Issuer::start(Duration::from_secs(60), (0, 1)).await.unwrap();
    let (folder, path) = configuration(&issuer);
    let socket = folder.0.join("gateway.sock");
    let mut command = Command::new(PROGRAM);
    command.arg("--config").arg(&path).env("CREDENTIALS_LOG", "trace").env("HOME", "/nowhere");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let process = child.id().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let log = tokio::spawn(async move {
        let mut bytes = Vec::new();
        stderr.read_to_end(&mut bytes).await.unwrap();
        bytes
    });
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut said, mut link, mut callback) = (String::new(), String::new(), String::new());
    while link.is_empty() {
        let line = tokio::time::timeout(LONGEST, lines.next_line()).await.unwrap().unwrap();
        let line = line.expect("the gateway serves");
        let last = line.split_whitespace().last().unwrap_or_default().to_owned();
        if line.contains("callback  http") {
            callback = last;
        } else if line.contains("page      http") {
            link = last;
        }
        said += &line;
    }
    while Connection::open(&socket).await.is_err() {
        tokio::task::yield_now().await;
    }

    let http: Arc<dyn HttpClient> = Arc::new(ReqwestClient::new().unwrap());
    let mut seen = Seen::default();
    let mut events = Connection::open(&socket).await.unwrap();
    events.perform(&Operation::Watch).await.unwrap().unwrap();
    sign_in(&socket, &callback, &http).await;
    for operation in [
        Operation::Hello,
        Operation::Providers,
        Operation::List { provider: None },
        Operation::Get { of: named("work/me"), reveal: Reveal::Masked },
        Operation::Get { of: named("keys/openai"), reveal: Reveal::Masked },
        Operation::Refresh { of: named("work/me") },
        Operation::Status,
        Operation::Audit { last: 100 },
        Operation::Reload,
    ] {
        let place = format!("{operation:?}");
        let answer = ask(&socket, operation).await;
        seen.add(place.clone(), serde_json::to_vec(&answer).unwrap());
        seen.add(place, format!("{answer:?}"));
    }
    // The sink: it is asked for by name, and its Debug shows nothing.
    let injected = ask(&socket, Operation::Inject { session: None }).await;
    seen.add("Debug of an environment", format!("{injected:?}"));
    assert!(serde_json::to_string(&injected).unwrap().contains(MARK), "the test looks for a mark");

    let base = link.split("/?").next().unwrap().to_owned();
    let entered = get(&link, None, LONGEST).await;
    let cookie = entered.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    seen.add("the page's entrance", entered);
    for path in ["/", "/page.js", "/page.css", "/nothing"] {
        seen.add(path, get(&format!("{base}{path}"), Some(&cookie), LONGEST).await);
    }
    let events_at = format!("{base}/events");
    let watching = get(&events_at, Some(&cookie), Duration::from_secs(2));
    let (streamed, _) = tokio::join!(watching, async {
        ask(&socket, Operation::Refresh { of: named("work/me") }).await
    });
    assert!(streamed.contains("200 OK"), "{streamed}");
    seen.add("/events", streamed);
    ask(&socket, Operation::Revoke { of: named("work/me") }).await;

    seen.add("arguments", std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default());
    seen.add("environment", std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default());
    kill_process(Pid::from_raw(process.cast_signed()).unwrap(), Signal::TERM).unwrap();
    let mut told = 0;
    while let Ok(Some(reply)) = events.next().await {
        told += usize::from(matches!(reply, Reply::Event(_)));
        seen.add("an event", serde_json::to_vec(&reply).unwrap());
    }
    assert!(told > 3, "{told} events");
    while let Ok(Some(line)) = lines.next_line().await {
        said += &line;
    }
    assert!(child.wait().await.unwrap().success());
    seen.add("standard output", said);
    let log = log.await.unwrap();
    assert!(log.len() > 500, "there is a log: {}", String::from_utf8_lossy(&log));
    seen.add("the log", log);
    seen.folder(&folder.0, "keys.json");
    assert!(folder.0.join("audit.jsonl").exists() && folder.0.join("grants").exists());
    assert!(seen.holds_no_mark() > 10_000);
}

#[test]
fn promise_6_the_story_shows_no_secret_at_trace_level() {
    let output = std::process::Command::new(PROGRAM)
        .arg("--fast")
        .env("CREDENTIALS_LOG", "trace")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(log.len() > 500, "there is a log: {log}");
    let mut seen = Seen::default();
    seen.add("the log", output.stderr.clone());
    seen.add("standard output", output.stdout);
    seen.holds_no_mark();
}
