//! [`SecretsConfiguration`]: the `secrets` section of OpenClaw's configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use credential_provider_api::{ConfigError, SecretSource};
use secrecy::SecretString;
use serde_json::Value;

use super::grammar::{check_alias, is_name};
use super::walk::Place;

/// The sources, the default aliases and the limits. Fields that are not known are allowed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SecretsConfiguration {
    /// By alias.
    pub sources: BTreeMap<String, SourceConfiguration>,
    /// The aliases of references without one.
    pub defaults: Defaults,
    /// How much at a time.
    pub limits: ResolutionLimits,
}

/// One source.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SourceConfiguration {
    /// Variables of the process.
    Env(EnvSource),
    /// A file.
    File(FileSource),
    /// A program.
    Exec(ExecSource),
    /// OpenClaw's own store.
    Store,
    /// A program that a plugin of OpenClaw brings (`pluginIntegration`): only OpenClaw knows it.
    Plugin,
    /// A kind of source not known here.
    Unknown,
}

impl SourceConfiguration {
    /// Whether references to `source` may name it.
    pub(crate) fn is_of(&self, source: SecretSource) -> bool {
        match self {
            Self::Env(_) => source == SecretSource::Env,
            Self::File(_) => source == SecretSource::File,
            Self::Exec(_) | Self::Plugin => source == SecretSource::Exec,
            Self::Store => source == SecretSource::Store,
            Self::Unknown => false,
        }
    }
}

/// Variables of the process.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EnvSource {
    /// The only names that may be read; all may, without it.
    pub allowlist: Option<Vec<String>>,
}

/// A file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileSource {
    /// Where it is.
    pub path: PathBuf,
    /// How it is read.
    pub mode: FileMode,
    /// How long reading may take.
    pub timeout: Duration,
    /// How long it may be, in bytes.
    pub max_bytes: usize,
}

/// How a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileMode {
    /// A JSON object; ids are pointers into it.
    #[default]
    Json,
    /// The whole file is the value; the only id is `value`.
    SingleValue,
}

/// A program. `Debug` hides its arguments and variables.
#[derive(Clone)]
#[non_exhaustive]
pub struct ExecSource {
    /// The program.
    pub command: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// How long it may run.
    pub timeout: Duration,
    /// How long it may be silent.
    pub no_output_timeout: Duration,
    /// How much it may say, on both of its outputs, in bytes.
    pub max_output_bytes: usize,
    /// Whether the answer to a single id must be JSON, too.
    pub answers: Answers,
    /// Variables it gets with these values.
    pub env: BTreeMap<String, SecretString>,
    /// Variables it gets with the values they have here.
    pub pass_env: Vec<String>,
    /// The folders its real path must be in; any folder if empty.
    pub trusted_dirs: Vec<PathBuf>,
    /// Whether owner, mode and hard links are judged.
    pub judged: Judged,
    /// Whether its path may be a symbolic link.
    pub links: Links,
}

/// What a program may answer (`jsonOnly`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answers {
    /// The protocol only.
    #[default]
    Protocol,
    /// The value itself as well, if one id was asked for.
    PlainToo,
}

/// What is judged about a program's file (`allowInsecurePath`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Judged {
    /// Owner, mode and hard links too.
    #[default]
    All,
    /// Only that it is an absolute path to a regular file.
    PathOnly,
}

/// What happens at a symbolic link (`allowSymlinkCommand`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Links {
    /// It is refused.
    #[default]
    Refused,
    /// It is followed, and its target judged.
    Followed,
}

/// `secrets.defaults`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Defaults {
    aliases: BTreeMap<&'static str, String>,
}

/// `secrets.resolution`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolutionLimits {
    /// Groups under way at a time.
    pub groups: usize,
    /// Ids of one group.
    pub ids: usize,
    /// Bytes of one request to a program.
    pub batch_bytes: usize,
}

impl Default for ResolutionLimits {
    fn default() -> Self {
        Self { groups: 4, ids: 512, batch_bytes: 256 << 10 }
    }
}

const SECONDS_5: u64 = 5_000;
const MIB: u64 = 1 << 20;
/// Above these a setting is an error: it is a typing error, or the host's memory is at stake.
const MOST_MILLIS: u64 = 120_000;
const MOST_BYTES: u64 = 20 * MIB;

impl Defaults {
    /// The alias of a reference to `source` that names none.
    #[must_use]
    pub fn alias(&self, source: SecretSource) -> &str {
        self.configured(source).unwrap_or("default")
    }

    fn configured(&self, source: SecretSource) -> Option<&str> {
        self.aliases.get(name_of(source)).map(String::as_str)
    }
}

pub(crate) const fn name_of(source: SecretSource) -> &'static str {
    match source {
        SecretSource::Env => "env",
        SecretSource::File => "file",
        SecretSource::Exec => "exec",
        _ => "store",
    }
}

impl SecretsConfiguration {
    /// Reads the section; `path` is where it stands in the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] with the path of what is wrong. No value is repeated.
    pub fn read(path: &str, section: &Value) -> Result<Self, ConfigError> {
        let section = Place::new(path, section);
        let mut found = Self::default();
        if let Some(providers) = section.member("providers")? {
            for (alias, place) in providers.members()? {
                if !check_alias(alias) {
                    return Err(providers.error("has an alias that is not [a-z][a-z0-9_-]{0,63}"));
                }
                found.sources.insert(alias.to_owned(), source(&place)?);
            }
        }
        if let Some(defaults) = section.member("defaults")? {
            for name in ["env", "file", "exec", "store"] {
                if let Some(place) = defaults.member(name)? {
                    let alias = place.text()?;
                    if !check_alias(alias) {
                        return Err(place.error("is not an alias: [a-z][a-z0-9_-]{0,63}"));
                    }
                    found.defaults.aliases.insert(name, alias.to_owned());
                }
            }
        }
        if let Some(limits) = section.member("resolution")? {
            let usual = ResolutionLimits::default();
            found.limits = ResolutionLimits {
                groups: size(&limits, "maxProviderConcurrency", usual.groups, 64)?,
                ids: size(&limits, "maxRefsPerProvider", usual.ids, 65_536)?,
                batch_bytes: size(&limits, "maxBatchBytes", usual.batch_bytes, MOST_BYTES)?,
            };
        }
        Ok(found)
    }
}

fn source(place: &Place<'_>) -> Result<SourceConfiguration, ConfigError> {
    let kind = place.member("source")?.ok_or_else(|| place.error("has no source"))?;
    Ok(match kind.text()? {
        "env" => {
            let allowlist = match place.member("allowlist")? {
                None => None,
                Some(list) => {
                    let names = list.texts()?;
                    if !names.iter().all(|name| is_name(name)) {
                        return Err(list.error("has a name that is not [A-Z][A-Z0-9_]{0,127}"));
                    }
                    Some(names.into_iter().map(str::to_owned).collect())
                }
            };
            SourceConfiguration::Env(EnvSource { allowlist })
        }
        "file" => SourceConfiguration::File(file(place)?),
        "exec" if place.member("pluginIntegration")?.is_some() => SourceConfiguration::Plugin,
        "exec" => SourceConfiguration::Exec(exec(place)?),
        "store" => SourceConfiguration::Store,
        _ => SourceConfiguration::Unknown,
    })
}

fn file(place: &Place<'_>) -> Result<FileSource, ConfigError> {
    let mode = match place.member("mode")? {
        None => FileMode::Json,
        Some(mode) => match mode.text()? {
            "json" => FileMode::Json,
            "singleValue" => FileMode::SingleValue,
            _ => return Err(mode.error("is neither json nor singleValue")),
        },
    };
    Ok(FileSource {
        path: path(place, "path")?,
        mode,
        timeout: millis(place, "timeoutMs", Duration::from_millis(SECONDS_5))?,
        max_bytes: size(place, "maxBytes", 1 << 20, MOST_BYTES)?,
    })
}

fn exec(place: &Place<'_>) -> Result<ExecSource, ConfigError> {
    let list = |name: &str| match place.member(name)? {
        None => Ok(Vec::new()),
        Some(list) => Ok(list.texts()?.into_iter().map(str::to_owned).collect::<Vec<_>>()),
    };
    let flag = |name: &str, usual: bool| match place.member(name)? {
        None => Ok(usual),
        Some(flag) => flag.flag(),
    };
    let mut env = BTreeMap::new();
    if let Some(variables) = place.member("env")? {
        for (name, value) in variables.members()? {
            if !is_variable(name) {
                return Err(variables.error("has a name that no variable can have"));
            }
            env.insert(name.to_owned(), SecretString::from(value.text()?));
        }
    }
    let pass_env = list("passEnv")?;
    if !pass_env.iter().all(|name| is_variable(name)) {
        return Err(place.error("has a name in passEnv that no variable can have"));
    }
    let timeout = millis(place, "timeoutMs", Duration::from_millis(SECONDS_5))?;
    Ok(ExecSource {
        command: path(place, "command")?,
        args: list("args")?,
        timeout,
        no_output_timeout: millis(place, "noOutputTimeoutMs", timeout)?,
        max_output_bytes: size(place, "maxOutputBytes", 1 << 20, MOST_BYTES)?,
        answers: if flag("jsonOnly", true)? { Answers::Protocol } else { Answers::PlainToo },
        env,
        pass_env,
        trusted_dirs: list("trustedDirs")?.into_iter().map(PathBuf::from).collect(),
        judged: if flag("allowInsecurePath", false)? { Judged::PathOnly } else { Judged::All },
        links: if flag("allowSymlinkCommand", false)? { Links::Followed } else { Links::Refused },
    })
}

/// What the operating system takes as the name of a variable.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// Whether it is absolute is said where it is used, as of any path.
fn path(place: &Place<'_>, name: &str) -> Result<PathBuf, ConfigError> {
    let found = place.member(name)?;
    let found = found.ok_or_else(|| place.error(&format!("has no {name}")))?;
    match found.text()? {
        "" => Err(found.error("is empty")),
        text => Ok(PathBuf::from(text)),
    }
}

fn millis(place: &Place<'_>, name: &str, usual: Duration) -> Result<Duration, ConfigError> {
    Ok(match place.member(name)? {
        None => usual,
        Some(number) => Duration::from_millis(number.number(MOST_MILLIS)?),
    })
}

fn size(place: &Place<'_>, name: &str, usual: usize, most: u64) -> Result<usize, ConfigError> {
    Ok(match place.member(name)? {
        None => usual,
        Some(number) => usize::try_from(number.number(most)?).unwrap_or(usual),
    })
}

impl fmt::Debug for ExecSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecSource")
            .field("command", &self.command)
            .field("args", &self.args.len())
            .field("env", &self.env.keys())
            .field("passEnv", &self.pass_env)
            .finish_non_exhaustive()
    }
}
