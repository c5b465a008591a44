//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

pub(super) const USAGE: &str = "\
refresh_storm --issuer URL --issuer-log FILE --browser COMMAND
              [--client pub] [--processes 8] [--tasks 64] [--rotations 20] [--kill]

COMMAND gets the address of the login page as its last argument, and ends up at the redirect.
FILE is the issuer's own log: one JSON object a token request.";

/// Which part of the program this process is.
pub(super) enum Role {
    Parent,
    /// Asks for the credential kept in this folder.
    Worker(PathBuf),
}

/// Whether processes are killed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kills {
    None,
    AtRandom,
}

pub(super) struct Options {
    pub(super) issuer: String,
    pub(super) client: String,
    pub(super) issuer_log: PathBuf,
    pub(super) browser: Vec<String>,
    pub(super) processes: usize,
    pub(super) tasks: usize,
    pub(super) rotations: usize,
    pub(super) kills: Kills,
}

impl Options {
    pub(super) fn read(
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<(Role, Self), String> {
        let mut role = Role::Parent;
        let mut options = Self {
            issuer: String::new(),
            client: "pub".to_owned(),
            issuer_log: PathBuf::new(),
            browser: Vec::new(),
            processes: 8,
            tasks: 64,
            rotations: 20,
            kills: Kills::None,
        };
        while let Some(name) = arguments.next() {
            if name == "--kill" {
                options.kills = Kills::AtRandom;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--issuer" => options.issuer = value,
                "--client" => options.client = value,
                "--issuer-log" => options.issuer_log = value.into(),
                "--browser" => {
                    options.browser = value.split_whitespace().map(str::to_owned).collect();
                }
                "--processes" => options.processes = number(&name, &value)?,
                "--tasks" => options.tasks = number(&name, &value)?,
                "--rotations" => options.rotations = number(&name, &value)?,
                "--worker" => role = Role::Worker(value.into()),
                _ => return Err(format!("{name} is not known")),
            }
        }
        let missing = options.issuer.is_empty()
            || matches!(role, Role::Parent)
                && (options.browser.is_empty() || options.issuer_log.as_os_str().is_empty());
        if missing {
            return Err("an issuer, its log and a browser are needed".to_owned());
        }
        Ok((role, options))
    }

    /// What a worker is started with.
    pub(super) fn of_worker(&self) -> [String; 6] {
        let of = |name: &str, value: &str| [name.to_owned(), value.to_owned()];
        let [[a, b], [c, d], [e, f]] = [
            of("--issuer", &self.issuer),
            of("--client", &self.client),
            of("--tasks", &self.tasks.to_string()),
        ];
        [a, b, c, d, e, f]
    }
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} is a number"))
}
