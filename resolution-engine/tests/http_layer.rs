//! A credential goes where it names, with every request, and nowhere else: `AuthorizeLayer`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod common;
mod http_world;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use common::settle;
use credential_provider_api::*;
use http_body_util::Full;
use http_world::*;
use resolution_engine::*;
use tower_layer::Layer as _;
use tower_service::Service as _;

// --- Where the credential goes. ----------------------------------------------------------------

#[tokio::test]
async fn promise_6_another_origin_is_refused_before_anything_is_sent() {
    let (named, other) = (Site::new(|_| status(200)).await, Site::new(|_| status(200)).await);
    let host = Host::numbered(x_api_key(), &[&named]);
    let mut client = host.client();
    assert_eq!(denied(send(&mut client, get(&other.url)).await), ErrorCode::OriginDenied);
    assert!(other.seen().is_empty());
    send(&mut client, get(named.at("/a?b"))).await.unwrap();
    let seen = named.seen();
    assert_eq!(
        (seen[0].path.as_str(), seen[0].header("x-api-key")),
        ("/a?b", Some("secret-number-1"))
    );
}

#[tokio::test]
async fn what_the_credential_sets_the_caller_may_not() {
    let site = Site::new(|_| status(200)).await;
    let host = Host::numbered(x_api_key(), &[&site]);
    let mut request = get(&site.url);
    request.headers_mut().insert("x-api-key", "mine".parse().unwrap());
    let refused = refusal(send(&mut host.client(), request).await);
    assert_eq!(refused, HttpRefusal::AlreadyAuthorized);
    let host = Host::numbered(Placement::query("key"), &[&site]);
    for query in ["/?key=mine", "/?a=1&k%65y=", "/?key"] {
        let refused = refusal(send(&mut host.client(), get(site.at(query))).await);
        assert_eq!(refused, HttpRefusal::AlreadyAuthorized, "{query}");
    }
    assert!(site.seen().is_empty());
    let mut request = get(site.at("/?monkey=1"));
    request.headers_mut().insert("authorization", "Basic bWU=".parse().unwrap());
    send(&mut host.client(), request).await.unwrap();
    assert_eq!(site.paths(), ["/?monkey=1&key=secret-number-1"]);
    assert_eq!(site.seen()[0].header("authorization"), Some("Basic bWU="));
}

#[tokio::test]
async fn an_address_that_is_not_absolute_or_names_a_user_is_refused() {
    let site = Site::new(|_| status(200)).await;
    let host = Host::numbered(x_api_key(), &[&site]);
    for wrong in ["/a".to_owned(), site.url.replace("//", "//me:secret@")] {
        let refused = refusal(send(&mut host.client(), get(wrong)).await);
        assert_eq!(refused, HttpRefusal::AddressInvalid);
    }
    assert!(site.seen().is_empty());
}

#[tokio::test]
async fn a_credential_that_makes_no_header_is_refused() {
    let site = Site::new(|_| status(200)).await;
    let origin = site.origin();
    let host =
        Host::new(move |_, _| Ok(Credential::token("a\r\nb".into()).with_origin(origin.clone())));
    let refused = refusal(send(&mut host.client(), get(&site.url)).await);
    assert_eq!((refused, site.seen().len()), (HttpRefusal::CredentialUnsendable, 0));
}

#[tokio::test]
async fn promise_5_each_session_and_variant_gets_its_own() {
    let site = Site::new(|_| status(200)).await;
    let origin = site.origin();
    let host = Host::new(move |request, _| {
        let whose = request.key().session.as_ref().map_or("nobody", |session| session.encoded());
        let text = format!("{} {}", whose, request.key().variant.get("role").unwrap_or_default());
        Ok(Credential::token(text.into()).with_origin(origin.clone()))
    });
    let own = CredentialRef::parse("vault/own").unwrap();
    let layer = AuthorizeLayer::new(host.tool.clone(), own);
    let paper = || Reqwest::new(reqwest::redirect::Policy::none());
    let sent = send(&mut layer.layer(paper()), get(&site.url)).await;
    assert_eq!(denied(sent), ErrorCode::SessionRequired);
    let variant = Variant::builder().role("read").build().unwrap();
    for name in ["ann", "bob"] {
        let session = common::person(name);
        let layer = layer.clone().session(session.clone()).variant(variant.clone());
        send(&mut layer.layer(paper()), get(&site.url)).await.unwrap();
        let wanted = format!("Bearer {} read", session.encoded());
        assert_eq!(site.seen().last().unwrap().header("authorization"), Some(wanted.as_str()));
    }
}

// --- Redirects. --------------------------------------------------------------------------------

/// A named service that sends `/start` to another one, and the other that sends it back.
async fn there_and_back(location: &'static str) -> (Site, Site) {
    let home: Arc<OnceLock<String>> = Arc::default();
    let back = home.clone();
    let other = Site::new(move |_| redirect(302, format!("{}/back", back.get().unwrap()))).await;
    let away = other.url.clone();
    let named = Site::new(move |seen| match seen.path.split('?').next().unwrap() {
        "/start" => redirect(302, format!("{away}{location}")),
        _ => status(200),
    })
    .await;
    home.set(named.url.clone()).unwrap();
    (named, other)
}

#[tokio::test]
async fn promise_6_a_header_is_lost_on_another_origin_and_stays_lost_at_home() {
    let (named, other) = there_and_back("/there").await;
    let host = Host::numbered(x_api_key(), &[&named]);
    let answer = send(&mut host.client(), get(named.at("/start"))).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        (named.paths(), other.paths()),
        (vec!["/start".into(), "/back".into()], vec!["/there".into()])
    );
    let sent = |site: &Site| {
        site.seen().iter().map(|s| s.header("x-api-key").map(str::to_owned)).collect::<Vec<_>>()
    };
    let secret = Some("secret-number-1".to_owned());
    assert_eq!((sent(&named), sent(&other)), (vec![secret, None], vec![None]));
}

#[tokio::test]
async fn promise_6_a_query_key_is_lost_too_even_if_the_service_sends_it_along() {
    let location =
        "/there?a=1&key=secret-number-1&%6bey=x&origin=secret%2Dnumber-1&b=2#secret-number-1";
    let (named, other) = there_and_back(location).await;
    let host = Host::numbered(Placement::query("key"), &[&named]);
    send(&mut host.client(), get(named.at("/start"))).await.unwrap();
    assert_eq!(named.paths(), ["/start?key=secret-number-1", "/back"]);
    assert_eq!(other.paths(), ["/there?a=1&b=2"]);
}

#[tokio::test]
async fn a_query_key_that_is_sent_along_at_home_is_set_once() {
    let named = Site::new(|seen| match seen.path.starts_with("/start") {
        true => redirect(302, format!("/next?{}", seen.path.split_once('?').unwrap().1)),
        false => status(200),
    })
    .await;
    let host = Host::numbered(Placement::query("key"), &[&named]);
    send(&mut host.client(), get(named.at("/start?x=1"))).await.unwrap();
    assert_eq!(named.paths()[1], "/next?x=1&key=secret-number-1");
}

#[tokio::test]
async fn promise_6_a_credential_written_into_the_address_goes_nowhere() {
    for location in ["/secret-number-1/x", "/x?u=%2Fsecret%252Dnumber-1"] {
        for placement in [Placement::query("key"), Placement::bearer()] {
            let (named, other) = there_and_back(location).await;
            let host = Host::numbered(placement, &[&named]);
            let refused = refusal(send(&mut host.client(), get(named.at("/start"))).await);
            assert_eq!((refused, other.seen().len()), (HttpRefusal::RedirectLeak, 0), "{location}");
        }
    }
}

/// What a client without a network is sent to after `https://a.example/`, which alone is named, has
/// answered with this location; or why nothing is.
async fn sent_on(secret: &'static str, location: String) -> Result<Vec<String>, HttpRefusal> {
    let host = Host::new(move |_, _| {
        let origin = Origin::parse("https://a.example").unwrap();
        Ok(Credential::api_key(secret.into()).with_origin(origin))
    });
    let paper = Paper::new(move |request| match request.uri().host() {
        Some("a.example") => redirect(302, location.clone()),
        _ => status(200),
    });
    let mut client = host.layer().layer(paper.clone());
    match send(&mut client, get("https://a.example/")).await {
        Ok(_) => {
            let seen = paper.seen.lock().unwrap();
            Ok(seen.iter().skip(1).map(|request| request.uri().to_string()).collect())
        }
        Err(AuthorizeError::Refused(refusal)) => Err(refusal),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn promise_6_a_credential_written_into_the_host_of_a_redirect_goes_nowhere() {
    for host in ["secret-number-1.evil.example", "SECRET-number-1", "a.secret-number-1.b:8443"] {
        let sent = sent_on("Secret-Number-1", format!("https://{host}/x")).await;
        assert_eq!(sent, Err(HttpRefusal::RedirectLeak), "{host}");
    }
    let sent = sent_on("secret-number-1", "https://secret-number.2.example/x".into()).await;
    assert_eq!(sent, Ok(vec!["https://secret-number.2.example/x".to_owned()]));
}

#[tokio::test]
async fn promise_6_a_credential_encoded_into_a_redirect_goes_nowhere() {
    let mut went = Vec::new();
    for (secret, path) in [
        // A header echoed as it is kept by many: in base64.
        ("secret-number-1", format!("/x?was={}", STANDARD.encode("key:secret-number-1"))),
        ("secret-number-1", format!("/x?was={}", STANDARD.encode("ky:secret-number-1"))),
        ("secret-number-1", format!("/x?was={}", URL_SAFE.encode("k:secret-number-1?\u{fffd}"))),
        // A form, as part of a value.
        ("secret number 1", "/x?was=key+secret+number+1".to_owned()),
        // In JSON.
        ("secret/number/1", r"/x?was=%7B%22k%22:%22secret%5C/number%5C/1%22%7D".to_owned()),
    ] {
        let sent = sent_on(secret, format!("https://b.example{path}")).await;
        if sent != Err(HttpRefusal::RedirectLeak) {
            went.push(sent);
        }
    }
    assert!(went.is_empty(), "{went:#?}");
}

#[tokio::test]
async fn promise_6_an_older_credential_echoed_after_a_renewal_goes_nowhere() {
    let host = Host::new(|_, nth| {
        let origin = Origin::parse("https://a.example").unwrap();
        Ok(Credential::token(format!("secret-number-{nth}").into()).with_origin(origin))
    });
    let paper = Paper::new(|request| {
        match request.headers().get("authorization").map(|v| v.to_str().unwrap()) {
            Some("Bearer secret-number-1") => status(401),
            Some(_) => redirect(302, "https://b.example/secret-number-1"),
            None => status(200),
        }
    });
    let sent = send(&mut host.layer().layer(paper.clone()), get("https://a.example/")).await;
    assert_eq!(refusal(sent), HttpRefusal::RedirectLeak);
}

#[tokio::test]
async fn promise_6_what_an_unnamed_origin_chose_is_done_without_the_credential_to_the_end() {
    let host = Host::new(|_, _| {
        let key = Credential::api_key("secret-number-1".into());
        let origins = ["https://a.example", "https://c.example"].map(|o| Origin::parse(o).unwrap());
        Ok(origins.into_iter().fold(key, Credential::with_origin))
    });
    let paper = Paper::new(|request| match request.uri().to_string().as_str() {
        "https://a.example/" => redirect(307, "https://c.example/named"),
        "https://c.example/named" => redirect(307, "https://b.example/other"),
        "https://b.example/other" => redirect(307, "https://c.example/delete"),
        "https://c.example/delete" => redirect(307, "/all"),
        "https://c.example/all" => redirect(307, "https://a.example/401"),
        _ => status(401),
    });
    let mut client = host.layer().layer(paper.clone());
    let answer = send(&mut client, post("https://a.example/", Payload::whole("x"))).await.unwrap();
    assert_eq!((answer.status().as_u16(), host.vault.calls()), (401, 1));
    assert!(host.vault.outcomes().await.is_empty(), "nothing was rejected");
    let seen = paper.seen.lock().unwrap();
    let with = seen.iter().map(|request| request.headers().contains_key("authorization"));
    assert_eq!(with.collect::<Vec<_>>(), [true, true, false, false, false, false]);
}

#[tokio::test]
async fn a_redirect_too_long_to_follow_is_not_the_callers_mistake() {
    let long = "x".repeat(70_000);
    for location in [format!("/{long}"), format!("https://b.example/{long}")] {
        let sent = sent_on("secret-number-1", location).await;
        assert_eq!(sent, Err(HttpRefusal::RedirectInvalid));
    }
}

#[tokio::test]
async fn an_address_that_the_client_writes_in_another_way_is_no_other_origin() {
    let site = Site::new(|seen| {
        let port = seen.header("host").unwrap()[10..].to_owned();
        match seen.path.as_str() {
            "/start" => redirect(302, format!("http://127.1:{port}/next")),
            _ => status(200),
        }
    })
    .await;
    let host = Host::numbered(Placement::bearer(), &[&site]);
    // `reqwest` writes 127.1 as 127.0.0.1: nobody followed a redirect, and nothing leaked.
    let sent = send(&mut host.client(), get(site.at("/start"))).await;
    assert_eq!(refusal(sent), HttpRefusal::RedirectInvalid);
    let v6 = Origin::parse("http://[0:0:0:0:0:FFFF:1.2.3.4]").unwrap();
    let url = reqwest::Url::parse("http://[0:0:0:0:0:FFFF:1.2.3.4]/").unwrap();
    assert_eq!(format!("{v6}/"), url.as_str());
}

#[tokio::test]
async fn promise_6_what_the_caller_set_stays_with_the_origin_he_addressed() {
    let (named, other) = there_and_back("/there").await;
    let host = Host::numbered(x_api_key(), &[&named]);
    let mut request = get(named.at("/start"));
    let secret =
        ["authorization", "cookie", "proxy-authorization", "x-goog-api-key", "x-mine", "host"];
    for name in secret {
        request.headers_mut().insert(name, "mine".parse().unwrap());
    }
    request.headers_mut().insert("accept", "text/plain".parse().unwrap());
    send(&mut host.client(), request).await.unwrap();
    let (home, there) = (named.seen(), other.seen());
    for name in secret {
        assert_eq!(home[0].header(name), Some("mine"), "{name}");
        assert_ne!(there[0].header(name), Some("mine"), "{name}");
        assert_ne!(home[1].header(name), Some("mine"), "{name}: the other chose this address");
    }
    assert_eq!(there[0].header("accept"), Some("text/plain"));
}

#[tokio::test]
async fn within_an_origin_the_callers_headers_stay() {
    let named = Site::new(|seen| match seen.path.as_str() {
        "/start" => redirect(302, "next"),
        _ => status(200),
    })
    .await;
    let host = Host::numbered(x_api_key(), &[&named]);
    let mut request = get(named.at("/start"));
    request.headers_mut().insert("cookie", "mine".parse().unwrap());
    send(&mut host.client(), request).await.unwrap();
    let next = &named.seen()[1];
    assert_eq!((next.path.as_str(), next.header("cookie")), ("/next", Some("mine")));
}

#[tokio::test]
async fn each_hop_asks_the_engine_anew() {
    let admin: Arc<OnceLock<Administrator>> = Arc::default();
    let console = admin.clone();
    let named = Site::new(move |_| {
        console.get().unwrap().replace_access(AccessRules::deny_all());
        redirect(302, "/next")
    })
    .await;
    let host = Host::numbered(x_api_key(), &[&named]);
    admin.set(host.engine.administrator()).ok().unwrap();
    let sent = send(&mut host.client(), get(named.at("/start"))).await;
    assert_eq!((denied(sent), named.seen().len()), (ErrorCode::AccessDenied, 1));
}

#[tokio::test]
async fn a_method_and_a_body_follow_as_the_status_says() {
    let named = Site::new(|seen| match seen.path.trim_start_matches('/').parse::<u16>() {
        Ok(code) => redirect(code, "/end"),
        Err(_) => status(200),
    })
    .await;
    let host = Host::numbered(x_api_key(), &[&named]);
    for (code, method, arrives) in [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (301, "PUT", "PUT"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
    ] {
        let mut request = post(named.at(&format!("/{code}")), Payload::whole("hello"));
        *request.method_mut() = method.parse().unwrap();
        send(&mut host.client(), request).await.unwrap();
        let last = named.seen().pop().unwrap();
        assert_eq!(
            (last.path.as_str(), last.method.as_str()),
            ("/end", arrives),
            "{code} {method}"
        );
        if method != "HEAD" {
            let same = method == arrives;
            assert_eq!(last.body, if same { "hello" } else { "" }, "{code} {method}");
            assert_eq!(last.header("content-type").is_some(), same, "{code} {method}");
        }
    }
    // What can be sent once is sent once: the redirect is the answer. Without its body it can go on.
    let once = || Payload::once(reqwest::Body::from("hello"));
    let before = named.seen().len();
    let answer = send(&mut host.client(), post(named.at("/307"), once())).await.unwrap();
    assert_eq!((answer.status().as_u16(), named.seen().len()), (307, before + 1));
    let answer = send(&mut host.client(), post(named.at("/303"), once())).await.unwrap();
    assert_eq!((answer.status().as_u16(), named.seen().len()), (200, before + 3));
}

#[tokio::test]
async fn promise_2_a_circle_of_redirects_ends() {
    let named = Site::new(|_| redirect(302, "/again")).await;
    let host = Host::numbered(x_api_key(), &[&named]);
    let refused = refusal(send(&mut host.client(), get(&named.url)).await);
    assert_eq!((refused, named.seen().len()), (HttpRefusal::RedirectLimit, 11));
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_the_answer_or_refused() {
    let named = Site::new(|seen| match seen.path.as_str() {
        "/none" => status(302),
        "/300" => redirect(300, "/x"),
        "/304" => redirect(304, "/x"),
        "/two" => (302, vec![("location", "/x".into()), ("location", "/y".into())]),
        "/user" => redirect(302, "http://me:pw@127.0.0.1/"),
        "/slash" => redirect(302, "/\\evil.example/"),
        "/scheme" => redirect(302, "file:///etc/passwd"),
        _ => panic!("followed"),
    })
    .await;
    let host = Host::numbered(x_api_key(), &[&named]);
    for (path, code) in [("/none", 302), ("/300", 300), ("/304", 304)] {
        let answer = send(&mut host.client(), get(named.at(path))).await.unwrap();
        assert_eq!(answer.status().as_u16(), code);
    }
    for (path, wanted) in [
        ("/two", HttpRefusal::RedirectInvalid),
        ("/user", HttpRefusal::RedirectUserinfo),
        ("/slash", HttpRefusal::RedirectInvalid),
        ("/scheme", HttpRefusal::RedirectInvalid),
    ] {
        assert_eq!(refusal(send(&mut host.client(), get(named.at(path))).await), wanted, "{path}");
    }
}

#[tokio::test]
async fn promise_6_from_https_nothing_goes_to_http() {
    let host = Host::new(|_, _| {
        let key = Credential::api_key("secret-number-1".into());
        let origins = ["https://a.example", "http://a.example"].map(|o| Origin::parse(o).unwrap());
        Ok(origins.into_iter().fold(key, Credential::with_origin))
    });
    let paper = Paper::new(|_| redirect(302, "http://a.example/"));
    let mut client = host.layer().layer(paper.clone());
    let refused = refusal(send(&mut client, get("https://a.example/")).await);
    assert_eq!((refused, paper.seen.lock().unwrap().len()), (HttpRefusal::RedirectDowngrade, 1));
}

#[tokio::test]
async fn a_client_that_follows_redirects_by_itself_is_found_out() {
    let (named, _other) = there_and_back("/there").await;
    let away = Site::new(|_| status(200)).await;
    let to = away.at("/x");
    let named_too = Site::new(move |_| redirect(302, to.clone())).await;
    let host = Host::numbered(x_api_key(), &[&named, &named_too]);
    let follows = || Reqwest::new(reqwest::redirect::Policy::limited(5));
    let sent = send(&mut host.layer().layer(follows()), get(&named_too.url)).await;
    assert_eq!(refusal(sent), HttpRefusal::ClientRedirected);
    assert!(host.vault.outcomes().await.is_empty());
}

// --- Answers. ----------------------------------------------------------------------------------

/// A service that knows the key of one number.
async fn knows(number: usize) -> Site {
    Site::new(move |seen| {
        let good = seen.header("x-api-key") == Some(&format!("secret-number-{number}"));
        status(if good { 200 } else { 401 })
    })
    .await
}

#[tokio::test]
async fn promise_1_a_401_renews_once_and_the_body_is_sent_again() {
    let site = knows(2).await;
    let host = Host::numbered(x_api_key(), &[&site]);
    let answer = send(&mut host.client(), post(&site.url, Payload::whole("hello"))).await.unwrap();
    assert_eq!((answer.status().as_u16(), host.vault.calls()), (200, 2));
    let bodies: Vec<Bytes> = site.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, ["hello", "hello"]);
    assert_eq!(host.vault.outcomes().await, [Outcome::Rejected, Outcome::Success]);
}

#[tokio::test]
async fn promise_1_fifty_that_are_rejected_together_cause_one_renewal() {
    let gate = Arc::new(tokio::sync::Barrier::new(50));
    let site = Site::later(move |seen| {
        let gate = gate.clone();
        Box::pin(async move {
            if seen.header("x-api-key") != Some("secret-number-1") {
                return status(200);
            }
            gate.wait().await;
            status(401)
        })
    })
    .await;
    let host = Host::numbered(x_api_key(), &[&site]);
    let client = host.client();
    let all = (0..50).map(|_| {
        let (mut client, url) = (client.clone(), site.url.clone());
        async move { send(&mut client, get(url)).await.unwrap().status().as_u16() }
    });
    assert_eq!(futures::future::join_all(all).await, [200; 50]);
    assert_eq!((host.vault.calls(), site.seen().len()), (2, 100));
    settle().await;
    let reports = host.vault.reports.lock().unwrap().clone();
    let rejected = reports.iter().filter(|seen| seen.outcome == Outcome::Rejected);
    let revisions: Vec<Revision> = rejected.map(|seen| seen.revision).collect();
    assert_eq!(revisions.len(), 50);
    let renewed = host.tool.request(&key()).await.unwrap().revision().unwrap();
    assert!(revisions.iter().all(|revision| *revision == revisions[0] && *revision != renewed));
}

#[tokio::test]
async fn promise_1_a_newer_revision_that_is_there_already_is_taken() {
    let tool: Arc<OnceLock<Consumer>> = Arc::default();
    let others = tool.clone();
    let site = Site::later(move |seen| {
        let others = others.clone();
        Box::pin(async move {
            if seen.header("x-api-key") != Some("secret-number-1") {
                return status(200);
            }
            // Somebody else finds out first.
            let tool = others.get().unwrap();
            let dead = tool.request(&key()).await.unwrap().revision().unwrap();
            tool.request(&key()).reject(dead).await.unwrap();
            status(401)
        })
    })
    .await;
    let host = Host::numbered(x_api_key(), &[&site]);
    tool.set(host.tool.clone()).ok().unwrap();
    let answer = send(&mut host.client(), get(&site.url)).await.unwrap();
    assert_eq!((answer.status().as_u16(), host.vault.calls()), (200, 2));
    assert_eq!(site.seen()[1].header("x-api-key"), Some("secret-number-2"));
}

#[tokio::test]
async fn a_second_401_is_the_answer() {
    let site = knows(9).await;
    let host = Host::numbered(x_api_key(), &[&site]);
    let answer = send(&mut host.client(), get(&site.url)).await.unwrap();
    assert_eq!((answer.status().as_u16(), site.seen().len(), host.vault.calls()), (401, 2, 2));
    assert!(answer.extensions().get::<NotRenewed>().is_none());
    assert_eq!(host.vault.outcomes().await, [Outcome::Rejected, Outcome::Rejected]);
}

#[tokio::test]
async fn a_401_is_tried_again_once_for_all_redirects_together() {
    let site = Site::new(|seen| match seen.header("x-api-key") {
        Some("secret-number-2") if seen.path == "/start" => redirect(302, "/next"),
        _ => status(401),
    })
    .await;
    let host = Host::numbered(x_api_key(), &[&site]);
    let answer = send(&mut host.client(), get(site.at("/start"))).await.unwrap();
    assert_eq!((answer.status().as_u16(), site.seen().len()), (401, 3));
}

#[tokio::test]
async fn a_401_without_a_newer_credential_is_the_answer_and_says_why() {
    let site = knows(2).await;
    let origin = site.origin();
    let host = Host::new(move |_, nth| match nth {
        1 => Ok(Credential::api_key("secret".into()).with_origin(origin.clone())),
        _ => Err(CredentialError::needs_reauth(ReauthReason::GrantRejected, "")),
    });
    let answer = send(&mut host.client(), get(&site.url)).await.unwrap();
    assert_eq!((answer.status().as_u16(), site.seen().len()), (401, 1));
    let NotRenewed(why) = answer.extensions().get::<NotRenewed>().unwrap();
    assert_eq!(why.code(), ErrorCode::NeedsReauth);
}

#[tokio::test]
async fn a_body_that_can_be_sent_once_is_and_its_401_is_reported() {
    let site = knows(2).await;
    let host = Host::numbered(x_api_key(), &[&site]);
    let body = Payload::once(reqwest::Body::from("hello"));
    let answer = send(&mut host.client(), post(&site.url, body)).await.unwrap();
    assert_eq!((answer.status().as_u16(), site.seen().len()), (401, 1));
    assert_eq!(site.seen()[0].body, "hello");
    assert_eq!(host.vault.outcomes().await, [Outcome::Rejected]);
    let answer = send(&mut host.client(), get(&site.url)).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

#[tokio::test]
async fn what_an_answer_says_is_reported() {
    let site = Site::new(|seen| match seen.path.as_str() {
        "/429" => (429, vec![("retry-after", "7".into())]),
        path => status(path.trim_start_matches('/').parse().unwrap()),
    })
    .await;
    let host = Host::numbered(x_api_key(), &[&site]);
    for path in ["/200", "/429", "/402", "/403", "/500"] {
        send(&mut host.client(), get(site.at(path))).await.unwrap();
    }
    let limited = Outcome::RateLimited { retry_after: Some(Duration::from_secs(7)) };
    assert_eq!(host.vault.outcomes().await, [Outcome::Success, limited, Outcome::Billing]);
}

#[tokio::test]
async fn what_an_origin_says_that_got_no_credential_is_not_reported() {
    for code in [401, 402, 429, 200] {
        let other = Site::new(move |_| status(code)).await;
        let to = other.url.clone();
        let named = Site::new(move |_| redirect(302, to.clone())).await;
        let host = Host::numbered(x_api_key(), &[&named]);
        let answer = send(&mut host.client(), get(&named.url)).await.unwrap();
        assert_eq!(answer.status().as_u16(), code);
        assert_eq!((host.vault.outcomes().await.len(), host.vault.calls()), (0, 1));
        assert_eq!(other.seen().len(), 1);
    }
}

// --- Signatures and proofs. --------------------------------------------------------------------

/// Stands for what signs requests: puts what it was told, and the nonce it was told, into a header.
#[derive(Default)]
struct Signer(Mutex<String>);

impl SignRequest for Signer {
    fn sign(
        &self,
        _: &Material,
        request: &OutgoingRequest<'_>,
        _: Timestamp,
    ) -> Result<Authorization, CredentialError> {
        let accept = request.headers.iter().find(|(name, _)| *name == "accept").unwrap().1;
        let body = std::str::from_utf8(request.body).unwrap();
        let OutgoingRequest { method, path, query, .. } = request;
        let nonce = self.0.lock().unwrap();
        let value = format!("{method} {path} {query} {accept} {body} {nonce}");
        let mut authorization = Authorization::default();
        authorization.headers.push(("Proof".into(), value.into()));
        Ok(authorization)
    }
    fn answered(&self, _: &Origin, status: u16, headers: &[(&str, &str)]) -> Advice {
        let Some((_, nonce)) = headers.iter().find(|(name, _)| *name == "dpop-nonce") else {
            return Advice::Done;
        };
        (*nonce).clone_into(&mut self.0.lock().unwrap());
        if status == 401 { Advice::SendAgain } else { Advice::Done }
    }
}

fn signing(site: &Site, material: impl Fn() -> Credential + Send + Sync + 'static) -> Host {
    let (origin, signer) = (site.origin(), Arc::new(Signer::default()));
    Host::new(move |_, _| Ok(material().with_origin(origin.clone()).with_signer(signer.clone())))
}

fn access_key() -> Credential {
    Credential::access_key(AccessKey::new("AK".to_owned(), "SK".into(), None))
}

fn proved(site: &Site, body: Payload<reqwest::Body>) -> http::Request<Payload<reqwest::Body>> {
    let mut request = post(site.at("/a%20b?c=d"), body);
    request.headers_mut().insert("accept", "text/plain".parse().unwrap());
    request
}

#[tokio::test]
async fn a_signature_covers_what_is_sent() {
    let site = Site::new(|_| status(200)).await;
    let host = signing(&site, access_key);
    send(&mut host.client(), proved(&site, Payload::whole("hello"))).await.unwrap();
    assert_eq!(site.seen()[0].header("proof"), Some("POST /a%20b c=d text/plain hello"));
    let once = Payload::once(reqwest::Body::from("hello"));
    let refused = refusal(send(&mut host.client(), proved(&site, once)).await);
    assert_eq!((refused, site.seen().len()), (HttpRefusal::BodyUnsigned, 1));
}

#[tokio::test]
async fn a_nonce_that_is_asked_for_is_brought_and_nothing_was_rejected() {
    let site = Site::new(|seen| match seen.header("proof").unwrap().ends_with(" n-1") {
        true => status(200),
        false => (401, vec![("dpop-nonce", "n-1".into())]),
    })
    .await;
    let host = signing(&site, || Credential::oauth2("secret".into()));
    let answer = send(&mut host.client(), proved(&site, Payload::whole("hello"))).await.unwrap();
    assert_eq!((answer.status().as_u16(), site.seen().len()), (200, 2));
    assert_eq!((host.vault.outcomes().await, host.vault.calls()), (vec![Outcome::Success], 1));
    assert_eq!(site.seen()[1].body, "hello");
}

#[tokio::test]
async fn a_nonce_is_brought_once_at_each_address() {
    let site = Site::new(|seen| {
        let wanted = if seen.path.starts_with("/a") { "n-1" } else { "n-2" };
        match (seen.header("proof").unwrap().ends_with(wanted), wanted) {
            (false, _) => (401, vec![("dpop-nonce", wanted.into())]),
            (true, "n-1") => redirect(307, "/next"),
            (true, _) => status(200),
        }
    })
    .await;
    let host = signing(&site, || Credential::oauth2("secret".into()));
    let answer = send(&mut host.client(), proved(&site, Payload::whole("hello"))).await.unwrap();
    assert_eq!((answer.status().as_u16(), site.seen().len(), host.vault.calls()), (200, 4, 1));
}

#[tokio::test]
async fn a_signer_that_covers_no_body_is_given_none_that_is_sent_once() {
    let site = Site::new(|_| status(200)).await;
    let host = signing(&site, || Credential::oauth2("secret".into()));
    let once = Payload::once(reqwest::Body::from("hello"));
    send(&mut host.client(), proved(&site, once)).await.unwrap();
    let seen = &site.seen()[0];
    assert_eq!(seen.header("proof").map(str::trim_end), Some("POST /a%20b c=d text/plain"));
    assert_eq!(seen.body, "hello");
}

#[tokio::test]
async fn a_nonce_is_brought_once_and_never_for_a_body_that_is_gone() {
    let site = Site::new(|_| (401, vec![("dpop-nonce", "n".into())])).await;
    let host = signing(&site, || Credential::oauth2("secret".into()));
    let once = Payload::once(reqwest::Body::from("hello"));
    for (payload, requests) in [(Payload::whole("hello"), 2), (once, 3)] {
        let answer = send(&mut host.client(), proved(&site, payload)).await.unwrap();
        assert_eq!((answer.status().as_u16(), site.seen().len()), (401, requests));
    }
    assert_eq!((host.vault.outcomes().await.len(), host.vault.calls()), (0, 1));
}

// --- As a service. -----------------------------------------------------------------------------

#[tokio::test]
async fn hypers_own_client_works_as_it_is() {
    let site = knows(2).await;
    let host = Host::numbered(x_api_key(), &[&site]);
    let executor = hyper_util::rt::TokioExecutor::new();
    let hyper = hyper_util::client::legacy::Client::builder(executor).build_http::<Full<Bytes>>();
    let mut client = host.layer().layer(hyper);
    let answer = send(&mut client, post(&site.url, Payload::whole("hello"))).await.unwrap();
    assert_eq!((answer.status().as_u16(), &*site.seen()[1].body), (200, &b"hello"[..]));
}

#[tokio::test]
async fn the_client_is_made_ready_for_each_request_and_the_header_is_sensitive() {
    let calls = AtomicUsize::new(0);
    let paper = Paper::new(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => redirect(307, "/next"),
        1 => status(401),
        _ => status(200),
    });
    let host = Host::new(|_, nth| {
        let origin = Origin::parse("https://a.example").unwrap();
        Ok(Credential::token(format!("secret-number-{nth}").into()).with_origin(origin))
    });
    let mut client = host.layer().layer(paper.clone());
    for _ in 0..2 {
        send(&mut client, get("https://a.example/")).await.unwrap();
    }
    let seen = paper.seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|request| request.headers()["authorization"].is_sensitive()));
}

#[tokio::test]
async fn promise_2_a_request_that_is_given_up_leaves_the_renewal_to_others() {
    let site = knows(2).await;
    let host = Host::numbered(x_api_key(), &[&site]);
    let mut client = host.client();
    host.tool.request(&key()).await.unwrap();
    let permits = host.vault.open.acquire_many(1000).await.unwrap();
    let waiting = tokio::spawn(client.call(get(&site.url)));
    while host.vault.calls() < 2 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    drop(permits);
    let answer = send(&mut client, get(&site.url)).await.unwrap();
    assert_eq!((answer.status().as_u16(), host.vault.calls()), (200, 2));
}

// --- Nothing shows it. -------------------------------------------------------------------------

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn promise_6_no_debug_error_or_trace_shows_the_credential() {
    const MARK: &str = "secret-number-";
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut shown = String::new();
    for placement in [x_api_key(), Placement::query("key")] {
        let (named, _other) = there_and_back("/secret-number-1").await;
        let closed = Site { url: "http://127.0.0.1:1".to_owned(), seen: Arc::default() };
        let host = Host::numbered(placement, &[&named, &closed]);
        let mut client = host.client();
        shown += &format!("{:?} {client:?}", host.layer());
        for address in [named.at("/start"), named.at("/"), closed.at("/"), "http://b".to_owned()] {
            let under_way = client.call(post(address, Payload::whole("secret-number-0")));
            shown += &format!("{under_way:?}");
            match under_way.await {
                Ok(answer) => shown += &format!("{answer:?}"),
                Err(error) => {
                    let chain =
                        std::iter::successors(Some(&error as &dyn std::error::Error), |e| {
                            e.source()
                        });
                    chain.for_each(|error| shown += &format!("{error} {error:?}"));
                    shown += &error.next_step();
                }
            }
        }
    }
    for wanted in ["redirect_leak", "client_failed", "origin_denied"] {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
    shown += &String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!shown.contains(MARK), "{shown}");
}
