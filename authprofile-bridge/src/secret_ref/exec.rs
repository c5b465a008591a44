//! The source `exec`: exec protocol v1, asking.

use std::path::Path;
use std::sync::Arc;

use credential_provider_api::Clock;
use secrecy::{ExposeSecret as _, SecretString};

use super::answer::read_answer;
use super::configuration::ExecSource;
use super::environment::Environment;
use super::error::SecretRefProblem as Problem;
use super::program::{Invocation, ProgramEnd, Programs};
use super::{path, resolver};
use crate::exec::ExecRequest;

/// What a program is asked with.
pub(crate) struct Asking<'a> {
    pub(crate) alias: &'a str,
    pub(crate) source: &'a ExecSource,
    pub(crate) environment: &'a dyn Environment,
    pub(crate) programs: &'a Arc<dyn Programs>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) batch_bytes: usize,
}

impl Asking<'_> {
    /// The values of `ids`, in their order, from one run of the program. Dropping it kills the program.
    pub(crate) async fn resolve(
        self,
        ids: Vec<String>,
    ) -> Result<Vec<Result<SecretString, Problem>>, Problem> {
        let input = ExecRequest::new(self.alias, &ids).to_json();
        if input.len() > self.batch_bytes {
            return Err(Problem::BatchTooBig);
        }
        let source = self.source.clone();
        let deadline = self.clock.now().plus(source.timeout);
        let look = move || path::command(&source).map_err(Problem::Path);
        let command = resolver::blocking(look, self.clock, deadline, Problem::TimedOut).await??;
        let folder = command.parent().unwrap_or_else(|| Path::new("/")).to_owned();
        let invocation = Invocation {
            command,
            folder,
            args: self.source.args.clone(),
            variables: self.variables(),
            input,
            timeout: self.clock.now().until(deadline),
            no_output_timeout: self.source.no_output_timeout,
            max_output_bytes: self.source.max_output_bytes,
        };
        let output = self.programs.run(invocation).await;
        match output.end {
            ProgramEnd::Exited(Some(0)) => {}
            ProgramEnd::Exited(code) => return Err(Problem::Exited(code)),
            ProgramEnd::NotStarted => return Err(Problem::NotStarted),
            ProgramEnd::TimedOut => return Err(Problem::TimedOut),
            ProgramEnd::NoOutput => return Err(Problem::NoOutput),
            ProgramEnd::TooMuchOutput => return Err(Problem::TooMuchOutput),
        }
        read_answer(output.stdout.expose_secret(), &ids, self.source.answers)
    }

    /// `passEnv`, then `env`, which wins.
    fn variables(&self) -> Vec<(String, SecretString)> {
        let passed = self
            .source
            .pass_env
            .iter()
            .filter_map(|name| Some((name.clone(), self.environment.variable(name)?)));
        let given = self.source.env.iter().map(|(name, value)| (name.clone(), value.clone()));
        passed.chain(given).collect()
    }
}
