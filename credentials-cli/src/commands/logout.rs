//! `credentials logout`

use credential_host::control::{Answer, Operation};

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::whose::Which;

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let of = arguments.which.named()?;
    let mut backend = Backend::open_to_change(context).await?;
    let name = of.credential.to_string();
    let asked = backend.perform(Operation::Logout { of });
    let answer = context.terminal.during("signing out", asked).await?;
    let Answer::TakenBack { reach } = answer else { return Err(Failure::unexpected()) };
    context.terminal.say(format!("{name}: signed out {}", how_far(&reach)));
    Ok(Exit::Done)
}

/// What a taking back came to, in words.
pub(super) fn how_far(reach: &str) -> &'static str {
    match reach {
        "remote" => "here and at its source",
        _ => {
            "here; its source cannot be told, so it stays valid there until it ends or is taken back there"
        }
    }
}
