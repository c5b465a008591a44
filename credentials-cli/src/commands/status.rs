//! `credentials status`

use std::time::Duration;

use credential_host::control::{Answer, EntryLine, EventLine, Operation, Reply, Source};
use credential_provider_api::State;

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::{Table, plain, until};

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// For another program to read; with --watch, one line an event
    #[arg(long)]
    json: bool,
    /// Go on showing it as it changes
    #[arg(long)]
    watch: bool,
}

/// How often a store is looked at where no gateway tells of changes: as late as other processes follow.
const GLANCE: Duration = Duration::from_secs(2);

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let mut backend = Backend::open(context).await?;
    if backend.source() == Source::Store {
        context.terminal.note(STORE_ONLY);
    }
    match (arguments.watch, backend.source()) {
        (false, _) => {
            let entries = ask(context, &mut backend).await?;
            show(context, backend.source(), &entries, &arguments)?;
        }
        (true, Source::Gateway) => follow(context, &mut backend, &arguments).await?,
        (true, _) => glance(context, &mut backend, &arguments).await?,
    }
    Ok(Exit::Done)
}

const STORE_ONLY: &str = "credentials: no gateway is asked; this is what the store has, and nothing that \
     a gateway holds in memory";

async fn ask(context: &Context, backend: &mut Backend) -> Result<Vec<EntryLine>, Failure> {
    let asked = backend.perform(Operation::Status);
    match context.terminal.during("asking for the states", asked).await? {
        Answer::Status { entries, problem, .. } => {
            if let Some(problem) = problem {
                let what = "the store cannot be read, so what only it has is not here";
                context.terminal.note(format!("{what}: {}", problem.message));
            }
            Ok(entries)
        }
        _ => Err(Failure::unexpected()),
    }
}

fn show(
    context: &Context,
    source: Source,
    entries: &[EntryLine],
    arguments: &Arguments,
) -> Result<(), Failure> {
    if arguments.json {
        return super::json(context, &serde_json::json!({ "source": source, "entries": entries }));
    }
    let mut table = Table::new(["CREDENTIAL", "STATE", "ENDS", "ACCOUNT", "SESSION"]);
    for entry in entries {
        let end = entry.until.map_or_else(|| "-".to_owned(), until);
        let account = entry.account.as_deref().unwrap_or("-");
        let session = entry.session.as_deref().unwrap_or("-");
        let name = match &entry.variant {
            Some(variant) => format!("{} [{variant}]", entry.credential),
            None => entry.credential.clone(),
        };
        table.row([&name, &entry.state.to_string(), &end, account, session]);
        if let Some(error) = &entry.error {
            table.line(&error.message);
        }
    }
    let mut text = Vec::new();
    for line in table.lines() {
        text.push(coloured(context, line));
    }
    context.terminal.say(text.join("\n"));
    Ok(())
}

/// A line in the colour of the state in it.
fn coloured(context: &Context, line: String) -> String {
    let has = |state: State| line.split_whitespace().nth(1) == Some(state.to_string().as_str());
    let sgr = if has(State::Active) {
        32
    } else if has(State::NeedsReauth) || has(State::Revoked) {
        31
    } else if has(State::BackingOff) || has(State::Expired) {
        33
    } else {
        return line;
    };
    context.terminal.colour(sgr, &line)
}

/// By a gateway's events: drawn anew on a terminal, a line each otherwise.
async fn follow(
    context: &Context,
    backend: &mut Backend,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let mut events = backend.another().await?;
    // Watched before looked: what happens between is not missed.
    events.perform(Operation::Watch).await?;
    let redraws = context.terminal.shows && !arguments.json;
    loop {
        if redraws {
            let entries = match ask(context, backend).await {
                // It ends while it is asked.
                Err(failure) if failure.exit == Exit::Later && failure.code.is_none() => break,
                entries => entries?,
            };
            context.terminal.clear();
            show(context, Source::Gateway, &entries, arguments)?;
        }
        match events.event().await? {
            Some(Reply::Event(event)) if !redraws => tell(context, &event, arguments)?,
            Some(Reply::Missed(count)) if !redraws => {
                context.terminal.note(format!("credentials: {count} events were missed"));
            }
            Some(_) => {}
            None => break,
        }
        if context.terminal.unread() {
            return Ok(());
        }
    }
    context.terminal.note("credentials: the gateway has ended");
    Ok(())
}

fn tell(context: &Context, event: &EventLine, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.json {
        let line = serde_json::to_string(event);
        let line = line.map_err(|_| Failure::new(Exit::Bug, "this cannot be said as JSON"))?;
        context.terminal.say(line);
        return Ok(());
    }
    let mut words = vec![crate::terminal::moment(event.at)];
    words.extend(event.about.clone());
    words.push(event.what.clone());
    if let Some(to) = &event.to {
        let from = event.from.as_ref().map(|from| format!("{from} → ")).unwrap_or_default();
        words.push(format!("{from}{to}"));
    }
    words.extend(event.cause.as_ref().map(|cause| format!("({cause})")));
    words.extend(event.error.as_ref().map(|error| error.message.clone()));
    context.terminal.say(plain(&words.join(" ")));
    Ok(())
}

/// By looking at the store.
async fn glance(
    context: &Context,
    backend: &mut Backend,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let mut before = None;
    loop {
        let entries = ask(context, backend).await?;
        if before.as_ref() != Some(&entries) {
            if !arguments.json {
                context.terminal.clear();
            }
            show(context, Source::Store, &entries, arguments)?;
            before = Some(entries);
        }
        if context.terminal.unread() {
            return Ok(());
        }
        tokio::time::sleep(GLANCE).await;
    }
}
