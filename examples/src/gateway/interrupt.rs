//! The signals that end a run before its time.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens to them from now on: they do not end the process any more.
pub(super) struct Interrupt {
    by_person: Signal,
    by_system: Signal,
}

impl Interrupt {
    pub(super) fn listen() -> io::Result<Self> {
        let by_person = signal(SignalKind::interrupt())?;
        Ok(Self { by_person, by_system: signal(SignalKind::terminate())? })
    }

    /// The exit code of the signal that came, as a shell counts: 128 and its number. Cancel-safe.
    pub(super) async fn came(&mut self) -> u8 {
        tokio::select! {
            _ = self.by_person.recv() => 130,
            _ = self.by_system.recv() => 143,
        }
    }
}
