//! Asking the person at the terminal, hidden where it is a secret.

use std::sync::PoisonError;

use credential_provider_api::SecretString;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::Terminal;
use crate::failure::{Exit, Failure};

/// The longest thing anybody types or pipes in.
const LONGEST: usize = 64 << 10;

impl Terminal {
    /// Asks for a line that is not shown. Byte by byte: a terminal's own line ends at 4096 characters,
    /// and tokens are longer.
    ///
    /// Not cancel-safe: what is typed after it was dropped is still read.
    pub(crate) async fn hidden(&self, label: &str) -> Result<SecretString, Failure> {
        if !self.asks {
            return Err(nobody());
        }
        let stdin = rustix::stdio::stdin();
        let before = tcgetattr(stdin).map_err(|_| nobody())?;
        let mut hidden = before.clone();
        // Without signals either: Ctrl-C would leave a terminal that shows nothing.
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        tcsetattr(stdin, OptionalActions::Now, &hidden).map_err(|_| nobody())?;
        // Only now: who types at once is not seen either.
        self.label(label)?;
        let read = blocking(read_keys).await;
        self.restore();
        self.tell("");
        read
    }

    /// Asks for a line that may be seen.
    ///
    /// Not cancel-safe: what is typed after it was dropped is still read.
    pub(crate) async fn shown(&self, label: &str) -> Result<SecretString, Failure> {
        self.label(label)?;
        blocking(|| {
            let mut line = Zeroizing::new(String::new());
            let read = std::io::stdin().read_line(&mut line).map_err(|_| nobody())?;
            if read == 0 {
                return Err(Failure::new(Exit::Interrupted, "nothing was entered"));
            }
            Ok(SecretString::from(line.trim_end_matches(['\n', '\r'])))
        })
        .await
    }

    /// Asks yes or no; anything but yes is no.
    pub(crate) async fn agrees(&self, question: &str) -> Result<bool, Failure> {
        use secrecy::ExposeSecret as _;
        let answer = self.shown(&format!("{question} [y/N]")).await?;
        Ok(matches!(answer.expose_secret().trim(), "y" | "Y" | "yes" | "Yes"))
    }

    /// All of standard input, without the end of its last line.
    pub(crate) async fn piped(&self) -> Result<SecretString, Failure> {
        use std::io::Read as _;
        blocking(|| {
            let mut text = Zeroizing::new(String::with_capacity(LONGEST));
            let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX);
            let read = std::io::stdin().take(limit).read_to_string(&mut text);
            if read.is_err() || text.len() >= LONGEST {
                return Err(Failure::usage("standard input is no text, or longer than 64 KiB"));
            }
            let whole = text.strip_suffix('\n').unwrap_or(&text);
            Ok(SecretString::from(whole.strip_suffix('\r').unwrap_or(whole)))
        })
        .await
    }

    /// Leaves the terminal as it was found.
    pub(crate) fn restore(&self) {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(before) = before {
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &before);
        }
    }

    fn label(&self, label: &str) -> Result<(), Failure> {
        if !self.asks {
            return Err(nobody());
        }
        self.write_aside(&format!("{label}: "));
        Ok(())
    }
}

fn nobody() -> Failure {
    Failure::usage("there is nobody to ask: standard input is not a terminal")
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let gone = |_| Failure::new(Exit::Interrupted, "interrupted");
    tokio::task::spawn_blocking(read).await.map_err(gone)?
}

fn read_keys() -> Result<SecretString, Failure> {
    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const CTRL_U: u8 = 21;
    // Of its full size from the start: one that grows leaves copies behind.
    let mut typed = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut key = Zeroizing::new([0_u8; 1]);
    loop {
        match rustix::io::read(rustix::stdio::stdin(), &mut *key) {
            Ok(0) => break,
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return Err(nobody()),
        }
        match key.first().copied().unwrap_or(CTRL_D) {
            b'\n' | b'\r' => break,
            CTRL_C => return Err(Failure::new(Exit::Interrupted, "interrupted")),
            CTRL_D if typed.is_empty() => {
                return Err(Failure::new(Exit::Interrupted, "nothing was entered"));
            }
            CTRL_D => break,
            CTRL_U => typed.clear(),
            // A whole character, however many bytes it has.
            8 | 127 => while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            _ if typed.len() >= LONGEST => return Err(Failure::usage("longer than 64 KiB")),
            byte => typed.push(byte),
        }
    }
    let text = std::str::from_utf8(&typed).map_err(|_| Failure::usage("that is no text"))?;
    Ok(SecretString::from(text))
}
