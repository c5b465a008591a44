//! `credentials providers`

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::Table;

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// For another program to read
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let mut backend = Backend::open(context).await?;
    let asked = backend.providers();
    let providers = context.terminal.during("asking for the providers", asked).await?;
    if arguments.json {
        super::json(context, &providers)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["PROVIDER", "TYPE", "STATE", "SIGN IN BY", "NAME"]);
    for line in &providers {
        let kind = line.kind.as_deref().unwrap_or("-");
        let ways = if line.sign_in.is_empty() { "-".to_owned() } else { line.sign_in.join(", ") };
        table.row([&line.id, kind, &line.state, &ways, &line.name]);
        if let Some(problem) = &line.problem {
            table.line(problem);
        }
    }
    context.terminal.say(table.lines().join("\n"));
    Ok(Exit::Done)
}
