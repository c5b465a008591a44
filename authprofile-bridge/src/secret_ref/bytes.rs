//! [`SecretBytes`]: a buffer that leaves nothing behind.

use std::io;

use zeroize::Zeroizing;

/// Bytes that are wiped when dropped, and when they move to a larger buffer.
#[derive(Default)]
pub(crate) struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let room = needed.max(self.0.capacity().saturating_mul(2)).max(256);
            let mut larger = Zeroizing::new(Vec::with_capacity(room));
            larger.extend_from_slice(&self.0);
            // The old buffer is wiped as it is dropped.
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl io::Write for SecretBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_and_keeps_what_it_holds() {
        let mut bytes = SecretBytes::default();
        for round in 0..2_000u32 {
            bytes.extend(&round.to_be_bytes());
        }
        assert_eq!(bytes.len(), 8_000);
        assert_eq!(bytes.as_slice()[7_996..], 1_999u32.to_be_bytes());
    }
}
