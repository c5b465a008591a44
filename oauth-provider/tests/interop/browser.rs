//! The scripted browser, as a process of its own: whoever signs in is no part of the host.

use std::process::{Command, Stdio};

use crate::peer::Peer;

/// What somebody in front of the consent page does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mind {
    Agrees,
    Refuses,
}

/// Logs in and agrees, or not; where the issuer sends the browser then. Nothing is opened there.
pub async fn redirect(peer: &Peer, page: &str, person: &str, mind: Mind) -> String {
    run(peer, if mind == Mind::Refuses { &["--deny"] } else { &[] }, page, person).await
}

/// Logs in, agrees, and follows the redirect to whoever listens.
pub async fn deliver(peer: &Peer, page: &str, person: &str) {
    run(peer, &["--deliver"], page, person).await;
}

async fn run(peer: &Peer, options: &[&str], page: &str, person: &str) -> String {
    let script = std::env::var("OAUTH_BROWSER").expect("set by .ci/interop oauth");
    let mut browser = Command::new("node");
    browser.arg(script).arg(format!("--password={}", peer.password)).args(options);
    browser.args([page, person]).stdin(Stdio::null());
    let done = tokio::task::spawn_blocking(move || browser.output().unwrap()).await.unwrap();
    let [out, err] = [&done.stdout, &done.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(done.status.success(), "the browser ended at: {out}{err}");
    out.trim().to_owned()
}
