//! Finding: the filter at every byte, and what begins like a secret followed to its end.

use std::collections::BTreeMap;

use super::filter::Filter;
use super::fingerprint::{STAGES, WINDOW};
use super::redactor::Shared;
use super::span::Spans;
use super::view::{Cursor, RAW, READINGS, Stop, Text, View, any_trigger, class};
use super::window::{WIDEST_WINDOW, Windows};
use super::wiped::{Wiped, make_room};

/// The most text that one secret is looked for in: every byte of the longest written as `\\u0041`,
/// and more than half of that in line breaks.
pub(super) const WIDEST: usize = 98_304;
/// Places that are looked at in one go: what they read is still at hand when encodings are looked for.
const BLOCK: usize = 16 * 1024;
/// Matches that are remembered for those that overlap them.
const REMEMBERED: usize = 16;

/// Finds secrets in one text that may come in parts.
#[derive(Default)]
pub(super) struct Scanner {
    /// The first place not looked at.
    next: u64,
    /// By where they begin, and how they are read.
    waiting: BTreeMap<(u64, View), Waiting>,
    pub(super) windows: Windows,
    spans: Spans,
    /// Patterns found, and where they ended: see [`Self::is_pattern`].
    matches: Vec<(u128, u64)>,
    hits: Vec<usize>,
    decoded: Decoded,
}

/// A place that begins like a secret, and needs more text to be decided.
struct Waiting {
    /// Patterns shorter than this have been decided.
    decided: usize,
    /// Where the text must have come to before looking again is of use.
    wake: u64,
}

/// What a place came to.
enum Fate {
    /// No pattern goes on from there. Those of its group are at most this long, and a text that is
    /// the same for so long came to the same.
    Decided(usize),
    /// This many more bytes are needed at least.
    Waits { decided: usize, missing: usize, reach: usize },
}

/// A reading from some place, as far as it was needed.
#[derive(Default)]
struct Decoded {
    bytes: Wiped,
    /// Where in the text each byte ends.
    ends: Vec<usize>,
}

impl Scanner {
    pub(super) fn spans(&mut self) -> &mut Spans {
        &mut self.spans
    }

    /// Looks at all of `text`, which starts at `base` and goes on where the last one ended. Before
    /// the place this returns, every secret has been found.
    pub(super) fn advance(
        &mut self,
        shared: &Shared,
        text: &[u8],
        base: u64,
        is_whole: bool,
    ) -> u64 {
        let end = base + text.len() as u64;
        let text = Text { bytes: text, is_whole };
        let filter = shared.known.filter();
        let mut round = Round { scanner: self, shared, text, base };
        round.wake(end);
        round.resume(&filter);
        // Where a window fits.
        let limit = (text.bytes.len() + 1).saturating_sub(WINDOW);
        let mut from = offset(round.scanner.next, base);
        if !shared.known.is_empty() {
            while from < limit {
                let to = (from + BLOCK).min(limit);
                round.plain(&filter, from, to);
                round.encoded(&filter, from, to);
                from = to;
            }
        }
        self.next = self.next.max(base + limit as u64);
        if is_whole {
            return end;
        }
        let waiting = self.waiting.keys().next().map(|(start, _)| *start);
        let waiting = waiting.into_iter().chain(self.windows.first());
        waiting.min().unwrap_or(self.next).min(self.next)
    }
}

/// One look at the text there is.
pub(super) struct Round<'a> {
    pub(super) scanner: &'a mut Scanner,
    pub(super) shared: &'a Shared,
    pub(super) text: Text<'a>,
    pub(super) base: u64,
}

impl Round<'_> {
    /// Looks again at what waited for more.
    fn wake(&mut self, end: u64) {
        let is_whole = self.text.is_whole;
        let is_due = |waiting: &Waiting| waiting.wake <= end || is_whole;
        if !self.scanner.waiting.values().any(is_due) {
            return;
        }
        for ((start, view), waiting) in std::mem::take(&mut self.scanner.waiting) {
            if !is_due(&waiting) {
                self.scanner.waiting.insert((start, view), waiting);
                continue;
            }
            self.examine(offset(start, self.base), view, waiting.decided);
        }
    }

    /// Places from `from` to `to`, as they are.
    fn plain(&mut self, filter: &Filter, from: usize, to: usize) {
        let mut hits = std::mem::take(&mut self.scanner.hits);
        let windows = self.text.bytes.get(from..to + WINDOW - 1).unwrap_or_default();
        for (nth, window) in windows.windows(WINDOW).enumerate() {
            let window = window.try_into().map_or(0, u64::from_le_bytes);
            if filter.may_have(self.shared.keys.window(window)) {
                hits.push(from + nth);
            }
        }
        for start in hits.drain(..) {
            self.examine(start, RAW, 0);
        }
        self.scanner.hits = hits;
    }

    /// Follows what begins at `start`, in every reading but as it is: some may be the same for a
    /// window, and go on differently.
    pub(super) fn examine_readings(&mut self, start: usize) {
        for reading in &READINGS {
            self.examine(start, reading.view, 0);
        }
    }

    /// Follows what begins at `start`, read as `view`; patterns shorter than `decided` have been.
    fn examine(&mut self, start: usize, view: View, decided: usize) {
        let mut decoded = std::mem::take(&mut self.scanner.decoded);
        decoded.bytes.clear();
        decoded.ends.clear();
        let fate = self.follow(start, view, decided, &mut decoded);
        self.scanner.decoded = decoded;
        let reach = match fate {
            Fate::Decided(reach) => reach,
            Fate::Waits { decided, missing, reach } => {
                self.wait(start, view, decided, missing);
                reach
            }
        };
        if view == RAW {
            // As far as the text itself goes like a secret, another way to read it may go on.
            let beyond = self.text.bytes.get(start..).unwrap_or_default();
            let beyond = beyond.get(..reach).unwrap_or(beyond);
            let (first, rest) = beyond.split_at_checked(WINDOW).unwrap_or((beyond, &[]));
            if !any_trigger(rest) {
                return;
            }
            let classes = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all | class(*byte));
            let (first, rest) = (classes(first), classes(rest));
            for reading in &READINGS {
                if reading.triggers & rest != 0 && reading.triggers & first == 0 {
                    self.examine(start, reading.view, 0);
                }
            }
        }
    }

    fn wait(&mut self, start: usize, view: View, decided: usize, missing: usize) {
        // What is encoded may need much more than that. It is read anew each time, so only when there
        // is an eighth more to read.
        let grown = if view == RAW { 0 } else { (self.text.bytes.len() - start) / 8 };
        let wake = self.base + (self.text.bytes.len() + missing.max(grown)) as u64;
        let start = self.base + start as u64;
        // Looked at again when it has taken too much room, to be given up.
        let wake = wake.min(start + WIDEST as u64 + 1);
        // It may have been come to by another way as well.
        self.scanner.waiting.entry((start, view)).or_insert(Waiting { decided, wake });
    }

    fn follow(
        &mut self,
        start: usize,
        view: View,
        mut decided: usize,
        decoded: &mut Decoded,
    ) -> Fate {
        let keys = &self.shared.keys;
        let mut cursor = Cursor::new(start);
        let mut running = keys.running();
        for (stage, length) in STAGES.into_iter().enumerate() {
            if let Err((stop, missing)) = self.read(start, view, &mut cursor, length, decoded) {
                return stopped(stop, decided, missing, length);
            }
            let prefix = keys.prefix(&mut running, so_far(self.text, start, view, decoded), length);
            let Some(group) = self.shared.known.group(stage, prefix) else {
                return Fate::Decided(length);
            };
            let mut reach = length;
            let mut wholes = running;
            for length in group.lengths() {
                reach = reach.max(length);
                if length < decided {
                    continue;
                }
                if let Err((stop, missing)) = self.read(start, view, &mut cursor, length, decoded) {
                    return stopped(stop, length, missing, reach);
                }
                decided = length;
                let text = so_far(self.text, start, view, decoded);
                let text = text.get(..length).unwrap_or(text);
                let whole = wholes.whole(keys, text, length);
                let Some(strong) = self.shared.known.ending(whole, length) else { continue };
                let end = match view {
                    RAW => start + length,
                    _ => decoded.ends.get(length - 1).copied().unwrap_or(start),
                };
                let mut is_it = |strong: &u128| {
                    self.scanner.is_pattern(self.shared, text, *strong, self.base, start, end)
                };
                if strong.iter().any(&mut is_it) {
                    self.scanner.spans.add(self.base + start as u64, self.base + end as u64);
                }
            }
            if !group.goes_on(stage) {
                return Fate::Decided(reach);
            }
        }
        Fate::Decided(0)
    }

    /// Reads on until there are `length` bytes; otherwise why not, and how many are missing.
    fn read(
        &self,
        start: usize,
        view: View,
        cursor: &mut Cursor,
        length: usize,
        decoded: &mut Decoded,
    ) -> Result<(), (Stop, usize)> {
        if view == RAW {
            let missing = (start + length).saturating_sub(self.text.bytes.len());
            let stop = if self.text.is_whole { Stop::End } else { Stop::More };
            return if missing == 0 { Ok(()) } else { Err((stop, missing)) };
        }
        while decoded.bytes.len() < length {
            let missing = length - decoded.bytes.len();
            let byte = cursor.next(self.text, view).map_err(|stop| (stop, missing));
            if cursor.at - start > WIDEST {
                return Err((Stop::End, missing));
            }
            let byte = match byte {
                // What waits for more than that is no secret.
                Err(_) if self.text.bytes.len() - start > WIDEST => {
                    return Err((Stop::End, missing));
                }
                byte => byte?,
            };
            make_room(&mut decoded.bytes, 1);
            decoded.bytes.push(byte);
            decoded.ends.push(cursor.at);
            if decoded.bytes.len() <= WINDOW && cursor.at - start > WIDEST_WINDOW {
                return Err((Stop::End, missing));
            }
            if decoded.bytes.len() == 1 && self.starts_with_a_break(start, view) {
                // What is masked begins with the secret.
                return Err((Stop::End, missing));
            }
        }
        Ok(())
    }

    fn starts_with_a_break(&self, start: usize, view: View) -> bool {
        let Some(without) = view.without_lines() else { return false };
        let first = Cursor::new(start).next(self.text, without);
        matches!(first, Ok(b'\n' | b'\r'))
    }
}

impl Scanner {
    /// Whether `text`, whose length and hash are those of `pattern`, is it. What overlaps a place
    /// where the same pattern was found is taken for it: so a text of many overlapping places does
    /// not cost a strong hash for each.
    fn is_pattern(
        &mut self,
        shared: &Shared,
        text: &[u8],
        pattern: u128,
        base: u64,
        start: usize,
        end: usize,
    ) -> bool {
        let (start, end) = (base + start as u64, base + end as u64);
        if let Some((_, until)) = self.matches.iter_mut().find(|(s, _)| *s == pattern) {
            if start < *until || shared.keys.strong(text) == pattern {
                *until = (*until).max(end);
                return true;
            }
            return false;
        }
        if shared.keys.strong(text) != pattern {
            return false;
        }
        if self.matches.len() >= REMEMBERED {
            self.matches.remove(0);
        }
        self.matches.push((pattern, end));
        true
    }
}

/// What has been read from `start` on, or more.
fn so_far<'d>(text: Text<'d>, start: usize, view: View, decoded: &'d Decoded) -> &'d [u8] {
    match view {
        RAW => text.bytes.get(start..).unwrap_or_default(),
        _ => &decoded.bytes,
    }
}

fn stopped(stop: Stop, decided: usize, missing: usize, reach: usize) -> Fate {
    match stop {
        Stop::End => Fate::Decided(reach),
        Stop::More => Fate::Waits { decided, missing, reach },
    }
}

/// Where `place` is in a text that starts at `base`.
pub(super) fn offset(place: u64, base: u64) -> usize {
    usize::try_from(place.saturating_sub(base)).unwrap_or(usize::MAX)
}
