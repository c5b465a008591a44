//! Keyed hashes: what is kept of a secret, and what text is compared with.

use std::array;

use credential_provider_api::Random;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Bytes of a window: the shortest pattern there is.
pub(super) const WINDOW: usize = 8;
/// Prefixes that are hashed. A text that begins like a secret is followed from one to the next.
pub(super) const STAGES: [usize; 5] = [WINDOW, 32, 128, 512, 2048];
/// The longest pattern.
pub(super) const LONGEST: usize = 8192;

/// Of one process, random.
pub(super) struct Keys {
    window: u64,
    multiplier: u64,
    fold: [u64; 2],
    mac: Hmac<Sha256>,
}

/// What is kept of one pattern.
pub(super) struct Fingerprint {
    /// Hashes of its prefixes, up to the deepest stage it reaches.
    pub(super) prefixes: [u32; STAGES.len()],
    /// That stage.
    pub(super) stage: usize,
    pub(super) length: usize,
    pub(super) whole: u32,
    pub(super) strong: u128,
}

/// A hash of what has been read so far, whole windows at a time.
#[derive(Clone, Copy)]
pub(super) struct Running {
    state: u64,
    read: usize,
}

impl Keys {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut key = [0; 64];
        random.fill(&mut key);
        // A key of the hash's block size is never refused; a shorter one would be padded to it.
        let mac = Hmac::<Sha256>::new(&key.into());
        Self {
            window: random.next_u64(),
            multiplier: random.next_u64() | 1,
            fold: array::from_fn(|_| random.next_u64() | 1),
            mac,
        }
    }

    /// The hash of a window, read as a little-endian number.
    #[inline]
    pub(super) fn window(&self, window: u64) -> u32 {
        // The upper half: every bit of it depends on all bits below.
        ((window ^ self.window).wrapping_mul(self.multiplier) >> 32) as u32
    }

    pub(super) const fn running(&self) -> Running {
        let [_, start] = self.fold;
        Running { state: start, read: 0 }
    }

    pub(super) fn strong(&self, text: &[u8]) -> u128 {
        let mut mac = self.mac.clone();
        mac.update(text);
        let tag = mac.finalize().into_bytes();
        tag.iter().take(16).fold(0, |all, byte| all << 8 | u128::from(*byte))
    }

    /// Of a pattern of [`WINDOW`] to [`LONGEST`] bytes.
    pub(super) fn fingerprint(&self, text: &[u8]) -> Fingerprint {
        let mut prefixes = [0; STAGES.len()];
        let mut running = self.running();
        let mut stage = 0;
        for (nth, (prefix, end)) in prefixes.iter_mut().zip(STAGES).enumerate() {
            if end > text.len() {
                break;
            }
            *prefix = self.prefix(&mut running, text, end);
            stage = nth;
        }
        let whole = running.whole(self, text, text.len());
        Fingerprint { prefixes, stage, length: text.len(), whole, strong: self.strong(text) }
    }

    /// The hash of the first `end` bytes of `text`, which are one of the [`STAGES`].
    pub(super) fn prefix(&self, running: &mut Running, text: &[u8], end: usize) -> u32 {
        running.extend(self, text, end);
        if end == WINDOW { self.window(padded(text)) } else { (running.state >> 32) as u32 }
    }

    fn step(&self, state: u64, word: u64) -> u64 {
        let [multiplier, offset] = self.fold;
        let product = u128::from(state ^ word) * u128::from(multiplier);
        (product as u64 ^ (product >> 64) as u64).wrapping_add(offset)
    }
}

impl Running {
    /// Reads on to `end`, in whole windows.
    fn extend(&mut self, keys: &Keys, text: &[u8], end: usize) {
        let (words, _) = text.get(self.read..end).unwrap_or_default().as_chunks::<WINDOW>();
        for word in words {
            self.state = keys.step(self.state, u64::from_le_bytes(*word));
        }
        self.read += words.len() * WINDOW;
    }

    /// The hash of the first `length` bytes, which need not be whole windows.
    pub(super) fn whole(&mut self, keys: &Keys, text: &[u8], length: usize) -> u32 {
        self.extend(keys, text, length);
        let rest = padded(text.get(self.read..length).unwrap_or_default());
        (keys.step(keys.step(self.state, rest), length as u64) >> 32) as u32
    }
}

/// The first bytes of `text` as a little-endian number, zeros after its end.
fn padded(text: &[u8]) -> u64 {
    let mut bytes = [0; WINDOW];
    for (to, from) in bytes.iter_mut().zip(text) {
        *to = *from;
    }
    u64::from_le_bytes(bytes)
}
