//! Calls: what is tried again, with which keys, where, and for how long.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::service::MARK;
use common::world::configured;
use common::{Reply, Then, World, run};
use credential_provider_api::{
    AccessKey, AccountId, Clock as _, Credential, CredentialError, ErrorCode, ExposeSecret as _,
    Origin, Revision, Timestamp, async_trait,
};
use serde_json::{Value, json};
use volcengine_provider::action::permission::{CheckPermission, Permission};
use volcengine_provider::action::resource::{GetResourceApiKey, GetResourceOauth2Token};
use volcengine_provider::action::workload::{CreateWorkloadIdentity, GetWorkloadIdentity};
use volcengine_provider::sign::Site;
use volcengine_provider::{CallError, Client, Fault, HeldKeys, Keys, Question, RawCall, Service};

const GET: &str = "GetWorkloadIdentity";
const CREATE: &str = "CreateWorkloadIdentity";

fn credential(id: &str) -> Credential {
    let secret = format!("{id}-{MARK}-secret").into();
    Credential::access_key(AccessKey::new(id.to_owned(), secret, None))
}

fn held() -> HeldKeys {
    HeldKeys::new(Arc::new(credential("AK")))
}

async fn client(world: &World, more: Value) -> Client {
    world.provider(configured(more)).await.client().clone()
}

async fn get(world: &World, client: &Client) -> Result<Option<String>, CallError> {
    let get = GetWorkloadIdentity::new("agent".to_owned());
    let answer = run(&world.time, client.call(&get, &held())).await?;
    Ok(answer.name)
}

fn named() -> Reply {
    Reply::result(&json!({ "Name": "agent", "Unknown": { "More": [1] }, "MetaData": null }))
}

/// The latest answer for ever.
fn then(reply: Reply) -> [Reply; 2] {
    [reply, named()]
}

#[tokio::test]
async fn what_passes_is_tried_again_and_each_time_signed_anew() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    for reply in [
        Reply::of(429, ""),
        Reply::of(500, "oops"),
        Reply::of(502, "<html>bad gateway</html>"),
        Reply::of(503, ""),
        Reply::of(504, ""),
        Reply::error(200, "FlowLimitExceeded"),
        Reply::then(Then::HangUp),
        Reply::then(Then::Unreachable),
    ] {
        let before = world.service.calls(GET).len();
        world.service.script(GET, then(reply.clone()));
        assert_eq!(get(&world, &client).await.unwrap().as_deref(), Some("agent"), "{reply:?}");
        let calls = &world.service.calls(GET)[before..];
        assert_eq!(calls.len(), 2, "{reply:?}");
        let (one, two) = (&calls[0].headers, &calls[1].headers);
        assert_eq!(one["x-content-sha256"], two["x-content-sha256"]);
        if one["x-date"] != two["x-date"] {
            assert_ne!(one["authorization"], two["authorization"]);
        }
    }
    let dates: Vec<String> =
        world.service.calls(GET).iter().map(|call| call.headers["x-date"].clone()).collect();
    assert!(dates.first() < dates.last(), "time went on, and the dates with it: {dates:?}");
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    for (reply, fault) in [
        (Reply::error(400, "InvalidParameter.Name"), Fault::Invalid),
        (Reply::error(401, "MissingAuthenticationToken"), Fault::Invalid),
        (Reply::error(403, "AccessDenied"), Fault::Denied),
        (Reply::error(404, "NotFound"), Fault::NotFound),
        (Reply::error(404, "ServiceNotFound"), Fault::UnknownAction),
        (Reply::error(409, "Duplicated"), Fault::AlreadyExists),
        (Reply::error(200, "NotFound.WorkloadIdentity"), Fault::NotFound),
        (Reply::error(400, "InvalidTimestamp"), Fault::Clock),
    ] {
        let before = world.service.calls(GET).len();
        world.service.script(GET, then(reply.clone()));
        assert_eq!(get(&world, &client).await.unwrap_err().fault(), Some(fault), "{reply:?}");
        assert_eq!(world.service.calls(GET).len(), before + 1, "{reply:?}");
    }
}

#[tokio::test]
async fn what_creates_is_tried_again_only_if_nothing_was_done() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    for (reply, tries) in [
        (Reply::of(429, ""), 2),
        (Reply::of(503, ""), 2),
        (Reply::then(Then::Unreachable), 2),
        (Reply::of(500, ""), 1),
        (Reply::of(504, ""), 1),
        (Reply::then(Then::HangUp), 1),
    ] {
        let before = world.service.calls(CREATE).len();
        world.service.script(CREATE, then(reply.clone()));
        let mut create = CreateWorkloadIdentity::new("agent".to_owned());
        create.category = Some("Agent".to_owned());
        let answer = run(&world.time, client.call(&create, &held())).await;
        assert_eq!(answer.is_ok(), tries == 2, "{reply:?}");
        assert_eq!(world.service.calls(CREATE).len(), before + tries, "{reply:?}");
    }
}

#[tokio::test]
async fn it_is_tried_three_times_more_and_as_late_as_the_service_asks() {
    let world = World::new();
    let usual = client(&world, json!({})).await;
    world.service.script(GET, [Reply::of(429, "").with("Retry-After", "7")]);
    let began = world.time.now();
    let error = CredentialError::from(get(&world, &usual).await.unwrap_err());
    assert_eq!(error.code(), ErrorCode::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(world.service.calls(GET).len(), 4);
    assert_eq!(began.until(world.time.now()), Duration::from_secs(21));
    let once = client(&world, json!({ "retries": 0 })).await;
    get(&world, &once).await.unwrap_err();
    assert_eq!(world.service.calls(GET).len(), 5);
}

#[tokio::test]
async fn nothing_is_tried_after_the_deadline() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    world.service.script(GET, [Reply::of(503, "").with("Retry-After", "60")]);
    let end = world.time.now().plus(Duration::from_secs(30));
    let get = GetWorkloadIdentity::new("agent".to_owned());
    let keys = held().until(end);
    run(&world.time, client.call(&get, &keys)).await.unwrap_err();
    assert_eq!(world.service.calls(GET).len(), 1);
    world.service.script(GET, [Reply::then(Then::Silence)]);
    let error = run(&world.time, client.call(&get, &keys)).await.unwrap_err();
    assert_eq!(CredentialError::from(error).code(), ErrorCode::Timeout);
    assert_eq!(world.time.now(), end);
}

/// Keys that are others after they were refused, as often as there are some.
struct Rotating {
    ids: Vec<&'static str>,
    asked: Mutex<Vec<Option<Revision>>>,
    next: AtomicU32,
}

impl Rotating {
    fn new(ids: &[&'static str]) -> Self {
        Self { ids: ids.to_vec(), asked: Mutex::default(), next: AtomicU32::new(0) }
    }
}

#[async_trait]
impl Keys for Rotating {
    async fn keys(
        &self,
        rejected: Option<Revision>,
    ) -> Result<Option<Arc<Credential>>, CredentialError> {
        self.asked.lock().unwrap().push(rejected);
        let number = self.next.fetch_add(1, Ordering::SeqCst) as usize;
        let Some(id) = self.ids.get(number) else {
            return Err(CredentialError::new(ErrorCode::Unavailable, ""));
        };
        Ok(Some(Arc::new(credential(id).with_revision(Revision::FIRST))))
    }

    fn deadline(&self) -> Timestamp {
        Timestamp::MAX
    }
}

#[tokio::test]
async fn refused_keys_are_reloaded_once() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    world.service.answer(GET, |call| match call.key() {
        Some("AK-2") => named(),
        _ => Reply::error(401, "InvalidAccessKey"),
    });
    let get = GetWorkloadIdentity::new("agent".to_owned());
    let good = Rotating::new(&["AK-1", "AK-2"]);
    client.call(&get, &good).await.unwrap();
    assert_eq!(*good.asked.lock().unwrap(), [None, Some(Revision::FIRST)]);
    // Others that are refused too; the same again; none.
    for (ids, calls) in
        [(["AK-1", "AK-3", "AK-2"].as_slice(), 2), (&["AK-1", "AK-1"], 1), (&["AK-1"], 1)]
    {
        let before = world.service.calls(GET).len();
        let keys = Rotating::new(ids);
        let error = client.call(&get, &keys).await.unwrap_err();
        assert_eq!(error.fault(), Some(Fault::KeysRejected), "{ids:?}");
        assert_eq!(CredentialError::from(error).code(), ErrorCode::Rejected);
        assert_eq!(world.service.calls(GET).len(), before + calls, "{ids:?}");
        assert_eq!(keys.asked.lock().unwrap().len(), 2, "{ids:?}");
    }
}

#[tokio::test]
async fn every_code_for_refused_keys_reloads_them() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    for code in [
        "InvalidAccessKeyId",
        "InvalidAccessKey",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidSecurityToken",
        "InvalidToken",
        "RequestExpired",
        "ExpiredTokenException",
        "InvalidSecretToken",
        "InvalidCredential",
        "SessionTokenInvalid",
        "AccessKeyIsExpire",
    ] {
        world.service.script(GET, [Reply::error(401, code), named()]);
        let keys = Rotating::new(&["AK-1", "AK-2"]);
        let get = GetWorkloadIdentity::new("agent".to_owned());
        client.call(&get, &keys).await.expect(code);
    }
}

#[tokio::test]
async fn promise_9_an_error_says_which_call_it_was() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    world.service.script(GET, [Reply::error(403, "AccessDenied")]);
    let error = get(&world, &client).await.unwrap_err();
    let error = CredentialError::from(error).to_string();
    for part in [GET, "403", "accessdenied", "20251127AABBCCDD"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains(MARK), "{error}");
}

#[tokio::test]
async fn answers_that_are_not_the_service_s_are_no_success() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    let wrong = r#"{"ResponseMetadata":{},"Result":{"Name":5}}"#;
    for body in ["", "<html>", "{}", "[]", wrong] {
        world.service.script(GET, [Reply::of(200, body)]);
        let error = CredentialError::from(get(&world, &client).await.unwrap_err());
        assert_eq!(error.code(), ErrorCode::InvalidResponse, "{body}");
    }
    world.service.script(GET, [Reply::of(200, r#"{"ResponseMetadata":{},"Result":null}"#)]);
    assert_eq!(get(&world, &client).await.unwrap(), None);
}

#[tokio::test]
async fn secrets_are_in_the_body_and_in_the_answer() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    let key = json!({ "ApiKey": "sk-canary", "ApiKeyMetadata": [{ "Location": "HEADER" }] });
    world.service.script("GetResourceApiKey", [Reply::result(&key)]);
    let mut ask = GetResourceApiKey::new("tip-canary".into(), "openai".to_owned());
    ask.pool_name = Some("default".to_owned());
    let answer = client.call(&ask, &held()).await.unwrap();
    assert_eq!(answer.api_key.as_ref().unwrap().expose_secret(), "sk-canary");
    assert_eq!(answer.api_key_metadata[0].location.as_deref(), Some("HEADER"));
    let body: Value =
        serde_json::from_str(&world.service.calls("GetResourceApiKey")[0].body).unwrap();
    let wanted =
        json!({ "IdentityToken": "tip-canary", "ProviderName": "openai", "PoolName": "default" });
    assert_eq!(body, wanted);
    assert!(!format!("{ask:?} {answer:?}").contains("canary"));
}

#[tokio::test]
async fn a_question_about_a_tool_says_which_agent_acts() {
    let world = World::new();
    let provider = world.provider(configured(json!({}))).await;
    let ask = async |question: Question, actors: &str| {
        world.service.script("CheckPermission", [Reply::result(&json!({ "Allowed": true }))]);
        let token = Credential::token("tip-canary".into())
            .with_expiry(world.time.now().plus(Duration::from_secs(600)))
            .with_account(AccountId::new("u-alice").unwrap())
            .with_property("actors", actors);
        assert!(provider.permits(&question, &token, &held()).await.is_allowed());
        let body = world.service.calls("CheckPermission").pop().unwrap().body;
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let agents = |names: &[&str]| {
        names.iter().map(|name| json!({ "Type": "agent", "Id": name })).collect::<Vec<_>>()
    };
    for (question, kind) in [(Question::tool("mail"), "tool"), (Question::skill("mail"), "skill")] {
        let asked = ask(question, r#"["writer","planner"]"#).await;
        assert_eq!(asked["Resource"], json!({ "Type": kind, "Id": "mail" }));
        assert_eq!(asked["OriginalCallers"], json!(agents(&["writer", "planner"])));
    }
    let asked = ask(Question::agent(), r#"["writer","planner"]"#).await;
    assert_eq!(asked["Resource"], json!({ "Type": "agent", "Id": "writer" }));
    assert_eq!(asked["OriginalCallers"], json!(agents(&["planner"])));
}

#[tokio::test]
async fn any_action_of_any_service_can_be_called() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    let answer = Reply::result(&json!({ "Status": "done" }));
    world.service.script("GetDocumentStatus", [answer.clone()]);
    world.service.script("ListUsers", [answer]);
    let call = RawCall::new(Service::Identity, "GetDocumentStatus").parameter("Id", "a b/+é");
    let answer = client.raw(&call, &held()).await.unwrap();
    assert_eq!(answer.request_id.as_ref().unwrap().as_str(), "20251127AABBCCDD");
    assert_eq!(answer.result::<Value>().unwrap(), json!({ "Status": "done" }));
    let sent = world.service.calls("GetDocumentStatus").pop().unwrap();
    assert_eq!(sent.method, "GET");
    let query = "Action=GetDocumentStatus&Version=2025-10-30&Id=a%20b%2F%2B%C3%A9";
    assert_eq!(sent.target, format!("/?{query}"));
    let origin = Origin::parse("https://iam.cn-shanghai.volcengineapi.com").unwrap();
    let call = RawCall::at(Site::of(origin).unwrap(), "ListUsers", "2018-01-01");
    client.raw(&call.json(b"{}".to_vec().into()), &held()).await.unwrap();
    let sent = world.service.calls("ListUsers").pop().unwrap();
    assert!(sent.target.starts_with("https://iam.cn-shanghai.volcengineapi.com/?"), "{sent:?}");
    assert!(sent.headers["authorization"].contains("/cn-shanghai/iam/request,"), "{sent:?}");
}

/// Where Agent Identity is asked with these settings, and for which region.
async fn place(world: &World, settings: Value) -> (String, String) {
    world.service.script("CheckPermission", [Reply::result(&json!({}))]);
    let id = credential_provider_api::ProviderId::new("volc").unwrap();
    let settings =
        credential_provider_api::Settings::from_json("p", &settings.to_string()).unwrap();
    let provider = world.factory().provider(id, &settings, &world.context()).await.unwrap();
    let check = CheckPermission::new("default".to_owned());
    let keys = held();
    let call = provider.client().call(&check, &keys);
    let permission: Permission = run(&world.time, call).await.unwrap();
    assert!(!permission.is_allowed());
    let sent = world.service.calls("CheckPermission").pop().unwrap();
    let host = sent.target.split("/?").next().unwrap().to_owned();
    let scope = sent.headers["authorization"].split('/').nth(2).unwrap().to_owned();
    (host, scope)
}

#[tokio::test]
async fn the_host_tells_the_region_unless_it_is_said() {
    let world = World::new();
    let at = |host: &str, region: &str| (format!("https://{host}"), region.to_owned());
    let usual = at("id.cn-beijing.volcengineapi.com", "cn-beijing");
    assert_eq!(place(&world, json!({})).await, usual);
    let shanghai = at("id.cn-shanghai.volcengineapi.com", "cn-shanghai");
    let endpoint = json!({ "endpoint": "https://id.cn-shanghai.volcengineapi.com/" });
    assert_eq!(place(&world, endpoint).await, shanghai);
    assert_eq!(place(&world, json!({ "region": "cn-shanghai" })).await, shanghai);
    let open = json!({ "endpoint": "https://open.volcengineapi.com" });
    assert_eq!(place(&world, open).await, at("open.volcengineapi.com", "cn-beijing"));
    let open = json!({ "endpoint": "https://open.volcengineapi.com", "region": "cn-guangzhou" });
    assert_eq!(place(&world, open).await, at("open.volcengineapi.com", "cn-guangzhou"));
    let byteplus = json!({ "endpoint": "https://id.ap-southeast-1.byteplusapi.com" });
    let there = at("id.ap-southeast-1.byteplusapi.com", "ap-southeast-1");
    assert_eq!(place(&world, byteplus).await, there);
}

#[tokio::test]
async fn the_region_s_metadata_is_believed_only_if_it_is_a_region() {
    let world = World::new();
    let settings =
        || json!({ "regionMetadataUrl": format!("{}/latest/region_id", world.service.url()) });
    let region = |text: &str| world.service.script("/latest/region_id", [Reply::of(200, text)]);
    region("cn-shanghai\n");
    let (host, scope) = place(&world, settings()).await;
    assert_eq!(
        (host.as_str(), scope.as_str()),
        ("https://id.cn-shanghai.volcengineapi.com", "cn-shanghai")
    );
    for text in ["unknown", "", "evil.example/", "<html>", "A", &"a".repeat(300)] {
        region(text);
        let (host, _) = place(&world, settings()).await;
        assert_eq!(host, "https://id.cn-beijing.volcengineapi.com", "{text}");
    }
    for reply in
        [Reply::of(404, "cn-shanghai"), Reply::then(Then::HangUp), Reply::then(Then::Silence)]
    {
        let began = world.time.now();
        world.service.script("/latest/region_id", [reply.clone()]);
        let (host, _) = place(&world, settings()).await;
        assert_eq!(host, "https://id.cn-beijing.volcengineapi.com", "{reply:?}");
        assert!(began.until(world.time.now()) <= Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_region_once_told_stays_and_a_default_is_asked_about_again() {
    let world = World::new();
    let url = format!("{}/latest/region_id", world.service.url());
    world.service.script("/latest/region_id", [Reply::of(503, ""), Reply::of(200, "cn-shanghai")]);
    world.service.script(GET, [named()]);
    let settings = json!({ "regionMetadataUrl": url });
    let id = credential_provider_api::ProviderId::new("volc").unwrap();
    let settings =
        credential_provider_api::Settings::from_json("p", &settings.to_string()).unwrap();
    let provider = world.factory().provider(id, &settings, &world.context()).await.unwrap();
    let client = provider.client().clone();
    for (seconds, asked) in [(0, 1), (59, 1), (1, 2), (100_000, 2)] {
        world.time.advance(Duration::from_secs(seconds));
        get(&world, &client).await.unwrap();
        assert_eq!(world.service.calls("/latest/region_id").len(), asked, "{seconds}");
    }
}

#[tokio::test]
async fn a_life_that_is_written_as_a_float_is_a_life() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    for (life, read) in
        [(json!(3600.0), Some(3600)), (json!("3600"), Some(3600)), (Value::Null, None)]
    {
        let answer = json!({ "AccessToken": "at-canary", "ExpiresIn": life });
        world.service.script("GetResourceOauth2Token", [Reply::result(&answer)]);
        let ask = GetResourceOauth2Token::new("tip-canary".into(), "google".to_owned());
        let answer = client.call(&ask, &held()).await.unwrap();
        assert_eq!(answer.expires_in, read, "{life}");
    }
}

#[tokio::test]
async fn the_code_of_a_refusal_is_shown() {
    let world = World::new();
    let client = client(&world, json!({ "retries": 0 })).await;
    for code in [
        "NotFound.WorkloadIdentity",
        "OperationDenied.AccountNotInWhitelist",
        "InvalidParameter.Name",
    ] {
        world.service.script(GET, [Reply::error(400, code)]);
        let error = get(&world, &client).await.unwrap_err().to_string();
        assert!(error.to_ascii_lowercase().contains(&code.to_ascii_lowercase()), "{code}: {error}");
    }
}

#[tokio::test]
async fn a_call_that_may_be_made_again_tomorrow_is_not_waited_for() {
    let world = World::new();
    let client = client(&world, json!({})).await;
    let tomorrow = Reply::error(429, "FlowLimitExceeded").with("Retry-After", "86400");
    world.service.script(GET, [tomorrow, named()]);
    let error = CredentialError::from(get(&world, &client).await.unwrap_err());
    assert_eq!(error.code(), ErrorCode::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(86_400)));
    assert_eq!(world.service.calls(GET).len(), 1);
}
