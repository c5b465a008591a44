//! Files that are no logins.

use std::fs;

use credential_provider_api::{CredentialProvider as _, ErrorCode, Timestamp};

use super::world::{LATER, World, claude, codex_token, gemini, secret};

const CODEX: &str = ".codex/auth.json";
const CLAUDE: &str = ".claude/.credentials.json";
const GEMINI: &str = ".gemini/oauth_creds.json";

#[tokio::test]
async fn promise_10_what_is_no_login_is_an_error_and_stays_as_it_is() {
    let deep = |open: &str, close: &str| {
        let nested = format!("{}{}", open.repeat(100_000), close.repeat(100_000));
        format!(r#"{{"access_token":{nested}}}"#)
    };
    let world = World::new();
    for bad in [
        b"null".to_vec(),
        b"[]".to_vec(),
        b"7".to_vec(),
        b"\"text\"".to_vec(),
        b"{\"access_token\":\"at\xff\"}".to_vec(),
        b"\xef\xbb\xbf{\"access_token\":\"at\"}".to_vec(),
        b"\xff\xfe{\x00}\x00".to_vec(),
        br#"{"access_token":"a b"}"#.to_vec(),
        b"{\"access_token\":\"a\\u0000b\"}".to_vec(),
        br#"{"access_token":"a","access_token":"b"}"#.to_vec(),
        br#"{"access_token":"a"} x"#.to_vec(),
        br#"{"access_token":"a","expiry_date":"1800003600000"}"#.to_vec(),
        br#"{"access_token":"a","expiry_date":-1}"#.to_vec(),
        br#"{"access_token":"a","expiry_date":8640000000000001}"#.to_vec(),
        br#"{"access_token":"a","expiry_date":1e400}"#.to_vec(),
        br#"{"access_token":"a","scope":["x"]}"#.to_vec(),
        deep("[", "]").into_bytes(),
        br#"{"access_token":7}"#.to_vec(),
        vec![b' '; (1 << 20) + 1],
    ] {
        world.write(GEMINI, &bad);
        let error = world.read("gemini").await.unwrap_err();
        let shown = String::from_utf8_lossy(&bad[..bad.len().min(60)]).into_owned();
        assert_eq!(error.code(), ErrorCode::StoreUnreadable, "{shown}: {error}");
        assert_eq!(fs::read(world.path(GEMINI)).unwrap(), bad);
    }
    let files: Vec<_> = fs::read_dir(world.path(".gemini")).unwrap().collect();
    assert_eq!(files.len(), 1, "nothing was put beside it");
}

#[tokio::test]
async fn what_is_deep_in_fields_we_do_not_know_does_no_harm() {
    let world = World::new();
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested = format!("{}7{}", open.repeat(150_000), close.repeat(150_000));
        let text = gemini("at").replacen('{', &format!("{{\"new\":{nested},"), 1);
        world.write(GEMINI, text);
        assert_eq!(secret(&world.read("gemini").await.unwrap()), "at");
        // Nor where a reference would stand.
        world.write(GEMINI, format!(r#"{{"access_token":{{"source":{nested}}}}}"#));
        assert_eq!(world.refused("gemini").await, ErrorCode::Unsupported);
    }
}

#[tokio::test]
async fn a_file_may_have_a_mebibyte() {
    let world = World::new();
    let text = gemini("at");
    let padded = format!("{text}{}", " ".repeat((1 << 20) - text.len()));
    world.write(GEMINI, &padded);
    world.read("gemini").await.unwrap();
    world.write(GEMINI, format!("{padded} "));
    let error = world.read("gemini").await.unwrap_err();
    assert!(error.detail().contains("larger than 1 MiB"), "{error}");
}

#[tokio::test]
async fn ends_in_seconds_are_understood_and_those_in_milliseconds_stay_what_they_are() {
    let world = World::new();
    for end in [LATER, LATER * 1000] {
        world.write(CLAUDE, claude("at").replace("1800003600000", &end.to_string()));
        let served = world.read("claude-code").await.unwrap();
        assert_eq!(served.expires_at(), Some(Timestamp::from_secs(LATER)));
    }
}

#[tokio::test]
async fn account_names_that_are_none_are_left_out() {
    let world = World::new();
    for account in ["", " x", "a\\u0000b", &"a".repeat(257)] {
        world.write(CODEX, super::world::codex(&codex_token("a"), account));
        let served = world.read("codex").await.unwrap();
        assert!(served.account().is_none_or(|account| account.as_str() == "user-1"), "{account}");
    }
}

#[cfg(unix)]
mod places {
    use super::*;
    use std::os::unix::fs::symlink;

    #[tokio::test]
    async fn a_folder_a_pipe_and_a_device_are_refused_at_once() {
        let world = World::new();
        fs::create_dir_all(world.path(GEMINI)).unwrap();
        assert_eq!(world.refused("gemini").await, ErrorCode::StoreUnreadable);
        fs::remove_dir(world.path(GEMINI)).unwrap();
        let made = std::process::Command::new("mkfifo").arg(world.path(GEMINI)).status().unwrap();
        assert!(made.success());
        assert_eq!(world.refused("gemini").await, ErrorCode::StoreUnreadable);
        fs::remove_file(world.path(GEMINI)).unwrap();
        symlink("/dev/zero", world.path(GEMINI)).unwrap();
        assert_eq!(world.refused("gemini").await, ErrorCode::StoreUnreadable);
    }

    #[tokio::test]
    async fn links_are_followed_and_what_is_behind_them_must_be_a_login() {
        let world = World::new();
        world.write("dotfiles/gemini.json", gemini("at-linked"));
        world.write("notes.txt", "not a login");
        fs::create_dir_all(world.path(".gemini")).unwrap();
        symlink(world.path("dotfiles/gemini.json"), world.path(GEMINI)).unwrap();
        assert_eq!(secret(&world.read("gemini").await.unwrap()), "at-linked");
        for elsewhere in ["notes.txt", ".gemini/oauth_creds.json"] {
            fs::remove_file(world.path(GEMINI)).unwrap();
            symlink(world.path(elsewhere), world.path(GEMINI)).unwrap();
            assert_eq!(world.refused("gemini").await, ErrorCode::StoreUnreadable, "{elsewhere}");
        }
        fs::remove_file(world.path(GEMINI)).unwrap();
        symlink(world.path("nowhere"), world.path(GEMINI)).unwrap();
        assert_eq!(world.refused("gemini").await, ErrorCode::NeedsReauth);
    }

    #[tokio::test]
    async fn a_file_where_the_folder_should_be_is_no_login() {
        let world = World::new();
        world.write(".gemini", "a file");
        assert_eq!(world.refused("gemini").await, ErrorCode::NeedsReauth);
    }
}

#[tokio::test]
async fn an_unknown_credential_and_a_variant_are_refused() {
    let world = World::new();
    let provider = world.provider(&["codex"]);
    let error = provider.resolve(&world.request("gemini")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::CredentialNotFound);
}
