//! Events on a bounded channel that tells a slow listener what it missed.

use std::sync::Mutex;

use credential_provider_api::Event;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::sync::lock;

pub(crate) struct Events {
    /// Gone once the engine is shut down, which ends every stream.
    sender: Mutex<Option<broadcast::Sender<Event>>>,
}

impl Events {
    pub(crate) fn new(buffer: usize) -> Self {
        Self { sender: Mutex::new(Some(broadcast::Sender::new(buffer.max(1)))) }
    }

    pub(crate) fn send(&self, event: Event) {
        if let Some(sender) = &*lock(&self.sender) {
            // Nobody listening is fine.
            let _ = sender.send(event);
        }
    }

    pub(crate) fn subscribe(&self) -> EventStream {
        let receiver = match &*lock(&self.sender) {
            Some(sender) => sender.subscribe(),
            None => broadcast::Sender::new(1).subscribe(),
        };
        EventStream { receiver }
    }

    pub(crate) fn close(&self) {
        lock(&self.sender).take();
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
    /// The next delivery; `None` once the engine is shut down or gone. Cancel-safe.
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
