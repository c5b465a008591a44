//! A gateway on embedded defaults, and the life of its credentials, told line by line.
//!
//! | file | what |
//! |---|---|
//! | [`issuer`], `openclaw`, `world` | what stands outside: an issuer, an OpenClaw's folder, Volcengine's emulator |
//! | `defaults` | the configuration: providers, and who may have what |
//! | [`folder`], `keys` | where the grants are: encrypted, shared with a second gateway; and their key |
//! | `host`, `tool`, [`browser`] | the gateway: engine, consumers; two people in one group chat |
//! | `story` | what happens, one chapter a file |
//! | [`narrator`], `events`, [`measure`], [`checks`] | what is shown of it, and what is expected |
//! | [`options`], `interrupt` | how it is started, and ended before its time |

pub mod browser;
pub mod checks;
mod defaults;
mod events;
pub mod folder;
mod host;
mod interrupt;
pub mod issuer;
mod keys;
pub mod measure;
pub mod narrator;
pub mod openclaw;
pub mod options;
mod story;
mod tool;
mod world;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use self::checks::Checks;
use self::folder::Folder;
use self::interrupt::Interrupt;
use self::keys::StoreKey;
use self::narrator::Narrator;
use self::options::Options;

/// Longest that work of a story which was cut short is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the story; the exit code. Not to be called on a runtime: it has one of its own, which ends
/// with it.
#[must_use]
pub fn run(options: Options) -> u8 {
    let (narrator, checks) = (Arc::new(Narrator::new()), Arc::new(Checks::default()));
    match attempt(options, &narrator, &checks) {
        Ok(None) => {
            checks.expect(narrator.withheld() == 0, "no line holds a secret");
            narrator.chapter("what was expected");
            u8::from(!checks.conclude(&narrator))
        }
        Ok(Some(interrupted)) => interrupted,
        Err(error) => {
            narrator.say("gateway", format!("does not start: {error}"));
            1
        }
    }
}

/// Tells the story and removes what it has made; the code of the signal that cut it short, if any.
fn attempt(
    options: Options,
    narrator: &Arc<Narrator>,
    checks: &Arc<Checks>,
) -> Result<Option<u8>, Box<dyn Error + Send + Sync>> {
    let runtime = Runtime::new()?;
    // Before there is anything to remove.
    let mut interrupt = runtime.block_on(async { Interrupt::listen() })?;
    let folder = Folder::new()?;
    let key = Arc::new(StoreKey::new(options.key, folder.path()));
    let (told, path) = (narrator.clone(), folder.path().to_owned());
    let story = story::tell(options.pace, told, checks.clone(), path, key.clone());
    let mut story = runtime.spawn(story);
    let ended = runtime.block_on(async {
        tokio::select! {
            told = &mut story => Ok(told),
            signal = interrupt.came() => {
                story.abort();
                let _ = story.await;
                Err(signal)
            }
        }
    });
    let removed = runtime.block_on(key.remove());
    checks.expect(removed.is_ok(), "nothing is left in a keychain");
    if ended.is_ok() {
        let left = tasks_left(&runtime);
        checks.expect(left == 0, format!("every task has ended ({left} have not)"));
    }
    // Whatever is still at work must not write where the folder was.
    runtime.shutdown_timeout(PATIENCE);
    let path = folder.path().to_owned();
    drop(folder);
    let gone = !path.exists();
    checks.expect(gone, "nothing is left of the folder");
    let interrupted = match ended {
        // A panic's message may be anything; the panic hook has printed it.
        Ok(told) => told.map_err(|_| "the story panicked")?.map(|()| None)?,
        Err(signal) => Some(signal),
    };
    removed?;
    if interrupted.is_some() {
        let left = if gone { "nothing is left of it" } else { "its folder is left" };
        narrator.say("gateway", format!("is interrupted; {left}"));
    }
    Ok(interrupted)
}

/// How many tasks have not ended, a moment after the last they had to do.
fn tasks_left(runtime: &Runtime) -> usize {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        let left = runtime.metrics().num_alive_tasks();
        if left == 0 || Instant::now() >= deadline {
            return left;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
