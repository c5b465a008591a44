//! An MCP server, issuers that register clients, and what the tests do with them. Doubles of our own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use credential_provider_api::*;
use credential_store::MemoryStore;
use oauth_provider::{
    HttpClient, McpProvider, McpProviderBuilder, McpRuntime, ReqwestClient, callback,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::http::{Call, Reply, read, write};
use super::issuer::MARK;

pub const HOME: &str = "https://host.example/callback";
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
pub const METADATA: &str = "/.well-known/oauth-authorization-server";
pub const OPENID: &str = "/.well-known/openid-configuration";

type Twist = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// Who listens: the server, or an issuer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Issuer,
}

pub struct Double {
    pub address: SocketAddr,
    pub state: Mutex<State>,
    role: Role,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
pub struct State {
    /// Replies in place of the usual ones, by path; each once, the last for ever.
    pub replies: BTreeMap<String, Vec<Reply>>,
    /// Everything that came, as `path body authorization`.
    pub calls: Vec<String>,
    /// Changes what is said about the server or the issuer, a registration's answer, and tokens'.
    pub metadata: Option<Twist>,
    pub registered: Option<Twist>,
    pub answer: Option<Twist>,
    /// Parameters of the server's challenge; its own place is added unless there is one.
    pub challenge: String,
    /// Issuers the server names.
    pub issuers: Vec<String>,
    /// The tokens that are good, and what they are bound to.
    pub tokens: BTreeMap<String, String>,
    /// Clients: their secrets and redirect addresses.
    pub clients: BTreeMap<String, (Option<String>, Vec<String>)>,
    pub revoked: Vec<String>,
    pub down: bool,
    codes: BTreeMap<String, BTreeMap<String, String>>,
    refresh: BTreeMap<String, BTreeMap<String, String>>,
    next: u64,
    /// In all that it makes: what one issuer made is told from what another made.
    tag: u16,
}

impl Double {
    async fn start(role: Role) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { tag: address.port(), ..State::default() }.into();
        let double = Arc::new(Self { address, state, role, task: Mutex::default() });
        let serving = Arc::downgrade(&double);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(double) = serving.upgrade() else { return };
                tokio::spawn(async move {
                    if double.state().down {
                        return;
                    }
                    if let Some(call) = read(&mut stream).await {
                        let reply = double.reply(&call);
                        write(stream, reply).await;
                    }
                });
            }
        });
        *double.task.lock().unwrap() = Some(task);
        double
    }

    /// An issuer that registers whoever asks.
    pub async fn issuer() -> Arc<Self> {
        Self::start(Role::Issuer).await
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn script(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.state().replies.insert(path.to_owned(), replies.into_iter().collect());
    }

    pub fn usual(&self, path: &str) {
        self.state().replies.remove(path);
    }

    /// Says something else about itself.
    pub fn says(&self, twist: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.state().metadata = Some(Arc::new(twist));
    }

    /// In every client, secret, code and token of its making.
    pub fn mark(&self) -> String {
        format!("{MARK}-{}-", self.address.port())
    }

    /// How many calls have this in them.
    pub fn count(&self, what: &str) -> usize {
        self.state().calls.iter().filter(|call| call.contains(what)).count()
    }

    /// The paths that were asked for.
    pub fn paths(&self) -> Vec<String> {
        let paths = |call: &String| call.split(' ').next().unwrap().to_owned();
        self.state().calls.iter().map(paths).collect()
    }

    fn reply(&self, call: &Call) -> Reply {
        let mut state = self.state();
        let authorization = call.authorization.as_deref().unwrap_or("-");
        let decoded = authorization.strip_prefix("Basic ").and_then(|b| STANDARD.decode(b).ok());
        let shown =
            decoded.map_or_else(|| authorization.to_owned(), |b| String::from_utf8(b).unwrap());
        state.calls.push(format!("{} {} {shown}", call.path, call.body));
        if let Some(replies) = state.replies.get_mut(&call.path) {
            return if replies.len() > 1 { replies.remove(0) } else { replies[0].clone() };
        }
        match self.role {
            Role::Server => self.as_server(&state, call),
            Role::Issuer => self.as_issuer(&mut state, call),
        }
    }

    fn as_server(&self, state: &State, call: &Call) -> Reply {
        let url = self.url();
        match &*call.path {
            "/mcp" => {
                let token = call.authorization.as_deref().and_then(|a| a.strip_prefix("Bearer "));
                let own = format!("{url}/mcp");
                if token.and_then(|token| state.tokens.get(token)) == Some(&own) {
                    return Reply::json(&json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
                }
                let place = format!(r#"resource_metadata="{url}{WELL_KNOWN}/mcp""#);
                let challenge = match &*state.challenge {
                    "" => format!("Bearer {place}"),
                    given if given.contains("resource_metadata") => format!("Bearer {given}"),
                    "-" => "Bearer".to_owned(),
                    given => format!("Bearer {place}, {given}"),
                };
                let basic = "Basic realm=\"x\"";
                Reply::of(401, "")
                    .with("www-authenticate", basic)
                    .with("WWW-Authenticate", &challenge)
            }
            path if path == format!("{WELL_KNOWN}/mcp") => {
                let mut metadata = json!({
                    "resource": format!("{url}/mcp"),
                    "authorization_servers": state.issuers,
                    "scopes_supported": ["tools", "files"],
                });
                if let Some(twist) = &state.metadata {
                    twist(&mut metadata);
                }
                Reply::json(&metadata)
            }
            _ => Reply::of(404, "<html>nothing here</html>"),
        }
    }

    fn as_issuer(&self, state: &mut State, call: &Call) -> Reply {
        let url = self.url();
        match &*call.path {
            METADATA => {
                let mut metadata = json!({
                    "issuer": url,
                    "authorization_endpoint": format!("{url}/authorize"),
                    "token_endpoint": format!("{url}/token"),
                    "revocation_endpoint": format!("{url}/revoke"),
                    "registration_endpoint": format!("{url}/register"),
                    "code_challenge_methods_supported": ["S256"],
                    "token_endpoint_auth_methods_supported":
                        ["client_secret_basic", "client_secret_post", "none"],
                    "authorization_response_iss_parameter_supported": true,
                });
                if let Some(twist) = &state.metadata {
                    twist(&mut metadata);
                }
                Reply::json(&metadata)
            }
            "/register" => {
                let mut asked: Value = serde_json::from_str(&call.body).unwrap();
                let id = state.mint("client");
                asked["client_id"] = json!(id);
                if asked["token_endpoint_auth_method"] != "none" {
                    asked["client_secret"] = json!(state.mint("cs"));
                    asked["client_secret_expires_at"] = json!(0);
                }
                if let Some(twist) = &state.registered {
                    twist(&mut asked);
                }
                let uris = asked["redirect_uris"].as_array().into_iter().flatten();
                let uris = uris.map(|uri| uri.as_str().unwrap().to_owned()).collect();
                let secret = asked["client_secret"].as_str().map(str::to_owned);
                if let Some(id) = asked["client_id"].as_str() {
                    state.clients.insert(id.to_owned(), (secret, uris));
                }
                Reply::of(201, &asked.to_string())
            }
            "/token" | "/revoke" if !state.knows(call) => Reply::error(401, "invalid_client"),
            "/token" => state.token(call),
            "/revoke" => {
                let token = call.form["token"].clone();
                state.refresh.remove(&token);
                state.revoked.push(token);
                Reply::of(200, "")
            }
            _ => Reply::of(404, ""),
        }
    }

    /// Somebody consents at the page: the query of the redirect.
    pub fn consent(&self, page: &str) -> String {
        let asked = query(page);
        assert!(page.starts_with(&format!("{}/authorize?", self.url())), "{page}");
        let mut state = self.state();
        assert!(state.clients.contains_key(&asked["client_id"]), "a client that is known");
        let code = state.mint("code");
        let back = [("code", code.clone()), ("state", asked["state"].clone()), ("iss", self.url())];
        state.codes.insert(code, asked);
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish()
    }
}

impl State {
    fn mint(&mut self, kind: &str) -> String {
        self.next += 1;
        format!("{kind}-{MARK}-{}-{}", self.tag, self.next)
    }

    fn knows(&self, call: &Call) -> bool {
        let basic = call.authorization.as_deref().and_then(|a| a.strip_prefix("Basic "));
        let (id, secret) = match basic {
            Some(pair) => {
                let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
                let (id, secret) = pair.split_once(':').unwrap();
                let plain = |t: &str| {
                    url::form_urlencoded::parse(t.as_bytes()).next().unwrap().0.into_owned()
                };
                (plain(id), Some(plain(secret)))
            }
            None => {
                let field = |name: &str| call.form.get(name).cloned();
                (field("client_id").unwrap_or_default(), field("client_secret"))
            }
        };
        self.clients.get(&id).is_some_and(|(expected, _)| *expected == secret)
    }

    fn token(&mut self, call: &Call) -> Reply {
        let refused = || Reply::error(400, "invalid_grant");
        let field = |name: &str| call.form.get(name).map_or("", String::as_str);
        let asked = if field("grant_type") == "authorization_code" {
            let Some(asked) = self.codes.remove(field("code")) else { return refused() };
            let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier")));
            if proof != asked["code_challenge"] || asked["redirect_uri"] != field("redirect_uri") {
                return refused();
            }
            asked
        } else {
            let Some(asked) = self.refresh.remove(field("refresh_token")) else { return refused() };
            asked
        };
        // RFC 8707: bound to what was asked for, at the page and here.
        if asked.get("resource").map(String::as_str) != Some(field("resource")) {
            return Reply::error(400, "invalid_target");
        }
        let (access, refresh) = (self.mint("at"), self.mint("rt"));
        self.tokens.insert(access.clone(), asked["resource"].clone());
        let scope = asked.get("scope").cloned().unwrap_or_default();
        self.refresh.insert(refresh.clone(), asked);
        let mut answer = json!({
            "access_token": access, "refresh_token": refresh, "token_type": "Bearer",
            "expires_in": 300, "scope": scope,
        });
        if let Some(twist) = &self.answer {
            twist(&mut answer);
        }
        Reply::json(&answer)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap().take() {
            task.abort();
        }
    }
}

/// The parameters of an address.
pub fn query(address: &str) -> BTreeMap<String, String> {
    url::Url::parse(address).unwrap().query_pairs().into_owned().collect()
}

/// A server, its issuer, a store and a clock.
pub struct McpWorld {
    pub server: Arc<Double>,
    pub issuer: Arc<Double>,
    pub clock: ManualClock,
    pub store: MemoryStore,
    pub random: Arc<SeededRandom>,
}

impl McpWorld {
    pub async fn new() -> Self {
        let (server, issuer) = (Double::start(Role::Server).await, Double::issuer().await);
        server.state().issuers = vec![issuer.url()];
        let (clock, store) = (ManualClock::default(), MemoryStore::new());
        Self { server, issuer, clock, store, random: Arc::new(SeededRandom::new(11)) }
    }

    /// The server's address.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.server.url())
    }

    pub fn runtime(&self) -> McpRuntime {
        let http = ReqwestClient::builder()
            .read_limit(Duration::from_millis(400))
            .total_limit(Duration::from_millis(800));
        self.runtime_with(Arc::new(http.build().unwrap()))
    }

    pub fn runtime_with(&self, http: Arc<dyn HttpClient>) -> McpRuntime {
        McpRuntime {
            http,
            store: Arc::new(self.store.clone()),
            clock: Arc::new(self.clock.clone()),
            random: self.random.clone(),
        }
    }

    pub fn builder(&self) -> McpProviderBuilder {
        McpProvider::builder(ProviderId::new("files").unwrap(), self.mcp())
    }

    pub fn provider(&self) -> McpProvider {
        self.built(self.builder())
    }

    pub fn built(&self, builder: McpProviderBuilder) -> McpProvider {
        builder.build(self.runtime()).unwrap()
    }

    /// The token's key in a session.
    pub fn key(&self, session: &str) -> Key {
        let reference = CredentialRef::parse("files/token").unwrap();
        Key::new(&reference, Some(EffectiveSession::shared(session).unwrap()), Variant::none())
    }

    pub fn request(&self, session: &str) -> Request {
        self.request_for(self.key(session))
    }

    pub fn request_for(&self, key: Key) -> Request {
        Request::new(key, Arc::new(self.clock.clone())).with_interaction(Interaction::Allowed)
    }

    pub async fn open(
        &self,
        provider: &McpProvider,
        request: &Request,
    ) -> Result<(FlowState, String), CredentialError> {
        self.open_at(provider, request, HOME).await
    }

    /// Opens the page of a sign-in that comes back to `home`.
    pub async fn open_at(
        &self,
        provider: &McpProvider,
        request: &Request,
        home: &str,
    ) -> Result<(FlowState, String), CredentialError> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes);
        let end = self.clock.now().plus(Duration::from_secs(600));
        let start = SignInStart::new(FlowId::from_random(bytes), end)
            .with_redirect_uri(Some(home.to_owned()));
        let (state, progress) = provider.start(request, &start).await?;
        match progress {
            SignInProgress::Step(SignInStep::OpenUrl { url, .. }) => Ok((state, url)),
            other => panic!("{other:?}"),
        }
    }

    /// Somebody agrees at `issuer`, and it counts.
    pub async fn agree(
        &self,
        provider: &McpProvider,
        request: &Request,
        mut state: FlowState,
        query: &str,
    ) -> Result<Credential, CredentialError> {
        let answer = callback(query).unwrap().answer;
        match provider.answer(request, &mut state, answer).await? {
            SignInProgress::Finished(done) => Ok(provider.accept(request, done).await?.unwrap()),
            other => panic!("{other:?}"),
        }
    }

    pub async fn sign_in(
        &self,
        provider: &McpProvider,
        request: &Request,
    ) -> Result<Credential, CredentialError> {
        let (state, page) = self.open(provider, request).await?;
        self.agree(provider, request, state, &self.issuer.consent(&page)).await
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// What a provider resolves.
pub async fn token(
    provider: &McpProvider,
    request: &Request,
) -> Result<Credential, CredentialError> {
    match provider.resolve(request).await? {
        Resolution::Credential(credential) => Ok(*credential),
        other => panic!("{other:?}"),
    }
}

/// Why somebody must sign in.
pub fn reason(error: &CredentialError) -> Option<ReauthReason> {
    assert_eq!(error.code(), ErrorCode::NeedsReauth, "{error}");
    error.reason()
}
