//! Events on a bounded channel that tells a slow listener what it missed.

use credential_provider_api::Event;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

pub(crate) struct Events {
    sender: broadcast::Sender<Event>,
}

impl Events {
    pub(crate) fn new(buffer: usize) -> Self {
        Self { sender: broadcast::Sender::new(buffer.max(1)) }
    }

    pub(crate) fn send(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.sender.send(event);
    }

    pub(crate) fn subscribe(&self) -> EventStream {
        EventStream { receiver: self.sender.subscribe() }
    }
}

/// Events from the moment of subscription on.
#[derive(Debug)]
pub struct EventStream {
    receiver: broadcast::Receiver<Event>,
}

/// What a listener gets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// The next event.
    Event(Event),
    /// This many events were dropped because the listener was too slow: look at
    /// [`Administrator::snapshot`](crate::Administrator::snapshot) for what is true now.
    Missed(u64),
}

impl EventStream {
    /// The next delivery; `None` once the engine is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Delivery> {
        match self.receiver.recv().await {
            Ok(event) => Some(Delivery::Event(event)),
            Err(RecvError::Lagged(count)) => Some(Delivery::Missed(count)),
            Err(RecvError::Closed) => None,
        }
    }

    /// The next delivery, if there is one already.
    pub fn try_next(&mut self) -> Option<Delivery> {
        match self.receiver.try_recv() {
            Ok(event) => Some(Delivery::Event(event)),
            Err(broadcast::error::TryRecvError::Lagged(count)) => Some(Delivery::Missed(count)),
            Err(_) => None,
        }
    }
}
