//! Where a configuration is looked for.

use std::ffi::OsString;
use std::path::PathBuf;

use super::DocumentError;

/// Where a configuration is looked for, in order: what the command line says, the variable
/// `CREDENTIALS_CONFIG`, `credentials/credentials.json5` in the user's folder of configurations
/// (`XDG_CONFIG_HOME`, else `.config` in the home folder).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    said: Option<PathBuf>,
    variable: Option<PathBuf>,
    default: Option<PathBuf>,
}

impl Places {
    /// From the command line and an environment.
    pub fn new(said: Option<PathBuf>, environment: impl Fn(&str) -> Option<OsString>) -> Self {
        let of =
            |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // A relative folder of configurations is to be ignored (XDG Base Directory Specification).
        let folder = of("XDG_CONFIG_HOME")
            .filter(|folder| folder.is_absolute())
            .or_else(|| of("HOME").map(|home| home.join(".config")));
        let default = folder.map(|folder| folder.join("credentials").join("credentials.json5"));
        Self { said, variable: of("CREDENTIALS_CONFIG"), default }
    }

    /// From the command line and the environment of this process.
    #[must_use]
    pub fn of_this_process(said: Option<PathBuf>) -> Self {
        Self::new(said, |name| std::env::var_os(name))
    }

    /// The file to read. One that was named is taken whether it exists or not.
    ///
    /// # Errors
    /// None was named and there is none at the usual place.
    pub fn find(&self) -> Result<PathBuf, DocumentError> {
        if let Some(named) = self.said.as_ref().or(self.variable.as_ref()) {
            return Ok(named.clone());
        }
        let ways = "give --config PATH, set CREDENTIALS_CONFIG, or write one";
        match &self.default {
            Some(path) if path.exists() => Ok(path.clone()),
            Some(path) => Err(DocumentError::new(
                "no configuration:",
                format!("{ways} at {}", path.display()),
            )),
            None => Err(DocumentError::new("no configuration:", ways)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
    }

    #[test]
    fn flag_before_variable_before_the_usual_place() {
        let all = &[("CREDENTIALS_CONFIG", "/v"), ("HOME", "/h")];
        let flag = Places::new(Some("/f".into()), environment(all));
        assert_eq!(flag.find().unwrap(), PathBuf::from("/f"));
        let variable = Places::new(None, environment(all));
        assert_eq!(variable.find().unwrap(), PathBuf::from("/v"));
    }

    #[test]
    fn where_there_is_none_the_error_says_where_to_write_one() {
        for (pairs, expected) in [
            (&[("HOME", "/nowhere")][..], "/nowhere/.config/credentials/credentials.json5"),
            (&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/nowhere")], "/nowhere/credentials/"),
            (&[("HOME", "/nowhere"), ("XDG_CONFIG_HOME", "x")], "/nowhere/.config/"),
            (&[], "give --config"),
        ] {
            let said = Places::new(None, environment(pairs)).find().unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
    }
}
