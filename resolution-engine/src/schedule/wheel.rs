//! A hashed wheel: constant cost per renewal, one pointer of memory each.
#![cfg_attr(not(feature = "measure"), allow(unreachable_pub, reason = "public for `measure` only"))]

/// Ticks in one turn of the wheel.
const SLOTS: usize = 4096;
/// Slot vectors that grew larger than this are given back when they empty.
const KEEP: usize = 64;

/// Items by the tick at which they are due. An item knows its own due tick; one that was scheduled
/// anew stays in its old slot until the wheel comes by and drops it.
#[derive(Debug)]
pub struct Wheel<T> {
    slots: Vec<Vec<T>>,
    /// The last tick that was handed out.
    now: u32,
    len: usize,
}

/// What becomes of an item the wheel comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// It is due.
    Due,
    /// It is due in a later turn.
    Later,
    /// It is gone or was scheduled elsewhere.
    Gone,
}

impl<T> Wheel<T> {
    /// An empty wheel at tick `now`.
    #[must_use]
    pub fn new(now: u32) -> Self {
        Self { slots: std::iter::repeat_with(Vec::new).take(SLOTS).collect(), now, len: 0 }
    }

    /// Puts `item` where it is met at `due`, or at the next tick if that has passed. Returns the
    /// tick at which it is met.
    pub fn insert(&mut self, item: T, due: u32) -> u32 {
        let due = due.max(self.now + 1);
        if let Some(slot) = self.slots.get_mut(due as usize % SLOTS) {
            slot.push(item);
            self.len += 1;
        }
        due
    }

    /// Turns to tick `now` and returns what is due by then.
    pub fn turn(&mut self, now: u32, mut judge: impl FnMut(&T) -> Passing) -> Vec<T> {
        let mut due = Vec::new();
        let turns = now.saturating_sub(self.now).min(SLOTS as u32);
        for tick in (now + 1 - turns)..=now {
            let Some(slot) = self.slots.get_mut(tick as usize % SLOTS) else {
                continue;
            };
            let before = slot.len();
            due.extend(slot.extract_if(.., |item| judge(item) == Passing::Due));
            slot.retain(|item| judge(item) == Passing::Later);
            if slot.is_empty() && slot.capacity() > KEEP {
                *slot = Vec::new();
            }
            self.len -= before - slot.len();
        }
        self.now = self.now.max(now);
        due
    }

    /// The next tick at which anything may be due.
    #[must_use]
    pub fn next(&self) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        (self.now + 1..=self.now + SLOTS as u32)
            .find(|tick| self.slots.get(*tick as usize % SLOTS).is_some_and(|s| !s.is_empty()))
    }

    /// Items in the wheel, those scheduled anew counted twice.
    #[must_use]
    #[cfg_attr(
        not(any(test, feature = "measure")),
        expect(dead_code, reason = "for tests and benches")
    )]
    #[expect(clippy::len_without_is_empty, reason = "measured, not used")]
    pub fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn everything_is_met_once_and_when_due(
            dues in proptest::collection::vec(0u32..10_000, 1..50),
            steps in proptest::collection::vec(1u32..3_000, 1..20),
        ) {
            let mut wheel = Wheel::new(0);
            for (id, due) in dues.iter().enumerate() {
                wheel.insert(id, *due);
            }
            let (mut now, mut met) = (0, vec![None; dues.len()]);
            for step in steps {
                let before = now;
                now += step;
                let judge = |id: &usize| {
                    if dues[*id] <= now { Passing::Due } else { Passing::Later }
                };
                for id in wheel.turn(now, judge) {
                    prop_assert!(met[id].is_none());
                    met[id] = Some(now);
                    prop_assert!(dues[id].max(1) > before || dues[id] == 0);
                }
            }
            for (id, due) in dues.iter().enumerate() {
                prop_assert_eq!(met[id].is_some(), *due <= now);
            }
            prop_assert_eq!(wheel.len(), met.iter().filter(|m| m.is_none()).count());
        }
    }
}
