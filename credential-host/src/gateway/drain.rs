//! The end, in good order.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Tell;
use super::signals::Signals;
use crate::CredentialHost;
use crate::control::SocketError;

/// How long what is under way may take to finish, after a gateway was told to end.
pub const DRAIN: Duration = Duration::from_secs(30);
/// How much of it answers have; the rest is for exchanges that cannot be taken back.
const ANSWERS: Duration = Duration::from_secs(10);

const FINISHED: u8 = 0;
const UNFINISHED: u8 = 1;
const AT_ONCE: u8 = 130;

/// What runs.
pub(super) struct Served {
    pub(super) host: Arc<CredentialHost>,
    pub(super) stop: CancellationToken,
    pub(super) page: JoinHandle<()>,
    pub(super) socket: JoinHandle<Result<(), SocketError>>,
    pub(super) tasks: Vec<JoinHandle<()>>,
}

impl Served {
    /// Ends what runs beside a socket that could not be opened.
    pub(super) async fn give_up(self) {
        self.stop.cancel();
        let _ = self.page.await;
        self.host.shutdown().await;
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

pub(super) async fn drain(served: Served, signals: &mut Signals, tell: &Tell) -> u8 {
    let Served { host, stop, page, socket, tasks } = served;
    stop.cancel();
    let clock = host.clock().clone();
    let (answers, end) = (clock.now().plus(ANSWERS), clock.now().plus(DRAIN));
    let finish = async {
        let answered = async {
            let _ = page.await;
            let _ = socket.await;
        };
        let mut answered = std::pin::pin!(answered);
        let all = tokio::select! {
            () = &mut answered => true,
            () = clock.sleep_until(answers) => false,
        };
        // What they still wait for is given up by this, unless it cannot be.
        host.shutdown().await;
        if !all {
            answered.await;
        }
        for task in tasks {
            let _ = task.await;
        }
    };
    tokio::select! {
        () = finish => {
            tell("ended");
            FINISHED
        }
        () = clock.sleep_until(end) => {
            tell("ended, and an exchange was not finished: the store says which, and it is tried again");
            UNFINISHED
        }
        () = signals.end() => {
            tell("ended at once");
            AT_ONCE
        }
    }
}
