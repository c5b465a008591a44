//! What the system tells a process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

pub(super) enum Said {
    End,
    Reload,
    Show,
}

pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    user: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
        })
    }

    pub(super) async fn next(&mut self) -> Said {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Said::End,
            _ = self.interrupt.recv() => Said::End,
            _ = self.hang_up.recv() => Said::Reload,
            _ = self.user.recv() => Said::Show,
        }
    }

    /// Until it is told to end; whatever else comes is too late.
    pub(super) async fn end(&mut self) {
        while !matches!(self.next().await, Said::End) {}
    }
}
