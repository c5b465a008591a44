//! One of the processes: tasks that ask fifty times a second until the parent closes our input.

use std::error::Error;
use std::io::{Write as _, stdin, stdout};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::gateway::Gateway;
use super::options::Options;
use super::tally::Tally;

const EVERY: Duration = Duration::from_millis(20);
/// A killed process has told of all but this.
const TOLD_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn run(options: &Options, folder: &Path) -> Result<bool, Box<dyn Error>> {
    let gateway = Arc::new(Gateway::open(options, folder).await?);
    let tally = Arc::new(Tally::default());
    let (stop, mut stopped) = watch::channel(());
    // Not a task: reading the input cannot be given up, and would hold up the end.
    thread::spawn(move || {
        let _ = stdin().lines().count();
        drop(stop);
    });
    let tasks: Vec<_> = (0..options.tasks)
        .map(|_| tokio::spawn(ask(gateway.clone(), tally.clone(), stopped.clone())))
        .collect();
    let mut tell = interval(TOLD_EVERY);
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            _ = tell.tick() => writeln!(stdout(), "{}", tally.counts().line())?,
        }
    }
    for task in tasks {
        task.await?;
    }
    gateway.close().await;
    writeln!(stdout(), "{}", tally.counts().line())?;
    Ok(true)
}

async fn ask(gateway: Arc<Gateway>, tally: Arc<Tally>, mut stopped: watch::Receiver<()>) {
    let mut turns = interval(EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = turns.tick() => {}
        }
        let begun = Instant::now();
        let answer = gateway.ask().await;
        tally.note(begun.elapsed(), &answer);
    }
}
