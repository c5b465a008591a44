//! [`Backend`]: who carries operations out, a gateway that runs or this process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use credential_host::control::{
    Answer, Connection, Hello, Named, Operation, Operations, ProviderLine, SocketError, Source,
};

use credential_provider_api::{CredentialError, ErrorCode};

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::quoted;

/// Who carries operations out. Every command is written against [`perform`](Self::perform) alone.
#[derive(Debug)]
pub(crate) struct Backend {
    by: By,
    /// The configuration in force there.
    configuration: String,
}

const ON_THE_STORE: &str =
    "credentials: no gateway runs on this configuration; this is done on its store";

/// A gateway that runs greets at once, whatever else it does.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
enum By {
    Gateway { connection: Box<Connection>, socket: PathBuf },
    Store(Operations),
}

impl Backend {
    /// The gateway on this configuration's socket, if one runs; else this process, on the same store.
    /// A socket that was named has to answer.
    pub(crate) async fn open(context: &Context) -> Result<Self, Failure> {
        if context.global.no_gateway {
            return Self::of_store(context).await;
        }
        if let Some(socket) = context.named_socket() {
            let backend = Self::greeted(context, Connection::open(&socket).await?, &socket).await?;
            // Both were named.
            if context.global.config.is_some() {
                backend.runs_on(&context.document()?, &socket)?;
            }
            return Ok(backend);
        }
        let document = context.document()?;
        let socket = document.gateway()?.socket;
        let connection = match Connection::open(&socket).await {
            Err(SocketError::Nobody(_)) => return Self::of_store(context).await,
            opened => opened?,
        };
        let backend = Self::greeted(context, connection, &socket).await?;
        backend.runs_on(&document, &socket)?;
        Ok(backend)
    }

    /// Like [`open`](Self::open), for what changes something: without a gateway it says that this is
    /// done on the store, unless that was asked for.
    pub(crate) async fn open_to_change(context: &Context) -> Result<Self, Failure> {
        let backend = Self::open(context).await?;
        if backend.source() == Source::Store && !context.global.no_gateway {
            context.terminal.note(ON_THE_STORE);
        }
        Ok(backend)
    }

    fn runs_on(&self, document: &credential_host::Document, socket: &Path) -> Result<(), Failure> {
        if Path::new(&self.configuration) == document.path() || same(self, document) {
            return Ok(());
        }
        let message = format!(
            "{}: the gateway on this socket runs on {}; name that with --config, or work on \
             the store with --no-gateway",
            socket.display(),
            self.configuration
        );
        Err(Failure::new(Exit::Configuration, message))
    }

    async fn greeted(
        context: &Context,
        connection: Connection,
        socket: &Path,
    ) -> Result<Self, Failure> {
        let over = tokio::time::timeout(PATIENCE, Self::over(connection, socket));
        let over = context.terminal.during("waiting for the gateway", over).await;
        over.map_err(|_| {
            let socket = socket.display();
            let message = format!("{socket}: the gateway does not answer; restart it");
            Failure::new(Exit::Later, message)
        })?
    }

    async fn over(connection: Connection, socket: &Path) -> Result<Self, Failure> {
        let by = By::Gateway { connection: Box::new(connection), socket: socket.to_owned() };
        let mut backend = Self { by, configuration: String::new() };
        backend.configuration = backend.hello().await?.configuration;
        Ok(backend)
    }

    async fn of_store(context: &Context) -> Result<Self, Failure> {
        let host = context.open(context.document()?).await?;
        let configuration = host.document().path().display().to_string();
        Ok(Self { by: By::Store(Operations::of_store(host)), configuration })
    }

    /// Another one of the same, for what is to go on at the same time.
    pub(crate) async fn another(&self) -> Result<Self, Failure> {
        match &self.by {
            By::Gateway { socket, .. } => Self::over(Connection::open(socket).await?, socket).await,
            By::Store(operations) => {
                let configuration = self.configuration.clone();
                Ok(Self { by: By::Store(operations.clone()), configuration })
            }
        }
    }

    pub(crate) const fn source(&self) -> Source {
        match self.by {
            By::Gateway { .. } => Source::Gateway,
            By::Store(_) => Source::Store,
        }
    }

    /// Has `operation` carried out. What it refuses is told with what a person at this command can do.
    pub(crate) async fn perform(&mut self, operation: Operation) -> Result<Answer, Failure> {
        let of = named(&operation).cloned();
        let is_get = matches!(operation, Operation::Get { .. });
        let failure = match self.ask(operation).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let Some(of) = of else { return Err(failure) };
        if is_get && failure.is("access_denied") {
            return Err(self.denied(&of, failure).await);
        }
        if failure.is("provider_not_found") {
            return Err(self.not_built(of, failure).await);
        }
        if failure.is("needs_reauth") || failure.is("revoked") {
            return Err(failure.advise(format!("to sign in: {}", sign_in(&of))));
        }
        if failure.is("session_required") {
            let advice = "say whose: --session, --channel, --account and --requester, or --shared";
            return Err(failure.advise(advice));
        }
        Err(failure)
    }

    /// The rule that would grant it.
    pub(crate) fn rule(&self, credential: &str) -> String {
        format!(
            "to grant it to this command, add to credentialAccess in {}:\n  \
             {{ consumer: \"{}\", credential: \"{credential}\" }}",
            self.configuration,
            credential_host::CLI,
        )
    }

    pub(crate) async fn hello(&mut self) -> Result<Hello, Failure> {
        match self.ask(Operation::Hello).await? {
            Answer::Hello(hello) => Ok(hello),
            _ => Err(Failure::unexpected()),
        }
    }

    pub(crate) async fn providers(&mut self) -> Result<Vec<ProviderLine>, Failure> {
        match self.ask(Operation::Providers).await? {
            Answer::Providers { providers } => Ok(providers),
            _ => Err(Failure::unexpected()),
        }
    }

    async fn ask(&mut self, operation: Operation) -> Result<Answer, Failure> {
        let done = match &mut self.by {
            By::Gateway { connection, .. } => connection.perform(&operation).await?,
            By::Store(operations) => operations.perform(operation).await,
        };
        Ok(done?)
    }

    /// The next event of a gateway after [`Operation::Watch`]; `None` once it ends.
    pub(crate) async fn event(
        &mut self,
    ) -> Result<Option<credential_host::control::Reply>, Failure> {
        match &mut self.by {
            By::Gateway { connection, .. } => Ok(connection.next().await?),
            By::Store(_) => Ok(None),
        }
    }

    /// The rules are looked at first. A rule is of no use where there is nothing to grant.
    async fn denied(&mut self, of: &Named, failure: Failure) -> Failure {
        let rule = self.rule(&of.credential.to_string());
        let Ok(providers) = self.providers().await else { return failure.advise(rule) };
        let mut lines = providers.into_iter();
        let line = lines.find(|line| line.id == of.credential.provider.as_str());
        match line.map(|line| line.problem) {
            Some(None) => failure.advise(rule),
            Some(Some(problem)) => Failure::new(Exit::Configuration, problem),
            None => {
                let missing = CredentialError::new(ErrorCode::ProviderNotFound, "");
                let failure = Failure::from(missing.about(&of.credential));
                failure.advise("`credentials providers` lists those that are configured")
            }
        }
    }

    /// A provider that is configured and could not be built is not "not found".
    async fn not_built(&mut self, of: Named, failure: Failure) -> Failure {
        let Ok(providers) = self.providers().await else { return failure };
        let mut lines = providers.into_iter();
        let line = lines.find(|line| line.id == of.credential.provider.as_str());
        match line.and_then(|line| line.problem) {
            Some(problem) => Failure { exit: Exit::Configuration, ..failure }.advise(problem),
            None => failure.advise("`credentials providers` lists those that are configured"),
        }
    }
}

/// How a person signs in to it: a line for a shell, whoever has named the session.
pub(crate) fn sign_in(of: &Named) -> String {
    on("login", of)
}

/// How a person types it in.
pub(crate) fn set(of: &Named) -> String {
    on("set", of)
}

fn on(command: &str, of: &Named) -> String {
    let option = |name: &str, text: &Option<String>| {
        text.as_ref().map(|text| format!(" --{name} {}", quoted(text))).unwrap_or_default()
    };
    let (whose, variant) = (option("encoded", &of.session), option("variant", &of.variant));
    format!("credentials {command} {}{whose}{variant}", quoted(&of.credential.to_string()))
}

fn same(backend: &Backend, document: &credential_host::Document) -> bool {
    let whole = |path: &Path| std::fs::canonicalize(path).ok();
    whole(Path::new(&backend.configuration))
        .is_some_and(|theirs| Some(theirs) == whole(document.path()))
}

const fn named(operation: &Operation) -> Option<&Named> {
    match operation {
        Operation::Get { of, .. }
        | Operation::Refresh { of }
        | Operation::Check { of }
        | Operation::Revoke { of }
        | Operation::Logout { of }
        | Operation::Login { of, .. } => Some(of),
        _ => None,
    }
}
