//! Sign-ins, from the first step to the last.

mod browser;
mod doorway;
mod elsewhere;
mod fields;
mod page;

use std::time::Duration;

use credential_host::control::{
    Answer, FlowLine, FlowStanding, Named, Operation, Refusal, Secret, Step, Typed,
};
use oauth_provider::{LoopbackAddress, LoopbackListener};

use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::terminal::plain;

/// How a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Way {
    /// In a browser that is opened here
    Browser,
    /// With a code, in a browser anywhere
    Device,
    /// In a browser anywhere, whose last address is pasted here
    Paste,
    /// By typing in what is asked for
    Fields,
}

impl Way {
    const fn method(self) -> &'static str {
        match self {
            Self::Browser | Self::Paste => "authorization_code",
            Self::Device => "device_code",
            Self::Fields => "fields",
        }
    }
}

/// What is wanted of a sign-in.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) of: Named,
    /// The best there is unless given.
    pub(crate) way: Option<Way>,
    pub(crate) account: Option<String>,
}

/// Signs a person in, and returns as whom, where the source tells. One that is not finished here is
/// ended, so that nobody else can finish it: after Ctrl-C and SIGTERM too.
pub(crate) async fn sign_in(
    context: &Context,
    backend: &mut Backend,
    wanted: Wanted,
) -> Result<Option<String>, Failure> {
    let (mut line, mut under_way) = start(context, backend, wanted).await?;
    let flow = line.flow.clone();
    loop {
        let moved = tokio::select! {
            moved = under_way.next(context, backend, line) => moved,
            () = context.leaving.heard() => Err(Failure::new(Exit::Interrupted, "interrupted")),
        };
        line = match moved {
            Ok(Moved::On(line)) => line,
            Ok(Moved::Done(account)) => return Ok(account.map(|account| plain(&account))),
            Err(failure) => {
                let _ = backend.perform(Operation::Cancel { flow }).await;
                return Err(failure);
            }
        };
    }
}

enum Moved {
    On(FlowLine),
    Done(Option<String>),
}

/// What this end of a sign-in has in hand.
struct UnderWay {
    way: Option<Way>,
    listener: Option<LoopbackListener>,
    /// How long to wait before the next poll, once a code was shown.
    pause: Option<Duration>,
}

async fn start(
    context: &Context,
    backend: &mut Backend,
    wanted: Wanted,
) -> Result<(FlowLine, UnderWay), Failure> {
    let way = match wanted.way {
        Some(way) => Some(way),
        None => best(context, backend, &wanted.of).await?,
    };
    match attempt(context, backend, &wanted, way).await {
        // The provider would, its issuer does not.
        Err(failure)
            if wanted.way.is_none()
                && way == Some(Way::Device)
                && failure.code.as_deref() == Some("unsupported") =>
        {
            attempt(context, backend, &wanted, Some(Way::Paste)).await
        }
        done => done,
    }
}

async fn attempt(
    context: &Context,
    backend: &mut Backend,
    wanted: &Wanted,
    way: Option<Way>,
) -> Result<(FlowLine, UnderWay), Failure> {
    // Where a browser comes back to, if it runs on this machine.
    let listener = match way {
        Some(Way::Browser | Way::Paste) => Some(LoopbackListener::bind(LoopbackAddress::V4).await?),
        _ => None,
    };
    let login = Operation::Login {
        of: wanted.of.clone(),
        method: way.map(|way| way.method().to_owned()),
        redirect_uri: listener.as_ref().map(LoopbackListener::redirect_uri),
        account: wanted.account.clone(),
    };
    let asked = context.terminal.during("asking for a sign-in", backend.perform(login)).await?;
    Ok((flow_of(asked)?, UnderWay { way, listener, pause: None }))
}

/// A browser here, a code elsewhere, an address pasted, fields: the first that is possible.
async fn best(
    context: &Context,
    backend: &mut Backend,
    of: &Named,
) -> Result<Option<Way>, Failure> {
    let providers = backend.providers().await?;
    let Some(line) = providers.iter().find(|line| line.id == of.credential.provider.as_str())
    else {
        return Ok(None);
    };
    let has = |method: &str| line.sign_in.iter().any(|known| known == method);
    Ok(if has("authorization_code") && browser::is_there() {
        Some(Way::Browser)
    } else if has("device_code") && context.terminal.asks {
        Some(Way::Device)
    } else if has("authorization_code") {
        Some(Way::Paste)
    } else if has("fields") {
        Some(Way::Fields)
    } else {
        None
    })
}

impl UnderWay {
    async fn next(
        &mut self,
        context: &Context,
        backend: &mut Backend,
        line: FlowLine,
    ) -> Result<Moved, Failure> {
        let FlowLine { flow, expires_at, standing, .. } = line;
        let typed = match standing {
            FlowStanding::Done { account } => return Ok(Moved::Done(account)),
            FlowStanding::Failed(refusal) => return Err(refusal.into()),
            FlowStanding::Working { poll_after: Some(after) } => {
                self.pause = Some(Duration::from_millis(after));
                self.wait(context).await;
                Typed::Poll
            }
            FlowStanding::Working { poll_after: None } => {
                return Ok(Moved::On(look(backend, flow).await?));
            }
            FlowStanding::Step(Step::OpenUrl { url, poll_every }) => {
                let way = self.way.unwrap_or(Way::Paste);
                let page = page::Page { flow: flow.clone(), expires_at, url, poll_every };
                match page.visit(context, backend, way, self.listener.take()).await? {
                    page::Came::Back(typed) => typed,
                    page::Came::Elsewhere(line) => return Ok(Moved::On(line)),
                }
            }
            FlowStanding::Step(Step::ShowCode { code, url, complete_url, poll_every }) => {
                if self.pause.is_none() {
                    elsewhere::show(context, &code, &url, complete_url.as_ref())?;
                }
                let pause = Duration::from_millis(poll_every);
                self.pause = Some(self.pause.map_or(pause, |longer| longer.max(pause)));
                self.wait(context).await;
                Typed::Poll
            }
            FlowStanding::Step(Step::AskFields { fields }) => {
                Typed::Fields(fields::ask(context, &fields).await?)
            }
            FlowStanding::Step(Step::ConfirmAccount { expected, found }) => {
                confirm(context, &expected, &found).await?
            }
            _ => return Err(Failure::unexpected()),
        };
        let is_poll = matches!(typed, Typed::Poll);
        let answer = Operation::Answer { flow: flow.clone(), typed };
        let answered = context.terminal.during("signing in", backend.perform(answer)).await;
        match answered {
            Ok(answer) => Ok(Moved::On(flow_of(answer)?)),
            // A poll that did not get through is tried again until the sign-in ends.
            Err(failure) if is_poll && failure.exit == Exit::Later => {
                self.wait(context).await;
                Ok(Moved::On(look(backend, flow).await?))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn wait(&self, context: &Context) {
        let pause = tokio::time::sleep(self.pause.unwrap_or(Duration::from_secs(5)));
        context.terminal.during("waiting for the sign-in to be finished elsewhere", pause).await;
    }
}

async fn confirm(context: &Context, expected: &str, found: &str) -> Result<Typed, Failure> {
    let (expected, found) = (plain(expected), plain(found));
    if !context.terminal.asks {
        let message = format!(
            "{found} signed in, and {expected} was expected: nothing was kept. Sign in as \
             {expected}, or confirm the other account at a terminal"
        );
        return Err(Failure::new(Exit::SignIn, message));
    }
    let question = format!("{found} signed in, and {expected} was expected. Keep {found}?");
    let agreed = context.terminal.agrees(&question).await?;
    Ok(if agreed { Typed::Confirm } else { Typed::Decline })
}

async fn look(backend: &mut Backend, flow: Secret) -> Result<FlowLine, Failure> {
    flow_of(backend.perform(Operation::Flow { flow }).await?)
}

fn flow_of(answer: Answer) -> Result<FlowLine, Failure> {
    match answer {
        Answer::Flow(line) => Ok(line),
        _ => Err(Failure::unexpected()),
    }
}

/// What keeping a secret that was typed comes to: a sign-in by fields.
pub(crate) async fn keep(
    backend: &mut Backend,
    of: Named,
    secret: credential_provider_api::SecretString,
) -> Result<(), Failure> {
    let method = Some(Way::Fields.method().to_owned());
    let login = Operation::Login { of, method, redirect_uri: None, account: None };
    let line = flow_of(backend.perform(login).await?)?;
    let flow = line.flow;
    let FlowStanding::Step(Step::AskFields { fields }) = line.standing else {
        let _ = backend.perform(Operation::Cancel { flow }).await;
        return Err(Failure::usage("this provider does not keep what is typed in"));
    };
    let [field] = fields.as_slice() else {
        let _ = backend.perform(Operation::Cancel { flow }).await;
        return Err(Failure::usage("this credential consists of several fields"));
    };
    let typed = Typed::Fields([(field.name.clone(), Secret::from(secret))].into());
    let answer = Operation::Answer { flow: flow.clone(), typed };
    let mut line = match backend.perform(answer).await {
        Ok(answer) => flow_of(answer)?,
        Err(failure) => {
            let _ = backend.perform(Operation::Cancel { flow }).await;
            return Err(failure);
        }
    };
    loop {
        line = match line.standing {
            FlowStanding::Done { .. } => return Ok(()),
            FlowStanding::Failed(refusal) => return Err(refused(refusal)),
            FlowStanding::Working { .. } => look(backend, line.flow).await?,
            _ => return Err(Failure::usage("this provider asks for more than a secret")),
        };
    }
}

fn refused(refusal: Refusal) -> Failure {
    refusal.into()
}
