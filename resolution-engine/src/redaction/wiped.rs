//! Bytes that may be a secret's: wiped when dropped, and when they move.

use zeroize::Zeroizing;

pub(super) type Wiped = Zeroizing<Vec<u8>>;

/// Makes room for `more` bytes. A buffer that grows by itself leaves what was in it behind.
pub(super) fn make_room(bytes: &mut Wiped, more: usize) {
    let needed = bytes.len() + more;
    if needed > bytes.capacity() {
        let mut grown = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two().max(64)));
        grown.extend_from_slice(bytes);
        *bytes = grown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_6_what_moves_is_wiped() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let mut bytes = Wiped::default();
        wiped(&bytes);
        for byte in 0..200 {
            make_room(&mut bytes, 1);
            // There is room: it does not grow by itself.
            assert!(bytes.len() < bytes.capacity());
            bytes.push(byte);
        }
        assert!(bytes.iter().copied().eq(0..200));
    }
}
