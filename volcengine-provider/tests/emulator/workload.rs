//! Workload tokens, and what they open.

use serde_json::{Value, json};

use crate::wire::send;
use crate::world::{ACCOUNT, World, claims, refused, text};

const JWT: &str = "GetWorkloadAccessTokenForJWT";
const KEY: &str = "GetResourceApiKey";

fn key_with(tip: &str) -> Value {
    json!({ "IdentityToken": tip, "ProviderName": "search" })
}

#[tokio::test]
async fn a_token_s_signature_can_be_checked_with_what_its_issuer_publishes() {
    let world = World::new().await;
    let tip = world.tip("alice").await;
    let issuer = text(&claims(&tip), "iss");
    assert_eq!(issuer, world.emulator.workload_issuer("wp-default"));
    let place = format!("{issuer}/.well-known/openid-configuration");
    let get = async |place: &str| {
        let target = place.strip_prefix(&world.emulator.url()).unwrap().to_owned();
        send(world.emulator.address(), "GET", &target, &[], "").await.unwrap().json()
    };
    let metadata = get(&place).await;
    assert_eq!(metadata["issuer"], issuer);
    let keys = get(&text(&metadata, "jwks_uri")).await;
    assert_eq!(keys["keys"][0]["alg"], "RS256");
    let parts: Vec<&str> = tip.rsplitn(2, '.').collect();
    use base64::Engine as _;
    let decode =
        |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
    let public = ring::signature::RsaPublicKeyComponents {
        n: decode(keys["keys"][0]["n"].as_str().unwrap()),
        e: decode(keys["keys"][0]["e"].as_str().unwrap()),
    };
    let algorithm = &ring::signature::RSA_PKCS1_2048_8192_SHA256;
    assert!(public.verify(algorithm, parts[1].as_bytes(), &decode(parts[0])).is_ok());
}

#[tokio::test]
async fn a_token_says_for_whom_who_acts_and_until_when() {
    let world = World::new().await;
    let user = world.id_token("alice");
    world.pass(3000);
    let asked = json!({ "Name": "openclaw-agent", "UserToken": user, "DurationSeconds": 3600 });
    let answer = world.call(JWT, asked).await.unwrap();
    let said = claims(&text(&answer, "WorkloadAccessToken"));
    assert_eq!(
        (&said["sub"], &said["act"]),
        (&json!("u-alice"), &json!({ "sub": "openclaw-agent" }))
    );
    // It ends with the user's own token.
    assert_eq!(said["exp"].as_i64().unwrap() - world.now(), 600);
    assert_eq!(text(&answer, "ExpiresAt"), "2026-09-21T15:13:20Z");
    world.emulator.change(|state| {
        state.account_mut(ACCOUNT).unwrap().workload_pools[0].outlives_user_token = true;
    });
    let tip = {
        let asked = json!({ "Name": "openclaw-agent", "UserToken": user, "DurationSeconds": 3600 });
        text(&world.call(JWT, asked).await.unwrap(), "WorkloadAccessToken")
    };
    assert_eq!(claims(&tip)["exp"].as_i64().unwrap() - world.now(), 3600);
    // Another workload that acts on its behalf comes in front.
    world.call("CreateWorkloadIdentity", json!({ "Name": "helper" })).await.unwrap();
    let asked = json!({ "Name": "helper", "UserToken": tip });
    let next = text(&world.call(JWT, asked).await.unwrap(), "WorkloadAccessToken");
    assert_eq!(
        claims(&next)["act"],
        json!({ "sub": "helper", "act": { "sub": "openclaw-agent" } })
    );
}

#[tokio::test]
async fn a_user_s_token_counts_only_from_its_pool_for_its_clients_and_in_time() {
    let world = World::new().await;
    let user = world.id_token("alice");
    let ask = async |token: &str| {
        world.call(JWT, json!({ "Name": "openclaw-agent", "UserToken": token })).await
    };
    assert!(ask(&user).await.is_ok());
    let wrong = Err(refused(400, "InvalidParameter.UserToken"));
    let (front, _) = user.rsplit_once('.').unwrap();
    assert_eq!(ask(&format!("{front}.AAAA")).await, wrong);
    assert_eq!(ask("nothing").await, wrong);
    let another = World::new().await;
    assert_eq!(ask(&another.id_token("alice")).await, wrong, "the same key, another issuer");
    let removed = world.emulator.change(|state| {
        let pool = state.user_pool_mut("people").unwrap();
        pool.clients.remove(0)
    });
    assert_eq!(ask(&user).await, wrong, "no client of the pool is the audience");
    world.emulator.change(|state| state.user_pool_mut("people").unwrap().clients.push(removed));
    world.pass(3600);
    assert_eq!(ask(&user).await, wrong, "it has ended");
}

#[tokio::test]
async fn a_workload_that_is_missing_is_404_and_one_that_is_there_409() {
    let world = World::new().await;
    let asked = json!({ "Name": "new", "UserToken": world.id_token("alice") });
    let missing = world.call(JWT, asked.clone()).await;
    assert_eq!(missing, Err(refused(404, "NotFound.WorkloadIdentity")));
    let create = json!({ "Name": "new", "WorkloadPoolName": "default", "Category": "Agent" });
    assert!(world.call("CreateWorkloadIdentity", create.clone()).await.is_ok());
    let again = world.call("CreateWorkloadIdentity", create).await;
    assert_eq!(again, Err(refused(409, "Duplicated.WorkloadIdentity")));
    assert!(world.call(JWT, asked).await.is_ok());
    let eager =
        json!({ "Name": "any", "WorkloadPoolName": "eager", "UserToken": world.id_token("bob") });
    assert!(world.call(JWT, eager).await.is_ok());
}

#[tokio::test]
async fn without_a_name_the_caller_s_role_is_the_workload() {
    let world = World::new().await;
    let asked = json!({ "UserToken": world.id_token("alice") });
    let answer = world.call_as(&world.agent().await, JWT, asked.clone()).await.unwrap();
    assert_eq!(claims(&text(&answer, "WorkloadAccessToken"))["act"]["sub"], "agent");
    assert_eq!(world.call(JWT, asked).await, Err(refused(400, "MissingParameter.Name")));
}

#[tokio::test]
async fn what_was_issued_ends_with_the_clock_the_workload_and_the_user() {
    let world = World::new().await;
    let (alice, bob) = (world.tip("alice").await, world.tip("bob").await);
    let found = world.call(KEY, key_with(&alice)).await.unwrap();
    assert_eq!(found["ApiKey"], "search-example-key");
    world.emulator.change(|state| state.user_pool_mut("people").unwrap().users[0].disabled = true);
    assert_eq!(world.call(KEY, key_with(&alice)).await, Err(refused(403, "AccessDenied")));
    assert!(world.call(KEY, key_with(&bob)).await.is_ok());
    assert!(world.emulator.id_token("people", "gateway-web", "alice").is_err());
    world.emulator.change(|state| state.account_mut(ACCOUNT).unwrap().workload_identities.clear());
    let gone = world.call(KEY, key_with(&bob)).await;
    assert_eq!(gone, Err(refused(404, "NotFound.WorkloadIdentity")));
    world.call("CreateWorkloadIdentity", json!({ "Name": "openclaw-agent" })).await.unwrap();
    assert!(world.call(KEY, key_with(&bob)).await.is_ok());
    world.pass(3600);
    let ended = world.call(KEY, key_with(&bob)).await;
    assert_eq!(ended, Err(refused(400, "InvalidParameter.IdentityToken")));
    // A user's own token is no workload token.
    let user = world.call(KEY, key_with(&world.id_token("bob"))).await;
    assert_eq!(user, Err(refused(400, "InvalidParameter.IdentityToken")));
}

#[tokio::test]
async fn a_misspelt_parameter_is_found() {
    let world = World::new().await;
    let asked = json!({ "identityToken": "x", "ProviderName": "search" });
    assert_eq!(world.call(KEY, asked).await, Err(refused(400, "InvalidParameter.identityToken")));
    let asked = json!({ "ProviderName": "search" });
    assert_eq!(world.call(KEY, asked).await, Err(refused(400, "MissingParameter.IdentityToken")));
}

#[tokio::test]
async fn what_one_user_has_left_is_nobody_else_s() {
    let world = World::new().await;
    let (alice, bob) = (world.tip("alice").await, world.tip("bob").await);
    let asked = |tip: &str| json!({ "IdentityToken": tip, "CredentialId": "notes" });
    let found = world.call("GetUserCredential", asked(&alice)).await.unwrap();
    assert_eq!(found["CredentialData"], "alice-example-notes");
    let other = world.call("GetUserCredential", asked(&bob)).await;
    assert_eq!(other, Err(refused(404, "NotFound.UserCredential")));
}
