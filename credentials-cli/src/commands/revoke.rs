//! `credentials revoke`

use credential_host::control::{Answer, Operation};

use super::logout::how_far;
use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::whose::Which;

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let of = arguments.which.named()?;
    let name = of.credential.to_string();
    let question = format!("Take {name} back? Nobody gets it any more until somebody signs in.");
    super::confirmed(context, &question, arguments.yes).await?;
    let mut backend = Backend::open(context).await?;
    let asked = backend.perform(Operation::Revoke { of });
    let answer = context.terminal.during("taking it back", asked).await;
    let answer = answer.map_err(|failure| match failure.is("provider_not_found") {
        true => failure,
        // The engine's promise: whatever the source says.
        false => failure.advise(format!("{name} is withdrawn here all the same")),
    })?;
    let Answer::TakenBack { reach } = answer else { return Err(Failure::unexpected()) };
    context.terminal.say(format!("{name}: taken back {}", how_far(&reach)));
    Ok(Exit::Done)
}
