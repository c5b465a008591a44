//! The first window of each reading, around the places where it differs from the text.

use super::filter::Filter;
use super::fingerprint::WINDOW;
use super::scan::{Round, offset};
use super::view::{
    BREAK, CLASSES, Cursor, READINGS, Reading, Same, Stop, Text, View, any_trigger, class,
};

/// The most text that the first window of a secret is looked for in.
pub(super) const WIDEST_WINDOW: usize = 512;
/// As far as a window that counts reads, and looks ahead.
const RANGE: usize = WIDEST_WINDOW + 32;
/// Windows kept of each reading.
const KEPT: usize = 256;
/// A text with fewer places where encodings may be is read without keeping any.
const FEW: usize = 32;

/// Windows known already, and those that need more text.
#[derive(Default)]
pub(super) struct Windows {
    kept: [Vec<Kept>; READINGS.len()],
    triggers: Vec<usize>,
    /// How many there have been.
    seen: usize,
    stalled: Vec<Stalled>,
    /// When the first of them is looked at again.
    wake: u64,
}

/// A window as some reading shows it, or as much of it as there is.
#[derive(Clone, Copy, Default)]
struct Shown {
    window: u64,
    count: usize,
    /// [`class`]es of what is shown, and maybe of what comes after it.
    classes: u8,
    /// Why there is no more, and where that was.
    stop: Option<(Stop, u64)>,
}

/// A window from some place on.
#[derive(Clone, Copy)]
struct Kept {
    start: u64,
    /// Where the text ended then: what had to stop there may go on.
    end: u64,
    shown: Shown,
}

/// Windows of one reading that need what follows one place decoded.
struct Stalled {
    reading: usize,
    at: u64,
    wake: u64,
    /// The first of all places.
    first: u64,
    partial: Vec<Partial>,
}

/// Places before a trigger, as far as they can be read.
#[derive(Clone, Copy)]
struct Partial {
    first: u64,
    end: u64,
    trigger: u64,
    shown: Shown,
}

impl Windows {
    /// The first place that is not decided.
    pub(super) fn first(&self) -> Option<u64> {
        self.stalled.iter().map(|stalled| stalled.first).min()
    }

    fn kept(&self, nth: usize, start: u64, text: Text<'_>, base: u64) -> Option<Shown> {
        let kept = self.kept.get(nth)?.get(start as usize % KEPT)?;
        let is_of_now = kept.end == base + text.bytes.len() as u64 && !text.is_whole;
        let is_whole = !matches!(kept.shown.stop, Some((Stop::More, _)));
        (kept.start == start && (is_whole || is_of_now)).then_some(kept.shown)
    }

    fn keep(&mut self, nth: usize, kept: Kept) {
        if self.seen <= FEW {
            return;
        }
        if let Some(all) = self.kept.get_mut(nth) {
            if all.is_empty() {
                let none = Kept { start: u64::MAX, end: 0, shown: Shown::default() };
                all.resize(KEPT, none);
            }
            if let Some(slot) = all.get_mut(kept.start as usize % KEPT) {
                *slot = kept;
            }
        }
    }

    fn stall(&mut self, reading: usize, at: u64, end: u64, partial: Partial) {
        if at - partial.trigger >= WIDEST_WINDOW as u64 {
            return;
        }
        let same = |known: &&mut Stalled| known.reading == reading && known.at == at;
        if let Some(known) = self.stalled.iter_mut().rev().find(same) {
            known.first = known.first.min(partial.first);
            known.partial.push(partial);
            return;
        }
        let stalled =
            Stalled { reading, at, wake: 0, first: partial.first, partial: vec![partial] };
        self.put(stalled, end);
    }

    /// To be looked at when there is half as much again to decode.
    fn put(&mut self, mut stalled: Stalled, end: u64) {
        stalled.wake = end + ((end - stalled.at) / 2).max(1);
        self.wake =
            if self.stalled.is_empty() { stalled.wake } else { self.wake.min(stalled.wake) };
        self.stalled.push(stalled);
    }
}

impl Shown {
    fn push(&mut self, byte: u8) {
        if self.count < WINDOW {
            self.window |= u64::from(byte) << (self.count * 8);
            self.classes |= class(byte);
            self.count += 1;
        }
    }

    /// Goes on with what was read from where this ended.
    fn join(&mut self, rest: &Self) {
        if self.count < WINDOW {
            self.window |= rest.window << (self.count * 8);
            self.classes |= rest.classes;
            self.count = (self.count + rest.count).min(WINDOW);
            self.stop = if self.count < WINDOW { rest.stop } else { None };
        }
    }
}

impl Round<'_> {
    /// Places from `from` to `to` whose first window is read in another way than it is written.
    pub(super) fn encoded(&mut self, filter: &Filter, from: usize, to: usize) {
        const STRIDE: usize = 32;
        let region = self.text.bytes.get(from..to + WINDOW - 1).unwrap_or_default();
        let mut triggers = std::mem::take(&mut self.scanner.windows.triggers);
        for (nth, stride) in region.chunks(STRIDE).enumerate() {
            if any_trigger(stride) {
                let bytes = stride.iter().enumerate().filter(|(_, byte)| class(**byte) != 0);
                triggers.extend(bytes.map(|(inner, _)| from + nth * STRIDE + inner));
            }
        }
        if !triggers.is_empty() {
            self.scanner.windows.seen += triggers.len();
            let mut nearest = Nearest::after(self.text, from + region.len());
            // From the last to the first, so that a window is mostly one that is known, and one more
            // character before it.
            for trigger in triggers.drain(..).rev() {
                self.around(filter, trigger, from, to, &mut nearest);
            }
        }
        self.scanner.windows.triggers = triggers;
    }

    /// Places from `from` on up to a trigger, which is the first of a reading after each of them.
    fn around(
        &mut self,
        filter: &Filter,
        trigger: usize,
        from: usize,
        to: usize,
        nearest: &mut Nearest,
    ) {
        let class = self.text.bytes.get(trigger).map_or(0, |byte| class(*byte));
        nearest.meet(class, trigger);
        let lowest = from.max((trigger + 1).saturating_sub(WINDOW));
        let before = Before::of(self.text.bytes.get(lowest..trigger).unwrap_or_default());
        let mut shown = [Shown::default(); READINGS.len()];
        for (nth, reading) in READINGS.iter().enumerate() {
            if reading.triggers & class == 0 {
                continue;
            }
            let first = trigger - before.without(reading.triggers);
            // What begins with a break between lines begins after it.
            let begins_after = class == BREAK && reading.view.has_lines();
            let end = if begins_after { trigger } else { trigger + 1 }.min(to);
            if first >= end {
                continue;
            }
            let same = reading.same.iter().find(|same| same.at & class != 0);
            let known = same.and_then(|same| {
                let known = shown.get(same.of)?;
                nearest.is_same(same, known, trigger).then_some(*known)
            });
            let seen = match known {
                Some(known) => {
                    self.keep(nth, trigger, known);
                    known
                }
                None => self.window(nth, reading, trigger),
            };
            if let Some(to) = shown.get_mut(nth) {
                *to = seen;
            }
            if known.is_none() {
                let (first, end) = (self.base + first as u64, self.base + end as u64);
                let trigger = self.base + trigger as u64;
                self.places(filter, nth, Partial { first, end, trigger, shown: seen });
            }
        }
    }

    /// Looks at what is decided, and remembers the rest.
    fn places(&mut self, filter: &Filter, nth: usize, mut partial: Partial) {
        let Partial { first, end, trigger, shown } = partial;
        let decided = (trigger + 1 + shown.count as u64).saturating_sub(WINDOW as u64);
        let decided = decided.clamp(first, end);
        for start in first..decided {
            let before = (trigger - start) as usize;
            let keep = (1_u64 << (before * 8)) - 1;
            let start = offset(start, self.base);
            let window = (self.raw_window(start) & keep) | (shown.window << (before * 8));
            if filter.may_have(self.shared.keys.window(window)) {
                self.examine_readings(start);
            }
        }
        if decided < end
            && let Some((Stop::More, at)) = shown.stop
        {
            partial.first = decided;
            let end = self.base + self.text.bytes.len() as u64;
            self.scanner.windows.stall(nth, at, end, partial);
        }
    }

    /// Looks again at windows that needed more.
    pub(super) fn resume(&mut self, filter: &Filter) {
        let end = self.base + self.text.bytes.len() as u64;
        let is_whole = self.text.is_whole;
        let windows = &mut self.scanner.windows;
        if windows.stalled.is_empty() || (windows.wake > end && !is_whole) {
            return;
        }
        let is_due = |stalled: &mut Stalled| stalled.wake <= end || is_whole;
        let due: Vec<_> = windows.stalled.extract_if(.., is_due).collect();
        windows.wake = windows.stalled.iter().map(|s| s.wake).min().unwrap_or(u64::MAX);
        for stalled in due {
            let Some(reading) = READINGS.get(stalled.reading) else { continue };
            let rest = self.window(stalled.reading, reading, offset(stalled.at, self.base));
            if rest.count == 0 && matches!(rest.stop, Some((Stop::More, _))) {
                self.scanner.windows.put(stalled, end);
                continue;
            }
            for mut partial in stalled.partial {
                partial.shown.join(&rest);
                self.places(filter, stalled.reading, partial);
            }
        }
    }

    /// The first window from `start` on, as much of it as there is.
    fn window(&mut self, nth: usize, reading: &Reading, start: usize) -> Shown {
        let (text, base) = (self.text, self.base);
        let kept = |windows: &Windows, at| windows.kept(nth, base + at as u64, text, base);
        if let Some(shown) = kept(&self.scanner.windows, start) {
            return shown;
        }
        let mut shown = Shown::default();
        let mut at = start;
        while shown.count < WINDOW {
            match text.bytes.get(at) {
                Some(byte) if reading.triggers & class(*byte) == 0 => {
                    shown.push(*byte);
                    at += 1;
                    continue;
                }
                _ => {}
            }
            if at > start
                && let Some(rest) = kept(&self.scanner.windows, at)
            {
                shown.join(&rest);
                break;
            }
            match decode(text, reading.view, at, &mut shown) {
                Ok(end) => at = end,
                Err(stop) => {
                    shown.stop = Some((stop, base + at as u64));
                    break;
                }
            }
        }
        self.keep(nth, start, shown);
        shown
    }

    fn keep(&mut self, nth: usize, start: usize, shown: Shown) {
        let end = self.base + self.text.bytes.len() as u64;
        let start = self.base + start as u64;
        self.scanner.windows.keep(nth, Kept { start, end, shown });
    }

    fn raw_window(&self, start: usize) -> u64 {
        let window = self.text.bytes.get(start..start + WINDOW);
        window.and_then(|w| w.try_into().ok()).map_or(0, u64::from_le_bytes)
    }
}

/// Adds what is decoded from `at` on before anything else begins; where that is.
fn decode(text: Text<'_>, view: View, at: usize, shown: &mut Shown) -> Result<usize, Stop> {
    let mut cursor = Cursor::new(at);
    shown.push(cursor.next(text, view)?);
    while !cursor.is_settled() {
        shown.push(cursor.next(text, view)?);
    }
    Ok(cursor.at)
}

/// Where each class of bytes is next, from a trigger on.
struct Nearest([usize; CLASSES]);

impl Nearest {
    fn after(text: Text<'_>, from: usize) -> Self {
        let mut nearest = Self([usize::MAX; CLASSES]);
        let to = (from + RANGE).min(text.bytes.len());
        let bytes = text.bytes.get(from..to).unwrap_or_default();
        for (nth, byte) in bytes.iter().enumerate().rev() {
            nearest.meet(class(*byte), from + nth);
        }
        nearest
    }

    fn meet(&mut self, class: u8, at: usize) {
        if class != 0
            && let Some(nearest) = self.0.get_mut(class.trailing_zeros() as usize)
        {
            *nearest = at;
        }
    }

    /// Whether another reading shows the same as `known` from `trigger` on.
    fn is_same(&self, same: &Same, known: &Shown, trigger: usize) -> bool {
        // A window that was cut short may show more.
        if known.count < WINDOW {
            return false;
        }
        let written = |(nth, at): (usize, &usize)| {
            same.unless_written & (1 << nth) != 0 && *at - trigger < RANGE
        };
        known.classes & same.unless_shown == 0
            || (same.unless_written != 0 && !self.0.iter().enumerate().any(written))
    }
}

/// How many bytes before a trigger are of none of some classes.
struct Before([usize; CLASSES]);

impl Before {
    fn of(bytes: &[u8]) -> Self {
        let mut before = Self([bytes.len(); CLASSES]);
        for (nth, byte) in bytes.iter().enumerate() {
            let class = class(*byte);
            if class != 0
                && let Some(before) = before.0.get_mut(class.trailing_zeros() as usize)
            {
                *before = bytes.len() - nth - 1;
            }
        }
        before
    }

    fn without(&self, classes: u8) -> usize {
        let of = |(nth, before): (usize, &usize)| (classes & (1 << nth) != 0).then_some(*before);
        self.0.iter().enumerate().filter_map(of).min().unwrap_or(0)
    }
}
