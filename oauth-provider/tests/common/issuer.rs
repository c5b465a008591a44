//! The issuer: metadata, keys, codes, single-use refresh tokens, revocation.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential_provider_api::{Clock as _, ManualClock};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::beyond::Beyond;
use super::http::{Call, Reply, read, write};
use super::tokens::{Signer, jwks, sign};

pub const CLIENT: &str = "gateway";
pub const SECRET: &str = "client-canary-secret";
/// In every secret the issuer makes.
pub const MARK: &str = "canary-secret";

type Twist = Arc<dyn Fn(&mut Value) + Send + Sync>;

pub struct Issuer {
    pub address: SocketAddr,
    pub state: Mutex<State>,
    pub(super) clock: ManualClock,
    server: Mutex<Option<JoinHandle<()>>>,
}

pub struct State {
    /// Replies in place of the usual ones, by path; the first is used up unless it is the last.
    pub replies: BTreeMap<String, Vec<Reply>>,
    /// What every call was about.
    pub calls: Vec<String>,
    pub rotates: bool,
    /// Changes the metadata, a token answer, an ID token's header and claims.
    pub metadata: Option<Twist>,
    pub answer: Option<Twist>,
    pub header: Option<Twist>,
    pub claims: Option<Twist>,
    pub signer: Signer,
    pub keys: Vec<(Signer, &'static str)>,
    pub revoked: Vec<String>,
    pub down: bool,
    pub beyond: Beyond,
    codes: BTreeMap<String, Code>,
    refresh: BTreeMap<String, String>,
    next: u64,
}

struct Code {
    sub: String,
    challenge: String,
    nonce: Option<String>,
    redirect_uri: String,
}

impl Issuer {
    pub async fn start(clock: ManualClock) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            replies: BTreeMap::new(),
            calls: Vec::new(),
            rotates: true,
            metadata: None,
            answer: None,
            header: None,
            claims: None,
            signer: Signer::One,
            keys: vec![(Signer::One, "k1")],
            revoked: Vec::new(),
            down: false,
            beyond: Beyond::default(),
            codes: BTreeMap::new(),
            refresh: BTreeMap::new(),
            next: 0,
        };
        let address = listener.local_addr().unwrap();
        let issuer =
            Arc::new(Self { address, state: state.into(), clock, server: Mutex::default() });
        let serving = Arc::downgrade(&issuer);
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(issuer) = serving.upgrade() else { return };
                tokio::spawn(async move {
                    if issuer.state().down {
                        return;
                    }
                    if let Some(call) = read(&mut stream).await {
                        let reply = issuer.reply(&call);
                        write(stream, reply).await;
                    }
                });
            }
        });
        *issuer.server.lock().unwrap() = Some(server);
        issuer
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers `path` like this, each once, the last for ever.
    pub fn script(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.state().replies.insert(path.to_owned(), replies.into_iter().collect());
    }

    pub fn usual(&self, path: &str) {
        self.state().replies.remove(path);
    }

    /// How often `what` was called.
    pub fn count(&self, what: &str) -> usize {
        self.state().calls.iter().filter(|call| *call == what).count()
    }

    /// `sub` signs in at the page and consents: the query of the redirect.
    pub fn consent(&self, page: &str, sub: &str) -> String {
        let page = url::Url::parse(page).unwrap();
        assert!(page.as_str().starts_with(&format!("{}/authorize?", self.url())));
        let mut asked: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
        if let Some(reference) = asked.get("request_uri") {
            assert_eq!(asked.len(), 2, "a reference and the client, nothing else");
            asked = self.state().beyond.pushed.remove(reference).expect("it was pushed");
        }
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        let code = Code {
            sub: sub.to_owned(),
            challenge: asked["code_challenge"].clone(),
            nonce: asked.get("nonce").cloned(),
            redirect_uri: asked["redirect_uri"].clone(),
        };
        let name = self.state().mint("code");
        self.state().codes.insert(name.clone(), code);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", &name).append_pair("state", &asked["state"]);
        query.append_pair("iss", &self.url());
        query.finish()
    }

    fn reply(&self, call: &Call) -> Reply {
        let mut state = self.state();
        let what = call.form.get("grant_type").map_or(&*call.path, |grant| grant.as_str());
        state.calls.push(what.to_owned());
        if let Some(replies) = state.replies.get_mut(&call.path) {
            return if replies.len() > 1 { replies.remove(0) } else { replies[0].clone() };
        }
        let url = self.url();
        match &*call.path {
            "/.well-known/openid-configuration" => {
                let mut metadata = json!({
                    "issuer": url,
                    "authorization_endpoint": format!("{url}/authorize"),
                    "token_endpoint": format!("{url}/token"),
                    "revocation_endpoint": format!("{url}/revoke"),
                    "introspection_endpoint": format!("{url}/introspect"),
                    "device_authorization_endpoint": format!("{url}/device"),
                    "pushed_authorization_request_endpoint": format!("{url}/par"),
                    "end_session_endpoint": format!("{url}/logout"),
                    "jwks_uri": format!("{url}/jwks"),
                    "authorization_response_iss_parameter_supported": true,
                });
                if let Some(twist) = &state.metadata {
                    twist(&mut metadata);
                }
                Reply::json(&metadata)
            }
            "/jwks" => Reply::json(&jwks(&state.keys)),
            "/device" | "/par" | "/introspect" if !is_client(call) => {
                Reply::error(401, "invalid_client")
            }
            "/device" | "/par" | "/introspect" => self.beyond(&mut state, call).unwrap(),
            "/token" if !is_client(call) => Reply::error(401, "invalid_client"),
            "/token" => self.token(&mut state, call),
            "/revoke" if !is_client(call) => Reply::error(401, "invalid_client"),
            "/revoke" => {
                let token = call.form["token"].clone();
                state.refresh.remove(&token);
                state.beyond.active.remove(&token);
                state.revoked.push(token);
                Reply::of(200, "")
            }
            _ => Reply::of(404, "<html>nothing here</html>"),
        }
    }

    fn token(&self, state: &mut State, call: &Call) -> Reply {
        let refused = || Reply::error(400, "invalid_grant");
        let field = |name: &str| call.form.get(name).map_or("", String::as_str);
        state.beyond.forms.push(call.form.clone());
        let key = match self.proven(state, call) {
            Ok(key) => key,
            Err(reply) => return reply,
        };
        let alone = self.without_person(state, call);
        let device = field("grant_type").ends_with("device_code");
        let renewable = alone.is_none() || device;
        let (sub, nonce) = if let Some(alone) = alone {
            match alone {
                Ok(sub) => (sub, device.then(|| "none".to_owned())),
                Err(reply) => return reply,
            }
        } else if field("grant_type") == "authorization_code" {
            let Some(code) = state.codes.remove(field("code")) else { return refused() };
            let verifier = Sha256::digest(field("code_verifier"));
            let proven = URL_SAFE_NO_PAD.encode(verifier) == code.challenge;
            if !proven || code.redirect_uri != field("redirect_uri") {
                return refused();
            }
            (code.sub, code.nonce)
        } else {
            let token = field("refresh_token");
            let Some(sub) = state.refresh.get(token).cloned() else { return refused() };
            if state.beyond.bound.get(token) != key.as_ref() {
                return refused();
            }
            if state.rotates {
                state.refresh.remove(token);
            }
            (sub, Some("renewed".to_owned()))
        };
        let access = state.mint("at");
        let mut answer =
            json!({ "access_token": access, "token_type": "bearer", "expires_in": 300 });
        state.beyond.active.insert(access);
        if key.is_some() {
            answer["token_type"] = json!("DPoP");
        }
        if renewable && (state.rotates || field("grant_type") != "refresh_token") {
            let refresh = state.mint("rt");
            state.beyond.bound.extend(key.map(|key| (refresh.clone(), key)));
            state.refresh.insert(refresh.clone(), sub.clone());
            answer["refresh_token"] = json!(refresh);
        }
        if let Some(nonce) = nonce {
            answer["id_token"] = json!(self.id_token(state, &sub, &nonce));
        }
        if let Some(twist) = &state.answer {
            twist(&mut answer);
        }
        Reply::json(&answer)
    }

    fn id_token(&self, state: &State, sub: &str, nonce: &str) -> String {
        let now = self.clock.now().as_millis() / 1000;
        let mut header = json!({ "alg": "RS256", "kid": "k1" });
        let mut claims = json!({
            "iss": self.url(), "sub": sub, "aud": CLIENT, "nonce": nonce,
            "iat": now, "exp": now + 300, "email": format!("{sub}@example.com"),
            "jti": state.next,
        });
        if let Some(twist) = &state.header {
            twist(&mut header);
        }
        if let Some(twist) = &state.claims {
            twist(&mut claims);
        }
        sign(&header, &claims, state.signer)
    }
}

impl State {
    pub(super) fn mint(&mut self, kind: &str) -> String {
        self.next += 1;
        format!("{kind}-{MARK}-{}", self.next)
    }
}

/// By header or by form, with the secret; or public.
fn is_client(call: &Call) -> bool {
    if call.form.contains_key("client_assertion") || call.form.contains_key("assertion") {
        // Judged by the test that sends one.
        return true;
    }
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{CLIENT}:{SECRET}"));
    match &call.authorization {
        Some(header) => {
            // RFC 9126 §2.1: a request that is pushed has its client in it.
            let named = matches!(&*call.path, "/par" | "/device");
            *header == format!("Basic {basic}") && named == call.form.contains_key("client_id")
        }
        None => {
            let secret = call.form.get("client_secret").is_none_or(|secret| secret == SECRET);
            call.form.get("client_id").is_some_and(|id| id == CLIENT) && secret
        }
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        if let Some(server) = self.server.lock().unwrap().take() {
            server.abort();
        }
    }
}
