//! The gateway's own credentials are asked for, so that what is shown is what would be served.

use credential_provider_api::{ChangeCause, CredentialRef, EventKind, State};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use resolution_engine::Delivery;
use tokio_util::sync::CancellationToken;

use crate::control::{Answer, Named, Operation, Operations};

/// Asks once for every credential of the gateway's that has a name.
pub(super) async fn look(operations: &Operations) {
    let listed = operations.perform(Operation::List { provider: None }).await;
    let Ok(Answer::List { credentials, .. }) = listed else { return };
    let names = credentials
        .iter()
        .filter(|line| line.scope == "gateway" && !line.credential.contains('*'))
        .filter_map(|line| CredentialRef::parse(&line.credential).ok());
    let mut asked: FuturesUnordered<_> = names.map(|name| ask(operations, name)).collect();
    while asked.next().await.is_some() {}
}

/// What comes of it is an event.
async fn ask(operations: &Operations, name: CredentialRef) {
    let _ = operations.look_up(&Named::new(name)).await;
}

/// Asks once, and again for what changed outside, until `stop`.
pub(super) async fn keep(operations: Operations, stop: CancellationToken) {
    let mut events = operations.host().engine().events();
    let mut asked = FuturesUnordered::new();
    let first = async {
        look(&operations).await;
        std::future::pending::<()>().await;
    };
    let mut first = std::pin::pin!(first);
    loop {
        let delivery = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = &mut first => return,
            Some(()) = asked.next() => continue,
            delivery = events.next() => delivery,
        };
        match delivery {
            Some(Delivery::Event(event)) => {
                if let EventKind::StateChanged { key, to: State::Unconfigured, cause, .. } =
                    event.kind
                    && matches!(cause, ChangeCause::Invalidated | ChangeCause::ProviderChanged)
                    && key.session.is_none()
                    && key.variant.encoded().is_empty()
                {
                    asked.push(ask(&operations, key.reference()));
                }
            }
            Some(_) => {}
            None => return,
        }
    }
}
