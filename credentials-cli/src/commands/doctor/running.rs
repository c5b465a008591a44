//! What runs, what answers, and what has gone stale.

use std::collections::{BTreeMap, BTreeSet};

use credential_host::Document;
use credential_host::control::{Answer, EntryLine, Named, Operation, ProviderLine, Source};
use credential_provider_api::State;

use super::finding::Finding;
use crate::backend::{Backend, set, sign_in};
use crate::context::Context;
use crate::failure::Exit;
use crate::whose;

pub(super) async fn look(context: &Context, document: &Document) -> Vec<Finding> {
    let mut backend = match Backend::open(context).await {
        Ok(backend) => backend,
        Err(failure) => {
            return vec![Finding::wrong(
                failure.message,
                "mend that first: nothing else was asked",
            )];
        }
    };
    let mut findings = vec![gateway(&mut backend).await];
    let terminal = &context.terminal;
    let lines = match terminal.during("asking the providers", backend.providers()).await {
        Ok(lines) => lines,
        Err(failure) => {
            findings.push(Finding::wrong("the providers are not known", failure.message));
            return findings;
        }
    };
    findings.extend(unknown(document, &lines));
    let health = providers(&mut backend, &lines);
    findings.extend(terminal.during("asking the providers", health).await);
    let stale = stale(&mut backend, &lines);
    findings.extend(terminal.during("asking for the states", stale).await);
    findings
}

async fn gateway(backend: &mut Backend) -> Finding {
    if backend.source() == Source::Store {
        let to_do = "start it if there should be one; until then this command works on the store";
        return Finding::better("no gateway runs on this configuration", to_do);
    }
    let ours = env!("CARGO_PKG_VERSION");
    match backend.hello().await {
        Ok(hello) if hello.version == ours => {
            Finding::fine(format!("gateway: version {ours}, process {}", hello.process))
        }
        Ok(hello) => Finding::better(
            format!("gateway: version {}, this command: {ours}", hello.version),
            "restart the gateway, or use the command that came with it",
        ),
        Err(failure) => Finding::wrong("the gateway does not answer", failure.message),
    }
}

/// Rules and bindings for providers that there are not: a slip of the pen, most of the time.
fn unknown(document: &Document, lines: &[ProviderLine]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for section in ["credentialAccess", "credentialBindings"] {
        let entries = document.value().get(section).and_then(|value| value.as_array());
        let names = entries.into_iter().flatten().filter_map(|entry| {
            let name = entry.get("credential")?.as_str()?;
            Some(name.split_once('/')?.0)
        });
        let names: BTreeSet<&str> = names.filter(|name| !name.contains('*')).collect();
        for name in names.into_iter().filter(|name| lines.iter().all(|line| line.id != *name)) {
            findings.push(Finding::better(
                format!("{section} names the provider {name}, which is not configured"),
                "correct the name, or add the provider to credentialProviders",
            ));
        }
    }
    findings
}

async fn providers(backend: &mut Backend, lines: &[ProviderLine]) -> Vec<Finding> {
    if lines.is_empty() {
        let to_do = "add one to credentialProviders";
        return vec![Finding::better("no provider is configured", to_do)];
    }
    let examples = examples(backend).await;
    let mut findings = Vec::new();
    for line in lines {
        if let Some(problem) = &line.problem {
            let to_do = "correct it; until then nobody gets its credentials";
            findings.push(Finding::wrong(format!("{}: {problem}", line.id), to_do));
            continue;
        }
        match examples.get(&line.id) {
            Some(of) => findings.push(health(backend, &line.id, of.clone()).await),
            None => findings.push(Finding::fine(format!("{}: in service, not checked", line.id))),
        }
    }
    findings
}

/// One credential of each provider, to check it with.
async fn examples(backend: &mut Backend) -> BTreeMap<String, Named> {
    let answer = backend.perform(Operation::List { provider: None }).await;
    let Ok(Answer::List { credentials, .. }) = answer else { return BTreeMap::new() };
    let mut examples = BTreeMap::new();
    for line in credentials.into_iter().filter(|line| line.scope == "gateway") {
        // Of a pattern, something it covers.
        if let Ok(reference) = whose::reference(&line.credential.replace('*', "doctor")) {
            let provider = reference.provider.to_string();
            examples.entry(provider).or_insert_with(|| Named::new(reference));
        }
    }
    examples
}

async fn health(backend: &mut Backend, id: &str, of: Named) -> Finding {
    match backend.perform(Operation::Check { of }).await {
        Ok(Answer::Health(health)) => {
            let detail = if health.detail.is_empty() {
                String::new()
            } else {
                format!(", {}", health.detail)
            };
            let text = format!("{id}: {}{detail}", health.status);
            match health.status.as_str() {
                "healthy" => Finding::fine(text),
                "degraded" => Finding::better(text, "it works for now; see what it says"),
                _ => Finding::wrong(text, "see what it says, then `credentials check`"),
            }
        }
        // What nobody has signed in to yet is not broken; what ended shows among the states.
        Err(failure) if failure.exit == Exit::SignIn => {
            Finding::fine(format!("{id}: in service, nobody is signed in to check it with"))
        }
        // It has no check: nothing is known against it.
        Err(failure) if failure.is("unsupported") => {
            Finding::fine(format!("{id}: in service, has no check"))
        }
        Err(failure) => Finding::wrong(format!("{id} does not answer"), failure.message),
        Ok(_) => Finding::wrong(format!("{id} does not answer"), "restart the gateway"),
    }
}

async fn stale(backend: &mut Backend, lines: &[ProviderLine]) -> Vec<Finding> {
    let (entries, problem) = match backend.perform(Operation::Status).await {
        Ok(Answer::Status { entries, problem, .. }) => (entries, problem),
        Ok(_) => return Vec::new(),
        Err(failure) => return vec![Finding::wrong("the store cannot be read", failure.message)],
    };
    let unread = problem.map(|problem| Finding::wrong("the store cannot be read", problem.message));
    unread.into_iter().chain(entries.iter().filter_map(|entry| judge(entry, lines))).collect()
}

fn judge(entry: &EntryLine, lines: &[ProviderLine]) -> Option<Finding> {
    let whose = entry.session.as_ref().map(|session| format!(" of {session}")).unwrap_or_default();
    let text = format!("{}{whose}: {}", entry.credential, entry.state);
    let reference = whose::reference(&entry.credential).ok()?;
    let mut of = Named::new(reference);
    of.session.clone_from(&entry.session);
    of.variant.clone_from(&entry.variant);
    let provider = of.credential.provider.as_str();
    let line = lines.iter().find(|line| line.id == provider);
    let typed = line.is_some_and(|line| line.sign_in == ["fields"]);
    let mend = if typed { set(&of) } else { sign_in(&of) };
    let is_new = entry.error.as_ref().is_some_and(|error| error.class == "sign_in");
    match entry.state {
        State::NeedsReauth | State::Revoked => Some(Finding::wrong(text, mend)),
        State::Pending if is_new => {
            Some(Finding::better(format!("{text}: nobody has signed in yet"), mend))
        }
        State::BackingOff => {
            let why = entry.error.as_ref().map(|error| error.message.clone());
            Some(Finding::wrong(text, why.unwrap_or_else(|| "it is tried again".to_owned())))
        }
        // What its store cannot tell.
        _ => entry.error.as_ref().map(|error| Finding::wrong(text, error.message.clone())),
    }
}
