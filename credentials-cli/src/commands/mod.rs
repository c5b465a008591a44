//! The subcommands, one a file.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod migrate;
pub(crate) mod providers;
pub(crate) mod refresh;
pub(crate) mod revoke;
pub(crate) mod set;
pub(crate) mod status;

use serde::Serialize;

use crate::arguments::Command;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::run::Next;

/// Does what was asked.
pub(crate) async fn run(context: &Context, command: Command) -> Result<Next, Failure> {
    let exit = match command {
        Command::Providers(arguments) => providers::run(context, arguments).await?,
        Command::List(arguments) => list::run(context, arguments).await?,
        Command::Status(arguments) => status::run(context, arguments).await?,
        Command::Get(arguments) => get::run(context, arguments).await?,
        Command::Login(arguments) => login::run(context, arguments).await?,
        Command::Logout(arguments) => logout::run(context, arguments).await?,
        Command::Refresh(arguments) => refresh::run(context, arguments).await?,
        Command::Check(arguments) => check::run(context, arguments).await?,
        Command::Revoke(arguments) => revoke::run(context, arguments).await?,
        Command::Set(arguments) => set::run(context, arguments).await?,
        Command::Exec(arguments) => return exec::run(context, arguments).await,
        Command::Audit(arguments) => audit::run(context, arguments).await?,
        Command::Migrate(arguments) => migrate::run(context, arguments).await?,
        Command::Doctor(arguments) => doctor::run(context, arguments).await?,
        Command::Completions(arguments) => completions::run(context, arguments)?,
        Command::Secretref(_) => {
            return Err(Failure::usage(
                "secretref comes first: credentials secretref --config PATH",
            ));
        }
    };
    Ok(Next::End(exit))
}

/// For another program to read.
fn json(context: &Context, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value);
    context.terminal.say(text.map_err(|_| Failure::new(Exit::Bug, "this cannot be said as JSON"))?);
    Ok(())
}

/// Asks the person at the terminal; without one, `--yes` has to have been said.
async fn confirmed(context: &Context, question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !context.terminal.asks {
        let message = "this is not asked without a terminal: say --yes if it is meant";
        return Err(Failure::usage(message));
    }
    if context.terminal.agrees(question).await? {
        return Ok(());
    }
    Err(Failure::new(Exit::Interrupted, "nothing was done"))
}
