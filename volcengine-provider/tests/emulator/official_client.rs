//! Software from elsewhere: Volcengine's own clients, and a certified OpenID Provider.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use volcengine_provider::emulator::{EXAMPLE, State};

use crate::program::{Program, example};
use crate::wire::send;
use crate::world::{World, claims, text};

pub fn set(name: &str) -> String {
    std::env::var(name).expect("set by .ci/interop volcengine")
}

async fn succeeds(mut client: Command) {
    client.stdin(Stdio::null());
    let done = tokio::task::spawn_blocking(move || client.output().unwrap()).await.unwrap();
    let [out, err] = [&done.stdout, &done.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(done.status.success(), "{out}{err}");
}

/// Every action, the client's own errors, its retries and its sources of temporary keys.
#[tokio::test]
#[ignore = "needs volcenginesdk 5.0.54: .ci/interop volcengine"]
async fn volcengine_s_own_client_uses_every_action() {
    let program = Program::start(&example());
    let shapes = concat!(env!("CARGO_MANIFEST_DIR"), "/src/emulator/gateway/shapes.json");
    let mut client = Command::new(set("VOLCENGINE_PYTHON"));
    client.arg(set("VOLCENGINE_PYTHON_CLIENT"));
    client.args([format!("http://{}", program.address), shapes.to_owned()]);
    succeeds(client).await;
    // What the emulator saw, not what the script says.
    let counters = send(program.address, "GET", "/_emulator/counters", &[], "").await.unwrap();
    let outcomes = counters.json()["Outcomes"].clone();
    let shapes: Value = serde_json::from_str(&std::fs::read_to_string(shapes).unwrap()).unwrap();
    let actions =
        shapes.as_object().unwrap().values().flat_map(|all| all.as_object().unwrap().keys());
    let unanswered: Vec<&String> =
        actions.filter(|action| outcomes.get(format!("{action} ok")).is_none()).collect();
    assert!(unanswered.is_empty(), "{unanswered:?}");
    assert!(program.end());
}

/// It signs other headers, and parameters in the query.
#[tokio::test]
#[ignore = "needs @volcengine/openapi 1.36.2: .ci/interop volcengine"]
async fn volcengine_s_own_client_for_node_is_understood() {
    let program = Program::start(&example());
    let mut client = Command::new("node");
    client.args([set("VOLCENGINE_NODE_CLIENT"), format!("http://{}", program.address)]);
    succeeds(client).await;
    assert!(program.end());
}

/// The pool's users sign in at a real provider, whose keys the emulator has to fetch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs oidc-provider: .ci/interop volcengine"]
async fn a_certified_provider_signs_a_pool_s_users_in() {
    let issuer = set("VOLCENGINE_OIDC_ISSUER");
    let mut state = State::from_json(EXAMPLE).unwrap();
    let pool = state.user_pool_mut("people").unwrap();
    pool.issuer = issuer.clone();
    pool.clients[0].uid = "pub".into();
    let world = World::with(state).await;
    // The provider has the real time.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    world.clock.set(credential_provider_api::Timestamp::from_secs(now.as_secs()));

    let pool = world.call("GetUserPool", json!({ "UserPoolUid": "people" })).await.unwrap();
    let asked = json!({ "UserPoolUids": ["people"] });
    let places =
        world.call("ListUserPoolWellKnownEndpoints", asked).await.unwrap()["Data"][0].clone();
    assert_eq!((text(&pool, "IssuerUrl"), &pool["TokenUrl"]), (issuer, &places["TokenEndpoint"]));
    assert!(text(&places, "EndSessionEndpoint").starts_with("http://"));

    // The challenge is that of RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let query = [
        ("response_type", "code"),
        ("client_id", "pub"),
        ("redirect_uri", "http://127.0.0.1:5/callback"),
        ("scope", "openid email"),
        ("state", "s"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let page = url::Url::parse_with_params(&text(&places, "AuthorizationEndpoint"), query).unwrap();
    let mut browser = Command::new("node");
    browser.args([set("OAUTH_BROWSER"), page.into(), "u-alice".into()]).stdin(Stdio::null());
    let done = tokio::task::spawn_blocking(move || browser.output().unwrap()).await.unwrap();
    let back = String::from_utf8(done.stdout).unwrap();
    let back = url::Url::parse(back.trim()).unwrap_or_else(|_| panic!("{back}"));
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let endpoint = url::Url::parse(&text(&places, "TokenEndpoint")).unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "pub"),
        ("redirect_uri", "http://127.0.0.1:5/callback"),
        ("code", &code),
        ("code_verifier", verifier),
    ];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let kind = [("content-type", "application/x-www-form-urlencoded".to_owned())];
    let to = endpoint.socket_addrs(|| None).unwrap()[0];
    let tokens = send(to, "POST", endpoint.path(), &kind, &form).await.unwrap();
    let asked = json!({ "Name": "openclaw-agent", "UserToken": text(&tokens.json(), "id_token") });
    let answer = world.call("GetWorkloadAccessTokenForJWT", asked).await.unwrap();
    let said = claims(&text(&answer, "WorkloadAccessToken"));
    assert_eq!((&said["sub"], &said["act"]["sub"]), (&json!("u-alice"), &json!("openclaw-agent")));
}
