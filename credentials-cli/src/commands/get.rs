//! `credentials get`

use credential_host::control::{Answer, Operation, Reveal, Served, Shown};
use secrecy::ExposeSecret as _;

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::{moment, plain, until};
use crate::whose::Which;

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Show the secret itself, to a terminal and to nothing else
    #[arg(long)]
    reveal: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let of = arguments.which.named()?;
    if arguments.reveal && !context.terminal.shows {
        return Err(Failure::usage(NOT_A_TERMINAL));
    }
    let reveal = if arguments.reveal { Reveal::Secret } else { Reveal::Masked };
    let mut backend = Backend::open(context).await?;
    let asked = backend.perform(Operation::Get { of, reveal });
    let answer = context.terminal.during("asking for it", asked).await?;
    let Answer::Credential(shown) = answer else { return Err(Failure::unexpected()) };
    show(context, &shown);
    Ok(Exit::Done)
}

const NOT_A_TERMINAL: &str = "a secret is shown to a terminal only: to give it to a program, run that \
     program with it, and it is in no pipe, file or history:\n  \
     credentials exec --env NAME=PROVIDER/ID -- PROGRAM";

fn show(context: &Context, shown: &Shown) {
    let line =
        |name: &str, value: &str| context.terminal.say(format!("{name:<12}{}", plain(value)));
    line("credential", &shown.credential);
    line("kind", &shown.kind);
    if let Some(account) = &shown.account {
        line("account", account);
    }
    if !shown.scopes.is_empty() {
        line("scopes", &shown.scopes.join(" "));
    }
    if !shown.origins.is_empty() {
        line("origins", &shown.origins.join(" "));
    }
    if let Some(end) = shown.expires_at {
        line("ends", &format!("{} ({})", until(end), moment(end)));
    }
    if let Some(revision) = shown.revision {
        line("revision", &revision.to_string());
    }
    for (name, served) in &shown.fields {
        match served {
            Served::Masked(mask) => line(name, mask),
            Served::Secret(secret) => {
                let secret = secret.clone().into_inner();
                // A key may have lines; none of them moves the cursor.
                let mut lines = secret.expose_secret().lines();
                line(name, lines.next().unwrap_or_default());
                lines.for_each(|more| context.terminal.say(plain(more)));
            }
            _ => {}
        }
    }
}
