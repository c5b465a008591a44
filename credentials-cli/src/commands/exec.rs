//! `credentials exec`: a program with credentials in its environment.
//!
//! This process becomes the program, so signals, the terminal and the exit code are its own, and no
//! copy of a secret stays behind in a parent.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use credential_host::control::{Answer, Operation, Reveal, Served};
use credential_provider_api::{CredentialRef, EnvName, SecretString};
use resolution_engine::injection::BlockedName;
use secrecy::ExposeSecret as _;

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::run::Next;
use crate::whose::{self, Whose};

#[derive(clap::Args, Debug)]
#[command(
    override_usage = "credentials exec [--env NAME=PROVIDER/ID[#FIELD]]... -- PROGRAM [ARGS]..."
)]
pub(crate) struct Arguments {
    /// The variable, and the credential that is in it; the field where it has several. More than
    /// once; without any, the `credentialBindings` of cli:credentials
    #[arg(long, short, value_name = "NAME=PROVIDER/ID[#FIELD]")]
    env: Vec<String>,
    #[command(flatten)]
    whose: Whose,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// The longest value of a variable, as OpenClaw has it.
const LONGEST: usize = 32_768;

/// Values of fewer characters are in too many texts by chance, as the engine has it.
const SHORT: usize = 8;

/// A variable and where its value comes from.
struct Binding {
    name: EnvName,
    credential: CredentialRef,
    field: Option<String>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Next, Failure> {
    let mut words = arguments.program.into_iter();
    let program = words.next().ok_or_else(|| Failure::usage("name a program after --"))?;
    let bindings: Vec<Binding> =
        arguments.env.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
    let mut backend = Backend::open(context).await?;
    if bindings.is_empty() {
        return configured(context, &mut backend, &arguments.whose, program, words).await;
    }
    let mut values = BTreeMap::new();
    for binding in bindings {
        let of = arguments.whose.named(binding.credential.clone())?;
        let asked = backend.perform(Operation::Get { of, reveal: Reveal::Secret });
        let answer = context.terminal.during("asking for credentials", asked).await?;
        let Answer::Credential(shown) = answer else { return Err(Failure::unexpected()) };
        let value = pick(shown.fields, &binding)?;
        if values.insert(binding.name.as_str().to_owned(), value).is_some() {
            return Err(Failure::usage(format!("{} is given twice", binding.name.as_str())));
        }
    }
    let mut command = Command::new(program);
    command.args(words);
    for (name, value) in &values {
        if value.expose_secret().chars().count() < SHORT {
            let problem = "its value is too short to be masked in what the program says";
            context.terminal.complain(&format!("{name}: {problem}"));
        }
        command.env(name, value.expose_secret());
    }
    Ok(Next::Become(Box::new(command)))
}

/// With what the configuration binds.
async fn configured(
    context: &Context,
    backend: &mut Backend,
    whose: &Whose,
    program: OsString,
    words: impl Iterator<Item = OsString>,
) -> Result<Next, Failure> {
    let session = whose.session()?.map(|session| session.encoded().to_owned());
    let asked = backend.perform(Operation::Inject { session });
    let answer = context.terminal.during("asking for credentials", asked).await?;
    let Answer::Environment { set, removed, .. } = answer else {
        return Err(Failure::unexpected());
    };
    if set.is_empty() && removed.is_empty() {
        return Err(Failure::usage(
            "no variable is named: give --env, or bind credentials to cli:credentials in \
             credentialBindings",
        ));
    }
    let mut command = Command::new(program);
    command.args(words);
    for (name, value) in set {
        command.env(name, value.into_inner().expose_secret());
    }
    for name in removed {
        command.env_remove(name);
    }
    Ok(Next::Become(Box::new(command)))
}

fn read(text: &str) -> Result<Binding, Failure> {
    let form = || Failure::usage("--env takes NAME=PROVIDER/ID, or NAME=PROVIDER/ID#FIELD");
    let (name, source) = text.split_once('=').ok_or_else(form)?;
    let name = EnvName::new(name).map_err(|_| form())?;
    if BlockedName::of(&name).is_some() {
        return Err(Failure::usage(format!(
            "{} is not set: it would make the program load other code, or trust and send elsewhere; \
             choose another name",
            name.as_str()
        )));
    }
    let (credential, field) = match source.split_once('#') {
        Some((credential, field)) => (credential, Some(field.to_owned())),
        None => (source, None),
    };
    Ok(Binding { name, credential: whose::reference(credential)?, field })
}

fn pick(mut fields: BTreeMap<String, Served>, binding: &Binding) -> Result<SecretString, Failure> {
    let names = fields.keys().map(|name| format!("#{name}")).collect::<Vec<_>>().join(", ");
    let credential = &binding.credential;
    let served = match &binding.field {
        Some(field) => fields.remove(field),
        None if fields.len() == 1 => fields.pop_first().map(|(_, served)| served),
        None => None,
    };
    let Some(Served::Secret(secret)) = served else {
        return Err(Failure::usage(format!(
            "{credential} has the fields {names}: name one of them"
        )));
    };
    let secret = secret.into_inner();
    let text = secret.expose_secret();
    if text.contains('\0') || text.len() > LONGEST {
        let problem = "holds a zero byte or is longer than 32 KiB: no variable can have it";
        return Err(Failure::usage(format!("{credential} {problem}")));
    }
    Ok(secret)
}

/// Becomes the program; returns why it could not.
pub(crate) fn replace(mut command: Command) -> Failure {
    let error = command.exec();
    // Its name may be a secret in the wrong place.
    match error.kind() {
        ErrorKind::NotFound => Failure::new(Exit::NoProgram, "the program was not found"),
        _ => Failure::new(
            Exit::NotRunnable,
            "the program cannot be run: see its permissions and format",
        ),
    }
}
