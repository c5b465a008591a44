//! `credentials set`

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::sign_in::{Wanted, Way, sign_in};
use crate::whose::Which;

#[derive(clap::Args, Debug)]
#[command(override_usage = "credentials set [OPTIONS] PROVIDER/ID < SECRET")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// What should not be here
    #[arg(hide = true, num_args = 0.., allow_hyphen_values = true)]
    value: Vec<String>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    if !arguments.value.is_empty() {
        return Err(Failure::usage(NEVER));
    }
    let of = arguments.which.named()?;
    let mut backend = Backend::open_to_change(context).await?;
    let name = of.credential.to_string();
    let wanted = Wanted { of, way: Some(Way::Fields), account: None };
    sign_in(context, &mut backend, wanted).await?;
    context.terminal.say(format!("{name}: kept"));
    Ok(Exit::Done)
}

const NEVER: &str = "a secret is never taken from the command line, where every program of this machine \
     and the shell's history can see it. Type it when asked for, or pipe it in:\n  \
     credentials set PROVIDER/ID < FILE\nwhat was given is not repeated here; if it is a secret, \
     replace it at its source";
