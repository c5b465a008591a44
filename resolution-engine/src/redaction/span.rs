//! What is masked, and the text with marks in it.

/// Stands where a secret was. Never taken for one: see `credential_provider_api::is_mark`.
pub(super) const MARK: &str = "[redacted]";

/// Places in a text, in any order; they may overlap.
#[derive(Default)]
pub(super) struct Spans {
    found: Vec<(u64, u64)>,
}

impl Spans {
    pub(super) fn add(&mut self, start: u64, end: u64) {
        self.found.push((start, end));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

/// Copies a text, part by part, with a mark in place of each run of masked bytes.
#[derive(Default)]
pub(super) struct Copier {
    /// What has been read.
    read: u64,
    /// The end of the last mark's place, if there was any.
    masked: Option<u64>,
}

impl Copier {
    /// Copies up to `until`, before which every span is known. `text` starts at `base`.
    pub(super) fn copy(
        &mut self,
        text: &[u8],
        base: u64,
        until: u64,
        spans: &mut Spans,
        out: &mut Vec<u8>,
    ) {
        spans.found.sort_unstable();
        let known = spans.found.partition_point(|(start, _)| *start < until);
        for (start, end) in spans.found.drain(..known) {
            match self.masked {
                Some(masked) if start <= masked => self.masked = Some(masked.max(end)),
                _ => {
                    self.plain(text, base, start, out);
                    out.extend_from_slice(MARK.as_bytes());
                    self.masked = Some(end);
                }
            }
        }
        self.plain(text, base, until, out);
    }

    /// What is not masked, up to `until`.
    fn plain(&mut self, text: &[u8], base: u64, until: u64, out: &mut Vec<u8>) {
        let from = self.read.max(self.masked.unwrap_or(0));
        let at = |place: u64| usize::try_from(place.saturating_sub(base)).unwrap_or(usize::MAX);
        if let Some(plain) = text.get(at(from)..at(until)) {
            out.extend_from_slice(plain);
        }
        self.read = self.read.max(until);
    }
}
