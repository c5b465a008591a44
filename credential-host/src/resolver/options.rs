//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use super::Failure;

/// What `--help` says.
pub(crate) const HELP: &str = r#"secretref: answers OpenClaw's exec SecretRefs from the credentials of a gateway

USAGE
  secretref --config PATH < request > answer
  secretref --measure N [--config PATH ID...]

  --config PATH   the configuration, JSON or JSON5; or CREDENTIALS_CONFIG in the environment,
                  which OpenClaw passes on if passEnv names it
  --measure N     start this program N times and /bin/true N times, and print the median times and
                  their ratio; without a configuration, for a static key of its own
  --help          this

TIME
  Everything is answered within 4 s of the start. An exchange of tokens that takes longer goes on in a
  process of its own, in its own process group, and is saved; the next start finds it.

ENVIRONMENT
  HOME, OPENCLAW_STATE_DIR and what else moves OpenClaw's and other tools' files: passEnv has to name
  what auth-profiles, tool-logins and references of source `store` need. A login of
  auth-profiles is not renewed here: a gateway's `issuer` is code of that gateway's.

IDS
  <provider>/<credential>, of the gateway: a credential of a session is refused. The consumer that
  needs a grant is secretref:exec.

CONFIGURATION
  {
    // where grants are kept: the gateway's own store, so that leases are shared. Relative to this file.
    credentialStore: { folder: "grants", keyFile: "grants.key" },
    // types: oauth, mcp, keychain, volcengine, auth-profiles, tool-logins, file
    credentialProviders: { vault: { type: "file", path: "/abs/keys.json" } },
    credentialAccess: [ { consumer: "secretref:exec", credential: "vault/openai" } ],
    // OpenClaw's section, for SecretRefs in settings above and in profiles; source `store` needs none
    secrets: { providers: { ci: { source: "env", allowlist: ["CI_KEY"] } } },
  }

IN OPENCLAW
  secrets.providers.ours = { source: "exec", command: "/abs/secretref",
    args: ["--config", "/abs/credentials.json5"], passEnv: ["HOME", "DBUS_SESSION_BUS_ADDRESS"] }
  apiKey = { source: "exec", provider: "ours", id: "vault/openai" }

EXIT CODES
  0   answered; an id that failed has its error in the answer
  2   the request is not JSON, has no ids, or is longer than 1 MiB
  3   no whole request came within 4 s
  4   standard input or output is broken
  64  the command line cannot be understood
  78  the configuration cannot be used"#;

/// The option by which this program starts itself.
pub(crate) const EXCHANGING: &str = "--exchanging";

/// How to answer.
#[derive(Debug)]
pub(crate) struct Options {
    /// The configuration file.
    pub(crate) configuration: PathBuf,
    /// For how long another process of this program waits for our answer; `None` if OpenClaw asks.
    pub(crate) exchanging: Option<Duration>,
}

/// What is wanted.
#[derive(Debug)]
pub(crate) enum Asked {
    Help,
    Answer(Options),
    Measure { runs: usize, configuration: Option<PathBuf>, ids: Vec<String> },
}

impl Options {
    /// Reads the command line. `configured` is the file that the environment names.
    pub(crate) fn parse(
        arguments: Vec<String>,
        configured: Option<String>,
    ) -> Result<Asked, Failure> {
        let mut configuration = configured.filter(|path| !path.is_empty()).map(PathBuf::from);
        let (mut runs, mut ids) = (None, Vec::new());
        let mut exchanging = None;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--help" | "-h" => return Ok(Asked::Help),
                "--config" => {
                    let path = arguments.next();
                    let path = path.ok_or_else(|| Failure::usage("--config needs a path"))?;
                    configuration = Some(path.into());
                }
                // Not in the help: only `exchange` says so.
                EXCHANGING => {
                    let wait = arguments.next().and_then(|wait| wait.parse().ok());
                    let wanted = || Failure::usage("this option is no one's but the program's own");
                    exchanging = Some(Duration::from_millis(wait.ok_or_else(wanted)?));
                }
                "--measure" => {
                    let count = arguments.next().and_then(|count| count.parse().ok());
                    let count = count.filter(|count: &usize| (1..=10_000).contains(count));
                    let wanted = || Failure::usage("--measure needs a number from 1 to 10000");
                    runs = Some(count.ok_or_else(wanted)?);
                }
                option if option.starts_with('-') => {
                    return Err(Failure::usage("an option is not known"));
                }
                _ => ids.push(argument),
            }
        }
        match (runs, configuration) {
            (Some(_), Some(_)) if ids.is_empty() => {
                Err(Failure::usage("--measure with a configuration needs ids"))
            }
            (Some(runs), configuration) => Ok(Asked::Measure { runs, configuration, ids }),
            (None, _) if !ids.is_empty() => {
                Err(Failure::usage("ids are read from standard input, not from the command line"))
            }
            (None, Some(configuration)) => Ok(Asked::Answer(Self { configuration, exchanging })),
            (None, None) => {
                Err(Failure::usage("no configuration: give --config PATH or CREDENTIALS_CONFIG"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str, configured: Option<&str>) -> Result<Asked, Failure> {
        let arguments = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(arguments, configured.map(str::to_owned))
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        for (line, configured) in
            [("--config /b", Some("/a")), ("--config /b", None), ("", Some("/b"))]
        {
            let Ok(Asked::Answer(options)) = parse(line, configured) else { panic!("{line}") };
            assert_eq!(options.configuration, PathBuf::from("/b"));
        }
    }

    #[test]
    fn what_is_not_understood_is_exit_code_64() {
        for line in [
            "",
            "--config",
            "--measure",
            "--measure 0",
            "--measure x",
            "--what",
            "--config /a vault/a",
        ] {
            assert_eq!(parse(line, None).unwrap_err().code, 64, "{line}");
        }
        assert_eq!(parse("--config /a --measure 3", None).unwrap_err().code, 64);
        assert!(parse("--what --help", None).is_err());
        assert!(matches!(parse("--help", None), Ok(Asked::Help)));
    }
}
