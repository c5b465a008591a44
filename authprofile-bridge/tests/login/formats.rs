//! The formats of the tools: what is served of each, and what is an error.

use credential_provider_api::{
    AccountId, Credential, CredentialError, CredentialKind, ErrorCode, ExposeSecret as _,
    Freshness, Origin, OutgoingRequest, ReauthReason, Timestamp,
};

use super::world::{
    LATER, NOW, World, builder, claude, codex, codex_token, gemini, jwt, login, minimax, secret,
};

const CODEX: &str = ".codex/auth.json";
const CLAUDE: &str = ".claude/.credentials.json";
const GEMINI: &str = ".gemini/oauth_creds.json";
const MINIMAX: &str = ".minimax/oauth_creds.json";
const AUTH: &str = ".openclaw/agents/main/agent/auth.json";
const OAUTH: &str = ".openclaw/credentials/oauth.json";

fn origins(credential: &Credential) -> Vec<String> {
    credential.origins().iter().map(ToString::to_string).collect()
}

fn account(credential: &Credential) -> Option<&str> {
    credential.account().map(AccountId::as_str)
}

const IN_AN_HOUR: Option<Timestamp> = Some(Timestamp::from_secs(LATER));

#[tokio::test]
async fn the_login_of_codex() {
    let world = World::new();
    let token = codex_token("a");
    world.write(CODEX, codex(&token, "acc-1"));
    let served = world.read("codex").await.unwrap();
    assert_eq!((secret(&served), served.kind()), (token.as_str(), CredentialKind::OAuth2));
    assert_eq!(served.expires_at(), IN_AN_HOUR);
    assert_eq!(served.issued_at(), Some(Timestamp::from_secs(1_799_999_000)));
    assert_eq!(account(&served), Some("acc-1"));
    assert_eq!(served.property("account_source"), Some("file"));
    assert_eq!(served.property("email"), Some("me@example.com"));
    assert_eq!(origins(&served), ["https://chatgpt.com"]);
    assert_eq!(served.freshness(), Freshness::UntilChanged);
    // The other way to be signed in is never taken in its place.
    let error = world.read("codex-api-key").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotConfigured);
    assert!(error.detail().contains("`codex`"), "{error}");
}

#[tokio::test]
async fn the_api_key_of_codex() {
    let world = World::new();
    for text in [
        r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-1","tokens":null}"#,
        r#"{"OPENAI_API_KEY":"sk-1"}"#,
        // Tokens left over from before are not what Codex uses.
        r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-1","tokens":{"access_token":"at"}}"#,
    ] {
        world.write(CODEX, text);
        let served = world.read("codex-api-key").await.unwrap();
        assert_eq!((secret(&served), served.kind()), ("sk-1", CredentialKind::ApiKey));
        assert_eq!((served.expires_at(), account(&served)), (None, None));
        assert_eq!(origins(&served), ["https://api.openai.com"]);
        let error = world.read("codex").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotConfigured);
        assert!(error.detail().contains("`codex-api-key`"), "{error}");
    }
    for mode in ["apiKey", "personalAccessToken", "agentIdentity", "bedrockApiKey", "new"] {
        world.write(CODEX, format!(r#"{{"auth_mode":"{mode}","OPENAI_API_KEY":"sk-1"}}"#));
        assert_eq!(world.refused("codex-api-key").await, ErrorCode::Unsupported, "{mode}");
    }
}

#[tokio::test]
async fn a_token_of_codex_without_end_ends_an_hour_after_it_was_renewed_or_written() {
    let world = World::new();
    let file =
        |last: &str| format!(r#"{{"tokens":{{"access_token":"opaque"}},"last_refresh":{last}}}"#);
    let before = NOW.minus(std::time::Duration::from_secs(600));
    // 2027-01-15T07:50:00Z is ten minutes before the time of the clock.
    for (last, end) in [
        (r#""2027-01-15T07:50:00Z""#, Timestamp::from_secs(LATER - 600)),
        (r#""2027-01-15T08:50:00+01:00""#, Timestamp::from_secs(LATER - 600)),
        // What has not come yet, or is no time, says nothing: the file's own age does.
        (r#""2036-01-15T07:50:00Z""#, Timestamp::from_secs(LATER - 600)),
        (r#""yesterday""#, Timestamp::from_secs(LATER - 600)),
        ("null", Timestamp::from_secs(LATER - 600)),
    ] {
        world.write(CODEX, file(last));
        world.written(CODEX, before);
        assert_eq!(world.read("codex").await.unwrap().expires_at(), Some(end), "{last}");
    }
    // A file from the future was written now at the latest.
    world.write(CODEX, file("null"));
    world.written(CODEX, Timestamp::from_secs(LATER * 2));
    assert_eq!(world.read("codex").await.unwrap().expires_at(), IN_AN_HOUR);
}

#[tokio::test]
async fn whose_login_codex_has_is_said_by_the_file_or_else_by_an_unverified_token() {
    let world = World::new();
    for (claims, expected) in [
        (r#"{"sub":"s","https://api.openai.com/auth":{"chatgpt_account_id":"acc-2"}}"#, "acc-2"),
        (r#"{"sub":"s"}"#, "s"),
    ] {
        let (access, id) = (codex_token("a"), jwt(claims));
        let tokens = format!(r#"{{"access_token":"{access}","id_token":"{id}"}}"#);
        world.write(CODEX, format!(r#"{{"tokens":{tokens}}}"#));
        let served = world.read("codex").await.unwrap();
        assert_eq!(account(&served), Some(expected));
        assert_eq!(served.property("account_source"), Some("unverified_id_token"));
    }
    for id in ["\"\"", "\"no.jwt\"", "7", "null", r#"{"source":"env","id":"A"}"#] {
        let access = codex_token("a");
        let tokens = format!(r#"{{"access_token":"{access}","id_token":{id},"account_id":null}}"#);
        world.write(CODEX, format!(r#"{{"tokens":{tokens}}}"#));
        let served = world.read("codex").await.unwrap();
        assert_eq!((account(&served), served.property("account_source")), (None, None), "{id}");
    }
}

#[tokio::test]
async fn the_login_of_claude_code() {
    let world = World::new();
    world.write(CLAUDE, claude("sk-ant-oat01-a"));
    let served = world.read("claude-code").await.unwrap();
    assert_eq!((secret(&served), served.kind()), ("sk-ant-oat01-a", CredentialKind::OAuth2));
    assert_eq!(served.expires_at(), IN_AN_HOUR);
    assert_eq!(served.scopes(), ["user:inference", "user:profile"]);
    assert_eq!(origins(&served), ["https://api.anthropic.com"]);
    assert_eq!(served.property("account_source"), None);
    for (text, reason) in [
        // What it writes when its issuer took the login back.
        (
            r#"{"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0,"scopes":["user:inference"]}}"#,
            ReauthReason::SignedOut,
        ),
        (r#"{"mcpOAuth":{}}"#, ReauthReason::NotSignedIn),
        (
            r#"{"claudeAiOauth":{"accessToken":"at","expiresAt":1800003600000,"scopes":["user:profile"]}}"#,
            ReauthReason::ConsentRequired,
        ),
        (
            r#"{"claudeAiOauth":{"accessToken":"at","expiresAt":1800003600000}}"#,
            ReauthReason::ConsentRequired,
        ),
    ] {
        world.write(CLAUDE, text);
        let error = world.read("claude-code").await.unwrap_err();
        assert_eq!(error.reason(), Some(reason), "{error}");
        assert!(error.detail().contains("run `claude` to sign in again"), "{error}");
    }
}

#[tokio::test]
async fn the_login_of_gemini() {
    let world = World::new();
    world.write(GEMINI, gemini("ya29.a"));
    let served = world.read("gemini").await.unwrap();
    assert_eq!((secret(&served), served.kind()), ("ya29.a", CredentialKind::OAuth2));
    assert_eq!(served.expires_at(), IN_AN_HOUR);
    assert_eq!(served.scopes(), ["openid", "https://www.googleapis.com/auth/cloud-platform"]);
    assert_eq!(account(&served), Some("1234567890"));
    assert_eq!(served.property("account_source"), Some("unverified_id_token"));
    assert_eq!(served.property("email"), Some("me@gmail.example"));
    assert_eq!(origins(&served), ["https://cloudcode-pa.googleapis.com"]);
}

#[tokio::test]
async fn the_login_of_minimax() {
    let world = World::new();
    world.write(MINIMAX, minimax("mm-a"));
    let served = world.read("minimax").await.unwrap();
    assert_eq!((secret(&served), served.kind()), ("mm-a", CredentialKind::OAuth2));
    assert_eq!(served.expires_at(), IN_AN_HOUR);
    // Nobody said where it may be sent.
    assert!(origins(&served).is_empty());
    let region = Origin::parse("https://api.minimax.io").unwrap();
    let outgoing = OutgoingRequest::new("GET", &region, "/v1");
    assert_eq!(served.authorize(&outgoing, NOW).unwrap_err().code(), ErrorCode::OriginDenied);
}

#[tokio::test]
async fn openclaws_old_files() {
    let world = World::new();
    world.write(
        AUTH,
        r#"{
          "openai": {"type":"api_key","provider":"openai","key":" sk-1 "},
          "groq": {"mode":"api_key","apiKey":"sk-2","key":""},
          "github": {"type":"token","token":"gh-1","expires":1800003600000},
          "anthropic": {"type":"oauth","access":"at-1","refresh":"rt-1","expires":1800003600000,
                        "email":"me@example.com","accountId":"acc"},
          "byref": {"type":"api_key","key":"sk-3","keyRef":{"source":"env","provider":"default","id":"K"}},
          "broken": 7
        }"#,
    );
    world.write(OAUTH, r#"{"anthropic":{"access":"at-2","refresh":"rt-2","expires":1800003600}}"#);
    let served = world.read("openclaw-auth/openai").await.unwrap();
    assert_eq!((secret(&served), served.kind()), ("sk-1", CredentialKind::ApiKey));
    assert_eq!(secret(&world.read("openclaw-auth/groq").await.unwrap()), "sk-2");
    let of = |kind| {
        let provider = |name: &str| name.to_owned();
        let (token, oauth) = (provider("github"), provider("anthropic"));
        let provider = if kind == CredentialKind::Token { token } else { oauth };
        authprofile_bridge::login::LoginSource::OpenClawAuth { provider, kind }
    };
    for (kind, expected) in [(CredentialKind::Token, "gh-1"), (CredentialKind::OAuth2, "at-1")] {
        let source = of(kind);
        let id = source.id().unwrap();
        let login = authprofile_bridge::login::Login::of(source);
        let provider = world.built(builder().login(login));
        let served = world.read_of(&provider, id.as_str()).await.unwrap();
        assert_eq!((secret(&served), served.kind()), (expected, kind));
        assert_eq!(served.expires_at(), IN_AN_HOUR);
        assert!(origins(&served).is_empty());
    }
    let served = world.read("openclaw-oauth/anthropic").await.unwrap();
    assert_eq!((secret(&served), served.kind()), ("at-2", CredentialKind::OAuth2));
    // In seconds by mistake.
    assert_eq!(served.expires_at(), IN_AN_HOUR);
    assert_eq!(world.refused("openclaw-auth/byref").await, ErrorCode::Unsupported);
    assert_eq!(world.refused("openclaw-auth/broken").await, ErrorCode::StoreUnreadable);
    assert_eq!(world.refused("openclaw-auth/none").await, ErrorCode::NeedsReauth);
    let error = world.read("openclaw-auth/anthropic").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigurationInvalid);
    assert!(error.detail().contains("oauth2"), "{error}");
}

#[tokio::test]
async fn promise_3_a_login_that_has_ended_is_an_error_that_names_the_tool_to_run() {
    let world = World::new();
    let ended = |text: String| text.replace("1800003600", "1800000000");
    world.write(CODEX, codex(&jwt(r#"{"exp":1800000000}"#), "acc"));
    world.write(CLAUDE, ended(claude("at")));
    world.write(GEMINI, ended(gemini("at")));
    world.write(MINIMAX, ended(minimax("at")));
    world.write(OAUTH, r#"{"anthropic":{"access":"at","expires":1}}"#);
    let step = |error: CredentialError, reason, step| {
        assert_eq!(error.reason(), Some(reason), "{error}");
        assert!(error.detail().contains(step), "{error}");
    };
    for (id, words) in [
        ("codex", "run `codex` to sign in again"),
        ("claude-code", "run `claude` to sign in again"),
        ("gemini", "run `gemini` to sign in again"),
        ("minimax", "sign in again with MiniMax's CLI"),
        ("openclaw-oauth/anthropic", "sign in again with OpenClaw"),
    ] {
        step(world.read(id).await.unwrap_err(), ReauthReason::GrantExpired, words);
        // The same where nobody has signed in.
        let empty = World::new();
        step(empty.read(id).await.unwrap_err(), ReauthReason::NotSignedIn, words);
    }
}

#[tokio::test]
async fn promise_5_a_login_of_another_account_than_configured_is_refused() {
    let world = World::new();
    world.write(CODEX, codex(&codex_token("a"), "acc-1"));
    world.write(CLAUDE, claude("at"));
    let expecting = |id: &str, account: &str| {
        world.built(builder().login(login(id).account(AccountId::new(account).unwrap())))
    };
    for account in ["acc-1", "me@example.com", "ME@Example.com"] {
        world.read_of(&expecting("codex", account), "codex").await.unwrap();
    }
    // Whose login Claude Code has, it does not say.
    for (id, account) in [("codex", "acc-2"), ("codex", "ACC-1"), ("claude-code", "acc-1")] {
        let error = world.read_of(&expecting(id, account), id).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::AccountMismatch, "{id} {account}");
    }
}

#[tokio::test]
async fn promise_10_what_stands_in_for_a_secret_is_served_from_no_field() {
    let world = World::new();
    for (text, code) in [
        ("__OPENCLAW_REDACTED__", ErrorCode::RedactedValue),
        ("${ACCESS_TOKEN}", ErrorCode::Unsupported),
        ("openclaw-oauth-refresh-fence:v1:0123:access:abc", ErrorCode::Unavailable),
        ("openclaw-oauth-refresh-fence:v1:0123:failed:access:abc", ErrorCode::NeedsReauth),
    ] {
        world.write(CODEX, codex(text, "acc"));
        world.write(CLAUDE, claude(text));
        world.write(GEMINI, gemini(text));
        world.write(MINIMAX, minimax(text));
        world.write(OAUTH, format!(r#"{{"a":{{"access":"{text}","expires":1800003600000}}}}"#));
        world.write(AUTH, format!(r#"{{"a":{{"type":"api_key","key":"{text}"}}}}"#));
        let ids =
            ["codex", "claude-code", "gemini", "minimax", "openclaw-oauth/a", "openclaw-auth/a"];
        for id in ids {
            assert_eq!(world.refused(id).await, code, "{id} {text}");
        }
        world.write(CODEX, format!(r#"{{"OPENAI_API_KEY":"{text}"}}"#));
        assert_eq!(world.refused("codex-api-key").await, code, "{text}");
    }
}

#[tokio::test]
async fn promise_6_no_refresh_token_is_in_a_credential() {
    let world = World::new();
    world.write(CODEX, codex(&codex_token("a"), "acc"));
    world.write(CLAUDE, claude("at"));
    world.write(GEMINI, gemini("at"));
    world.write(MINIMAX, minimax("at"));
    world.write(OAUTH, r#"{"a":{"access":"at","refresh":"rt-openclaw","expires":1800003600000}}"#);
    for id in ["codex", "claude-code", "gemini", "minimax", "openclaw-oauth/a"] {
        let served = world.read(id).await.unwrap();
        let whole = served.encode().unwrap();
        let whole = std::str::from_utf8(whole.expose_secret()).unwrap();
        assert!(whole.contains(secret(&served)) && !whole.contains("rt-"), "{id}");
        // Nor an ID token, nor a token for another server.
        let (id_token, other) = (jwt("{").split('.').next().unwrap().to_owned(), "mcp-token");
        let only = whole.replace(secret(&served), "");
        assert!(!only.contains(&id_token) && !only.contains(other), "{id}");
    }
}
