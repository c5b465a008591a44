//! The command line.

use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use crate::commands as of;
use crate::failure::Exit;

/// See and mend the credentials of a gateway.
///
/// It works on the gateway that runs on the same configuration, through its socket, and without one
/// directly on the configuration's store.
#[derive(Debug, Parser)]
#[command(name = "credentials", version, after_help = AFTER, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
CONFIGURATION
  --config PATH, else CREDENTIALS_CONFIG, else ~/.config/credentials/credentials.json5
  --socket PATH, else CREDENTIALS_SOCKET, else credentialGateway.socket of the configuration, else
  credentials.sock beside it. NO_COLOR and BROWSER are respected.

ACCESS
  `get`, `exec` and `migrate` are the consumer cli:credentials and need a rule in credentialAccess.
  The others hand no secret out.

EXIT CODES
  0 done                          5  it may work later
  1 doctor or check found         64 the command line cannot be understood
    something, or migrate failed  70 a bug
  2 a person must sign in         78 the configuration cannot be used
  3 the access rules deny it      130 interrupted
  4 not found or not configured   exec: the program's own; 126, 127 if it cannot be started";

/// What every command takes.
#[derive(clap::Args, Debug)]
pub(crate) struct Global {
    /// The configuration file
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// The socket of the gateway to ask
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "no_gateway")]
    pub(crate) socket: Option<PathBuf>,
    /// Work on the store, whether a gateway runs or not
    #[arg(long, global = true)]
    pub(crate) no_gateway: bool,
    /// Say on standard error what is done; no secret is ever in it
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log: Option<Level>,
}

/// How much is said.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Level {
    /// What failed
    Error,
    /// And what is strange
    Warn,
    /// And what happened
    Info,
    /// And how
    Debug,
    /// Everything
    Trace,
}

impl Level {
    pub(crate) const fn into_level(self) -> tracing::Level {
        match self {
            Self::Error => tracing::Level::ERROR,
            Self::Warn => tracing::Level::WARN,
            Self::Info => tracing::Level::INFO,
            Self::Debug => tracing::Level::DEBUG,
            Self::Trace => tracing::Level::TRACE,
        }
    }
}

/// What is wanted.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The configured providers, and whether each is in service
    Providers(of::providers::Arguments),
    /// The credentials that providers have
    List(of::list::Arguments),
    /// Where every credential is in its life
    Status(of::status::Arguments),
    /// One credential, masked
    Get(of::get::Arguments),
    /// Sign in: with a browser here, with a code elsewhere, or by pasting an address
    Login(of::login::Arguments),
    /// Sign out: the grant is removed, here and where possible at its source
    Logout(of::logout::Arguments),
    /// Renew now, and say whether something new came
    Refresh(of::refresh::Arguments),
    /// Ask the source whether it is well
    Check(of::check::Arguments),
    /// Take a credential back, here and where possible at its source
    Revoke(of::revoke::Arguments),
    /// Keep a secret that is typed or piped in
    Set(of::set::Arguments),
    /// Run a program with credentials in its environment, and in nobody else's
    Exec(of::exec::Arguments),
    /// Answer OpenClaw's exec SecretRefs; `credentials secretref --help`
    #[command(disable_help_flag = true)]
    Secretref(Passed),
    /// The last lines of the audit trail
    Audit(of::audit::Arguments),
    /// Move plaintext keys of OpenClaw profiles to a provider; shows the plan unless told to apply it
    Migrate(of::migrate::Arguments),
    /// What is wrong, and what to do about it
    Doctor(of::doctor::Arguments),
    /// A script that completes this command's words in a shell
    Completions(of::completions::Arguments),
}

/// Words for the resolver, which reads them itself before this parser does.
#[derive(clap::Args, Debug)]
pub(crate) struct Passed {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<String>,
}

/// Says what is wrong with a command line without repeating what was typed: it may hold a secret.
pub(crate) fn misunderstood(error: &clap::Error) -> Exit {
    use std::io::Write as _;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = write!(std::io::stdout(), "{}", error.render());
            Exit::Done
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = write!(std::io::stderr(), "{}", error.render());
            Exit::Usage
        }
        kind => {
            let about = about(error).map(|about| format!(": {about}")).unwrap_or_default();
            let what = kind.as_str().unwrap_or("the command line cannot be understood");
            let line = format!("credentials: {what}{about}; see `credentials --help`");
            let _ = writeln!(std::io::stderr(), "{line}");
            Exit::Usage
        }
    }
}

/// The option or suggestion it is about, where those are our own words.
fn about(error: &clap::Error) -> Option<String> {
    let of = |kind| match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join(", ")),
        _ => None,
    };
    match error.kind() {
        ErrorKind::UnknownArgument => {
            of(ContextKind::SuggestedArg).map(|is| format!("{is} is one"))
        }
        ErrorKind::InvalidSubcommand => {
            of(ContextKind::SuggestedSubcommand).map(|is| format!("{is} is one"))
        }
        ErrorKind::InvalidValue
        | ErrorKind::ValueValidation
        | ErrorKind::MissingRequiredArgument
        | ErrorKind::ArgumentConflict
        | ErrorKind::NoEquals
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues => of(ContextKind::InvalidArg),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
