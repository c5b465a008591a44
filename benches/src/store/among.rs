//! What an operation costs among ten thousand records, over the same among a hundred.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::folder::Size;
use super::line;
use super::shelf::Shelf;
use crate::report::{Limit, Line};
use crate::timing::{Work, race_within};

const FEW: usize = 100;
const MANY: usize = 10_000;
const BUDGET: Duration = Duration::from_millis(1500);
/// What a load or a save may grow by; it fails at three times as much as among a few.
const GROWTH: Limit = Limit::Time(1.5);

pub(super) fn lines(folder: &Path) -> Vec<Line> {
    let filled = |records: usize| {
        let folder = folder.join(format!("among-{records}"));
        fs::create_dir(&folder).expect("a new folder");
        (Shelf::filled(&folder, records), folder.join("store"))
    };
    let ((few, _), (many, folder)) = (filled(FEW), filled(MANY));
    let size = Size::of(&folder);
    let mut lines = vec![
        line("bytes_per_record", size.bytes as f64 / MANY as f64, "bytes", Limit::AtMost(2100.0)),
        line("on_disk_per_record", size.on_disk as f64 / MANY as f64, "bytes", Limit::None),
    ];
    lines.extend(growth("load", 8, [&|n| few.load(n), &|n| many.load(n)], GROWTH));
    lines.extend(growth("save", 8, [&|n| few.save(n), &|n| many.save(n)], GROWTH));
    lines.extend(growth("open", 1, [&|n| few.open(n), &|n| many.open(n)], Limit::None));
    lines.extend(growth("list", 1, [&|n| few.list(n), &|n| many.list(n)], Limit::None));
    lines
}

fn growth(name: &str, batches: usize, subjects: [&Work<'_>; 2], limit: Limit) -> [Line; 3] {
    let race = race_within(BUDGET, batches, &subjects);
    let micros = |size: usize, nth: usize| {
        line(&format!("{name}_among_{size}"), race.nanos(nth) / 1e3, "us", Limit::None)
    };
    let growth = line(&format!("{name}_growth"), race.ratio(1, 0), "ratio", limit);
    [micros(FEW, 0), micros(MANY, 1), growth]
}
