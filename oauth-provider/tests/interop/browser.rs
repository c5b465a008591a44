//! The scripted browser, as a process of its own: whoever signs in is no part of the host.

use std::path::Path;
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
    run(peer, options(mind), page, person).await
}

/// As [`redirect`], by somebody who agrees, with a browser that remembers its sessions in `cookies`.
pub async fn redirect_with(peer: &Peer, cookies: &Path, page: &str, person: &str) -> String {
    run(peer, vec![format!("--cookies={}", cookies.display())], page, person).await
}

/// Logs in, agrees, and follows the redirect to whoever listens.
pub async fn deliver(peer: &Peer, page: &str, person: &str) {
    run(peer, vec!["--deliver".to_owned()], page, person).await;
}

/// Opens the page for devices, types `code` where it is asked for, and agrees or not; what the page
/// says in the end.
pub async fn enter(peer: &Peer, page: &str, code: &str, person: &str, mind: Mind) -> String {
    let mut options = options(mind);
    options.push(format!("--code={code}"));
    run(peer, options, page, person).await
}

fn options(mind: Mind) -> Vec<String> {
    if mind == Mind::Refuses { vec!["--deny".to_owned()] } else { Vec::new() }
}

async fn run(peer: &Peer, options: Vec<String>, page: &str, person: &str) -> String {
    let script = std::env::var("OAUTH_BROWSER").expect("set by .ci/interop oauth");
    let mut browser = Command::new("node");
    browser.arg(script).arg(format!("--password={}", peer.password)).args(options);
    browser.args([page, person]).stdin(Stdio::null());
    let done = tokio::task::spawn_blocking(move || browser.output().unwrap()).await.unwrap();
    let [out, err] = [&done.stdout, &done.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(done.status.success(), "the browser ended at: {out}{err}");
    out.trim().to_owned()
}
