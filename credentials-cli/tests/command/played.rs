//! Against a gateway that is played: what it says, and what the command answers.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::common::{World, end};
use super::terminal::Session;

/// The other end of one connection.
struct Peer(BufReader<UnixStream>);

impl Peer {
    /// Takes a connection, and says who it is.
    async fn of(listener: &UnixListener) -> Self {
        let (stream, _) = listener.accept().await.unwrap();
        let mut peer = Self(BufReader::new(stream));
        assert_eq!(peer.hears().await["op"], "hello");
        let hello = json!({"is": "hello", "version": "0.0.0", "process": 1, "configuration": "/c"});
        peer.says(json!({"done": hello})).await;
        peer
    }

    async fn hears(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }

    async fn says(&mut self, reply: Value) {
        self.0.get_mut().write_all(format!("{reply}\n").as_bytes()).await.unwrap();
    }

    async fn stands(&mut self, standing: Value) {
        let flow = json!({"is": "flow", "flow": "f", "expiresAt": 4_000_000_000_000_u64,
            "standing": standing});
        self.says(json!({"done": flow})).await;
    }
}

fn listener(world: &World) -> UnixListener {
    let path = world.path("played.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    listener
}

#[tokio::test]
async fn another_account_counts_only_if_the_person_says_so() {
    for (typed, expected, code) in [("y\n", "confirm", 0), ("n\n", "decline", 2)] {
        let world = World::new();
        let listener = listener(&world);
        let socket = world.path("played.sock");
        let words = ["login", "work/mail", "--by", "device", "--expect-account", "alice"];
        let mut command = world.command(&words);
        command.env("CREDENTIALS_SOCKET", socket);
        let mut session = Session::new(command);
        let mut peer = Peer::of(&listener).await;
        let login = peer.hears().await;
        assert_eq!((&login["op"], &login["account"]), (&json!("login"), &json!("alice")));
        let step = json!({"is": "confirmAccount", "expected": "alice", "found": "bob\u{1b}[2J"});
        peer.stands(json!({"step": step})).await;
        session.sees("[y/N]: ").await;
        assert!(session.seen.contains("bob") && session.seen.contains("alice"));
        assert!(!session.seen.contains("bob\u{1b}"), "a name moves no cursor: {}", session.seen);
        session.types(typed);
        let answer = peer.hears().await;
        assert_eq!((&answer["op"], &answer["typed"]), (&json!("answer"), &json!(expected)));
        let mismatch = json!({"code": "account_mismatch", "class": "sign_in", "message": "another",
            "nextStep": "sign in again"});
        peer.stands(match code {
            0 => json!({"done": {"account": "bob"}}),
            _ => json!({"failed": mismatch}),
        })
        .await;
        if code != 0 {
            assert_eq!(peer.hears().await["op"], "cancel");
            peer.says(json!({"done": {"is": "done"}})).await;
        }
        let (found, seen) = session.ends().await;
        assert_eq!(found, code, "{seen}");
    }
}

#[tokio::test]
async fn without_a_person_another_account_is_ended_and_not_kept() {
    let world = World::new();
    let listener = listener(&world);
    let mut command = world.command(&["login", "work/mail", "--by", "fields"]);
    command.env("CREDENTIALS_SOCKET", world.path("played.sock"));
    let gateway = async {
        let mut peer = Peer::of(&listener).await;
        assert_eq!(peer.hears().await["op"], "login");
        let step = json!({"is": "confirmAccount", "expected": "alice", "found": "bob"});
        peer.stands(json!({"step": step})).await;
        assert_eq!(peer.hears().await["op"], "cancel");
        peer.says(json!({"done": {"is": "done"}})).await;
    };
    let (done, ()) = tokio::join!(end(command, ""), gateway);
    done.code(2).complains("bob signed in, and alice was expected");
}

#[tokio::test]
async fn what_waits_says_so_in_a_line_where_there_is_no_terminal() {
    let world = World::new();
    let listener = listener(&world);
    let mut command = world.command(&["check", "work/mail"]);
    command.env("CREDENTIALS_SOCKET", world.path("played.sock"));
    let mut child = command.spawn().unwrap();
    let mut peer = Peer::of(&listener).await;
    assert_eq!(peer.hears().await["op"], "check");
    // Not answered before it has said that it waits.
    let mut complaints = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    complaints.read_line(&mut line).await.unwrap();
    assert_eq!(line, "credentials: asking its source …\n");
    peer.says(json!({"done": {"is": "health", "status": "failing", "detail": "down"}})).await;
    let mut rest = String::new();
    complaints.read_to_string(&mut rest).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), rest.as_str()), (Some(1), ""));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "work/mail: failing: down\n");
}

#[tokio::test]
async fn a_gateway_of_another_version_is_told_apart_from_a_bug() {
    let world = World::new();
    let listener = listener(&world);
    let mut command = world.command(&["check", "work/mail"]);
    command.env("CREDENTIALS_SOCKET", world.path("played.sock"));
    let gateway = async {
        let mut peer = Peer::of(&listener).await;
        peer.hears().await;
        peer.says(json!({"done": {"is": "done"}})).await;
    };
    let (done, ()) = tokio::join!(end(command, ""), gateway);
    done.code(78).complains("another version");
}

#[tokio::test]
async fn a_gateway_of_another_version_is_no_other_users_and_denies_nothing() {
    let world = World::keys();
    let listener = listener(&world);
    let mut command = world.command(&["status"]);
    command.env("CREDENTIALS_SOCKET", world.path("played.sock"));
    let gateway = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        // A later one greets with more ceremony.
        stream
            .get_mut()
            .write_all(b"{\"done\":{\"is\":\"greeting\",\"version\":\"9\"}}\n")
            .await
            .unwrap();
        let _ = stream.read_line(&mut line).await;
    };
    let (done, ()) = tokio::join!(end(command, ""), gateway);
    done.code(78).complains("another version");
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_at_once_is_waited_for_with_a_word() {
    let world = World::keys();
    let listener = listener(&world);
    let mut command = world.command(&["status"]);
    command.env("CREDENTIALS_SOCKET", world.path("played.sock"));
    let mut child = command.spawn().unwrap();
    // Stopped, or too busy: it takes the connection and says nothing.
    let (_stream, _) = listener.accept().await.unwrap();
    let mut errors = child.stderr.take().unwrap();
    let mut said = [0; 1];
    let word = tokio::time::timeout(Duration::from_secs(6), errors.read(&mut said)).await;
    assert!(matches!(word, Ok(Ok(1))), "nothing shows that it waits");
}

#[tokio::test]
async fn a_gateways_errors_move_no_cursor() {
    let world = World::keys();
    let listener = listener(&world);
    let mut command = world.command(&["login", "work/mail", "--by", "device"]);
    command.env("CREDENTIALS_SOCKET", world.path("played.sock"));
    let gateway = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        let hello = json!({"is": "hello", "version": "0", "process": 1, "configuration": "/c"});
        let refused = json!({"code": "unavailable", "class": "retry", "nextStep": "",
            "message": "the issuer says \u{1b}]0;owned\u{7}"});
        for reply in [json!({"done": hello}), json!({"refused": refused})] {
            stream.read_line(&mut line).await.unwrap();
            stream.get_mut().write_all(format!("{reply}\n").as_bytes()).await.unwrap();
        }
    };
    let (done, ()) = tokio::join!(end(command, ""), gateway);
    assert!(!done.err.contains('\u{1b}'), "{:?}", done.err);
}

#[tokio::test]
async fn a_sign_in_that_is_left_with_ctrl_c_is_ended_at_the_gateway() {
    let world = World::new();
    let listener = listener(&world);
    let mut command = world.command(&["login", "work/mail", "--by", "device"]);
    command.env("CREDENTIALS_SOCKET", world.path("played.sock"));
    let mut session = Session::new(command);
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let hello = json!({"is": "hello", "version": "0", "process": 1, "configuration": "/c"});
    let step = json!({"is": "showCode", "code": "WDJB-MJHT", "url": "https://i.example/code",
        "pollEvery": 60_000});
    let flow = json!({"is": "flow", "flow": "f", "expiresAt": 4_000_000_000_000_u64,
        "standing": {"step": step}});
    for reply in [json!({"done": hello}), json!({"done": flow})] {
        stream.read_line(&mut line).await.unwrap();
        stream.get_mut().write_all(format!("{reply}\n").as_bytes()).await.unwrap();
    }
    session.sees("WDJB-MJHT").await;
    let own = rustix::process::Pid::from_raw(session.child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(own, rustix::process::Signal::INT).unwrap();
    let mut rest = String::new();
    let heard = tokio::time::timeout(Duration::from_secs(10), stream.read_line(&mut rest)).await;
    assert!(heard.is_ok() && rest.contains("cancel"), "anybody with its state finishes it: {rest}");
}
