//! What a static key does not pay for, counted while the program reads it.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use serde_json::json;

use super::common::{Folder, PROGRAM};

const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// The key is behind a named pipe, so that the program waits where everything has been set up; what is
/// not to be opened is one too, where nobody writes: whoever opens it waits for ever.
#[test]
fn a_static_key_starts_no_process_and_opens_no_certificates_and_no_store() {
    let folder = Folder::new();
    let pipe = |name: &str| {
        let path = folder.path(name);
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        path
    };
    let keys = pipe("keys.json");
    for never in ["certificates", "grants", "grants.key", "openclaw.sqlite"] {
        pipe(never);
    }
    let whole = json!({
        "credentialStore": {"folder": "grants", "keyFile": "grants.key"},
        "credentialProviders": {
            "keys": {"type": "file", "path": keys},
            "work": {"type": "oauth", "issuer": "https://login.example", "clientId": "gateway",
                     "credentials": {"mail": {"scopes": ["mail.read"]}}},
            "profiles": {"type": "auth-profiles", "stateFolder": folder.path("")},
        },
        "credentialAccess": [{"consumer": credential_host::resolver::CONSUMER, "credential": "*"}],
    });
    let configuration = folder.file("credentials.json", &whole.to_string());
    let mut program = Command::new(PROGRAM);
    program.arg("--config").arg(configuration).env_clear();
    program.env("SSL_CERT_FILE", folder.path("certificates"));
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let request = br#"{"protocolVersion":1,"ids":["keys/openai"]}"#;
    child.stdin.take().unwrap().write_all(request).unwrap();

    // A pipe can be opened for writing at once if somebody has opened it for reading.
    let is_read = |name: &str| {
        fs::OpenOptions::new().write(true).custom_flags(NONBLOCK).open(folder.path(name)).ok()
    };
    let mut keys = loop {
        for never in ["certificates", "grants", "grants.key", "openclaw.sqlite"] {
            assert!(is_read(never).is_none(), "{never} was opened");
        }
        if let Some(keys) = is_read("keys.json") {
            break keys;
        }
        thread::sleep(Duration::from_millis(1));
    };
    let process = Path::new("/proc").join(child.id().to_string());
    let counted = process.exists().then(|| {
        let tasks = fs::read_dir(process.join("task")).unwrap().flatten();
        let tasks: Vec<_> = tasks.map(|task| task.path()).collect();
        let children = |task: &PathBuf| fs::read_to_string(task.join("children"));
        let children: String = tasks.iter().flat_map(children).collect();
        (tasks.len(), children)
    });
    keys.write_all(br#"{"keys": {"openai": "sk-1"}}"#).unwrap();
    drop(keys);
    let answer = child.wait_with_output().unwrap();
    assert_eq!(answer.stdout, br#"{"protocolVersion":1,"values":{"keys/openai":"sk-1"}}"#);
    if let Some((threads, children)) = counted {
        // The program's own, and those that wait for a file: the request is read twice, the key once.
        // How many of these are one is a matter of moments; none is a runtime's or a watch's.
        assert!(threads <= 4, "{threads} threads");
        assert_eq!(children, "");
    }
}
