//! Starting, stopping, paging, and the machine's metadata server.

use std::net::SocketAddr;
use std::sync::Arc;

use credential_provider_api::{ManualClock, SeededRandom};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use volcengine_provider::emulator::{EXAMPLE, Emulator, EmulatorError, State};

use crate::wire::{Key, send};
use crate::world::{ACCOUNT, World, refused, text};

#[tokio::test]
async fn stopping_ends_every_connection() {
    let world = World::new().await;
    let address = world.emulator.address();
    let mut open = TcpStream::connect(address).await.unwrap();
    // Answered once, so the connection has been taken.
    world.call("GetCallerIdentity", json!({})).await.unwrap();
    world.emulator.stop().await;
    assert_eq!(open.read(&mut [0; 1]).await.unwrap_or_default(), 0);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn dropping_it_ends_it_too() {
    let world = World::new().await;
    let address = world.emulator.address();
    drop(world);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_same_state_and_calls_give_the_same_keys() {
    let (one, other) = (World::new().await, World::new().await);
    let (first, same) = (one.agent().await, other.agent().await);
    assert_eq!((&first.id, &first.secret, &first.token), (&same.id, &same.secret, &same.token));
    assert_ne!(one.agent().await.id, first.id);
}

#[tokio::test]
async fn what_a_change_adds_is_completed() {
    let world = World::new().await;
    world.emulator.change(|state| {
        let account = state.account_mut(ACCOUNT).unwrap();
        account.user_pools.push(serde_json::from_value(json!({ "Name": "late" })).unwrap());
    });
    let asked = json!({ "PageNumber": 1, "PageSize": 10, "Filter": { "Name": "late" } });
    let found = world.call("ListUserPools", asked).await.unwrap();
    assert!(!text(&found["Data"][0], "Uid").is_empty());
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let state = State::from_json(EXAMPLE).unwrap();
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let random = Box::new(SeededRandom::new(1));
    let started =
        Emulator::start_on(everywhere, state, Arc::new(ManualClock::default()), random).await;
    assert!(matches!(started, Err(EmulatorError::Listen(_))), "{started:?}");
}

#[tokio::test]
async fn debug_shows_where_and_no_more() {
    let world = World::new().await;
    let text = format!("{:?}", world.emulator);
    assert_eq!(text, format!("Emulator {{ address: {}, .. }}", world.emulator.address()));
}

#[tokio::test]
async fn pages_cover_everything_once() {
    let world = World::new().await;
    for number in 0..25 {
        let asked = json!({ "Name": format!("people {number:02}") });
        world.call("CreateUserPool", asked).await.unwrap();
    }
    let mut names = Vec::new();
    for page in 1..=4 {
        let asked = json!({ "PageNumber": page, "PageSize": 10, "Filter": { "Name": "people" }, "SortField": "Name" });
        let answer = world.call("ListUserPools", asked).await.unwrap();
        assert_eq!(answer["TotalCount"], 26);
        names.extend(answer["Data"].as_array().unwrap().iter().map(|pool| text(pool, "Name")));
    }
    assert_eq!(names.len(), 26);
    assert!(names.is_sorted() && names[0] == "people");
    for (page, size, code) in
        [(0, 10, "InvalidParameter.PageNumber"), (1, 101, "InvalidParameter.PageSize")]
    {
        let asked = json!({ "PageNumber": page, "PageSize": size });
        assert_eq!(world.call("ListUserPools", asked).await, Err(refused(400, code)));
    }
}

#[tokio::test]
async fn a_pool_that_is_renamed_is_found_by_its_new_name_only() {
    let world = World::new().await;
    world.emulator.change(|state| state.user_pool_mut("people").unwrap().name = "staff".into());
    let found = async |name: &str| {
        let asked = json!({ "PageNumber": 1, "PageSize": 10, "Filter": { "Name": name } });
        world.call("ListUserPools", asked).await.unwrap()["TotalCount"].clone()
    };
    assert_eq!((found("people").await, found("staff").await), (json!(0), json!(1)));
}

async fn machine(
    world: &World,
    method: &str,
    target: &str,
    headers: &[(&str, String)],
) -> (u16, String) {
    let answer = send(world.emulator.address(), method, target, headers, "").await.unwrap();
    (answer.status, answer.body)
}

fn key(body: &str) -> Key {
    let said: Value = serde_json::from_str(body).unwrap();
    let (id, secret) = (text(&said, "AccessKeyId"), text(&said, "SecretAccessKey"));
    Key { id, secret, token: Some(text(&said, "SessionToken")) }
}

#[tokio::test]
async fn the_machine_has_credentials_that_count_and_change_in_time() {
    let world = World::new().await;
    assert_eq!(machine(&world, "GET", "/latest/region_id", &[]).await, (200, "cn-beijing".into()));
    assert_eq!(machine(&world, "GET", "/metadata/credentials/none", &[]).await.0, 404);
    let place = "/metadata/credentials/agent";
    let (_, first) = machine(&world, "GET", place, &[]).await;
    assert_eq!(machine(&world, "GET", place, &[]).await.1, first);
    let who = world.call_as(&key(&first), "GetCallerIdentity", json!({})).await.unwrap();
    assert_eq!(who["Trn"], format!("trn:sts::{ACCOUNT}:assumed-role/agent/metadata"));
    world.pass(1801);
    let (_, second) = machine(&world, "GET", place, &[]).await;
    assert_ne!(key(&second).id, key(&first).id);
    assert!(world.call_as(&key(&first), "GetCallerIdentity", json!({})).await.is_ok());
    world.pass(1799);
    let ended = world.call_as(&key(&first), "GetCallerIdentity", json!({})).await;
    assert_eq!(ended, Err(refused(401, "InvalidSecretToken")));
}

#[tokio::test]
async fn imds_wants_its_token_first() {
    let world = World::new().await;
    let names = "/volcstack/latest/iam/security_credentials?type=user&format=json";
    assert_eq!(machine(&world, "GET", names, &[]).await.0, 401);
    let ttl = [("x-volc-ecs-metadata-token-ttl-seconds", "60".to_owned())];
    let (_, token) = machine(&world, "PUT", "/latest/api/token", &ttl).await;
    let token = [("x-volc-ecs-metadata-token", token)];
    assert_eq!(machine(&world, "GET", names, &token).await, (200, r#"["agent"]"#.into()));
    let place = "/volcstack/latest/iam/security_credentials/agent";
    let (_, body) = machine(&world, "GET", place, &token).await;
    assert!(world.call_as(&key(&body), "GetCallerIdentity", json!({})).await.is_ok());
    world.pass(60);
    assert_eq!(machine(&world, "GET", names, &token).await.0, 401);
}
