//! Randomness as a parameter, so that jitter and state values can be fixed in a test.

/// Fills buffers with random bytes.
///
/// An implementation used outside tests must be cryptographically secure: sign-in states come from it.
pub trait Random: Send + Sync {
    /// Overwrites all of `buffer`.
    fn fill(&self, buffer: &mut [u8]);

    /// A random number.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// A reproducible sequence (SplitMix64) for tests. Not secure.
#[derive(Debug)]
pub struct SeededRandom(std::sync::atomic::AtomicU64);

impl SeededRandom {
    /// Starts the sequence that belongs to `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(seed))
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let step = 0x9e37_79b9_7f4a_7c15_u64;
            let state = self.0.fetch_add(step, std::sync::atomic::Ordering::Relaxed);
            let mut z = state.wrapping_add(step);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            for (target, source) in chunk.iter_mut().zip(z.to_le_bytes()) {
                *target = source;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_sequence() {
        let (a, b) = (SeededRandom::new(7), SeededRandom::new(7));
        let first = a.next_u64();
        assert_eq!(first, b.next_u64());
        assert_ne!(first, a.next_u64());
    }
}
