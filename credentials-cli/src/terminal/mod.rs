//! The terminal, if there is one: what is shown, asked and hidden there.

mod prompt;
mod qr;
mod table;
mod words;

pub(crate) use table::Table;
pub(crate) use words::{moment, plain, quoted, until};

use std::fs::File;
use std::future::Future;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::termios::Termios;

/// Before this, waiting is not worth a word.
const SOON: Duration = Duration::from_millis(300);
/// Where nobody watches, one line after this.
const LATE: Duration = Duration::from_secs(2);
const TURN: Duration = Duration::from_millis(120);

/// What standard input, output and error are.
#[derive(Debug)]
pub(crate) struct Terminal {
    /// Whether the output is read by a person.
    pub(crate) shows: bool,
    /// Whether a person is there to be asked, and to be told what nobody else may read.
    pub(crate) asks: bool,
    told: bool,
    colours: bool,
    /// Where the person is asked while standard error is somewhere else.
    aside: Option<File>,
    /// Whether the reader of the output has gone.
    gone: AtomicBool,
    /// How the terminal was before a hidden prompt.
    before: Arc<Mutex<Option<Termios>>>,
}

impl Terminal {
    pub(crate) fn of_this_process() -> Self {
        let shows = std::io::stdout().is_terminal();
        let told = std::io::stderr().is_terminal();
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = variable("TERM").is_some_and(|name| name == "dumb");
        let colours = shows && !dumb && variable("NO_COLOR").is_none();
        let typed = std::io::stdin().is_terminal();
        let aside = if typed && !told { opposite_of_stdin() } else { None };
        let asks = typed && (told || aside.is_some());
        let gone = AtomicBool::new(false);
        Self { shows, asks, told, colours, aside, gone, before: Arc::default() }
    }

    /// Prints on standard output. A reader that has gone is no error; see [`unread`](Self::unread).
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()).is_err() {
            self.gone.store(true, Ordering::Relaxed);
        }
    }

    /// Whether nobody reads the output any more, as far as what was said has shown.
    pub(crate) fn unread(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Says to the person who is asked what nobody else may read: on the terminal, wherever standard
    /// error goes.
    pub(crate) fn tell(&self, text: impl AsRef<str>) {
        self.write_aside(&format!("{}\n", text.as_ref()));
    }

    fn write_aside(&self, text: &str) {
        let _ = match &self.aside {
            Some(terminal) => {
                let mut terminal: &File = terminal;
                terminal.write_all(text.as_bytes())
            }
            None => {
                let mut err = std::io::stderr().lock();
                err.write_all(text.as_bytes()).and_then(|()| err.flush())
            }
        };
    }

    /// Prints on standard error, beside the output.
    #[allow(clippy::unused_self, reason = "output goes by way of the terminal's owner")]
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
    }

    /// Prints why something was not done. Its lines are ours, what stands in them may be from outside.
    pub(crate) fn complain(&self, message: &str) {
        let lines: Vec<String> = message.lines().map(plain).collect();
        self.note(format!("credentials: {}", lines.join("\n")));
    }

    /// Begins the screen anew.
    pub(crate) fn clear(&self) {
        if self.shows {
            let _ = write!(std::io::stdout(), "\x1b[H\x1b[2J");
        }
    }

    /// `text` in a colour (an SGR number), where colours are wanted.
    pub(crate) fn colour(&self, sgr: u8, text: &str) -> String {
        if self.colours { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Waits for `work`, and shows that it waits. Cancel-safe if `work` is.
    pub(crate) async fn during<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let patience = if self.told { SOON } else { LATE };
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(patience) => {}
        }
        if !self.told {
            self.note(format!("credentials: {what} …"));
            return work.await;
        }
        for sign in ["⠋", "⠙", "⠸", "⠴", "⠦", "⠇"].iter().cycle() {
            let _ = write!(std::io::stderr(), "\r{sign} {what} …");
            tokio::select! {
                biased;
                done = &mut work => {
                    let _ = write!(std::io::stderr(), "\r\x1b[K");
                    return done;
                }
                () = tokio::time::sleep(TURN) => {}
            }
        }
        work.await
    }
}

/// The terminal that standard input is, to write to.
fn opposite_of_stdin() -> Option<File> {
    let name = rustix::termios::ttyname(rustix::stdio::stdin(), Vec::new()).ok()?;
    let path = std::ffi::OsStr::from_bytes(name.as_bytes());
    // Not as this process's controlling terminal, if it has none.
    let flags = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).ok()?;
    File::options().write(true).custom_flags(flags).open(path).ok()
}
