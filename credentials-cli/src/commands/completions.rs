//! `credentials completions`

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::context::Context;
use crate::failure::{Exit, Failure};

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Whose words
    shell: Shell,
}

pub(crate) fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let mut command = crate::arguments::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "credentials", &mut script);
    context.terminal.say(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Done)
}
