//! [`run`]: start, serve, end.

use std::path::Path;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use super::drain::{Served, drain};
use super::followed::Followed;
use super::narrator::plain;
use super::signals::{Said, Signals};
use super::telling::Telling;
use super::{Tell, keeper, narrator};
use crate::audit::private_folder;
use crate::control::{Operations, serve};
use crate::page::Page;
use crate::{CredentialHost, Document, FileAudit};

const UNAVAILABLE: u8 = 69;
const CONFIGURATION: u8 = 78;

/// What to write, for somebody who has none.
const SAMPLE: &str = r#"  {
    credentialProviders: { os: { type: "keychain", credentials: { openai: {} } } },
    credentialAccess: [ { consumer: "cli:credentials", credential: "os/openai" } ],
  }"#;

/// Serves the configuration at `path` until a signal ends it. Returns the exit code. Not cancel-safe:
/// dropped, it ends without finishing what is under way.
pub async fn run(path: &Path, tell: Arc<Tell>) -> u8 {
    let telling = match Telling::to(tell.clone()) {
        Ok(telling) => Arc::new(telling),
        Err(_) => {
            tell("this system lends no threads");
            return UNAVAILABLE;
        }
    };
    let tell: Arc<Tell> = {
        let telling = telling.clone();
        Arc::new(move |line: &str| telling.line(&plain(line)))
    };
    let code = begin(path, tell).await;
    telling.finish().await;
    code
}

async fn begin(path: &Path, tell: Arc<Tell>) -> u8 {
    // Before it is read: an edit in between is seen as one.
    let mut followed = Followed::new(path);
    let document = match Document::read(path) {
        Ok(document) => document,
        Err(problem) => {
            tell(&format!("{problem}"));
            if !path.exists() {
                tell("Write one there, for example:");
                SAMPLE.lines().for_each(tell.as_ref());
            }
            return CONFIGURATION;
        }
    };
    // Before anything is begun that a signal should not cut off.
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(_) => {
            tell("signals cannot be received here, and nothing would end this in good order");
            return UNAVAILABLE;
        }
    };
    let settings = match document.gateway() {
        Ok(settings) => settings,
        Err(problem) => {
            tell(&problem.to_string());
            return CONFIGURATION;
        }
    };
    if let Some(folder) = settings.socket.parent().filter(|folder| !folder.as_os_str().is_empty())
        && let Err(problem) = private_folder(folder)
    {
        tell(&format!(
            "{}: cannot be made ({}); make it, with chmod 700",
            folder.display(),
            problem.kind()
        ));
        return UNAVAILABLE;
    }
    if let Some(audit) = &settings.audit
        && let Err(problem) = FileAudit::new(audit).prepare()
    {
        tell(&format!(
            "{}: the audit trail cannot be kept there ({}), and every request would be denied; \
             name another file in credentialGateway.audit",
            audit.display(),
            problem.kind()
        ));
        return CONFIGURATION;
    }
    let host = match CredentialHost::builder(document).open().await {
        Ok(host) => Arc::new(host),
        Err(problem) => {
            tell(&problem.to_string());
            return CONFIGURATION;
        }
    };
    let operations = Operations::of_gateway(host.clone());
    let page = match Page::bind(operations.clone(), settings.listen).await {
        Ok(page) => page,
        Err(problem) => {
            tell(&problem.to_string());
            host.shutdown().await;
            return UNAVAILABLE;
        }
    };
    let (links, callback) = (page.links(), page.callback());
    let operations = operations.with_page(links.clone());

    let stop = CancellationToken::new();
    // From here on, so that nothing that happens goes untold.
    let told = tokio::spawn(narrator::follow(operations.clone(), tell.clone(), stop.clone()));
    let kept = tokio::spawn(keeper::keep(operations.clone(), stop.clone()));
    let page = tokio::spawn(page.serve(stop.clone()));
    let socket = tokio::spawn({
        let (operations, socket) = (operations.clone(), settings.socket.clone());
        let stop = stop.clone();
        async move { serve(operations, &socket, stop).await }
    });
    let mut served = Served { host: host.clone(), stop, page, socket, tasks: vec![told, kept] };

    narrator::introduce(&operations, tell.as_ref()).await;
    tell(&format!("socket    {}", settings.socket.display()));
    tell(&format!("callback  {callback}"));
    let show = || tell(&format!("page      {}", links.mint().expose_secret()));
    show();
    let put_in_force = || reload(&operations, tell.as_ref());
    // One at a time, beside what is heeded; what comes meanwhile is one more, after it.
    let mut reloading = FuturesUnordered::new();
    let mut again = false;
    loop {
        if again && reloading.is_empty() {
            again = false;
            reloading.push(put_in_force());
        }
        tokio::select! {
            biased;
            said = signals.next() => match said {
                Said::End => {
                    tell("ending: nothing new is taken, what is under way is finished");
                    drop(reloading);
                    return drain(served, &mut signals, tell.as_ref()).await;
                }
                Said::Reload => again = true,
                Said::Show => show(),
            },
            // It ends by itself only when it cannot be opened.
            ended = &mut served.socket => {
                if let Ok(Err(problem)) = ended {
                    tell(&problem.to_string());
                }
                served.give_up().await;
                return UNAVAILABLE;
            }
            Some(()) = reloading.next() => {}
            () = followed.changed(host.clock().as_ref(), tell.as_ref()) => again = true,
        }
    }
}

/// Puts the file into force, or says what is wrong with it.
async fn reload(operations: &Operations, tell: &Tell) {
    match operations.host().reload().await {
        Ok(report) => {
            tell("the configuration was read again");
            for (ids, what) in [
                (&report.added, "is new"),
                (&report.replaced, "has other settings now"),
                (&report.removed, "is gone"),
            ] {
                for id in ids {
                    tell(&format!("provider  {id} {what}"));
                }
            }
            for (id, problem) in &report.failed {
                tell(&format!("provider  {id} stays as it was: {problem}"));
            }
            keeper::look(operations).await;
        }
        Err(problem) => {
            tell(&problem.to_string());
            tell("the configuration before it stays in force; mend the file, and it is read again");
        }
    }
}
