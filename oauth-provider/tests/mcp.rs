//! MCP servers: from a 401 to a token that is bound to the server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::http::Reply;
use common::mcp::{Double, HOME, METADATA, McpWorld, OPENID, WELL_KNOWN, query, reason, token};
use common::tokens::{Signer, jwks, sign};
use credential_provider_api::*;
use futures::StreamExt as _;
use oauth_provider::{HttpClient as _, HttpRequest, ReqwestClient};
use serde_json::json;

/// Calls the server with a token.
async fn call(world: &McpWorld, token: &Credential) -> u16 {
    assert_eq!(token.origins(), [Origin::parse(&world.server.url()).unwrap()]);
    let bearer = format!("Bearer {}", token.secret().unwrap().expose_secret());
    let request = HttpRequest::post(world.mcp(), b"{}".to_vec().into(), 1 << 20)
        .with_header("authorization", bearer.into());
    ReqwestClient::new().unwrap().send(request).await.unwrap().status
}

/// What the issuer issued is good at the server.
fn share_tokens(world: &McpWorld) {
    let tokens = world.issuer.state().tokens.clone();
    world.server.state().tokens = tokens;
}

#[tokio::test]
async fn a_401_leads_to_a_token_that_is_bound_to_the_server() {
    let world = McpWorld::new().await;
    let (provider, request) = (world.provider(), world.request("s"));
    assert_eq!(
        reason(&token(&provider, &request).await.unwrap_err()),
        Some(ReauthReason::NotSignedIn)
    );
    let (state, page) = world.open(&provider, &request).await.unwrap();
    let asked = query(&page);
    assert_eq!(asked["resource"], world.mcp(), "at the page");
    assert_eq!((&*asked["code_challenge_method"], &*asked["redirect_uri"]), ("S256", HOME));
    let first =
        world.agree(&provider, &request, state, &world.issuer.consent(&page)).await.unwrap();
    share_tokens(&world);
    assert_eq!(call(&world, &first).await, 200);
    world.pass(301);
    let renewed = token(&provider, &request).await.unwrap();
    assert!(!renewed.same_secrets(&first));
    share_tokens(&world);
    assert_eq!(call(&world, &renewed).await, 200);
    let resource: String = url::form_urlencoded::byte_serialize(world.mcp().as_bytes()).collect();
    let bound = world.issuer.count(&format!("resource={resource}"));
    assert_eq!(bound, 2, "for the code and for the renewal (RFC 8707)");
    assert_eq!(provider.sign_out(&request).await.unwrap(), Revocation::Remote);
    assert_eq!(world.issuer.state().revoked.len(), 1);
    assert_eq!(
        reason(&token(&provider, &request).await.unwrap_err()),
        Some(ReauthReason::SignedOut)
    );
}

#[tokio::test]
async fn metadata_is_looked_for_where_the_challenge_says_then_where_rfc_9728_puts_it() {
    let world = McpWorld::new().await;
    let (provider, request) = (world.provider(), world.request("s"));
    let usual = json!({
        "resource": world.mcp(), "authorization_servers": [world.issuer.url()],
    });
    let (own, place) = (world.server.url(), "/elsewhere");
    let said = format!(r#"resource_metadata="{own}{place}""#);
    for (challenge, there, expected) in [
        (said.as_str(), place.to_owned(), vec!["/mcp", place]),
        ("-", format!("{WELL_KNOWN}/mcp"), vec!["/mcp", &format!("{WELL_KNOWN}/mcp")]),
        ("-", WELL_KNOWN.to_owned(), vec!["/mcp", &format!("{WELL_KNOWN}/mcp"), WELL_KNOWN]),
    ] {
        world.server.state().challenge = challenge.to_owned();
        world.server.state().calls.clear();
        world.server.script(&format!("{WELL_KNOWN}/mcp"), [Reply::of(404, "")]);
        world.server.script(&there, [Reply::json(&usual)]);
        world.open(&provider, &request).await.unwrap();
        assert_eq!(world.server.paths(), expected);
        world.server.usual(&there);
    }
    world.server.script(&format!("{WELL_KNOWN}/mcp"), [Reply::of(404, "")]);
    let error = world.open(&provider, &request).await.map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid, "nowhere");
    world.server.state().challenge = said;
    let error = world.open(&provider, &request).await.map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid, "not where the server says");
}

#[tokio::test]
async fn a_server_without_a_challenge_is_asked_for_its_metadata() {
    for reply in [Reply::of(200, "{}"), Reply::of(405, ""), Reply::Drip, Reply::Endless(1 << 20)] {
        let world = McpWorld::new().await;
        world.server.script("/mcp", [reply]);
        world.open(&world.provider(), &world.request("s")).await.unwrap();
    }
    for (reply, code) in [
        (Reply::of(500, ""), ErrorCode::Unavailable),
        (Reply::of(429, "").with("retry-after", "4"), ErrorCode::RateLimited),
    ] {
        let world = McpWorld::new().await;
        world.server.script("/mcp", [reply]);
        let error = world.open(&world.provider(), &world.request("s")).await.map(drop);
        assert_eq!(error.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn the_issuers_metadata_is_looked_for_as_mcp_wants_it() {
    let world = McpWorld::new().await;
    let (provider, request) = (world.provider(), world.request("s"));
    world.open(&provider, &request).await.unwrap();
    assert_eq!(world.issuer.paths(), [METADATA, "/register"], "RFC 8414 first");
    let url = world.issuer.url();
    let openid = json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"), "code_challenge_methods_supported": ["S256"],
    });
    world.issuer.script(METADATA, [Reply::of(404, "")]);
    world.issuer.script(OPENID, [Reply::json(&openid)]);
    world.open(&provider, &request).await.unwrap();
    assert_eq!(world.issuer.paths()[2..], [METADATA, OPENID]);
}

#[tokio::test]
async fn resource_must_match_the_server() {
    let world = McpWorld::new().await;
    let own = world.server.url();
    for other in [
        "https://mcp.example/mcp".to_owned(),
        own.clone(),
        format!("{own}/mcp/other"),
        format!("{own}/mcp?x"),
        format!("{}/mcp", world.issuer.url()),
        "mcp".to_owned(),
    ] {
        let named = other.clone();
        world.server.says(move |metadata| metadata["resource"] = json!(named));
        let error = world.open(&world.provider(), &world.request("s")).await.map(drop).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid, "{other}");
    }
    assert!(world.issuer.paths().is_empty(), "its issuer is not asked");
    // A host may say that the server goes by a wider name: then by no other.
    let wide = own.clone();
    world.server.says(move |metadata| metadata["resource"] = json!(wide));
    let provider = world.built(world.builder().resource(&own));
    let (_, page) = world.open(&provider, &world.request("s")).await.unwrap();
    assert_eq!(query(&page)["resource"], own);
    world.server.state().metadata = None;
    let error = world.open(&provider, &world.request("s")).await.map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
}

#[tokio::test]
async fn issuer_must_match_its_metadata() {
    let world = McpWorld::new().await;
    let other = Double::issuer().await;
    for named in [other.url(), format!("{}/", world.issuer.url()), "https://a.example".to_owned()] {
        world.issuer.says(move |metadata| metadata["issuer"] = json!(named));
        let error = world.open(&world.provider(), &world.request("s")).await.map(drop).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    }
    assert_eq!(world.issuer.count("/register"), 0);
    assert!(other.paths().is_empty());
}

#[tokio::test]
async fn an_issuer_that_does_not_say_it_knows_s256_is_refused() {
    let world = McpWorld::new().await;
    for methods in [json!(null), json!([]), json!(["plain"])] {
        world.issuer.says(move |m| m["code_challenge_methods_supported"] = methods.clone());
        let error = world.open(&world.provider(), &world.request("s")).await.map(drop).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
        assert!(error.detail().contains("S256"), "{error}");
    }
    assert_eq!(world.issuer.count("/register"), 0);
}

#[tokio::test]
async fn nothing_of_one_issuer_is_sent_to_another_after_metadata_changes() {
    let world = McpWorld::new().await;
    // A secret, so that there is one to be sent wrongly.
    let secretive = |m: &mut serde_json::Value| {
        m["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    };
    world.issuer.says(secretive);
    let provider = world.provider();
    let (alice, bob) = (world.request("alice"), world.request("bob"));
    world.sign_in(&provider, &alice).await.unwrap();
    world.sign_in(&provider, &bob).await.unwrap();

    let other = Double::issuer().await;
    other.says(secretive);
    world.server.state().issuers = vec![other.url()];
    let (state, page) = world.open(&provider, &alice).await.unwrap();
    assert_eq!(other.count("/register"), 1, "a client of its own");
    token(&provider, &bob).await.unwrap();
    let at_first = world.issuer.paths().len();
    let mut changes = provider.changes();
    world.agree(&provider, &alice, state, &other.consent(&page)).await.unwrap();
    let told = changes.next().await.unwrap();
    assert_eq!(told, Change::Credential(CredentialId::new("token").unwrap()));

    // Bob's login is of an issuer that is not the server's any more.
    let again = world.provider();
    for provider in [&provider, &again] {
        let error = token(provider, &bob).await.unwrap_err();
        assert_eq!(reason(&error), Some(ReauthReason::NotSignedIn));
        token(provider, &alice).await.unwrap();
    }
    world.pass(301);
    assert_eq!(token(&provider, &bob).await.unwrap_err().code(), ErrorCode::NeedsReauth);
    token(&provider, &alice).await.unwrap();
    assert_eq!(provider.account(&bob).await.unwrap(), None);
    assert_eq!(provider.sign_out(&bob).await.unwrap(), Revocation::LocalOnly);
    provider.sign_out(&alice).await.unwrap();

    assert_eq!(world.issuer.paths().len(), at_first, "the old one hears nothing");
    assert!(world.issuer.state().revoked.is_empty());
    assert!(world.issuer.count(&world.issuer.mark()) > 0, "the mark is in what is its own");
    assert!(other.count(&other.mark()) > 0);
    assert_eq!(other.count(&world.issuer.mark()), 0, "nor the new one of the old one");
    assert_eq!(world.issuer.count(&other.mark()), 0);
}

#[tokio::test]
async fn an_issuer_that_is_named_still_stays() {
    let world = McpWorld::new().await;
    let (provider, request) = (world.provider(), world.request("s"));
    world.sign_in(&provider, &request).await.unwrap();
    let other = Double::issuer().await;
    world.server.state().issuers = vec![other.url(), world.issuer.url()];
    world.sign_in(&provider, &request).await.unwrap();
    assert!(other.paths().is_empty());
}

#[tokio::test]
async fn promise_3_serving_a_stored_token_needs_no_network() {
    let world = McpWorld::new().await;
    let request = world.request("s");
    let first = world.sign_in(&world.provider(), &request).await.unwrap();
    world.server.state().down = true;
    world.issuer.state().down = true;
    let served = token(&world.provider(), &request).await.unwrap();
    assert!(served.same_secrets(&first));
    world.pass(301);
    assert!(token(&world.provider(), &request).await.unwrap_err().is_transient());
    world.issuer.state().down = false;
    token(&world.provider(), &request).await.unwrap();
}

#[tokio::test]
async fn scopes_are_the_requests_or_configured_or_challenged_or_supported() {
    let world = McpWorld::new().await;
    let plain = world.request("s");
    let mut key = world.key("s");
    key.variant = Variant::builder().scopes(["write", "read"]).build().unwrap();
    let wider = world.request_for(key);
    let configured = world.built(world.builder().scopes(["mine"]));
    for (provider, request, challenge, expected) in [
        (&world.provider(), &plain, "", Some("tools files")),
        (
            &world.provider(),
            &plain,
            "scope=\"files:read  files:write\"",
            Some("files:read files:write"),
        ),
        (&configured, &plain, "scope=x", Some("mine")),
        (&configured, &wider, "scope=x", Some("read write")),
    ] {
        world.server.state().challenge = challenge.to_owned();
        let (_, page) = world.open(provider, request).await.unwrap();
        assert_eq!(query(&page).get("scope").map(String::as_str), expected);
    }
    world.server.state().challenge = String::new();
    world
        .server
        .says(|metadata| drop(metadata.as_object_mut().unwrap().remove("scopes_supported")));
    let (_, page) = world.open(&world.provider(), &plain).await.unwrap();
    assert_eq!(query(&page).get("scope"), None);
}

#[tokio::test]
async fn a_wider_scope_is_a_login_of_its_own() {
    let world = McpWorld::new().await;
    let (provider, plain) = (world.provider(), world.request("s"));
    let narrow = world.sign_in(&provider, &plain).await.unwrap();
    let challenge = r#"Bearer error="insufficient_scope", scope="tools files:write""#;
    let wanted = oauth_provider::bearer_challenges([challenge]).remove(0);
    assert!(wanted.wants_more_scope());
    let mut key = world.key("s");
    let all = narrow.scopes().iter().chain(&wanted.scopes);
    key.variant = Variant::builder().scopes(all).build().unwrap();
    let wide = world.request_for(key);
    assert_eq!(token(&provider, &wide).await.unwrap_err().code(), ErrorCode::NeedsReauth);
    let granted = world.sign_in(&provider, &wide).await.unwrap();
    assert_eq!(granted.scopes(), ["files", "files:write", "tools"]);
    world.pass(301);
    assert_eq!(token(&provider, &wide).await.unwrap().scopes(), granted.scopes());
    assert_eq!(token(&provider, &plain).await.unwrap().scopes(), narrow.scopes());
    assert_eq!(world.issuer.count("/register"), 1);
}

#[tokio::test]
async fn redirects_of_metadata_are_not_followed() {
    let world = McpWorld::new().await;
    let place = format!("{WELL_KNOWN}/mcp");
    let elsewhere = || Reply::of(302, "").with("location", "/elsewhere");
    for path in ["/mcp", &place] {
        world.server.script(path, [elsewhere()]);
    }
    assert!(world.open(&world.provider(), &world.request("s")).await.is_err());
    world.server.usual("/mcp");
    world.server.usual(&place);
    for path in [METADATA, OPENID] {
        world.issuer.script(path, [elsewhere()]);
    }
    assert!(world.open(&world.provider(), &world.request("s")).await.is_err());
    world.issuer.usual(METADATA);
    world.issuer.script("/register", [Reply::of(307, "").with("location", "/elsewhere")]);
    assert!(world.open(&world.provider(), &world.request("s")).await.is_err());
    assert_eq!(world.server.count("/elsewhere ") + world.issuer.count("/elsewhere "), 0);
}

#[tokio::test]
async fn metadata_that_cannot_be_used_ends_in_a_code() {
    for (reply, expected) in [
        (Reply::of(200, "<html>welcome</html>"), ErrorCode::InvalidResponse),
        (Reply::of(200, "{}"), ErrorCode::InvalidResponse),
        (Reply::Endless(5 << 20), ErrorCode::InvalidResponse),
        (Reply::of(500, ""), ErrorCode::Unavailable),
        (Reply::of(429, "").with("retry-after", "4"), ErrorCode::RateLimited),
        (Reply::HangUp, ErrorCode::Unavailable),
        (Reply::Silence, ErrorCode::Timeout),
        (Reply::Drip, ErrorCode::Timeout),
    ] {
        let world = McpWorld::new().await;
        world.server.script(&format!("{WELL_KNOWN}/mcp"), [reply.clone()]);
        let error = world.open(&world.provider(), &world.request("s")).await.map(drop).unwrap_err();
        assert_eq!(error.code(), expected, "{reply:?}: {error}");
    }
    let world = McpWorld::new().await;
    for issuers in [json!([]), json!(["nonsense"]), json!(["https://a.example/?q"])] {
        world.server.says(move |m| m["authorization_servers"] = issuers.clone());
        let error = world.open(&world.provider(), &world.request("s")).await.map(drop).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    }
}

#[tokio::test]
async fn a_client_that_is_registered_already_goes_to_its_own_issuer_alone() {
    let world = McpWorld::new().await;
    let known = (Some("own-canary-secret".to_owned()), vec![HOME.to_owned()]);
    world.issuer.state().clients.insert("own".to_owned(), known);
    let provider = world.built(
        world
            .builder()
            .issuer(world.issuer.url())
            .client_id("own")
            .client_secret("own-canary-secret".into()),
    );
    let request = world.request("s");
    world.sign_in(&provider, &request).await.unwrap();
    assert_eq!(world.issuer.count("/register"), 0);
    assert_eq!(world.issuer.count("own:own-canary-secret"), 1);
    let other = Double::issuer().await;
    world.server.state().issuers = vec![other.url()];
    let error = world.open(&provider, &request).await.map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    assert!(other.paths().is_empty());
    // A server that says nothing at all is believed to mean the issuer that the host means.
    world.server.script("/mcp", [Reply::of(401, "")]);
    world.server.script(&format!("{WELL_KNOWN}/mcp"), [Reply::of(404, "")]);
    let (_, page) = world.open(&provider, &request).await.unwrap();
    assert_eq!(query(&page)["resource"], world.mcp());
}

#[tokio::test]
async fn a_login_of_another_configuration_is_not_used() {
    let world = McpWorld::new().await;
    let request = world.request("s");
    world.sign_in(&world.provider(), &request).await.unwrap();
    let (issuer, moved) = (Double::issuer().await, format!("{}/other", world.server.url()));
    for builder in [
        world.builder().issuer(issuer.url()),
        oauth_provider::McpProvider::builder(ProviderId::new("files").unwrap(), moved),
    ] {
        let error = token(&world.built(builder), &request).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReauth);
    }
    token(&world.provider(), &request).await.unwrap();
}

/// Issuer and client are configured and stay the same, `server` is changed.
#[tokio::test]
async fn a_token_of_one_server_is_not_served_as_anothers() {
    let (world, other) = (McpWorld::new().await, McpWorld::new().await);
    other.server.state().issuers = vec![world.issuer.url()];
    let known = (Some("own-canary-secret".to_owned()), vec![HOME.to_owned()]);
    world.issuer.state().clients.insert("own".to_owned(), known);
    let configured = |server: String| {
        let id = ProviderId::new("files").unwrap();
        let builder = oauth_provider::McpProvider::builder(id, server)
            .issuer(world.issuer.url())
            .client_id("own")
            .client_secret("own-canary-secret".into());
        world.built(builder)
    };
    let (alice, bob) = (world.request("alice"), world.request("bob"));
    let served = world.sign_in(&configured(world.mcp()), &alice).await.unwrap();
    assert_eq!(served.property("resource"), Some(&*world.mcp()));
    let moved = configured(other.mcp());
    for signed_in in [false, true] {
        let error = token(&moved, &alice).await.unwrap_err();
        assert_eq!(reason(&error), Some(ReauthReason::NotSignedIn), "{signed_in}");
        if !signed_in {
            world.sign_in(&moved, &bob).await.unwrap();
        }
    }
    world.pass(301);
    assert_eq!(token(&moved, &alice).await.unwrap_err().code(), ErrorCode::NeedsReauth);
    let error = moved.refresh(&alice, &served, Reason::Rejected).await.map(drop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReauth);
    assert_eq!(moved.account(&alice).await.unwrap(), None);
    assert_eq!(world.issuer.count("grant_type=refresh_token"), 0, "nor is it renewed for it");
    let renewed = token(&moved, &bob).await.unwrap();
    assert_eq!(renewed.property("resource"), Some(&*other.mcp()), "a renewal keeps it");
    assert_eq!(moved.sign_out(&alice).await.unwrap(), Revocation::LocalOnly);
    assert!(world.issuer.state().revoked.is_empty());
}

#[tokio::test]
async fn a_login_is_renewed_for_the_resource_to_the_letter_that_it_is_of() {
    let world = McpWorld::new().await;
    let provider = world.provider();
    let (alice, bob) = (world.request("alice"), world.request("bob"));
    world.sign_in(&provider, &alice).await.unwrap();
    let longer = format!("{}/", world.mcp());
    let name = longer.clone();
    world.server.says(move |m| m["resource"] = json!(name));
    world.sign_in(&provider, &bob).await.unwrap();
    world.pass(301);
    for (request, resource) in [(&alice, world.mcp()), (&bob, longer)] {
        let served = token(&provider, request).await.unwrap();
        assert_eq!(served.property("resource"), Some(&*resource));
    }
}

#[tokio::test]
async fn a_token_of_a_wider_resource_is_not_served_for_the_server_alone() {
    let world = McpWorld::new().await;
    let request = world.request("s");
    let wide = world.server.url();
    world.server.says(move |m| m["resource"] = json!(wide));
    let wider = || world.built(world.builder().resource(world.server.url()));
    world.sign_in(&wider(), &request).await.unwrap();
    token(&wider(), &request).await.unwrap();
    let error = token(&world.provider(), &request).await.unwrap_err();
    assert_eq!(reason(&error), Some(ReauthReason::NotSignedIn));
}

#[tokio::test]
async fn a_client_id_metadata_document_is_used_where_the_issuer_takes_one() {
    let world = McpWorld::new().await;
    let document = "https://host.example/oauth/client.json";
    let provider = world.built(world.builder().client_id_metadata_document(document));
    let request = world.request("s");
    let (_, page) = world.open(&provider, &request).await.unwrap();
    assert_ne!(query(&page)["client_id"], document, "this issuer does not say that it does");
    assert_eq!(world.issuer.count("/register"), 1);
    world.issuer.says(|m| m["client_id_metadata_document_supported"] = json!(true));
    let known = (None, vec![HOME.to_owned()]);
    world.issuer.state().clients.insert(document.to_owned(), known);
    let (state, page) = world.open(&provider, &request).await.unwrap();
    assert_eq!(query(&page)["client_id"], document);
    world.agree(&provider, &request, state, &world.issuer.consent(&page)).await.unwrap();
    world.pass(301);
    token(&world.built(world.builder().client_id_metadata_document(document)), &request)
        .await
        .unwrap();
    assert_eq!(world.issuer.count("/register"), 1);
    let error = token(&world.provider(), &request).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReauth, "a document that is not configured any more");
}

#[tokio::test]
async fn an_id_token_is_believed_by_keys_where_the_issuers_metadata_puts_them() {
    let (world, elsewhere) = (McpWorld::new().await, Double::issuer().await);
    elsewhere.script("/jwks", [Reply::json(&jwks(&[(Signer::One, "k1")]))]);
    let place = format!("{}/jwks", elsewhere.url());
    world.issuer.says(move |metadata| metadata["jwks_uri"] = json!(place));
    let (builder, request) = (|| world.builder().scopes(["openid"]), world.request("s"));
    let provider = world.built(builder());
    let (state, page) = world.open(&provider, &request).await.unwrap();
    let asked = query(&page);
    let says = |sub: &str, signer| {
        let now = world.clock.now().as_millis() / 1000;
        let claims = json!({
            "iss": world.issuer.url(), "sub": sub, "aud": asked["client_id"],
            "nonce": asked["nonce"], "iat": now, "exp": now + 300,
        });
        let token = sign(&json!({ "alg": "RS256", "kid": "k1" }), &claims, signer);
        world.issuer.state().answer =
            Some(Arc::new(move |answer| answer["id_token"] = json!(token)));
    };
    says("alice", Signer::One);
    let back = world.issuer.consent(&page);
    let first = world.agree(&provider, &request, state, &back).await.unwrap();
    assert_eq!(first.account().unwrap().as_str(), "alice");
    assert_eq!(provider.account(&request).await.unwrap().unwrap().as_str(), "alice");
    // Another process knows where the keys are, and that it was Alice.
    world.pass(301);
    says("bob", Signer::One);
    let error = token(&world.built(builder()), &request).await.unwrap_err();
    assert_eq!(reason(&error), Some(ReauthReason::GrantRejected));
    let (state, page) = world.open(&provider, &request).await.unwrap();
    says("alice", Signer::Other);
    let back = world.issuer.consent(&page);
    let error = world.agree(&provider, &request, state, &back).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse, "signed by nobody's key");
}

#[tokio::test]
async fn a_check_asks_the_server_and_its_issuer_each_time() {
    let world = McpWorld::new().await;
    let (provider, request) = (world.provider(), world.request("s"));
    for asked in 1..=2 {
        provider.check(&request, None).await.unwrap();
        assert_eq!((world.server.count("/mcp {"), world.issuer.count(METADATA)), (asked, asked));
    }
    world.issuer.state().down = true;
    assert!(provider.check(&request, None).await.unwrap_err().is_transient());
    assert_eq!(world.issuer.count("/register"), 0);
}

#[tokio::test]
async fn only_the_token_with_scopes_is_there() {
    let world = McpWorld::new().await;
    let provider = world.provider();
    let mut other = world.key("s");
    other.credential = CredentialId::new("mcp:registration").unwrap();
    let mut bound = world.key("s");
    bound.variant = Variant::builder().resource("https://evil.example").build().unwrap();
    let mut nobodys = world.key("s");
    nobodys.session = None;
    for (key, code) in [
        (other, ErrorCode::CredentialNotFound),
        (bound, ErrorCode::Unsupported),
        (nobodys, ErrorCode::SessionRequired),
    ] {
        let request = world.request_for(key);
        assert_eq!(token(&provider, &request).await.unwrap_err().code(), code);
        assert_eq!(world.open(&provider, &request).await.map(drop).unwrap_err().code(), code);
        assert_eq!(provider.sign_out(&request).await.unwrap_err().code(), code);
    }
    assert!(world.server.paths().is_empty());
}

#[tokio::test]
async fn promise_6_what_is_kept_is_not_shown() {
    let world = McpWorld::new().await;
    world
        .issuer
        .says(|m| m["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]));
    let (provider, request) = (Arc::new(world.provider()), world.request("s"));
    world.sign_in(&provider, &request).await.unwrap();
    assert!(world.issuer.count("client_secret=cs-canary-secret") > 0);
    assert!(!format!("{provider:?} {provider:#?}").contains("canary"));
    world.pass(301);
    world.issuer.script("/token", [Reply::error(400, "invalid_scope")]);
    let error = token(&provider, &request).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}
