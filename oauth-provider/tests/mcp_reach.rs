//! How far the addresses that a server names may lead.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::mcp::{HOME, McpWorld};
use credential_provider_api::*;
use oauth_provider::{
    HttpClient, HttpError, HttpProblem, HttpRequest, HttpResponse, McpFactory, McpProvider,
    McpProviderBuilder, Reach, ReqwestClient, Resolver,
};
use serde_json::{Value, json};

const SERVER: &str = "https://mcp.example/mcp";
const PLACE: &str = "https://meta.example/resource";
const ISSUER: &str = "https://login.example";

/// A web on paper, and how far each request was allowed to go. It sends nothing.
#[derive(Default)]
struct Paper {
    pages: Mutex<BTreeMap<String, Value>>,
    asked: Mutex<Vec<(String, Reach)>>,
}

impl Paper {
    fn new() -> Arc<Self> {
        let paper = Self::default();
        paper.page(PLACE, json!({ "resource": SERVER, "authorization_servers": [ISSUER] }));
        paper.page(
            &format!("{ISSUER}/.well-known/oauth-authorization-server"),
            json!({
                "issuer": ISSUER,
                "authorization_endpoint": "https://login.example/authorize",
                "token_endpoint": "https://token.example/token",
                "revocation_endpoint": "https://token.example/revoke",
                "registration_endpoint": "https://register.example/register",
                "jwks_uri": "https://keys.example/jwks",
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
            }),
        );
        paper.page(
            "https://register.example/register",
            json!({ "client_id": "c", "token_endpoint_auth_method": "none" }),
        );
        let token = json!({ "access_token": "at", "refresh_token": "rt", "expires_in": 300 });
        paper.page("https://token.example/token", token);
        paper.page("https://token.example/revoke", json!({}));
        Arc::new(paper)
    }

    fn page(&self, url: &str, body: Value) {
        self.pages.lock().unwrap().insert(url.to_owned(), body);
    }

    fn asked(&self) -> Vec<(String, Reach)> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl HttpClient for Paper {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.asked.lock().unwrap().push((request.url.clone(), request.reach));
        if request.url.ends_with("/mcp") && !request.url.contains(".well-known") {
            let challenge = format!("Bearer resource_metadata=\"{PLACE}\"");
            let headers = vec![("www-authenticate".to_owned(), challenge)];
            return Ok(HttpResponse::new(401, headers, Vec::new().into()));
        }
        let page = self.pages.lock().unwrap().get(&request.url).map(Value::to_string);
        let status = if page.is_some() { 200 } else { 404 };
        Ok(HttpResponse::new(status, Vec::new(), page.unwrap_or_default().into_bytes().into()))
    }
}

fn builder(server: &str) -> McpProviderBuilder {
    McpProvider::builder(ProviderId::new("files").unwrap(), server)
}

async fn page(
    world: &McpWorld,
    paper: &Arc<Paper>,
    builder: McpProviderBuilder,
) -> Result<String, CredentialError> {
    let provider = builder.build(world.runtime_with(paper.clone())).unwrap();
    world.open(&provider, &world.request("s")).await.map(|(_, page)| page)
}

/// From the first look to the revocation, with every address on a host of its own.
#[tokio::test]
async fn what_a_public_server_names_is_followed_to_public_addresses_only() {
    let (world, paper) = (McpWorld::new().await, Paper::new());
    let provider = builder(SERVER).build(world.runtime_with(paper.clone())).unwrap();
    let request = world.request("s");
    let (state, page) = world.open(&provider, &request).await.unwrap();
    let back = format!("code=c&state={}", common::mcp::query(&page)["state"]);
    world.agree(&provider, &request, state, &back).await.unwrap();
    world.pass(301);
    common::mcp::token(&provider, &request).await.unwrap();
    provider.check(&request, None).await.unwrap();
    provider.sign_out(&request).await.unwrap();
    let asked = paper.asked();
    for named in ["meta.", "login.", "register.", "token.example/token", "token.example/revoke"] {
        assert!(asked.iter().any(|(url, _)| url.contains(named)), "{named}: {asked:?}");
    }
    for (url, reach) in asked {
        let configured = url == SERVER;
        let expected = if configured { Reach::Configured } else { Reach::Public };
        assert_eq!(reach, expected, "{url}");
    }
}

#[tokio::test]
async fn loopback_and_private_addresses_are_for_servers_that_are_there_themselves() {
    for (server, private, reach) in [
        ("https://192.168.7.7/mcp", false, Reach::Private),
        ("https://mcp.example/mcp", true, Reach::Private),
        ("https://127.0.0.1/mcp", false, Reach::Loopback),
        ("https://localhost/mcp", true, Reach::Loopback),
    ] {
        let (world, paper) = (McpWorld::new().await, Paper::new());
        paper.page(PLACE, json!({ "resource": server, "authorization_servers": [ISSUER] }));
        let built = builder(server);
        let built = if private { built.private_network() } else { built };
        page(&world, &paper, built).await.unwrap();
        let (url, found) = paper.asked().pop().unwrap();
        assert_eq!((url.as_str(), found), ("https://register.example/register", reach), "{server}");
    }
}

#[tokio::test]
async fn a_private_network_may_be_configured() {
    let (world, paper) = (McpWorld::new().await, Paper::new());
    let json = json!({ "server": SERVER, "network": "private", "redirectUri": HOME });
    let context = FactoryContext::new(Arc::new(world.clock.clone()), world.random.clone())
        .with_store(Arc::new(world.store.clone()));
    let settings = Settings::from_json("p", &json.to_string()).unwrap();
    let id = ProviderId::new("files").unwrap();
    let provider = McpFactory::new(paper.clone()).build(id, settings, &context).await.unwrap();
    let start = SignInStart::new(FlowId::from_text("flow-1"), Timestamp::MAX);
    provider.sign_in().unwrap().start(&world.request("s"), &start).await.unwrap();
    assert_eq!(paper.asked()[1], (PLACE.to_owned(), Reach::Private));
}

#[tokio::test]
async fn an_issuer_that_the_host_names_may_be_anywhere() {
    let (world, paper) = (McpWorld::new().await, Paper::new());
    page(&world, &paper, builder(SERVER).issuer(ISSUER)).await.unwrap();
    let asked = paper.asked();
    let reach = |part: &str| asked.iter().find(|(url, _)| url.contains(part)).unwrap().1;
    assert_eq!(reach("meta."), Reach::Public, "the server has named this one");
    assert_eq!(reach("login."), Reach::Configured);
    assert_eq!(reach("register."), Reach::Configured);
}

#[tokio::test]
async fn an_address_that_shows_where_it_leads_is_not_asked_at_all() {
    for bad in [
        "http://meta.example/x",
        "http://127.0.0.1:1/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://10.0.0.1/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[fd00::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://100.100.100.200/x",
        "https://2130706433/x",
        "file:///etc/passwd",
    ] {
        let (world, paper) = (McpWorld::new().await, Paper::new());
        paper.page(PLACE, json!({ "resource": SERVER, "authorization_servers": [bad] }));
        let error = page(&world, &paper, builder(SERVER)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid, "issuer {bad}");
        assert_eq!(paper.asked().len(), 2, "{bad}");

        let world = McpWorld::new().await;
        let challenge = Arc::new(Challenger(bad.to_owned(), AtomicUsize::new(0)));
        let provider = builder(SERVER).build(world.runtime_with(challenge.clone())).unwrap();
        let error = world.open(&provider, &world.request("s")).await.map(drop).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid, "metadata {bad}");
        assert_eq!(challenge.1.load(Ordering::SeqCst), 1, "{bad}");

        let paper = Paper::new();
        let place = format!("{ISSUER}/.well-known/oauth-authorization-server");
        let mut metadata = paper.pages.lock().unwrap()[&place].clone();
        metadata["authorization_endpoint"] = json!(bad);
        paper.page(&place, metadata);
        page(&world, &paper, builder(SERVER)).await.expect_err(bad);
        assert!(!paper.asked().iter().any(|(url, _)| url.contains("register")), "{bad}");
    }
}

/// Names one place for its metadata.
struct Challenger(String, AtomicUsize);

#[async_trait]
impl HttpClient for Challenger {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let challenge = format!("Bearer resource_metadata=\"{}\"", self.0);
        let headers = vec![("WWW-Authenticate".to_owned(), challenge)];
        Ok(HttpResponse::new(401, headers, Vec::new().into()))
    }
}

/// Names on paper.
struct Names(BTreeMap<&'static str, Vec<&'static str>>);

#[async_trait]
impl Resolver for Names {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = self.0.get(host).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(found.iter().map(|address| address.parse().unwrap()).collect())
    }
}

fn client(names: &[(&'static str, &[&'static str])]) -> ReqwestClient {
    let names = names.iter().map(|(name, addresses)| (*name, addresses.to_vec())).collect();
    ReqwestClient::builder().resolver(Arc::new(Names(names))).build().unwrap()
}

async fn problem(client: &ReqwestClient, url: &str, reach: Reach) -> HttpError {
    client.send(HttpRequest::get(url, 1).with_reach(reach)).await.unwrap_err()
}

const OUT_OF_REACH: HttpError = HttpError::NotSent(HttpProblem::OutOfReach);

#[tokio::test]
async fn a_name_is_judged_by_all_addresses_it_leads_to() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let counted = came.clone();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let client = client(&[
        ("inside.example", &["127.0.0.1"]),
        ("mapped.example", &["::ffff:127.0.0.1"]),
        ("both.example", &["1.1.1.1", "127.0.0.1"]),
        ("private.example", &["10.0.0.1"]),
        ("keys.example", &["169.254.169.254"]),
    ]);
    for name in ["inside", "mapped", "both", "private", "keys"] {
        let url = format!("https://{name}.example:{port}/");
        assert_eq!(problem(&client, &url, Reach::Public).await, OUT_OF_REACH, "{name}");
    }
    for (name, reach) in
        [("inside", Reach::Private), ("both", Reach::Private), ("keys", Reach::Loopback)]
    {
        let url = format!("https://{name}.example:{port}/");
        assert_eq!(problem(&client, &url, reach).await, OUT_OF_REACH, "{name}");
    }
    assert_eq!(came.load(Ordering::SeqCst), 0, "nothing was connected to");
    // Within reach it is connected to, with the address that was judged: TLS fails there.
    for (at, reach) in [Reach::Loopback, Reach::Configured].into_iter().enumerate() {
        let url = format!("https://inside.example:{port}/");
        assert_ne!(problem(&client, &url, reach).await, OUT_OF_REACH);
        assert_eq!(came.load(Ordering::SeqCst), at + 1);
    }
    let unknown = problem(&client, "https://unknown.example/", Reach::Public).await;
    assert_eq!(unknown, HttpError::NotSent(HttpProblem::Unreachable));
    server.abort();
}

#[tokio::test]
async fn a_name_is_resolved_anew_for_each_connection() {
    /// Knows nothing at first, and then an address that is out of reach.
    struct Turncoat(AtomicUsize);
    #[async_trait]
    impl Resolver for Turncoat {
        async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            if count == 0 {
                return Err(io::Error::other("not yet"));
            }
            Ok(vec!["127.0.0.1".parse().unwrap()])
        }
    }
    let names = Arc::new(Turncoat(AtomicUsize::new(0)));
    let client = ReqwestClient::builder().resolver(names.clone()).build().unwrap();
    let url = "https://turncoat.example/";
    let first = problem(&client, url, Reach::Public).await;
    assert_eq!(first, HttpError::NotSent(HttpProblem::Unreachable));
    assert_eq!(problem(&client, url, Reach::Public).await, OUT_OF_REACH);
    assert_eq!(problem(&client, url, Reach::Public).await, OUT_OF_REACH);
    assert_eq!(names.0.load(Ordering::SeqCst), 3, "each time, and once for each");
}

#[tokio::test]
async fn an_address_in_the_url_is_judged_without_resolving() {
    let client = client(&[]);
    for (url, reach) in [
        ("https://127.0.0.1:1/", Reach::Public),
        ("https://[::1]:1/", Reach::Private),
        ("https://0x7f000001:1/", Reach::Public),
        ("https://10.0.0.1:1/", Reach::Public),
        ("https://[64:ff9b::a00:1]:1/", Reach::Public),
        ("https://169.254.169.254/", Reach::Loopback),
        ("http://127.0.0.1:1/", Reach::Private),
        ("http://localhost:1/", Reach::Public),
    ] {
        assert_eq!(problem(&client, url, reach).await, OUT_OF_REACH, "{url}");
    }
    let http = problem(&client, "http://mcp.example/", Reach::Configured).await;
    assert_eq!(http, HttpError::NotSent(HttpProblem::Forbidden));
}

#[tokio::test]
async fn promise_9_what_is_out_of_reach_is_for_the_host_to_mend() {
    let world = McpWorld::new().await;
    let names = client(&[("mcp.example", &["127.0.0.1"]), ("meta.example", &["10.0.0.1"])]);
    // The challenge is on paper; what it names is looked for by name.
    struct Front(ReqwestClient, Arc<Paper>);
    #[async_trait]
    impl HttpClient for Front {
        async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
            if request.url == SERVER {
                self.1.send(request).await
            } else {
                self.0.send(request).await
            }
        }
    }
    let http = Arc::new(Front(names, Paper::new()));
    let provider = builder(SERVER).build(world.runtime_with(http)).unwrap();
    let error = world.open(&provider, &world.request("s")).await.map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    assert!(error.detail().contains("may not lead"), "{error}");
}
