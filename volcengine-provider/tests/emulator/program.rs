//! The program, as another process sees it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::wire::send;

/// The running program; killed if a test forgets it.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
}

impl Program {
    pub fn start(state: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_volcengine-emulator"))
            .args(["--listen", "127.0.0.1:0", "--state", state])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = said["address"].as_str().unwrap().parse().unwrap();
        Self { child, address }
    }

    /// Ends it with SIGTERM: whether it ended well.
    pub fn end(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn example() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/emulator/example.json").to_owned()
}

#[tokio::test]
async fn it_says_where_it_listens_takes_orders_and_ends_on_sigterm() {
    let program = Program::start(&example());
    let body = r#"{ "Action": "*", "Status": 503, "Code": "ServiceUnavailableTemp", "Times": 1 }"#;
    let post = async |place: &str, body: &str| {
        send(program.address, "POST", place, &[], body).await.unwrap().status
    };
    assert_eq!(post("/_emulator/failures", body).await, 200);
    assert_eq!(post("/_emulator/faults", r#"{ "Nothing": 1 }"#).await, 400);
    assert_eq!(post("/?Action=GetUserPool&Version=2025-10-30", "{}").await, 503);
    assert_eq!(post("/?Action=GetUserPool&Version=2025-10-30", "{}").await, 401);
    let counters = send(program.address, "GET", "/_emulator/counters", &[], "").await.unwrap();
    assert_eq!(counters.json()["Actions"]["GetUserPool"], 2);
    assert!(program.end());
}

#[test]
fn what_it_cannot_do_it_says() {
    let run = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_volcengine-emulator");
        let done = Command::new(program).args(arguments).output().unwrap();
        assert!(!done.status.success() && done.stdout.is_empty());
        String::from_utf8(done.stderr).unwrap()
    };
    assert!(run(&[]).contains("--state FILE is missing"));
    assert!(run(&["--port", "1"]).contains("options are"));
    let state = example();
    assert!(run(&["--listen", "0.0.0.0:0", "--state", &state]).contains("only on loopback"));
}
