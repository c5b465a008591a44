//! [`RedactingStream`]: a text that comes in parts.

use std::fmt;

use super::redactor::Redactor;
use super::scan::Scanner;
use super::span::Copier;
use super::wiped::{Wiped, make_room};

/// Masks what a [`Redactor`] knows in bytes that come in parts, wherever they are cut.
///
/// A secret added later is seen from where the stream then is. Dropped without
/// [`finish`](Self::finish), what was held back is lost. What it holds back
/// is wiped from our memory.
#[must_use = "finish it"]
pub struct RedactingStream {
    redactor: Redactor,
    scanner: Scanner,
    copier: Copier,
    held: Wiped,
    /// Where in the whole text `held` starts.
    base: u64,
}

impl RedactingStream {
    pub(super) fn new(redactor: Redactor) -> Self {
        let (scanner, copier) = (Scanner::default(), Copier::default());
        Self { redactor, scanner, copier, held: Wiped::default(), base: 0 }
    }

    /// Takes the next part, and gives what can no longer be part of a secret. Of a text in UTF-8 it
    /// gives whole characters.
    pub fn push(&mut self, part: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(part.len());
        self.push_into(part, &mut out);
        out
    }

    /// The same, added to `out`.
    pub fn push_into(&mut self, part: &[u8], out: &mut Vec<u8>) {
        make_room(&mut self.held, part.len());
        self.held.extend_from_slice(part);
        let shared = self.redactor.shared();
        let safe = self.scanner.advance(shared, &self.held, self.base, false);
        let safe = self.between_characters(safe);
        self.copier.copy(&self.held, self.base, safe, self.scanner.spans(), out);
        let done = usize::try_from(safe - self.base).unwrap_or(usize::MAX).min(self.held.len());
        self.held.drain(..done);
        self.base = safe;
    }

    /// `safe`, or the beginning of the character it is in. In bytes that are no UTF-8 it is kept.
    fn between_characters(&self, safe: u64) -> u64 {
        let at = usize::try_from(safe - self.base).unwrap_or(usize::MAX);
        let is_inner = |back: &u64| {
            let byte = at.checked_sub(*back as usize).and_then(|at| self.held.get(at));
            byte.is_some_and(|byte| byte & 0xc0 == 0x80)
        };
        let back = (0..4).find(|back| !is_inner(back));
        back.map_or(safe, |back| safe.saturating_sub(back).max(self.base))
    }

    /// Ends the text, and gives the rest of it.
    #[must_use = "the rest of the text"]
    pub fn finish(mut self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.held.len());
        let shared = self.redactor.shared();
        let safe = self.scanner.advance(shared, &self.held, self.base, true);
        self.copier.copy(&self.held, self.base, safe, self.scanner.spans(), &mut out);
        out
    }

    /// Bytes held back now.
    #[must_use]
    pub fn held_back(&self) -> usize {
        self.held.len()
    }
}

impl fmt::Debug for RedactingStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactingStream").field("held_back", &self.held_back()).finish()
    }
}
