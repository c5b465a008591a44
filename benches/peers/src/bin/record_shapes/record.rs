//! The records: a name, and a body that begins with its generation and else looks encrypted.

use crate::shape::Outcome;

/// The name of a record.
pub type Name = [u8; 16];

/// Bytes of a body, its generation included.
pub const BODY: usize = 2048;

/// The name of the nth record, in no order.
pub fn name(nth: usize) -> Name {
    let mut random = Random(nth as u64);
    (u128::from(random.next()) << 64 | u128::from(random.next())).to_be_bytes()
}

/// A body of this generation.
pub fn body(nth: usize, generation: u64) -> Vec<u8> {
    let mut random = Random(!(nth as u64) ^ generation.rotate_left(32));
    let mut body = generation.to_be_bytes().to_vec();
    while body.len() < BODY {
        body.extend(random.next().to_be_bytes());
    }
    body
}

/// The generation a body begins with.
pub fn generation(body: &[u8]) -> Outcome<u64> {
    let first = body.first_chunk().ok_or("a body without a generation")?;
    Ok(u64::from_be_bytes(*first))
}

/// SplitMix64: cheap, and the same in every run.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
