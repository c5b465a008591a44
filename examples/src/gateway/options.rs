//! The command line of the story.

/// What `--help` prints.
pub const USAGE: &str = "\
A gateway on embedded defaults tells the life of its credentials, in about 30 seconds.

usage: gateway [--fast] [--keychain]
       gateway --config FILE

  --fast      shorter waits
  --keychain  keeps the key of the store of grants in the platform's keychain, in an item of this
              run's own, and removes it at the end; without this the key is in a file
  --config    serves this configuration until a signal ends it: see examples/gateway.json5
  --help      prints this

CREDENTIALS_LOG=trace, or another level, logs to standard error.
The story writes to one temporary folder, which is removed at the end, also after Ctrl-C.

Exit code of the story: 0 if all that it expects came true, 1 if not, 130 after Ctrl-C,
143 after SIGTERM. Exit code with --config: 0 after SIGTERM or Ctrl-C if all under way was
finished, 1 if not, 130 after the second of them, 69 if the socket or the port is not to be had,
78 if the configuration cannot be used. Either way: 64 for a wrong argument.";

/// How much time the story takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// To be read along.
    #[default]
    Told,
    /// To be checked.
    Fast,
}

/// Where the key of the store of grants is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a file.
    #[default]
    File,
    /// In the platform's keychain.
    Keychain,
}

/// How the story is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How much time it takes.
    pub pace: Pace,
    /// Where the key of the store is.
    pub key: KeyPlace,
}

impl Options {
    /// Reads the arguments of the command line.
    ///
    /// # Errors
    /// The first argument that means nothing.
    pub fn read(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--fast" => options.pace = Pace::Fast,
                "--keychain" => options.key = KeyPlace::Keychain,
                unknown => return Err(unknown.to_owned()),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options, String> {
        let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        Options::read(&arguments)
    }

    #[test]
    fn arguments_are_read_and_unknown_ones_refused() {
        assert_eq!(read(&[]), Ok(Options { pace: Pace::Told, key: KeyPlace::File }));
        let all = Options { pace: Pace::Fast, key: KeyPlace::Keychain };
        assert_eq!(read(&["--keychain", "--fast"]), Ok(all));
        assert_eq!(read(&["--fast", "--fats"]), Err("--fats".to_owned()));
    }
}
