//! An issuer on loopback: codes, single-use refresh tokens, revocation, codes for other devices.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

#[derive(Default)]
pub(crate) struct State {
    /// The refresh token that is good.
    good: String,
    next: u32,
    /// How often each grant type was asked for, and `revoke`.
    pub(crate) calls: Vec<String>,
    /// Whether the code of another device was entered there.
    pub(crate) entered: bool,
    /// What has been done is not answered before this is allowed.
    pub(crate) held: Option<Arc<Semaphore>>,
}

pub(crate) struct Issuer {
    address: String,
    state: Mutex<State>,
}

impl Issuer {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Arc::new(Self { address, state: Mutex::default() });
        let serving = Arc::downgrade(&issuer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(issuer) = serving.upgrade() else { return };
                tokio::spawn(async move { issuer.answer(stream).await });
            }
        });
        issuer
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.state().calls.iter().filter(|call| *call == what).count()
    }

    /// The grant is good no more: the next renewal is `invalid_grant`.
    pub(crate) fn forget(&self) {
        self.state().good.clear();
    }

    /// A provider `work` that signs in here.
    pub(crate) fn provider(&self) -> Value {
        self.with(json!(["authorization_code"]))
    }

    pub(crate) fn with(&self, sign_in: Value) -> Value {
        let address = &self.address;
        json!({"work": {
            "type": "oauth", "issuer": address, "clientId": "gateway", "signIn": sign_in,
            "endpoints": {
                "authorization": format!("{address}/authorize"),
                "token": format!("{address}/token"),
                "revocation": format!("{address}/revoke"),
                "deviceAuthorization": format!("{address}/device"),
            },
            "credentials": {
                "mail": {"scopes": ["mail.read"], "owner": "gateway"},
                "own": {"scopes": ["mail.read"]},
            },
        }})
    }

    async fn answer(&self, mut stream: TcpStream) {
        let request = read(&mut stream).await;
        let (head, body) = request.split_once("\r\n\r\n").unwrap_or((&request, ""));
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let (status, answer) = self.reply(&path, body);
        let held = self.state().held.clone();
        if let Some(held) = held {
            held.acquire().await.unwrap().forget();
        }
        let text = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    fn reply(&self, path: &str, body: &str) -> (u16, Value) {
        let form: std::collections::BTreeMap<String, String> =
            url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let mut state = self.state();
        let grant = field("grant_type");
        let short = grant.rsplit(':').next().unwrap_or_default().to_owned();
        state.calls.push(if path == "/token" { short } else { path[1..].to_owned() });
        match path {
            "/device" => {
                let answer = json!({"device_code": "dc-canary-0123456789", "user_code": "WDJB-MJHT",
                    "verification_uri": format!("{}/code", self.address),
                    "expires_in": 120, "interval": 1});
                (200, answer)
            }
            "/revoke" => {
                state.good.clear();
                (200, json!({}))
            }
            "/token" if grant.ends_with("device_code") && !state.entered => {
                (400, json!({"error": "authorization_pending"}))
            }
            "/token" if grant == "refresh_token" && field("refresh_token") != state.good => {
                (400, json!({"error": "invalid_grant"}))
            }
            "/token" if grant == "authorization_code" && !field("code").starts_with("code-") => {
                (400, json!({"error": "invalid_grant"}))
            }
            "/token" => {
                state.next += 1;
                let number = state.next;
                state.good = format!("rt-canary-0123456789-{number}");
                let answer = json!({"access_token": format!("at-canary-0123456789-{number}"),
                    "refresh_token": state.good, "token_type": "Bearer", "expires_in": 3600});
                (200, answer)
            }
            _ => (404, json!({})),
        }
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines().filter_map(|line| line.split_once(':'));
            let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length = length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return String::new();
        }
    }
}

/// What the browser of a person who consents comes back to.
pub(crate) fn consent(page: &str) -> String {
    let page = url::Url::parse(page.trim()).unwrap();
    let of = |name: &str| {
        let mut pairs = page.query_pairs();
        pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
    };
    let mut back = url::Url::parse(&of("redirect_uri")).unwrap();
    back.query_pairs_mut().append_pair("code", "code-canary-1").append_pair("state", &of("state"));
    back.into()
}

/// The browser comes back.
pub(crate) async fn visit(address: &str) -> String {
    let url = url::Url::parse(address).unwrap();
    let place = (url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect(place).await.unwrap();
    let target = &url[url::Position::BeforePath..];
    let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}
