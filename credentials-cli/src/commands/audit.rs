//! `credentials audit`

use credential_host::control::{Answer, Operation};

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::{Table, moment};

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// How many lines
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
    last: usize,
    /// For another program to read
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let mut backend = Backend::open(context).await?;
    // A line is 200 bytes, a message of the socket 1 MiB.
    let last = arguments.last.min(2000);
    let asked = backend.perform(Operation::Audit { last });
    let answer = context.terminal.during("reading the audit trail", asked).await?;
    let Answer::Audit { lines } = answer else { return Err(Failure::unexpected()) };
    if arguments.json {
        super::json(context, &lines)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["WHEN", "WHO", "WHAT", "CREDENTIAL", "SESSION"]);
    for line in &lines {
        let session = line.session.as_deref().unwrap_or("-");
        table.row([&moment(line.at), &line.consumer, &line.action, &line.credential, session]);
    }
    context.terminal.say(table.lines().join("\n"));
    Ok(Exit::Done)
}
