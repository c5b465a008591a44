//! `credentials check`

use credential_host::control::{Answer, Operation};

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::plain;
use crate::whose::Which;

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let of = arguments.which.named()?;
    let mut backend = Backend::open(context).await?;
    let name = of.credential.to_string();
    let asked = backend.perform(Operation::Check { of });
    let answer = context.terminal.during("asking its source", asked).await?;
    let Answer::Health(health) = answer else { return Err(Failure::unexpected()) };
    let detail =
        if health.detail.is_empty() { String::new() } else { format!(": {}", health.detail) };
    context.terminal.say(plain(&format!("{name}: {}{detail}", health.status)));
    Ok(if health.status == "failing" { Exit::Found } else { Exit::Done })
}
