//! `volcengine-emulator --listen 127.0.0.1:0 --state FILE`: the emulator as a process of its own.
//!
//! Prints `{"address":"127.0.0.1:PORT"}` when it listens, and ends on SIGTERM or Ctrl-C.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use credential_provider_api::{Clock, Random, Sleep, Timestamp};
use volcengine_provider::emulator::{Emulator, State};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "volcengine-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let (mut listen, mut file) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or("an option has no value")?;
        match &*name {
            "--listen" => listen = Some(value.parse::<SocketAddr>()?),
            "--state" => file = Some(value),
            _ => return Err("options are --listen ADDRESS and --state FILE".into()),
        }
    }
    let listen = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let text = std::fs::read_to_string(file.ok_or("--state FILE is missing")?)?;
    let state = State::from_json(&text)?;
    let mut end = ended()?;
    let random = Box::new(SystemRandom(ring::rand::SystemRandom::new()));
    let emulator = Emulator::start_on(listen, state, Arc::new(SystemClock), random).await?;
    writeln!(std::io::stdout(), "{{\"address\":\"{}\"}}", emulator.address())?;
    std::io::stdout().flush()?;
    end.recv().await;
    emulator.stop().await;
    Ok(())
}

/// A channel that says when somebody wants the program to end.
fn ended() -> std::io::Result<tokio::sync::mpsc::Receiver<()>> {
    let (say, end) = tokio::sync::mpsc::channel(1);
    #[cfg(unix)]
    {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let say = say.clone();
        tokio::spawn(async move {
            terminate.recv().await;
            let _ = say.send(()).await;
        });
    }
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = say.send(()).await;
        }
    });
    Ok(end)
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, when: Timestamp) -> Sleep {
        let wait: Duration = self.now().until(when);
        Box::pin(tokio::time::sleep(wait))
    }
}

struct SystemRandom(ring::rand::SystemRandom);

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        // Without randomness there are no secrets to make; the system always has some.
        while ring::rand::SecureRandom::fill(&self.0, buffer).is_err() {}
    }
}
