//! Just enough of an HTTP server: it answers with what is scripted and keeps what came in.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use credential_provider_api::{ExposeSecret as _, async_trait};
use oauth_provider::{HttpClient, HttpError, HttpProblem, HttpRequest, HttpResponse};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub target: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Call {
    /// The action it names, or its path.
    pub fn what(&self) -> String {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let action = query.split('&').find_map(|pair| pair.strip_prefix("Action="));
        action.unwrap_or_else(|| self.target.split('?').next().unwrap()).to_owned()
    }

    /// The access key whose signature it bears.
    pub fn key(&self) -> Option<&str> {
        let authorization = self.headers.get("authorization")?;
        authorization.split_once("Credential=")?.1.split('/').next()
    }
}

/// What to answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub then: Then,
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Nothing,
    /// The connection breaks instead.
    HangUp,
    /// No answer comes, ever.
    Silence,
    /// There is no connection.
    Unreachable,
}

impl Reply {
    pub fn of(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned(), then: Then::Nothing }
    }

    pub fn then(then: Then) -> Self {
        Self { then, ..Self::of(200, "") }
    }

    /// A success in its envelope.
    pub fn result(result: &Value) -> Self {
        let metadata = json!({ "RequestId": "20251127AABBCCDD", "Action": "X" });
        Self::of(200, &json!({ "ResponseMetadata": metadata, "Result": result }).to_string())
    }

    /// An error in its envelope.
    pub fn error(status: u16, code: &str) -> Self {
        let message = format!("{code} happened, sk-{MARK}-1234567890 was in it");
        let error = json!({ "Code": code, "Message": message });
        let metadata = json!({ "RequestId": "20251127AABBCCDD", "Error": error });
        Self::of(status, &json!({ "ResponseMetadata": metadata }).to_string())
    }

    /// The keys of an assumed role, as STS gives them.
    pub fn assumed(id: &str, end: &str) -> Self {
        Self::result(&json!({
            "Credentials": {
                "AccessKeyId": id, "SecretAccessKey": format!("{id}-{MARK}-secret"),
                "SessionToken": format!("{id}-{MARK}-token"), "ExpiredTime": end,
            },
            "AssumedRoleUser": { "Trn": "trn:sts::1:assumed-role/a/s", "AssumedRoleId": "1:s" },
        }))
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// In every secret of these tests.
pub const MARK: &str = "canary";

type Script = Arc<dyn Fn(&Call) -> Reply + Send + Sync>;

pub struct Service {
    state: Mutex<State>,
    server: Mutex<Option<(SocketAddr, JoinHandle<()>)>>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    scripts: BTreeMap<String, Vec<Reply>>,
    answers: BTreeMap<String, Script>,
    down: bool,
}

impl Service {
    /// A service without a network: it is its own HTTP client.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), server: Mutex::default() })
    }

    /// A service on loopback.
    pub async fn listening() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Self::new();
        let serving = Arc::downgrade(&service);
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(service) = serving.upgrade() else { return };
                tokio::spawn(async move {
                    if let Some(call) = read(&mut stream).await {
                        let reply = service.reply(call);
                        write(stream, reply).await;
                    }
                });
            }
        });
        *service.server.lock().unwrap() = Some((address, server));
        service
    }

    pub fn url(&self) -> String {
        let server = self.server.lock().unwrap();
        let address = server.as_ref().map(|(address, _)| address.to_string());
        format!("http://{}", address.as_deref().unwrap_or("127.0.0.1:9"))
    }

    /// Answers an action or path like this, each once, the last for ever.
    pub fn script(&self, what: &str, replies: impl IntoIterator<Item = Reply>) {
        self.state().scripts.insert(what.to_owned(), replies.into_iter().collect());
    }

    /// Answers an action or path by what came in.
    pub fn answer(&self, what: &str, answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) {
        self.state().answers.insert(what.to_owned(), Arc::new(answer));
    }

    pub fn down(&self, down: bool) {
        self.state().down = down;
    }

    /// The calls of an action or path, so far.
    pub fn calls(&self, what: &str) -> Vec<Call> {
        self.state().calls.iter().filter(|call| call.what() == what).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn reply(&self, call: Call) -> Reply {
        let what = call.what();
        let mut state = self.state();
        if state.down {
            return Reply::then(Then::Unreachable);
        }
        state.calls.push(call.clone());
        if let Some(replies) = state.scripts.get_mut(&what) {
            return if replies.len() > 1 { replies.remove(0) } else { replies[0].clone() };
        }
        let answer = state.answers.get(&what).cloned();
        drop(state);
        answer.map_or_else(|| Reply::of(404, "<html>nothing here</html>"), |answer| answer(&call))
    }
}

#[async_trait]
impl HttpClient for Service {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let target = request.url.strip_prefix(&self.url());
        let target = target.map_or_else(|| request.url.clone(), str::to_owned);
        let headers = request.headers.iter();
        let headers = headers.map(|(n, v)| ((*n).to_owned(), v.expose_secret().to_owned()));
        let call = Call {
            method: format!("{:?}", request.method).to_uppercase(),
            target,
            headers: headers.collect(),
            body: String::from_utf8(request.body.expose_secret().to_vec()).unwrap(),
        };
        let reply = self.reply(call);
        match reply.then {
            Then::Nothing => {
                Ok(HttpResponse::new(reply.status, reply.headers, reply.body.into_bytes().into()))
            }
            Then::HangUp => Err(HttpError::Unanswered(HttpProblem::Broken)),
            Then::Unreachable => Err(HttpError::NotSent(HttpProblem::Unreachable)),
            Then::Silence => std::future::pending().await,
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some((_, server)) = self.server.lock().unwrap().take() {
            server.abort();
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let (head, start) = loop {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            break (head.to_owned(), head.len() + 4);
        }
    };
    let headers: BTreeMap<String, String> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    while bytes.len() < start + length {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&some[..count]);
    }
    let mut first = head.lines().next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let body = String::from_utf8(bytes[start..].to_vec()).unwrap();
    Some(Call { method, target, headers, body })
}

async fn write(mut stream: TcpStream, reply: Reply) {
    if reply.then != Then::Nothing {
        return;
    }
    let mut text = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("content-length: {}\r\n\r\n{}", reply.body.len(), reply.body);
    // A client that has gone away is what some tests are about.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}
