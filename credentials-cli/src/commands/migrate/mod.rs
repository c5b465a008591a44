//! `credentials migrate`

mod sink;

use std::path::PathBuf;
use std::sync::Arc;

use authprofile_bridge::migration::{Migration, Outcome, Replacement, SecretSink, Undone};
use authprofile_bridge::openclaw::{AgentId, AuthProfileStore, Home};
use authprofile_sqlite::SqliteFiles;
use credential_provider_api::{CredentialError, ErrorCode};
use resolution_engine::SystemClock;

use self::sink::ProviderSink;
use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::plain;
use crate::whose;

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// The provider that keeps the keys from then on: one with a sign-in by fields, such as a keychain
    #[arg(long, value_name = "PROVIDER")]
    to: String,
    /// The agent whose profiles they are
    #[arg(long, value_name = "AGENT", default_value = "main", conflicts_with = "folder")]
    agent: String,
    /// The agent's folder, if it is not where OpenClaw has it
    #[arg(long, value_name = "PATH")]
    folder: Option<PathBuf>,
    /// OpenClaw's name for this command among its exec providers (secrets.providers)
    #[arg(long, value_name = "NAME", default_value = "credentials")]
    exec_provider: String,
    /// Leave nothing in the profiles: the host delegates them
    #[arg(long)]
    delegate: bool,
    /// Only these profiles. More than once
    #[arg(long, value_name = "PROFILE")]
    only: Vec<String>,
    /// What the names there begin with; AGENT. unless given
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Do it. Stop OpenClaw first, or have it reload its secrets
    #[arg(long, conflicts_with = "undo")]
    apply: bool,
    /// Bring the keys back into the profiles
    #[arg(long)]
    undo: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let provider = whose::provider(&arguments.to)?;
    let backend = Backend::open(context).await?;
    let rule = backend.rule(&format!("{provider}/*"));
    let sink: Arc<dyn SecretSink> = Arc::new(ProviderSink::new(backend));
    let replacement = if arguments.delegate {
        Replacement::Delegation
    } else {
        Replacement::ExecReference { provider: arguments.exec_provider.clone() }
    };
    let mut migration = Migration::new(store(&arguments)?, sink, provider.clone(), replacement);
    if let Some(prefix) = arguments.prefix {
        migration = migration.prefix(prefix);
    }
    if !arguments.only.is_empty() {
        migration = migration.only(arguments.only);
    }
    let terminal = &context.terminal;
    let mut failures = Failures::default();
    if arguments.undo {
        let undone = terminal.during("bringing the keys back", migration.undo()).await?;
        for (profile, outcome) in undone.profiles {
            let profile = plain(&profile);
            match outcome {
                Undone::Restored => terminal.say(format!("{profile}: has its key again")),
                Undone::Left(at) => terminal.say(format!(
                    "{profile}: was changed since and stays as it is; its key of then is at {at}"
                )),
                Undone::Unfinished(error) => {
                    let text =
                        format!("{profile}: has its key again; undo again to end it: {error}");
                    failures.add(context, text, &error);
                }
                Undone::Failed(error) => {
                    failures.add(context, format!("{profile}: as it was: {error}"), &error);
                }
                _ => {}
            }
        }
        return Ok(failures.end(context, &rule));
    }
    if !arguments.apply {
        let plan = migration.plan().await?;
        terminal.say(plain_lines(&plan.to_string()));
        let count = plan.moves().count();
        terminal.note(format!("credentials: nothing was changed; --apply moves {count}"));
        return Ok(Exit::Done);
    }
    let applied = terminal.during("moving keys", migration.apply()).await?;
    let mut moved = 0;
    for (profile, outcome) in applied.profiles {
        let profile = plain(&profile);
        match outcome {
            Outcome::Moved(at) => {
                moved += 1;
                terminal.say(format!("{profile}: its key is at {at}"));
            }
            Outcome::Failed(error) => {
                failures.add(context, format!("{profile}: as it was: {error}"), &error);
            }
            _ => {}
        }
    }
    if moved > 0 && !arguments.delegate {
        terminal.note(format!(
            "credentials: OpenClaw needs secrets.providers.{} = {{ source: \"exec\", command: \
             \"/abs/credentials\", args: [\"secretref\", \"--config\", \"/abs/credentials.json5\"] }}, and \
             credentialAccess a rule {{ consumer: \"secretref:exec\", credential: \"{provider}/*\" }}",
            arguments.exec_provider
        ));
    }
    Ok(failures.end(context, &rule))
}

fn store(arguments: &Arguments) -> Result<AuthProfileStore, Failure> {
    let clock = Arc::new(SystemClock::new());
    let store = match &arguments.folder {
        Some(folder) => AuthProfileStore::new(folder, clock),
        None => AuthProfileStore::of(&home()?, &AgentId::new(&arguments.agent), clock),
    };
    Ok(store.with_database(Arc::new(SqliteFiles::new())))
}

/// Where OpenClaw's files are, as the environment says.
pub(super) fn home() -> Result<Home, Failure> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let user = std::env::home_dir().filter(|user| user.is_absolute());
    if user.is_none() && variable("OPENCLAW_STATE_DIR").is_none() {
        return Err(Failure::usage("the environment names no home folder: set HOME"));
    }
    Ok(Home::from_environment(user.unwrap_or_default().as_path(), variable))
}

/// The plan's lines are of profile ids, which are from outside.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// What was not done.
#[derive(Default)]
struct Failures {
    count: usize,
    denied: bool,
}

impl Failures {
    fn add(&mut self, context: &Context, text: String, error: &CredentialError) {
        self.count += 1;
        self.denied |= error.code() == ErrorCode::AccessDenied;
        context.terminal.complain(&text);
    }

    fn end(&self, context: &Context, rule: &str) -> Exit {
        if self.denied {
            context.terminal.complain(rule);
            return Exit::Denied;
        }
        if self.count > 0 { Exit::Found } else { Exit::Done }
    }
}
