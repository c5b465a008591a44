//! `credentials refresh`

use credential_host::control::{Answer, Operation, Renewed};

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::until;
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
    let asked = backend.perform(Operation::Refresh { of });
    let answer = context.terminal.during("renewing it", asked).await?;
    let Answer::Credential(shown) = answer else { return Err(Failure::unexpected()) };
    let what = match shown.renewed {
        Some(Renewed::New) => "renewed",
        _ => "its source gave what it gave before",
    };
    let end = shown.expires_at.map(|end| format!(", ends {}", until(end))).unwrap_or_default();
    context.terminal.say(format!("{name}: {what}{end}"));
    Ok(Exit::Done)
}
