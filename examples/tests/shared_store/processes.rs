//! Two processes. The other one is this test's own program, started again.

use std::io::{BufRead as _, BufReader, Lines, Write as _, stdin};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use credential_provider_api::Revocation;
use examples::gateway::folder::Folder;

use crate::gateway::{Gateway, LONG, PROMISED, issuer, signed_out};

const FOLDER: &str = "SHARED_STORE_FOLDER";
const ISSUER: &str = "SHARED_STORE_ISSUER";
/// Begins a line of the other process that is for us.
const DONE: &str = "done: ";

/// The other process: it does what it reads, and says so when it is done. As a test of its own it
/// does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let issuer = std::env::var(ISSUER).unwrap();
    let gateway = Gateway::open(Path::new(&folder), &issuer).await;
    let handle = gateway.bind();
    for order in stdin().lines().map(Result::unwrap) {
        match order.as_str() {
            "serve" => {
                let served = gateway.ask_until(Result::is_ok).await.0.unwrap();
                assert!(handle.with(|read| read.same_secrets(&served)).unwrap());
            }
            "fail" => {
                let _ = gateway.ask_until(signed_out).await;
                assert!(signed_out(&handle.with(|_| ())));
            }
            "sign in" => gateway.sign_in().await,
            other => {
                assert_eq!(other, "sign out");
                assert_eq!(gateway.target().sign_out().await.unwrap(), Revocation::Remote);
            }
        }
        // Past the test's own output, which is held back.
        writeln!(std::io::stderr(), "{DONE}{order}").unwrap();
    }
    gateway.close().await;
}

struct Other {
    child: Child,
    said: Lines<BufReader<ChildStderr>>,
}

impl Other {
    fn start(folder: &Path, issuer: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::the_other_process"])
            .env(FOLDER, folder)
            .env(ISSUER, issuer)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, said }
    }

    /// Has it do `order`; how long that took.
    fn does(&mut self, order: &str) -> Duration {
        let begun = Instant::now();
        writeln!(self.child.stdin.as_ref().unwrap(), "{order}").unwrap();
        let mut lines = self.said.by_ref().map(Result::unwrap);
        let done = lines.find(|line| line.starts_with(DONE));
        assert_eq!(done, Some(format!("{DONE}{order}")), "it ended");
        begun.elapsed()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // Whatever became of the test. It is a process we started.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_4_what_one_process_does_the_other_follows_within_two_seconds() {
    let (folder, issuer) = (Folder::new().unwrap(), issuer(LONG).await);
    let here = Gateway::open(folder.path(), issuer.url()).await;
    let handle = here.bind();
    here.sign_in().await;
    handle.get().await.unwrap();
    let mut other = Other::start(folder.path(), issuer.url());
    // Opening its engine takes as long as it takes.
    other.does("serve");

    assert_eq!(here.target().sign_out().await.unwrap(), Revocation::Remote);
    let took = other.does("fail");
    assert!(took < PROMISED, "it followed a sign-out in {took:?}");

    here.sign_in().await;
    let took = other.does("serve");
    assert!(took < PROMISED, "it followed a sign-in in {took:?}");
    handle.get().await.unwrap();

    other.does("sign out");
    let begun = Instant::now();
    let (_, came) = here.ask_until(signed_out).await;
    assert!(came - begun < PROMISED, "we followed a sign-out in {:?}", came - begun);
    assert!(signed_out(&handle.with(|_| ())));

    other.does("sign in");
    let begun = Instant::now();
    let (_, came) = here.ask_until(Result::is_ok).await;
    assert!(came - begun < PROMISED, "we followed a sign-in in {:?}", came - begun);
    handle.get().await.unwrap();

    drop(other);
    here.close().await;
}
