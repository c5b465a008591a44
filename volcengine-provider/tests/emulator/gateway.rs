//! A gateway whose neighbours are all real or others': the emulator's program, a certified OpenID
//! Provider, and a second gateway in a process of its own on the same encrypted store.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use credential_provider_api::{
    Clock as _, Credential, CredentialError, CredentialRef, EffectiveSession, ErrorCode,
    ExposeSecret as _, Material, Origin, OutgoingRequest, ReauthReason, Requester, Revocation,
    SecretString, SignInAnswer, SignInStep, Variant,
};
use credential_store::{FileStore, KeyFile};
use oauth_provider::{HttpClient, ReqwestClient};
use resolution_engine::{Configuration, FlowStatus, ResolutionEngine, SignInFlow, SystemClock};
use serde_json::{Value, json};
use volcengine_provider::emulator::EXAMPLE;
use volcengine_provider::{SystemFiles, VolcengineFactory};

use crate::official_client::set;
use crate::program::Program;
use crate::wire::{Key, send, signed};

/// What the provider's client has registered; nobody listens there.
const CALLBACK: &str = "http://127.0.0.1/callback";
const PEOPLE: [&str; 2] = ["u-alice", "u-bob"];
/// One of each kind that is derived from a workload token.
const DERIVED: [&str; 4] = ["search", "calendar", "reports", "storage"];
/// What the second gateway is told.
const SECOND: &str = "VOLCENGINE_SECOND_GATEWAY";

struct Gateway {
    engine: ResolutionEngine,
    emulator: SocketAddr,
}

impl Gateway {
    async fn open(place: &Path, emulator: SocketAddr) -> Self {
        let store = FileStore::open(place.join("grants"), KeyFile::new(place.join("key")));
        let http: Arc<dyn HttpClient> = Arc::new(ReqwestClient::new().unwrap());
        let nothing: std::collections::BTreeMap<String, SecretString> = Default::default();
        let files = Arc::new(SystemFiles);
        let engine = ResolutionEngine::builder()
            .store(Arc::new(store.await.unwrap()))
            .factory(VolcengineFactory::new(http.clone(), http, files, Arc::new(nothing)))
            .build()
            .unwrap();
        let url = format!("http://{emulator}");
        let configuration = json!({
            "credentialProviders": { "volc": {
                "type": "volcengine", "endpoint": url, "stsEndpoint": url,
                "accessKeyId": "AKLT-gateway", "secretAccessKey": "gateway-example-secret",
                "userPool": { "name": "people", "clientName": "gateway", "callbackUrl": CALLBACK },
                "credentials": {
                    "search": { "type": "api_key", "origins": [url] },
                    "calendar": { "type": "oauth2", "origins": [url] },
                    "reports": { "type": "oauth2", "origins": [url] },
                    "storage": { "type": "role", "useTip": true },
                },
            } },
            "credentialAccess": [
                { "consumer": "tool:web", "credential": "volc/*" },
                { "consumer": "provider:volc", "credential": "volc/*" },
            ],
        });
        let configuration = Configuration::from_json(&configuration.to_string()).unwrap();
        engine.configure(configuration).await.unwrap();
        Self { engine, emulator }
    }

    async fn ask(&self, id: &str, user: &str) -> Result<Arc<Credential>, CredentialError> {
        let tool = self.engine.consumer("tool:web").unwrap();
        tool.request(&name(id)).session(&member(user)).await
    }

    async fn begin(&self, id: &str, user: &str) -> SignInFlow {
        let at = self.engine.administrator().at(&name(id)).session(&member(user));
        at.sign_in().redirect_uri(CALLBACK).start().await.unwrap()
    }

    /// Through the provider's own login and consent pages.
    async fn sign_in(&self, user: &str) {
        let flow = self.begin("identity", user).await;
        let back = browse(&flow, user).await;
        let done = flow.answer(SignInAnswer::Pasted(back.into())).await.unwrap();
        assert!(matches!(done, FlowStatus::Done(_)), "{done:?}");
    }

    async fn consent(&self, id: &str, user: &str) {
        let flow = self.begin(id, user).await;
        browse(&flow, user).await;
        let clock = SystemClock::new();
        let until = Instant::now() + Duration::from_secs(20);
        while !matches!(flow.answer(SignInAnswer::Poll).await.unwrap(), FlowStatus::Done(_)) {
            assert!(Instant::now() < until, "{:?}", flow.status());
            clock.sleep_until(clock.now().plus(Duration::from_secs(1))).await;
        }
    }

    /// What the resource says about a request that this credential authorizes.
    async fn whoami(&self, credential: &Credential) -> Value {
        let origin = Origin::parse(&format!("http://{}", self.emulator)).unwrap();
        let request = OutgoingRequest::new("GET", &origin, "/resource/whoami");
        let added = credential.authorize(&request, SystemClock::new().now()).unwrap();
        let headers: Vec<(&str, String)> = added
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose_secret().to_owned()))
            .collect();
        send(self.emulator, "GET", "/resource/whoami", &headers, "").await.unwrap().json()
    }

    /// Whose keys STS takes these for.
    async fn caller(&self, credential: &Credential) -> Value {
        let Material::AccessKey(key) = credential.material() else { panic!("{credential:?}") };
        let key = Key {
            id: key.access_key_id.clone(),
            secret: key.secret_access_key.expose_secret().to_owned(),
            token: key.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
        };
        let query = "Action=GetCallerIdentity&Version=2018-01-01";
        let now = i64::try_from(SystemClock::new().now().as_millis() / 1000).unwrap();
        let headers = signed(&key, self.emulator, "sts", query, "", now);
        let answer = send(self.emulator, "POST", &format!("/?{query}"), &headers, "").await;
        answer.unwrap().json()["Result"].clone()
    }
}

fn name(id: &str) -> CredentialRef {
    CredentialRef::parse(&format!("volc/{id}")).unwrap()
}

/// Somebody in a group chat that all of them share.
fn member(user: &str) -> EffectiveSession {
    let (session, channel, account) = ("agent:main:group", "chat", "T1");
    let parts = Requester { session, channel, account, requester: user };
    EffectiveSession::requester(parts).unwrap()
}

async fn browse(flow: &SignInFlow, login: &str) -> String {
    let FlowStatus::Step(SignInStep::OpenUrl { url, .. }) = flow.status() else {
        panic!("{:?}", flow.status())
    };
    let mut browser = Command::new("node");
    browser.args([set("OAUTH_BROWSER"), url, login.to_owned()]).stdin(Stdio::null());
    let done = tokio::task::spawn_blocking(move || browser.output().unwrap()).await.unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// The second gateway: answers each line `USER ID` with whose credential it has, or why none.
async fn second(said: &str) {
    let said: Value = serde_json::from_str(said).unwrap();
    let place = Path::new(said["place"].as_str().unwrap());
    let gateway = Gateway::open(place, said["emulator"].as_str().unwrap().parse().unwrap()).await;
    println!("\n> ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (user, id) = line.split_once(' ').unwrap();
        match gateway.ask(id, user).await {
            Ok(credential) => println!("> {}", credential.account().unwrap().as_str()),
            Err(error) => println!("> {}", error.code()),
        }
    }
    gateway.engine.shutdown().await;
}

/// The second gateway, as the first one's host sees it; killed if a test forgets it.
struct Second {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Second {
    fn start(test: &str, place: &Path, emulator: SocketAddr) -> Self {
        let said = json!({ "place": place, "emulator": emulator.to_string() });
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(SECOND, said.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut second = Self { child, out };
        assert_eq!(second.line(), "ready");
        second
    }

    fn ask(&mut self, id: &str, user: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{user} {id}").unwrap();
        self.line()
    }

    fn line(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.out.read_line(&mut line).unwrap(), 0, "the second gateway has ended");
            if let Some(said) = line.trim_end().strip_prefix("> ") {
                return said.to_owned();
            }
        }
    }

    fn end(mut self) -> bool {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The example, with people who sign in at the provider as its client `conf`.
fn state(issuer: &str) -> Value {
    let mut state: Value = serde_json::from_str(EXAMPLE).unwrap();
    let pool = &mut state["Accounts"][0]["UserPools"][0];
    pool["Issuer"] = json!(issuer);
    pool["Clients"] = json!([{
        "Uid": "conf", "Name": "gateway", "ClientType": "WEB_APPLICATION",
        "ClientSecret": "conf-secret", "AllowedCallbackUrls": [CALLBACK],
    }]);
    state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop volcengine"]
async fn two_people_of_a_group_have_their_own_until_they_sign_out_in_every_process() {
    if let Ok(said) = std::env::var(SECOND) {
        return second(&said).await;
    }
    let place = std::env::temp_dir().join(format!("volcengine-gateway-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).unwrap();
    let file = place.join("state.json");
    std::fs::write(&file, state(&set("VOLCENGINE_OIDC_ISSUER")).to_string()).unwrap();
    let program = Program::start(file.to_str().unwrap());
    let gateway = Gateway::open(&place, program.address).await;

    // Nobody has anything of anybody.
    let error = gateway.ask("search", "u-alice").await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::NotSignedIn));
    assert_eq!(error.parent(), Some(&name("identity")));
    gateway.sign_in("u-alice").await;
    for id in DERIVED {
        let error = gateway.ask(id, "u-bob").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReauth, "{id}");
    }
    gateway.sign_in("u-bob").await;

    // Each has their own of every kind.
    let error = gateway.ask("calendar", "u-alice").await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::ConsentRequired));
    gateway.consent("calendar", "u-alice").await;
    assert_eq!(gateway.ask("calendar", "u-bob").await.unwrap_err().code(), ErrorCode::NeedsReauth);
    gateway.consent("calendar", "u-bob").await;
    let mut tokens = Vec::new();
    for user in PEOPLE {
        for id in DERIVED {
            let credential = gateway.ask(id, user).await.unwrap();
            assert_eq!(credential.account().unwrap().as_str(), user, "{id}");
        }
        let search = gateway.ask("search", user).await.unwrap();
        assert_eq!(gateway.whoami(&search).await["provider"], "search");
        let calendar = gateway.ask("calendar", user).await.unwrap();
        assert_eq!(gateway.whoami(&calendar).await["user"], user);
        tokens.push(calendar);
        let reports = gateway.ask("reports", user).await.unwrap();
        assert_eq!(gateway.whoami(&reports).await["login"], "reports-client");
        let storage = gateway.ask("storage", user).await.unwrap();
        assert_eq!(gateway.caller(&storage).await["IdentityType"], "AssumedRole");
    }
    assert!(!tokens[0].same_secrets(&tokens[1]));
    // Whose it is does not depend on who asks for the account by name.
    let bob = Variant::builder().account("u-bob").build().unwrap();
    let (tool, search, alice) =
        (gateway.engine.consumer("tool:web").unwrap(), name("search"), member("u-alice"));
    let error = tool.request(&search).session(&alice).variant(&bob).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::AccountMismatch);

    // Another process has the same logins, and no more.
    let test = concat!(
        "gateway::",
        "two_people_of_a_group_have_their_own_until_they_sign_out_in_every_process"
    );
    let mut other = Second::start(test, &place, program.address);
    for (id, user) in DERIVED.into_iter().flat_map(|id| PEOPLE.map(|user| (id, user))) {
        assert_eq!(other.ask(id, user), user, "{id}");
    }
    assert_eq!(other.ask("search", "u-carol"), "needs_reauth");

    let at = gateway.engine.administrator().at(&name("identity")).session(&alice);
    assert_eq!(at.sign_out().await.unwrap(), Revocation::Remote);
    let signed_out = Instant::now();
    for id in DERIVED {
        let error = gateway.ask(id, "u-alice").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReauth, "{id}");
        assert!(gateway.ask(id, "u-bob").await.is_ok(), "{id}");
    }
    for id in DERIVED {
        while other.ask(id, "u-alice") != "needs_reauth" {
            assert!(signed_out.elapsed() < Duration::from_secs(2), "{id} is still served there");
        }
        assert_eq!(other.ask(id, "u-bob"), "u-bob");
    }
    assert!(signed_out.elapsed() < Duration::from_secs(2), "{:?}", signed_out.elapsed());

    // Signed in again, in both.
    gateway.sign_in("u-alice").await;
    assert!(gateway.ask("search", "u-alice").await.is_ok());
    let again = Instant::now();
    while other.ask("search", "u-alice") != "u-alice" {
        assert!(again.elapsed() < Duration::from_secs(2), "the second gateway did not follow");
    }
    assert!(other.end());
    gateway.engine.shutdown().await;
    assert!(program.end());
    std::fs::remove_dir_all(&place).unwrap();
}
