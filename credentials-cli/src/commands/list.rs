//! `credentials list`

use credential_host::control::{Answer, Operation};

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::Table;
use crate::whose;

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Only this provider's
    #[arg(value_name = "PROVIDER")]
    provider: Option<String>,
    /// For another program to read
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let mut backend = Backend::open(context).await?;
    let provider = arguments.provider.as_deref().map(whose::provider).transpose()?;
    let asked_for_one = provider.is_some();
    let asked = backend.perform(Operation::List { provider });
    let answer = context.terminal.during("asking the providers", asked).await?;
    let Answer::List { credentials, failed } = answer else { return Err(Failure::unexpected()) };
    if arguments.json {
        let whole = serde_json::json!({ "credentials": credentials, "failed": failed });
        super::json(context, &whole)?;
    } else {
        let mut table = Table::new(["CREDENTIAL", "KIND", "OF", "DESCRIPTION"]);
        for line in &credentials {
            table.row([&line.credential, &line.kind, &line.scope, &line.description]);
        }
        context.terminal.say(table.lines().join("\n"));
    }
    let mut exit = Exit::Done;
    for (provider, refusal) in failed {
        let failure = Failure::from(refusal);
        context.terminal.complain(&format!("{provider} could not say: {}", failure.message));
        if asked_for_one {
            exit = failure.exit;
        }
    }
    Ok(exit)
}
