//! `credentials login`

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::sign_in::{Wanted, Way, sign_in};
use crate::whose::Which;

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// How; the best that is possible here unless given
    #[arg(long, value_name = "WAY")]
    by: Option<Way>,
    /// Ask before another account than this counts
    #[arg(long, value_name = "ACCOUNT")]
    expect_account: Option<String>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let of = arguments.which.named()?;
    let mut backend = Backend::open_to_change(context).await?;
    let name = of.credential.to_string();
    let wanted = Wanted { of, way: arguments.by, account: arguments.expect_account };
    let account = sign_in(context, &mut backend, wanted).await?;
    let whom = account.map(|account| format!(" as {account}")).unwrap_or_default();
    context.terminal.say(format!("{name}: signed in{whom}"));
    Ok(Exit::Done)
}
