//! What a gateway tells, on a thread of its own: whoever reads it may have stopped to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Tell;

/// So many lines wait for their reader. Those that come on top of them are counted, and not kept.
const MOST_WAITING: usize = 1024;
/// How long the end waits for what was told to be read.
const LAST_WORDS: Duration = Duration::from_secs(2);

enum Word {
    Line(String),
    /// All before it was told.
    End(oneshot::Sender<()>),
}

/// Hands lines on without waiting for anybody.
pub(super) struct Telling {
    words: mpsc::Sender<Word>,
    missed: Arc<AtomicU64>,
}

impl Telling {
    /// To `tell`, which may block. Fails if the system lends no thread.
    pub(super) fn to(tell: Arc<Tell>) -> std::io::Result<Self> {
        let (words, waiting) = mpsc::channel(MOST_WAITING);
        let missed = Arc::new(AtomicU64::new(0));
        let telling = Self { words, missed: missed.clone() };
        let thread = std::thread::Builder::new().name("telling".to_owned());
        thread.spawn(move || tell_on(waiting, &missed, tell.as_ref()))?;
        Ok(telling)
    }

    /// Never waits.
    pub(super) fn line(&self, line: &str) {
        if self.words.try_send(Word::Line(line.to_owned())).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all was told, and not for ever.
    pub(super) async fn finish(&self) {
        let (done, told) = oneshot::channel();
        let last = async {
            if self.words.send(Word::End(done)).await.is_ok() {
                let _ = told.await;
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS, last).await;
    }
}

fn tell_on(mut waiting: mpsc::Receiver<Word>, missed: &AtomicU64, tell: &Tell) {
    while let Some(word) = waiting.blocking_recv() {
        match word {
            Word::Line(line) => tell(&line),
            Word::End(done) => {
                let _ = done.send(());
            }
        }
        let count = missed.swap(0, Ordering::Relaxed);
        if count > 0 {
            tell(&format!("… {count} lines were not told: nobody read them in time"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc as sync};

    use super::*;

    #[tokio::test]
    async fn lines_come_in_order_and_all_of_them_before_the_end() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let telling = Telling::to({
            let heard = heard.clone();
            Arc::new(move |line: &str| heard.lock().unwrap().push(line.to_owned()))
        });
        let telling = telling.unwrap();
        telling.line("one");
        telling.line("two");
        telling.finish().await;
        assert_eq!(*heard.lock().unwrap(), ["one", "two"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_has_stopped_is_not_waited_for_and_is_told_what_was_missed() {
        let (free, held) = sync::channel::<()>();
        let (heard, hears) = sync::channel();
        let held = Mutex::new(held);
        let telling = Telling::to(Arc::new(move |line: &str| {
            let _ = held.lock().unwrap().recv();
            let _ = heard.send(line.to_owned());
        }));
        let telling = telling.unwrap();
        for number in 0..2 * MOST_WAITING {
            telling.line(&number.to_string());
        }
        telling.finish().await;
        drop(free);
        let patience = Duration::from_secs(30);
        assert_eq!(hears.recv_timeout(patience).unwrap(), "0");
        let next = hears.recv_timeout(patience).unwrap();
        assert!(next.contains("lines were not told"), "{next}");
    }
}
