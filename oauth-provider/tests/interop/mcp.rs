//! MCP servers made with the official SDK: behind oidc-provider, and with the SDK's own routes.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::*;
use credential_store::{FileStore, KeyFile};
use oauth_provider::{
    HttpClient as _, HttpRequest, HttpResponse, McpFactory, ReqwestClient, bearer_challenges,
    callback,
};
use resolution_engine::*;
use serde_json::{Value, json};

use crate::browser::{self, Mind};
use crate::gateway::{ELSEWHERE, reason};
use crate::peer::{Peer, assert_one_chain};

/// A server, who issues its tokens, a person, and the folder where logins are kept.
struct World {
    server: String,
    issuer: Peer,
    person: &'static str,
    folder: PathBuf,
}

impl World {
    fn new(server: String, issuer: Peer, person: &'static str) -> Self {
        let folder = std::env::temp_dir().join(format!("mcp-{}-{person}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&folder).unwrap();
        Self { server, issuer, person, folder }
    }

    fn behind_oidc(person: &'static str) -> Self {
        Self::new(Peer::mcp_server(), Peer::oidc_mcp(), person)
    }

    fn with_its_own(person: &'static str) -> Self {
        let peer = Peer::mcp_own();
        Self::new(peer.issuer.clone(), peer, person)
    }

    /// An engine of its own and a store opened anew, as each process has.
    async fn gateway(&self) -> Gateway {
        let key = KeyFile::new(self.folder.join("grants.key"));
        let store = FileStore::open(self.folder.join("grants"), key).await.unwrap();
        let engine = ResolutionEngine::builder()
            .store(Arc::new(store))
            .factory(McpFactory::with_reqwest().unwrap())
            .build()
            .unwrap();
        let configuration = json!({
            "credentialProviders": { "files": { "type": "mcp", "server": self.server } },
            "credentialAccess": [ { "consumer": "tool:test", "credential": "files/token" } ],
        });
        let configuration = Configuration::from_json(&configuration.to_string()).unwrap();
        engine.configure(configuration).await.unwrap();
        Gateway {
            tool: engine.consumer("tool:test").unwrap(),
            token: CredentialRef::parse("files/token").unwrap(),
            me: EffectiveSession::shared(self.person).unwrap(),
            engine,
        }
    }

    async fn signed_in(&self) -> Gateway {
        let gateway = self.gateway().await;
        gateway.sign_in(self).await;
        gateway
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

struct Gateway {
    engine: ResolutionEngine,
    tool: Consumer,
    token: CredentialRef,
    me: EffectiveSession,
}

impl Gateway {
    async fn ask(&self) -> Result<Arc<Credential>, CredentialError> {
        self.tool.request(&self.token).session(&self.me).await
    }

    async fn sign_in(&self, world: &World) {
        let target = self.engine.administrator().at(&self.token).session(&self.me);
        let flow = target.sign_in().redirect_uri(ELSEWHERE).start().await.unwrap();
        let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() else {
            panic!("a page is the first step");
        };
        let back = browser::redirect(&world.issuer, &url, world.person, Mind::Agrees).await;
        let (_, query) = back.split_once('?').unwrap();
        let done = flow.answer(callback(query).unwrap().answer).await.unwrap();
        assert!(matches!(done, FlowStatus::Done(_)), "{done:?}");
    }

    /// Asks until a token comes that is another than `old`.
    async fn another(&self, old: &Credential) -> Arc<Credential> {
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            let token = self.ask().await.unwrap();
            if !token.same_secrets(old) {
                return token;
            }
            assert!(Instant::now() < limit, "the same token still");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks until it fails.
    async fn failure(&self) -> CredentialError {
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            match self.ask().await {
                Err(error) if error.code() == ErrorCode::NeedsReauth => return error,
                other => assert!(Instant::now() < limit, "still {other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A call of MCP, over plain HTTP.
async fn call(server: &str, token: Option<&Credential>, method: &str) -> HttpResponse {
    let initialize = json!({
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let params = if method == "initialize" { initialize } else { json!({}) };
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut request = HttpRequest::post(server, body.to_string().into_bytes().into(), 1 << 20);
    request.headers = vec![
        ("accept", "application/json, text/event-stream".into()),
        ("content-type", "application/json".into()),
    ];
    if let Some(token) = token {
        let bearer = format!("Bearer {}", token.secret().unwrap().expose_secret());
        request = request.with_header("authorization", bearer.into());
    }
    ReqwestClient::new().unwrap().send(request).await.unwrap()
}

async fn assert_lets_in(server: &str, token: &Credential) {
    for (method, found) in
        [("initialize", "/result/serverInfo/name"), ("tools/list", "/result/tools/0/name")]
    {
        let answer = call(server, Some(token), method).await;
        assert_eq!(answer.status, 200, "{method}");
        let body: Value = serde_json::from_slice(answer.body.expose_secret()).unwrap();
        let expected = if method == "initialize" { "peer" } else { "whoami" };
        assert_eq!(body.pointer(found).and_then(Value::as_str), Some(expected), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an MCP server: .ci/interop oauth"]
async fn from_a_401_to_calls_that_are_let_in_and_out_again() {
    let world = World::behind_oidc("mcp-whole");
    let refused = call(&world.server, None, "tools/list").await;
    assert_eq!(refused.status, 401);
    let header = refused.header("www-authenticate").unwrap();
    assert_eq!(bearer_challenges([header])[0].scopes, ["tools:list"]);

    let gateway = world.signed_in().await;
    let first = gateway.ask().await.unwrap();
    assert_eq!(first.scopes(), ["tools:list"]);
    assert_lets_in(&world.server, &first).await;
    let second = gateway.another(&first).await;
    assert_lets_in(&world.server, &second).await;

    let target = gateway.engine.administrator().at(&gateway.token).session(&gateway.me);
    assert_eq!(target.sign_out().await.unwrap(), Revocation::Remote);
    let error = gateway.ask().await.unwrap_err();
    assert_eq!(reason(&error), Some(ReauthReason::SignedOut));
    gateway.engine.shutdown().await;
    assert_one_chain(&world.issuer.renewals_of(world.person));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an MCP server: .ci/interop oauth"]
async fn a_registration_is_remembered_by_all_who_share_the_store() {
    let world = World::behind_oidc("mcp-remembers");
    let here = world.signed_in().await;
    let token = here.ask().await.unwrap();
    here.engine.shutdown().await;
    // Another process: it renews with the client that the first one registered.
    let there = world.gateway().await;
    let renewed = there.another(&token).await;
    assert_lets_in(&world.server, &renewed).await;
    there.sign_in(&world).await;
    there.engine.shutdown().await;
    let calls = world.issuer.calls_of(world.person);
    assert!(
        calls.len() >= 3 && calls.iter().all(|call| call.client == calls[0].client),
        "{calls:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an MCP server: .ci/interop oauth"]
async fn a_token_for_another_server_is_not_let_in() {
    let world = World::behind_oidc("mcp-bound");
    let gateway = world.signed_in().await;
    let token = gateway.ask().await.unwrap();
    assert_eq!(call(&Peer::mcp_own().issuer, Some(&token), "tools/list").await.status, 401);
    gateway.engine.shutdown().await;
}

/// Its page answers an unknown client with an error that no redirect tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an MCP server: .ci/interop oauth"]
async fn the_sdks_own_routes_sign_in_renew_and_forget() {
    let world = World::with_its_own("mcp-own");
    let gateway = world.signed_in().await;
    let first = gateway.ask().await.unwrap();
    assert_lets_in(&world.server, &first).await;
    let second = gateway.another(&first).await;
    assert_lets_in(&world.server, &second).await;

    let forget = url::Url::parse(&world.server).unwrap().join("/peer/forget").unwrap();
    let forget = HttpRequest::post(forget.as_str(), Vec::new().into(), 64);
    assert_eq!(ReqwestClient::new().unwrap().send(forget).await.unwrap().status, 200);
    assert_eq!(reason(&gateway.failure().await), Some(ReauthReason::GrantRejected));
    gateway.sign_in(&world).await;
    let third = gateway.ask().await.unwrap();
    assert_lets_in(&world.server, &third).await;
    gateway.engine.shutdown().await;
}
