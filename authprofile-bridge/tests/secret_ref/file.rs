//! The source `file`.

use authprofile_bridge::secret_ref::SecretRefProblem as P;
use credential_provider_api::SecretRefResolver as _;
use serde_json::json;

use super::common::{Folder, file, one, problem, secrets, value};

#[tokio::test]
async fn a_pointer_leads_into_an_object() {
    let folder = Folder::new();
    let text =
        r#"{"a": {"b/c": "1", "~": "2", "": "3", "list": ["4"]}, "n": 5, "e": "", "m": "***"}"#;
    let path = folder.file("s.json", text);
    let secrets = secrets(&one(json!({"source": "file", "path": path})));
    for (id, expected) in [("/a/b~1c", "1"), ("/a/~0", "2"), ("/a/", "3"), ("/a/list/0", "4")] {
        assert_eq!(value(&secrets, file(id)).await, expected, "{id}");
    }
    assert!(matches!(problem(&secrets, file("/a/list/00")).await, P::PointerNotFound));
    assert!(matches!(problem(&secrets, file("/a/list/-")).await, P::PointerNotFound));
    assert!(matches!(problem(&secrets, file("/x")).await, P::PointerNotFound));
    assert!(matches!(problem(&secrets, file("/n")).await, P::NotText));
    assert!(matches!(problem(&secrets, file("/a")).await, P::NotText));
    assert!(matches!(problem(&secrets, file("/e")).await, P::NotText));
    assert!(matches!(problem(&secrets, file("/m")).await, P::Mark));
    assert!(matches!(problem(&secrets, file("value")).await, P::InvalidReference));
}

#[tokio::test]
async fn a_single_value_loses_one_line_end() {
    let folder = Folder::new();
    for (text, expected) in
        [("k", "k"), ("k\n", "k"), ("k\r\n", "k"), ("k\n\n", "k\n"), (" k ", " k ")]
    {
        let path = folder.file("key", text);
        let secrets = secrets(&one(json!({"source": "file", "path": path, "mode": "singleValue"})));
        assert_eq!(value(&secrets, file("value")).await, expected, "{text:?}");
        assert!(matches!(problem(&secrets, file("/a")).await, P::InvalidReference));
    }
}

#[tokio::test]
async fn one_missing_pointer_fails_its_own_place_only() {
    let folder = Folder::new();
    let path = folder.file("s.json", r#"{"a": "1"}"#);
    let secrets = secrets(&one(json!({"source": "file", "path": path})));
    let found = secrets.resolve(&[file("/b"), file("/a")]).await;
    assert!(found[0].is_err() && found[1].is_ok());
}

#[tokio::test]
async fn what_is_no_object_is_refused_and_left_alone() {
    let folder = Folder::new();
    for text in ["[1]", "\"canary\"", "{", "{\"a\":\"1\"} x", "", "\u{feff}{}"] {
        let path = folder.file("s.json", text);
        let secrets = secrets(&one(json!({"source": "file", "path": path})));
        assert!(matches!(problem(&secrets, file("/a")).await, P::FileNotObject), "{text:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[tokio::test]
async fn a_file_over_its_limit_is_not_read_on() {
    let folder = Folder::new();
    let path = folder.file("key", &"k".repeat(100));
    let limited = |most: u32| {
        one(json!({"source": "file", "path": path, "mode": "singleValue", "maxBytes": most}))
    };
    assert_eq!(value(&secrets(&limited(100)), file("value")).await.len(), 100);
    assert!(matches!(problem(&secrets(&limited(99)), file("value")).await, P::FileTooBig));
}
