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
    /// The earliest tick at which an item of the slot may be due. Apart from the slots, because
    /// many of them are read to find the next.
    earliest: Vec<u32>,
    /// The earliest of all.
    next: u32,
    /// The last tick that was handed out.
    now: u32,
    len: usize,
}

/// Due at no tick.
const NEVER: u32 = u32::MAX;

impl<T> Wheel<T> {
    /// An empty wheel at tick `now`.
    #[must_use]
    pub fn new(now: u32) -> Self {
        Self {
            slots: std::iter::repeat_with(Vec::new).take(SLOTS).collect(),
            earliest: vec![NEVER; SLOTS],
            next: NEVER,
            now,
            len: 0,
        }
    }

    /// Puts `item` where it is met at `due`, or at the next tick if that has passed. Returns the
    /// tick at which it is met.
    pub fn insert(&mut self, item: T, due: u32) -> u32 {
        let due = due.max(self.now + 1);
        let index = index_of(due);
        if let (Some(slot), Some(earliest)) =
            (self.slots.get_mut(index), self.earliest.get_mut(index))
        {
            slot.push(item);
            *earliest = due.min(*earliest);
            self.next = due.min(self.next);
            self.len += 1;
        }
        due
    }

    /// Follows a clock that was set back. Slots are by the items' own ticks, so only the hand moves.
    pub fn set_back(&mut self, now: u32) {
        self.now = self.now.min(now);
    }

    /// Turns to tick `now` and returns what is due by then. `due_of` says when an item is due, or
    /// that it no longer is; one that is due where another slot lies was scheduled anew.
    pub fn turn(&mut self, now: u32, mut due_of: impl FnMut(&T) -> Option<u32>) -> Vec<T> {
        let mut due = Vec::new();
        self.set_back(now);
        let turns = now.saturating_sub(self.now).min(SLOTS as u32);
        for tick in (now + 1 - turns)..=now {
            let index = index_of(tick);
            let Some(earliest) = self.earliest.get_mut(index).filter(|tick| **tick != NEVER) else {
                continue;
            };
            let Some(slot) = self.slots.get_mut(index) else { continue };
            let before = slot.len();
            *earliest = NEVER;
            let mut at = 0;
            while let Some(item) = slot.get(at) {
                match due_of(item).filter(|due| index_of(*due) == index) {
                    Some(tick) if tick <= now => due.push(slot.swap_remove(at)),
                    Some(tick) => {
                        *earliest = tick.min(*earliest);
                        at += 1;
                    }
                    None => drop(slot.swap_remove(at)),
                }
            }
            if slot.is_empty() && slot.capacity() > KEEP {
                *slot = Vec::new();
            }
            self.len -= before - slot.len();
        }
        self.now = self.now.max(now);
        if self.next <= now {
            self.next = self.find_next();
        }
        due
    }

    fn find_next(&self) -> u32 {
        let within_a_turn = (self.now + 1..=self.now + SLOTS as u32)
            .find(|tick| self.earliest.get(index_of(*tick)) == Some(tick));
        let later = || self.earliest.iter().copied().min().unwrap_or(NEVER);
        within_a_turn.unwrap_or_else(later)
    }

    /// The next tick at which anything may be due.
    #[must_use]
    pub fn next(&self) -> Option<u32> {
        (self.next != NEVER).then_some(self.next)
    }

    /// Items in the wheel, those scheduled anew counted twice.
    #[must_use]
    #[cfg_attr(
        not(any(test, feature = "measure")),
        expect(dead_code, reason = "for tests and benches")
    )]
    #[allow(clippy::len_without_is_empty, reason = "measured, not used")]
    pub fn len(&self) -> usize {
        self.len
    }
}

fn index_of(tick: u32) -> usize {
    tick as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_scheduled_anew_is_dropped_when_the_wheel_comes_by() {
        let (mut wheel, mut last) = (Wheel::new(0), 0);
        for tick in 0..100 {
            last = wheel.insert((), 50_000 + tick);
        }
        assert!(wheel.turn(SLOTS as u32, |()| Some(last)).is_empty());
        assert_eq!((wheel.len(), wheel.next()), (1, Some(50_000)));
    }

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
                let next = wheel.next();
                let met_now = wheel.turn(now, |id| Some(dues[*id].max(1)));
                prop_assert!(met_now.is_empty() || next.is_some_and(|next| next <= now));
                for id in met_now {
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
