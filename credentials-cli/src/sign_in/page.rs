//! A page to sign in at, and the way back from it.

use std::sync::Arc;
use std::time::Duration;

use credential_host::control::{FlowLine, FlowStanding, Operation, Secret, Step, Typed};
use credential_provider_api::{Clock, FlowId, SignInAnswer, Timestamp};
use oauth_provider::LoopbackListener;
use resolution_engine::{SystemClock, SystemRandom};
use secrecy::ExposeSecret as _;

use super::doorway::Doorway;
use super::{Way, browser, flow_of};
use crate::backend::Backend;
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// A step that is an address to open.
pub(super) struct Page {
    pub(super) flow: Secret,
    pub(super) expires_at: u64,
    pub(super) url: Secret,
    pub(super) poll_every: Option<u64>,
}

/// How a person came back from it.
pub(super) enum Came {
    /// With this.
    Back(Typed),
    /// Not here; the sign-in stands there now.
    Elsewhere(FlowLine),
}

impl Page {
    /// Shows the page, and waits until the person comes back: to the listener, by pasting, or somewhere
    /// else.
    pub(super) async fn visit(
        self,
        context: &Context,
        backend: &Backend,
        way: Way,
        listener: Option<LoopbackListener>,
    ) -> Result<Came, Failure> {
        let terminal = &context.terminal;
        let url = self.url.clone().into_inner();
        let doorway = match way {
            Way::Browser if browser::is_there() => {
                Doorway::open(self.url.clone(), &SystemRandom::new()).await.ok()
            }
            _ => None,
        };
        let doorway = doorway.filter(|doorway| browser::open(&doorway.address()));
        let opened = doorway.is_some();
        if terminal.asks {
            let what = if opened { "A browser was opened. If none shows, open" } else { "Open" };
            terminal.tell(format!(
                "{what} this address; it is yours alone:\n\n  {}\n",
                url.expose_secret()
            ));
        } else if !opened && way == Way::Browser {
            let message = "no browser could be opened, and there is no terminal to show an address \
                           on: run this at a terminal, or set BROWSER";
            return Err(Failure::usage(message));
        }
        let mut other = backend.another().await?;
        let elsewhere = self.elsewhere(&mut other);
        let back = async {
            match listener {
                Some(listener) => self.heard(listener).await,
                None => std::future::pending().await,
            }
        };
        let led = async {
            match doorway {
                Some(doorway) => doorway.lead().await,
                None => std::future::pending().await,
            }
        };
        let pasted = async {
            if way != Way::Paste {
                std::future::pending::<()>().await;
            }
            let label = "Paste the address at which the browser ended (not shown)";
            let text = match terminal.asks {
                true => terminal.hidden(label).await?,
                // Whoever drives this knows the address from the gateway, or from the issuer.
                false => return Err(Failure::usage(NOBODY)),
            };
            let text = text.expose_secret().trim();
            if text.is_empty() {
                return Err(Failure::new(Exit::Interrupted, "nothing was pasted"));
            }
            Ok(Came::Back(Typed::Pasted(Secret::from(
                credential_provider_api::SecretString::from(text),
            ))))
        };
        let come = async {
            tokio::select! {
                came = back => came,
                came = pasted => came,
                line = elsewhere => line.map(Came::Elsewhere),
                never = led => match never {},
            }
        };
        match way {
            // A spinner would write over what is typed.
            Way::Paste => come.await,
            _ => terminal.during("waiting for the browser to come back", come).await,
        }
    }

    async fn heard(&self, listener: LoopbackListener) -> Result<Came, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let flow = FlowId::from_text(self.flow.clone().into_inner().expose_secret());
        let end = Timestamp::from_millis(self.expires_at);
        match listener.answer(&flow, end, &clock).await? {
            SignInAnswer::Callback(query) => {
                let query = query.into_iter().map(|(name, value)| (name, value.into()));
                Ok(Came::Back(Typed::Callback(query.collect())))
            }
            _ => Err(Failure::unexpected()),
        }
    }

    /// Looks until it stands at another step: finished at the gateway's own page, or by the source.
    async fn elsewhere(&self, backend: &mut Backend) -> Result<FlowLine, Failure> {
        loop {
            let flow = self.flow.clone();
            let operation = match self.poll_every {
                Some(pause) => {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    Operation::Answer { flow, typed: Typed::Poll }
                }
                None => Operation::Flow { flow },
            };
            let line = match backend.perform(operation).await {
                Ok(answer) => flow_of(answer)?,
                Err(failure) if failure.exit == Exit::Later => continue,
                Err(failure) => return Err(failure),
            };
            let same = matches!(
                line.standing,
                FlowStanding::Step(Step::OpenUrl { .. }) | FlowStanding::Working { .. }
            );
            if !same {
                return Ok(line);
            }
        }
    }
}

const NOBODY: &str = "a sign-in by pasting needs a person: run this at a terminal, or set BROWSER";
