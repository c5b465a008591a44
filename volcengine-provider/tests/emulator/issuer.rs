//! A user pool's own issuer, and one elsewhere.

use serde_json::{Value, json};
use volcengine_provider::emulator::{EXAMPLE, EmulatorError, Person, State};

use crate::wire::{Answer, send};
use crate::world::{World, claims, refused, text};

const REDIRECT: &str = "http://127.0.0.1/identity/oauth/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rfc-7636";

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn challenge() -> String {
    use base64::Engine as _;
    let hash = ring::digest::digest(&ring::digest::SHA256, VERIFIER.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
}

fn page(world: &World, more: &[(&str, &str)]) -> String {
    let challenge = challenge();
    let mut asked = vec![
        ("response_type", "code"),
        ("client_id", "gateway-web"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid email"),
        ("state", "s1"),
        ("nonce", "n1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in more {
        asked.retain(|(known, _)| known != name);
        asked.push((name, value));
    }
    format!("{}/authorize?{}", world.emulator.user_pool_issuer("people"), query(&asked))
}

/// The parameters that a sign-in comes back with.
async fn back(world: &World, page: &str, person: Person<'_>) -> Value {
    let place = world.emulator.browse(page, person).await.unwrap();
    let place = url::Url::parse(&place).unwrap();
    place.query_pairs().map(|(name, value)| (name.into_owned(), json!(value))).collect()
}

async fn post(world: &World, rest: &str, form: &[(&str, &str)]) -> Answer {
    let to = world.emulator.address();
    let mut form = form.to_vec();
    form.extend([("client_id", "gateway-web"), ("client_secret", "gateway-client-example-secret")]);
    send(to, "POST", &format!("/userpool/people/{rest}"), &[], &query(&form)).await.unwrap()
}

async fn redeem(world: &World, code: &str, verifier: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier),
    ];
    post(world, "oauth/token", &form).await
}

async fn renew(world: &World, token: &str) -> Answer {
    post(world, "oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

#[tokio::test]
async fn somebody_signs_in_renews_and_signs_out() {
    let world = World::new().await;
    let page = page(&world, &[("identity_provider", "staff")]);
    let back = back(&world, &page, Person::Allows("alice")).await;
    assert_eq!(
        (&back["state"], &back["iss"]),
        (&json!("s1"), &json!(world.emulator.user_pool_issuer("people")))
    );
    let tokens = redeem(&world, back["code"].as_str().unwrap(), VERIFIER).await.json();
    let id = claims(&text(&tokens, "id_token"));
    assert_eq!(
        (&id["sub"], &id["aud"], &id["nonce"]),
        (&json!("u-alice"), &json!("gateway-web"), &json!("n1"))
    );
    assert_eq!(world.emulator.counters().sign_ins, ["people gateway alice staff"]);
    let first = text(&tokens, "refresh_token");
    let renewed = renew(&world, &first).await.json();
    let second = text(&renewed, "refresh_token");
    assert_ne!(first, second);
    assert_eq!(renew(&world, &first).await.status, 400, "a rotated token serves once");
    let headers = [("authorization", format!("Bearer {}", text(&renewed, "access_token")))];
    let to = world.emulator.address();
    let who = send(to, "GET", "/userpool/people/userinfo", &headers, "").await.unwrap();
    assert_eq!(who.json()["email"], "alice@example.com");
    assert_eq!(post(&world, "oauth/revoke", &[("token", &second)]).await.status, 200);
    assert_eq!(renew(&world, &second).await.status, 400);
}

#[tokio::test]
async fn a_code_is_good_once_in_time_and_with_its_verifier() {
    let world = World::new().await;
    let code = async || {
        let back = back(&world, &page(&world, &[]), Person::Allows("bob")).await;
        text(&back, "code")
    };
    assert_eq!(redeem(&world, &code().await, "another").await.status, 400);
    let good = code().await;
    assert_eq!(redeem(&world, &good, VERIFIER).await.status, 200);
    assert_eq!(redeem(&world, &good, VERIFIER).await.status, 400);
    let late = code().await;
    world.pass(60);
    assert_eq!(redeem(&world, &late, VERIFIER).await.status, 400);
}

#[tokio::test]
async fn whoever_is_not_to_sign_in_comes_back_without_a_code() {
    let world = World::new().await;
    let plain = page(&world, &[]);
    for (page, person, error) in [
        (&plain, Person::Denies, "access_denied"),
        (&plain, Person::Allows("nobody"), "access_denied"),
        (
            &page(&world, &[("identity_provider", "retired")]),
            Person::Allows("bob"),
            "invalid_request",
        ),
        (
            &page(&world, &[("code_challenge_method", "plain")]),
            Person::Allows("bob"),
            "invalid_request",
        ),
        (&page(&world, &[("scope", "email")]), Person::Allows("bob"), "invalid_scope"),
    ] {
        assert_eq!(back(&world, page, person).await["error"], error);
    }
    world.emulator.change(|state| state.user_pool_mut("people").unwrap().users[1].disabled = true);
    assert_eq!(back(&world, &plain, Person::Allows("bob")).await["error"], "access_denied");
    let elsewhere = page(&world, &[("redirect_uri", "http://127.0.0.1:7/identity/oauth/callback")]);
    let stays = world.emulator.browse(&elsewhere, Person::Allows("alice")).await;
    assert!(matches!(stays, Err(EmulatorError::Page(400))), "{stays:?}");
}

#[tokio::test]
async fn an_app_may_come_back_to_any_port_of_loopback() {
    let world = World::new().await;
    let app = |redirect| page(&world, &[("client_id", "gateway-app"), ("redirect_uri", redirect)]);
    let there = back(&world, &app("http://127.0.0.1:5/callback"), Person::Allows("alice")).await;
    assert!(there.get("code").is_some());
    for wrong in
        ["http://127.0.0.1:5/other", "http://127.0.0.2:5/callback", "https://127.0.0.1/callback"]
    {
        let stays = world.emulator.browse(&app(wrong), Person::Allows("alice")).await;
        assert!(matches!(stays, Err(EmulatorError::Page(400))), "{wrong}: {stays:?}");
    }
}

#[tokio::test]
async fn an_issuer_elsewhere_signs_a_pool_s_users_in() {
    let elsewhere = World::new().await;
    let mut state = State::from_json(EXAMPLE).unwrap();
    state.user_pool_mut("people").unwrap().issuer = elsewhere.emulator.user_pool_issuer("people");
    // Another key than the emulator's own: what is elsewhere has to be fetched.
    state.signing_key = volcengine_provider::emulator::Secret::new(OTHER_KEY);
    let world = World::with(state).await;
    let pool = world.call("GetUserPool", json!({ "UserPoolUid": "people" })).await.unwrap();
    assert_eq!(pool["IssuerUrl"], elsewhere.emulator.user_pool_issuer("people"));
    assert_eq!(pool["TokenUrl"], format!("{}/oauth/token", pool["IssuerUrl"].as_str().unwrap()));
    let exchange = async |token: String| {
        let asked = json!({ "Name": "openclaw-agent", "UserToken": token });
        world.call("GetWorkloadAccessTokenForJWT", asked).await
    };
    let answer = exchange(elsewhere.id_token("bob")).await.unwrap();
    assert_eq!(claims(&text(&answer, "WorkloadAccessToken"))["sub"], "u-bob");
    let stranger = World::new().await;
    let refused_token = exchange(stranger.id_token("bob")).await;
    assert_eq!(refused_token, Err(refused(400, "InvalidParameter.UserToken")));
}

const OTHER_KEY: &str = include_str!("other.pem");
