//! The catalogue at work: requests as each service wants them, answers as each service sends them.
//!
//! The HTTP client is a double that answers at the services' own addresses, in the forms their
//! documentation shows. It proves what is sent and how answers are read, not that the services agree.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::World;
use common::world::{HOME, answer, id, resolve};
use credential_provider_api::{
    ConfigError, Credential, CredentialError, CredentialProvider as _, ErrorCode,
    ExposeSecret as _, FactoryContext, Origin, ProviderFactory as _, ProviderId, ReauthReason,
    Request, Revocation, SecretString, Settings, SignIn as _, SignInAnswer, async_trait,
};
use oauth_provider::{
    ClientAuthentication, Endpoints, HttpClient, HttpError, HttpRequest, HttpResponse,
    OAuthCredential, OAuthFactory, OAuthProvider, OAuthProviderBuilder,
};
use serde_json::{Value, json};

/// What was sent, as text.
#[derive(Clone, Debug)]
struct Sent {
    url: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Sent {
    fn form(&self) -> BTreeMap<String, String> {
        assert_eq!(self.headers["content-type"], "application/x-www-form-urlencoded");
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Answers in order; what was sent stays to be looked at.
#[derive(Default)]
struct Wire {
    sent: Mutex<Vec<Sent>>,
    replies: Mutex<Vec<(u16, String)>>,
}

#[async_trait]
impl HttpClient for Wire {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let text = |value: &SecretString| value.expose_secret().to_owned();
        let headers = request.headers.iter().map(|(name, value)| ((*name).to_owned(), text(value)));
        let mut sent = Sent { url: request.url, headers: BTreeMap::new(), body: String::new() };
        for (name, value) in headers {
            assert!(sent.headers.insert(name, value).is_none(), "each header once");
        }
        sent.body = String::from_utf8(request.body.expose_secret().to_vec()).unwrap();
        self.sent.lock().unwrap().push(sent);
        let (status, body) = self.replies.lock().unwrap().remove(0);
        Ok(HttpResponse::new(status, Vec::new(), body.into_bytes().into()))
    }
}

impl Wire {
    fn reply(&self, body: &Value) {
        self.replies.lock().unwrap().push((200, body.to_string()));
    }

    fn last(&self) -> Sent {
        self.sent.lock().unwrap().last().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

struct Place {
    world: World,
    wire: Arc<Wire>,
    provider: OAuthProvider,
    request: Request,
}

fn service(name: &str) -> OAuthProviderBuilder {
    let credential = OAuthCredential::session(id("files")).scopes(["one", "two"]);
    OAuthProvider::builder_for(ProviderId::new("work").unwrap(), name, "client")
        .client_secret("client-secret".into())
        .credential(credential)
}

impl Place {
    async fn at(name: &str) -> Self {
        Self::built(service(name)).await
    }

    async fn built(builder: OAuthProviderBuilder) -> Self {
        let world = World::new().await;
        let wire = Arc::new(Wire::default());
        let mut runtime = world.runtime();
        runtime.http = wire.clone();
        let provider = builder.build(runtime).unwrap();
        let request = world.request("files");
        Self { world, wire, provider, request }
    }

    /// The sign-in page's address and parameters.
    async fn page(&self) -> (String, BTreeMap<String, String>) {
        let (_, page) = self.world.open(&self.provider, &self.request).await.unwrap();
        let page = url::Url::parse(&page).unwrap();
        let place = format!("{}{}", page.origin().ascii_serialization(), page.path());
        (place, page.query_pairs().into_owned().collect())
    }

    /// Signs in; the code is answered with `body`.
    async fn sign_in(&self, body: &Value) -> Result<Credential, CredentialError> {
        let (mut state, page) = self.world.open(&self.provider, &self.request).await?;
        let page = url::Url::parse(&page).unwrap();
        let asked: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
        let back = SignInAnswer::Pasted(format!("{HOME}?code=c1&state={}", asked["state"]).into());
        self.wire.reply(body);
        let done = answer(&self.provider, &self.request, &mut state, back).await?;
        Ok(self.provider.accept(&self.request, done).await?.unwrap())
    }

    /// Resolves once what was issued has ended.
    async fn renewed(&self, body: &Value) -> Result<Credential, CredentialError> {
        self.world.pass(86_401);
        self.wire.reply(body);
        resolve(&self.provider, &self.request).await
    }
}

fn secret(credential: &Credential) -> String {
    credential.secret().unwrap().expose_secret().to_owned()
}

fn bot(access: &str, refresh: &str) -> Value {
    json!({
        "ok": true, "access_token": access, "token_type": "bot", "scope": "one,two",
        "refresh_token": refresh, "expires_in": 43200, "team": { "id": "T1" },
        "authed_user": { "id": "U1" },
    })
}

#[tokio::test]
async fn github_is_asked_for_json_and_its_errors_with_200_are_errors() {
    let place = Place::at("github").await;
    assert_eq!(place.provider.descriptor().display_name, "GitHub, OAuth app");
    let (page, asked) = place.page().await;
    assert_eq!(page, "https://github.com/login/oauth/authorize");
    assert_eq!(asked["scope"], "one two");
    let tokens = json!({ "access_token": "gho_1", "scope": "one,two", "token_type": "bearer" });
    let credential = place.sign_in(&tokens).await.unwrap();
    assert_eq!(credential.scopes(), ["one", "two"]);
    assert!(credential.expires_at().is_none());
    assert_eq!(credential.origins(), [Origin::parse("https://api.github.com").unwrap()]);
    let sent = place.wire.last();
    assert_eq!(sent.url, "https://github.com/login/oauth/access_token");
    assert_eq!(sent.headers["accept"], "application/json");
    assert_eq!(sent.form()["client_secret"], "client-secret");
    assert!(!sent.headers.contains_key("authorization"));
    for (code, expected) in [
        ("bad_verification_code", ErrorCode::FlowEnded),
        ("incorrect_client_credentials", ErrorCode::ConfigurationInvalid),
    ] {
        let error = place.sign_in(&json!({ "error": code })).await.unwrap_err();
        assert_eq!(error.code(), expected, "{code}");
    }
}

#[tokio::test]
async fn notion_is_sent_json_in_the_clients_name() {
    let place = Place::at("notion").await;
    assert_eq!(place.page().await.1["owner"], "user");
    let tokens = |access: &str, refresh: &str| {
        json!({
            "access_token": access, "token_type": "bearer", "refresh_token": refresh,
            "bot_id": "b", "owner": { "type": "workspace" }, "duplicated_template_id": null,
        })
    };
    let credential = place.sign_in(&tokens("n1", "r\"1")).await.unwrap();
    assert_eq!((secret(&credential).as_str(), credential.expires_at()), ("n1", None));
    let sent = place.wire.last();
    assert_eq!(sent.url, "https://api.notion.com/v1/oauth/token");
    assert!(sent.headers["authorization"].starts_with("Basic "));
    let body = sent.json();
    assert_eq!(body["grant_type"], "authorization_code");
    assert_eq!((&body["code"], &body["redirect_uri"]), (&json!("c1"), &json!(HOME)));
    assert!(body.get("client_secret").is_none() && !sent.body.contains("client-secret"));

    place.wire.reply(&tokens("n2", "r2"));
    let why = credential_provider_api::Reason::Rejected;
    place.provider.refresh(&place.request, &credential, why).await.unwrap();
    assert_eq!(place.wire.last().json()["refresh_token"], "r\"1");

    place.wire.reply(&json!({ "request_id": "x" }));
    let revoked = place.provider.sign_out(&place.request).await.unwrap();
    assert_eq!(revoked, Revocation::Remote);
    let sent = place.wire.last();
    assert_eq!(sent.url, "https://api.notion.com/v1/oauth/revoke");
    assert_eq!(sent.json(), json!({ "token": "r2" }), "and no hint");
}

#[tokio::test]
async fn atlassian_is_sent_json_with_the_secret_in_it() {
    let place = Place::at("atlassian").await;
    let (_, asked) = place.page().await;
    assert_eq!(
        (asked["audience"].as_str(), asked["prompt"].as_str()),
        ("api.atlassian.com", "consent")
    );
    let tokens = json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 3600 });
    place.sign_in(&tokens).await.unwrap();
    let body = place.wire.last().json();
    assert_eq!(
        (&body["client_id"], &body["client_secret"]),
        (&json!("client"), &json!("client-secret"))
    );
}

#[tokio::test]
async fn linear_has_commas_between_the_scopes_asked_for() {
    let place = Place::at("linear").await;
    let (page, asked) = place.page().await;
    assert_eq!(page, "https://linear.app/oauth/authorize");
    assert_eq!(asked["scope"], "one,two");
}

#[tokio::test]
async fn promise_7_a_slack_bots_grant_rotates() {
    let place = Place::at("slack").await;
    let (_, asked) = place.page().await;
    assert_eq!(asked["scope"], "one,two");
    assert_eq!(asked["code_challenge_method"], "S256");
    let credential = place.sign_in(&bot("xoxe.xoxb-1", "xoxe-1")).await.unwrap();
    assert_eq!(secret(&credential), "xoxe.xoxb-1");
    assert_eq!(credential.scopes(), ["one", "two"]);
    for (renewal, spent) in [("xoxe-2", "xoxe-1"), ("xoxe-3", "xoxe-2")] {
        let next = place.renewed(&bot("xoxe.xoxb-2", renewal)).await.unwrap();
        assert_eq!(secret(&next), "xoxe.xoxb-2");
        assert_eq!(place.wire.last().form()["refresh_token"], spent);
    }
}

#[tokio::test]
async fn what_slack_says_no_to_has_its_reason() {
    let place = Place::at("slack").await;
    place.sign_in(&bot("xoxe.xoxb-1", "xoxe-1")).await.unwrap();
    let no = |code: &str| json!({ "ok": false, "error": code });
    let error = place.renewed(&no("bad_client_secret")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    // `ok` counts even beside tokens.
    let mut contradicting = bot("xoxe.xoxb-9", "xoxe-9");
    contradicting["ok"] = json!(false);
    let error = place.renewed(&contradicting).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    let error = place.renewed(&no("invalid_refresh_token")).await.unwrap_err();
    assert_eq!(error.reason(), Some(ReauthReason::GrantRejected));
    let asked = place.wire.count();
    let again = resolve(&place.provider, &place.request).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::NeedsReauth);
    assert_eq!(place.wire.count(), asked, "and Slack is not asked again");
    let error = Place::at("slack").await.sign_in(&no("pkce_not_allowed")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
}

fn person(access: &str, refresh: &str) -> Value {
    let mut body = bot("xoxb-other", "xoxe-other");
    body["authed_user"] = json!({
        "id": "U1", "scope": "one,two", "access_token": access, "token_type": "user",
        "refresh_token": refresh, "expires_in": 43200,
    });
    body
}

#[tokio::test]
async fn a_person_at_slack_has_a_token_of_their_own() {
    let place = Place::at("slack-user").await;
    let (_, asked) = place.page().await;
    assert_eq!(asked["user_scope"], "one,two");
    assert!(!asked.contains_key("scope"));
    let credential = place.sign_in(&person("xoxe.xoxp-1", "xoxe-1")).await.unwrap();
    assert_eq!(secret(&credential), "xoxe.xoxp-1");
    assert_eq!(credential.scopes(), ["one", "two"]);
    let renewal = json!({
        "ok": true, "access_token": "xoxe.xoxp-2", "token_type": "user", "scope": "one,two",
        "refresh_token": "xoxe-2", "expires_in": 43200,
    });
    let next = place.renewed(&renewal).await.unwrap();
    assert_eq!(secret(&next), "xoxe.xoxp-2");
    assert_eq!(place.wire.last().form()["refresh_token"], "xoxe-1");
}

#[tokio::test]
async fn promise_5_a_bots_token_is_never_taken_for_a_persons_nor_the_other_way() {
    let person_only = json!({
        "ok": true, "access_token": "xoxp-1", "token_type": "user", "scope": "one",
    });
    for (service, body) in [
        ("slack-user", bot("xoxb-1", "xoxe-1")),
        ("slack", person_only),
        ("slack-user", json!({ "ok": true, "access_token": "xoxp-1" })),
        ("github", bot("xoxb-1", "xoxe-1")),
    ] {
        let error = Place::at(service).await.sign_in(&body).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidResponse, "{service} {body}");
    }
}

#[tokio::test]
async fn what_is_said_stands_in_place_of_the_row() {
    let mine = "https://issuer.example";
    let place = Place::built(
        service("dropbox")
            .endpoints(Endpoints::new(format!("{mine}/a"), format!("{mine}/t")))
            .client_authentication(ClientAuthentication::ClientSecretBasic)
            .authorization_parameter("token_access_type", "online")
            .display_name("Mine"),
    )
    .await;
    assert_eq!(place.provider.descriptor().display_name, "Mine");
    let (page, asked) = place.page().await;
    assert_eq!(page, format!("{mine}/a"));
    assert_eq!(asked["token_access_type"], "online");
    let tokens = json!({ "access_token": "a", "token_type": "bearer" });
    let credential = place.sign_in(&tokens).await.unwrap();
    assert_eq!(credential.origins().len(), 2, "the row's, for a credential that names none");
    let sent = place.wire.last();
    assert_eq!(sent.url, format!("{mine}/t"));
    assert!(sent.headers["authorization"].starts_with("Basic "));

    let own = Origin::parse("https://files.example").unwrap();
    let builder = OAuthProvider::builder_for(ProviderId::new("work").unwrap(), "dropbox", "c")
        .credential(OAuthCredential::session(id("files")).origin(own.clone()));
    let place = Place::built(builder).await;
    assert_eq!(place.sign_in(&tokens).await.unwrap().origins(), [own]);
    assert_eq!(place.wire.last().form()["client_id"], "c", "without a secret, a public client");
}

#[tokio::test]
async fn a_row_without_endpoints_is_discovered_at_its_issuer() {
    let tenant = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    let place = Place::built(service("microsoft").service_parameter("tenant", tenant)).await;
    let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let page = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize");
    place.wire.reply(&json!({
        "issuer": issuer, "authorization_endpoint": page,
        "token_endpoint": format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
        "revocation_endpoint": "https://login.microsoftonline.com/none",
    }));
    assert_eq!(place.page().await.0, page);
    assert_eq!(place.wire.last().url, format!("{issuer}/.well-known/openid-configuration"));
    // An issuer of one's own has endpoints of its own, too.
    let place = Place::built(service("slack").issuer("https://slack.example")).await;
    place.wire.reply(&json!({
        "issuer": "https://slack.example", "authorization_endpoint": "https://slack.example/a",
        "token_endpoint": "https://slack.example/t", "revocation_endpoint": "https://slack.example/r",
    }));
    assert_eq!(place.page().await.0, "https://slack.example/a");
}

#[tokio::test]
async fn keys_are_where_the_row_says() {
    let who = OAuthCredential::session(id("files")).scopes(["openid"]);
    let builder = OAuthProvider::builder_for(ProviderId::new("work").unwrap(), "google", "client")
        .client_secret("client-secret".into())
        .credential(who);
    let place = Place::built(builder).await;
    let (keys, token) =
        ("https://www.googleapis.com/oauth2/v3/certs", "https://oauth2.googleapis.com/token");
    place.wire.reply(&json!({
        "issuer": "https://accounts.google.com", "token_endpoint": token, "jwks_uri": keys,
        "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
        "revocation_endpoint": "https://oauth2.googleapis.com/revoke",
    }));
    place.wire.reply(&json!({ "keys": [] }));
    let tokens = json!({ "access_token": "a", "token_type": "Bearer" });
    let error = place.sign_in(&tokens).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse, "Google was asked who signed in");
    let sent: Vec<_> = place.wire.sent.lock().unwrap().iter().map(|s| s.url.clone()).collect();
    assert_eq!(sent[1..], [keys, token]);
    let (_, asked) = place.page().await;
    assert_eq!((&*asked["access_type"], &*asked["prompt"]), ("offline", "consent"));
    assert_eq!(asked["scope"], "openid", "scopes are a credential's own");
}

async fn configured(json: &Value) -> Result<(), ConfigError> {
    let world = World::new().await;
    let context = FactoryContext::new(Arc::new(world.clock.clone()), world.random.clone())
        .with_store(Arc::new(world.store.clone()));
    let settings = Settings::from_json("p.work", &json.to_string()).unwrap();
    let factory = OAuthFactory::new(Arc::new(Wire::default()));
    factory.build(ProviderId::new("work").unwrap(), settings, &context).await.map(drop)
}

#[tokio::test]
async fn promise_9_a_service_in_a_configuration_is_checked() {
    let base = json!({
        "service": "microsoft", "clientId": "c",
        "serviceParameters": { "tenant": "8eaef023-2b34-4da1-9baa-8bc8c9d6a490" },
        "credentials": { "mail": { "scopes": ["offline_access"] } },
    });
    configured(&base).await.unwrap();
    type Twist = fn(&mut Value);
    let cases: &[(&str, Twist)] = &[
        ("p.work.service", |c| c["service"] = json!("canary")),
        ("p.work.serviceParameters.tenant", |c| c["serviceParameters"] = json!({})),
        ("p.work.serviceParameters.tenant", |c| {
            c["serviceParameters"]["tenant"] = json!("../canary");
        }),
        ("p.work.serviceParameters.realm", |c| c["serviceParameters"]["realm"] = json!("canary")),
        ("p.work.serviceParameters", |c| {
            drop(c.as_object_mut().unwrap().remove("service"));
            c["issuer"] = json!("https://canary.example");
        }),
        ("p.work.issuer", |c| {
            let settings = c.as_object_mut().unwrap();
            drop((settings.remove("service"), settings.remove("serviceParameters")));
        }),
        ("p.work.clientSecret", |c| {
            c["service"] = json!("github");
            drop(c.as_object_mut().unwrap().remove("serviceParameters"));
        }),
    ];
    for (path, twist) in cases {
        let mut json = base.clone();
        twist(&mut json);
        let error = configured(&json).await.expect_err(path);
        assert_eq!(error.path(), *path, "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
