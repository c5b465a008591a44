//! `credentials doctor`

mod exposed;
mod finding;
mod plaintext;
mod running;

use self::finding::{Finding, Level};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::plain;

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// For another program to read
    #[arg(long)]
    json: bool,
    /// Exit with 1 for what only could be better, too
    #[arg(long)]
    strict: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let document = context.document()?;
    let mut findings = vec![Finding::fine(format!("configuration: {}", document.path().display()))];
    findings.extend(exposed::look(&document)?);
    findings.extend(running::look(context, &document).await);
    findings.extend(plaintext::look(&document).await);
    if arguments.json {
        super::json(context, &findings)?;
    } else {
        for finding in &findings {
            show(context, finding);
        }
    }
    let worst = if arguments.strict { Level::Better } else { Level::Wrong };
    let found = findings.iter().any(|finding| finding.level >= worst);
    Ok(if found { Exit::Found } else { Exit::Done })
}

fn show(context: &Context, finding: &Finding) {
    let terminal = &context.terminal;
    let mark = match finding.level {
        Level::Fine => terminal.colour(32, "ok    "),
        Level::Better => terminal.colour(33, "better"),
        Level::Wrong => terminal.colour(31, "wrong "),
    };
    terminal.say(format!("{mark}  {}", plain(&finding.found)));
    if let Some(what) = &finding.to_do {
        terminal.say(format!("        → {}", plain(what)));
    }
}
