//! The page, asked as a browser asks and as nobody should: who is let in, what is refused, what never
//! comes out.
#![cfg(feature = "page")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "page/browser.rs"]
mod browser;
#[path = "page/gateway.rs"]
mod gateway;
#[path = "page/sign_in.rs"]
mod sign_in;

use credential_host::control::{Answer, Operation, Operations};
use credential_host::page::{Page, PageError};
use credential_provider_api::{CredentialRef, ExposeSecret as _};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::browser::Browser;
use self::gateway::{CANARY, Gateway};

#[tokio::test]
async fn a_token_lets_one_browser_in_once() {
    let gateway = Gateway::new().await;
    let browser = Browser::new(gateway.address);
    let locked = browser.get("/").await;
    assert_eq!(locked.status, 401);
    assert!(locked.body.contains("kill -USR1"));
    assert_eq!(browser.get("/?token=x").await.status, 401);

    let link = gateway.link();
    let entered = browser.get(&link).await;
    assert_eq!((entered.status, entered.header("location")), (303, Some("/")));
    let cookie = entered.header("set-cookie").unwrap();
    let port = gateway.address.port();
    assert!(cookie.starts_with(&format!("credential-page-{port}=")), "{cookie}");
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=28800"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let again = browser.get(&link).await;
    assert_eq!((again.status, again.header("set-cookie")), (401, None));

    let inside = browser.with_cookie(&entered);
    assert_eq!(inside.get("/").await.status, 200);
    // The same link in the same browser: a reload, not a second person.
    assert_eq!(inside.get(&link).await.header("location"), Some("/"));
    // Another port's cookie is none of ours.
    let wrong = cookie.replacen(&port.to_string(), "1", 1);
    assert_eq!(browser.with("cookie", &wrong).get("/").await.status, 401);
    gateway.stop().await;
}

#[tokio::test]
async fn the_command_can_have_a_link_made_and_the_page_cannot() {
    let gateway = Gateway::new().await;
    let first = gateway.link();
    let made = gateway.operations.perform(Operation::PageLink).await;
    let Ok(Answer::PageLink { url }) = made else { panic!("{made:?}") };
    let url = url.into_inner();
    let path = url.expose_secret().split_once("/?").unwrap().1;
    let browser = Browser::new(gateway.address);
    assert_eq!(browser.get(&first).await.status, 401, "the one before is good no more");
    assert_eq!(browser.get(&format!("/?{path}")).await.status, 303);

    let inside = gateway.enter().await;
    let refused = inside.operation(&json!({"op": "pageLink"})).await;
    assert_eq!((refused.status, refused.refused()), (403, Some("access_denied")));
    let without = Operations::of_gateway(gateway.host.clone());
    assert_eq!(without.perform(Operation::PageLink).await.unwrap_err().code, "unsupported");
    gateway.stop().await;
}

#[tokio::test]
async fn another_host_another_origin_and_no_csrf_token_are_refused() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    let port = gateway.address.port();
    for host in [format!("localhost:{port}"), "evil.example".to_owned(), "127.0.0.1".to_owned()] {
        let elsewhere = inside.with("host", &host);
        for path in ["/", "/callback?state=x", "/page.js", "/events"] {
            assert_eq!(elsewhere.get(path).await.status, 403, "{host} {path}");
        }
        assert_eq!(elsewhere.operation(&json!({"op": "hello"})).await.status, 403, "{host}");
    }
    let hello = json!({"op": "hello"});
    assert_eq!(inside.operation(&hello).await.status, 200);
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("origin", ""),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("x-csrf-token", ""),
        ("x-csrf-token", "0123"),
    ] {
        let refused = inside.with(name, value).operation(&hello).await;
        assert_eq!(refused.status, 403, "{name}: {value}");
    }
    for name in ["origin", "x-csrf-token"] {
        assert_eq!(inside.without(name).operation(&hello).await.status, 403, "no {name}");
    }
    assert_eq!(inside.without("cookie").operation(&hello).await.status, 401);
    assert_eq!(inside.with("origin", "http://evil.example").get("/events").await.status, 403);
    assert_eq!(inside.with("content-type", "text/plain").operation(&hello).await.status, 415);
    // The token of one session is of no use in another.
    let other = gateway.enter().await;
    let mixed = inside.with("x-csrf-token", other.header("x-csrf-token").unwrap());
    assert_eq!(mixed.operation(&hello).await.status, 403);
    gateway.stop().await;
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    for path in ["/", "/nothing", "/page.css", "/page.js", "/callback", "/?token=x", "/operation"] {
        let answer = inside.get(path).await;
        let policy = answer.header("content-security-policy").unwrap();
        let expected = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                        form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
        assert_eq!(policy, expected, "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(inside.get("/operation").await.status, 405);
    assert_eq!(inside.get("/nothing").await.status, 404);
    gateway.stop().await;
}

#[tokio::test]
async fn secrets_are_refused_whatever_the_rules_say() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    let of = json!({"credential": {"provider": "keys", "id": "openai"}});
    let get = |reveal: &str| json!({"op": "get", "of": of, "reveal": reveal});
    for reveal in ["masked", "secret"] {
        let answer = inside.operation(&get(reveal)).await;
        assert_eq!((answer.status, answer.refused()), (403, Some("access_denied")));
        assert!(!answer.body.contains(CANARY));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_sign_in_comes_back_to_the_page_and_needs_no_session() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    let elsewhere = json!({"redirectUri": "http://evil.example/callback"});
    let (flow, url) = inside.login("mail", &elsewhere).await;
    let callback = format!("http://{}/callback", gateway.address);
    assert_eq!(url, format!("https://issuer.example/?redirect_uri={callback}&state={flow}"));

    let stranger = Browser::new(gateway.address);
    for path in ["/callback", "/callback?code=good&state=unknown", "/callback?code=good"] {
        assert_eq!(stranger.get(path).await.status, 404, "{path}");
    }
    let twice = format!("/callback?code=good&state={flow}&state={flow}");
    assert_eq!(stranger.get(&twice).await.status, 404);
    assert_eq!(gateway.state("work/mail").await, None, "they ended nothing and began nothing");

    let back = stranger.get(&format!("/callback?code=good&state={flow}&canary-query=1")).await;
    assert_eq!(back.status, 200, "{}", back.body);
    assert!(back.body.contains("You are signed in"), "{}", back.body);
    for word in ["good", &flow, "canary-query"] {
        assert!(!back.body.contains(word), "{word} is echoed");
    }
    assert_eq!(gateway.state("work/mail").await.as_deref(), Some("active"));
    let again = stranger.get(&format!("/callback?code=good&state={flow}")).await;
    assert_eq!(again.status, 404, "it finishes once");
    gateway.stop().await;
}

#[tokio::test]
async fn a_refused_sign_in_is_told_without_what_the_redirect_said() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    let (flow, _) = inside.login("mail", &json!({})).await;
    let refused = format!("/callback?error=access_denied-{CANARY}&state={flow}");
    let back = Browser::new(gateway.address).get(&refused).await;
    assert_eq!(back.status, 400);
    assert!(back.body.contains("flow_ended") && !back.body.contains(CANARY), "{}", back.body);
    gateway.stop().await;
}

#[tokio::test]
async fn another_account_is_confirmed_on_the_page() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    let (flow, _) = inside.login("mail", &json!({"account": "alice"})).await;
    let path = format!("/callback?code=good&account=bob&state={flow}");
    let back = Browser::new(gateway.address).get(&path).await;
    assert!(back.body.contains("Another account"), "{}", back.body);
    assert_ne!(gateway.state("work/mail").await.as_deref(), Some("active"));
    let confirm = json!({"op": "answer", "flow": flow, "typed": "confirm"});
    assert_eq!(inside.operation(&confirm).await.refused(), None);
    assert_eq!(gateway.state("work/mail").await.as_deref(), Some("active"));
    gateway.stop().await;
}

#[tokio::test]
async fn events_are_told_as_they_happen_and_end_with_the_gateway() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    let mut events = inside.open("/events").await;
    events.until("event: ready").await;
    let name = CredentialRef::parse("keys/openai").unwrap();
    let cli = gateway.host.engine().consumer(credential_host::CLI).unwrap();
    cli.request(&name).await.unwrap();
    events.until(r#""to":"active""#).await;
    assert!(events.text().contains("event: happened\ndata: {"), "{}", events.text());
    assert!(!events.text().contains(CANARY));
    assert!(events.text().contains("content-type: text/event-stream"));
    assert_eq!(inside.without("cookie").get("/events").await.status, 401);
    gateway.stop().await;
    events.read_out().await;
}

#[tokio::test]
async fn a_session_and_its_events_end_after_eight_hours() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    let mut events = inside.open("/events").await;
    events.until("event: ready").await;
    gateway.clock.advance(std::time::Duration::from_secs(8 * 60 * 60));
    events.read_out().await;
    assert_eq!(inside.get("/").await.status, 401);
    gateway.stop().await;
}

#[tokio::test]
async fn no_more_is_taken_than_can_be_carried() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    let long = json!({"op": "hello", "more": "x".repeat(64 * 1024)});
    assert_eq!(inside.operation(&long).await.status, 413);
    assert_eq!(inside.operation(&json!({"op": "nothing"})).await.status, 400);

    let mut streams = Vec::new();
    for _ in 0..8 {
        let mut stream = inside.open("/events").await;
        stream.until("event: ready").await;
        streams.push(stream);
    }
    assert_eq!(inside.get("/events").await.status, 503);
    assert_eq!(inside.get("/").await.status, 200, "and the page itself is served on");
    drop(streams);
    gateway.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_head_comes_in_time_or_not_at_all() {
    let gateway = Gateway::new().await;
    let mut idle = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let came = tokio::time::Instant::now();
    let _ = idle.read_to_end(&mut Vec::new()).await;
    assert!(came.elapsed() >= std::time::Duration::from_secs(10), "{:?}", came.elapsed());
    gateway.stop().await;
}

#[tokio::test]
async fn connections_that_ask_for_nothing_make_room_and_the_oldest_goes_first() {
    let gateway = Gateway::new().await;
    let mut streams = gateway.enter().await.open("/events").await;
    streams.until("event: ready").await;
    let mut idle = Vec::new();
    for _ in 0..40 {
        let mut stream = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        idle.push(stream);
    }
    let soon = std::time::Duration::from_secs(5);
    let browser = Browser::new(gateway.address);
    let asked = tokio::time::timeout(soon, browser.get("/page.css")).await;
    assert_eq!(asked.expect("nobody keeps it waiting").status, 200);
    let gone = tokio::time::timeout(soon, idle[0].read_to_end(&mut Vec::new())).await;
    assert!(gone.is_ok(), "the oldest has gone");
    // Whoever has a session stays.
    let cli = gateway.host.engine().consumer(credential_host::CLI).unwrap();
    let _ = cli.request(&CredentialRef::parse("keys/openai").unwrap()).await;
    streams.until("keys/openai").await;
    gateway.stop().await;
}

#[tokio::test]
async fn it_is_on_loopback_only() {
    let gateway = Gateway::new().await;
    let operations = Operations::of_gateway(gateway.host.clone());
    let open = "0.0.0.0:0".parse().unwrap();
    assert_eq!(Page::bind(operations.clone(), open).await.unwrap_err(), PageError::Exposed(open));
    let taken = Page::bind(operations, gateway.address).await.unwrap_err();
    assert!(matches!(taken, PageError::NotOpened { .. }), "{taken}");
    gateway.stop().await;
}

#[tokio::test]
async fn promise_6_no_answer_and_no_event_has_a_secret() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    let mut events = inside.open("/events").await;
    events.until("event: ready").await;
    let (flow, _) = inside.login("mail", &json!({})).await;
    let mut seen = String::new();
    seen += &inside.get(&format!("/callback?code=good&state={flow}")).await.all();
    for path in ["/", "/page.js", "/page.css"] {
        seen += &inside.get(path).await.all();
    }
    for id in ["keys/openai", "work/mail"] {
        let (provider, id) = id.split_once('/').unwrap();
        let of = json!({"credential": {"provider": provider, "id": id}});
        for op in ["refresh", "check", "get", "logout", "revoke"] {
            let ask = json!({"op": op, "of": of, "reveal": "secret"});
            seen += &inside.operation(&ask).await.all();
        }
    }
    for op in ["hello", "providers", "status", "reload", "watch"] {
        seen += &inside.operation(&json!({"op": op})).await.all();
    }
    seen += &inside.operation(&json!({"op": "list", "provider": null})).await.all();
    seen += &inside.operation(&json!({"op": "audit", "last": 100})).await.all();
    events.until(r#""to":"revoked""#).await;
    seen += events.text();
    assert!(seen.contains("first_use") && seen.contains("active"), "it saw what it looks for");
    assert!(!seen.contains(CANARY));
    let debug = format!("{:?} {:?}", gateway.links, gateway.operations);
    let link = gateway.link();
    let token = link.split_once('=').unwrap().1;
    assert!(!debug.contains(token) && debug.contains("PageLinks"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_that_made_room_for_another_is_told_no_more_events() {
    let gateway = Gateway::new().await;
    let first = gateway.enter().await;
    let mut events = first.open("/events").await;
    events.until("event: ready").await;
    for _ in 0..16 {
        gateway.enter().await;
    }
    assert_eq!(first.get("/").await.status, 401, "its session has ended");
    let name = CredentialRef::parse("keys/openai").unwrap();
    let cli = gateway.host.engine().consumer(credential_host::CLI).unwrap();
    let soon = std::time::Duration::from_secs(5);
    let ended = tokio::time::timeout(soon, async {
        let _ = cli.request(&name).await;
        events.read_out().await;
    });
    let ended = ended.await.is_ok();
    assert!(ended && !events.text().contains("keys/openai"), "{}", events.text());
    gateway.stop().await;
}

#[tokio::test]
async fn no_part_of_a_secret_is_on_the_page() {
    let gateway = Gateway::new().await;
    let inside = gateway.enter().await;
    let of = json!({"credential": {"provider": "keys", "id": "openai"}});
    let masked = inside.operation(&json!({"op": "get", "of": of, "reveal": "masked"})).await;
    assert!(!masked.body.contains("WXYZ"), "{}", masked.body);
    gateway.stop().await;
}
