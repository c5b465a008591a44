//! Says of most windows at once that no secret begins with them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Two bits of one word for each window that is known. Set in place, while others read.
pub(super) struct Filter {
    words: Box<[AtomicU64]>,
    shift: u32,
}

/// The least there is: 4 KiB.
const FEWEST_WORDS: usize = 512;
/// 8 MiB; above that more windows pass, and are looked up.
const MOST_WORDS: usize = 1 << 20;

impl Filter {
    /// With room for so many windows: one in a hundred others passes at most.
    pub(super) fn for_windows(windows: usize) -> Self {
        let words = (windows / 2).next_power_of_two().clamp(FEWEST_WORDS, MOST_WORDS);
        let shift = u32::BITS - words.trailing_zeros();
        Self { words: (0..words).map(|_| AtomicU64::new(0)).collect(), shift }
    }

    /// How many windows it is meant for.
    pub(super) fn room(&self) -> usize {
        if self.words.len() == MOST_WORDS { usize::MAX } else { self.words.len() * 2 }
    }

    pub(super) fn insert(&self, window: u32) {
        if let Some(word) = self.words.get((window >> self.shift) as usize) {
            // Whoever reads text with the secret in it got it from whoever was given it after this.
            word.fetch_or(bits(window), Ordering::Release);
        }
    }

    #[inline]
    pub(super) fn may_have(&self, window: u32) -> bool {
        let word = self.words.get((window >> self.shift) as usize);
        let bits = bits(window);
        word.is_some_and(|word| word.load(Ordering::Relaxed) & bits == bits)
    }
}

#[inline]
const fn bits(window: u32) -> u64 {
    1 << (window & 63) | 1 << ((window >> 6) & 63)
}
