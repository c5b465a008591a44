//! `credentials revoke`

use credential_host::control::{Answer, Named, Operation, Source};

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
    let mut backend = Backend::open_to_change(context).await?;
    if backend.source() == Source::Store {
        kept_here(&mut backend, &of).await?;
    }
    super::confirmed(context, &question, arguments.yes).await?;
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

/// Without a gateway only what is kept can be taken back: what another program wrote is served to
/// whoever reads it again.
async fn kept_here(backend: &mut Backend, of: &Named) -> Result<(), Failure> {
    let providers = backend.providers().await?;
    let mut lines = providers.iter();
    let line = lines.find(|line| line.id == of.credential.provider.as_str());
    if line.is_some_and(|line| line.problem.is_none() && line.sign_in.is_empty()) {
        let message = format!(
            "{}: its provider keeps nothing that could be taken back without a gateway; remove it \
             where it comes from, or ask a gateway that runs",
            of.credential
        );
        return Err(Failure::usage(message));
    }
    Ok(())
}
