//! Load, save and lease, each beside the bare operation it is made of.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use credential_store::faults::Point;

use super::bare::Bare;
use super::calls::{Calls, Reached};
use super::line;
use super::shelf::Shelf;
use crate::report::{Limit, Line};
use crate::timing::{Race, Work, race_within};

const RECORDS: usize = 100;
/// Operations that are counted.
const TIMES: u64 = 100;
/// How long they take turns, on a disk that is not slow.
const BUDGET: Duration = Duration::from_secs(7);
/// Batches of one subject before the next has its turn.
const BATCHES: usize = 8;
/// Nanoseconds in which no disk replaces a file durably. In memory a sync costs nothing, and what is
/// held against it has no limit.
const IN_MEMORY: f64 = 50_000.0;

pub(super) fn lines(folder: &Path) -> Vec<Line> {
    let folder = folder.join("operations");
    fs::create_dir(&folder).expect("a new folder");
    let shelf = Shelf::filled(&folder, RECORDS);
    let size = size_of_a_record(&folder);
    let mut lines = vec![line("record_file", size as f64, "bytes", Limit::None)];
    // A lease's file is made when it is first taken: once in the life of a key.
    shelf.lease(RECORDS as u64);
    // Counted first: after thousands of saves one of them writes the journal anew.
    lines.extend(counts(&shelf));
    lines.extend(times(&shelf, &Bare::under(&folder, size)));
    lines
}

fn times(shelf: &Shelf, bare: &Bare) -> Vec<Line> {
    let subjects: [(&str, &Work<'_>); 8] = [
        ("bare_read", &|n| bare.read(n)),
        ("load", &|n| shelf.load(n)),
        ("bare_write", &|n| bare.write(n)),
        ("bare_replace", &|n| bare.replace(n)),
        ("save", &|n| shelf.save(n)),
        ("bare_lock", &|n| bare.lock(n)),
        ("lease", &|n| shelf.lease(n)),
        ("thread_hop", &|n| shelf.hop(n)),
    ];
    let race = race_within(BUDGET, BATCHES, &subjects.map(|(_, work)| work));
    let on_disk = |limit| if race.nanos(3) > IN_MEMORY { Limit::Time(limit) } else { Limit::None };
    let micros = |nth: usize| line(subjects[nth].0, race.nanos(nth) / 1e3, "us", Limit::None);
    vec![
        micros(7),
        micros(0),
        micros(1),
        over(&race, "load_over_bare_read", 1, 0, Limit::Time(20.0)),
        micros(2),
        micros(3),
        micros(4),
        over(&race, "save_over_bare_replace", 4, 3, on_disk(2.0)),
        over(&race, "save_over_bare_write", 4, 2, Limit::None),
        micros(5),
        micros(6),
        over(&race, "lease_over_bare_lock", 6, 5, Limit::Time(30.0)),
    ]
}

fn over(race: &Race, name: &str, subject: usize, bare: usize, limit: Limit) -> Line {
    line(name, race.ratio(subject, bare), "ratio", limit)
}

fn counts(shelf: &Shelf) -> Vec<Line> {
    let mut lines = Vec::new();
    // What a handle reads once, such as the journal so far, is not an operation's.
    shelf.load(1);
    let mut count = |name: &str, work: &Work<'_>, reads: f64, writes: f64| {
        let counted = Calls::of(TIMES, work);
        let mut add = |what: &str, value: Option<f64>, limit| {
            let name = format!("store/{name}_{what}");
            lines.push(Line::maybe(name, value, "calls", Limit::AtMost(limit)));
        };
        add("reads", counted.map(|calls| calls.reads), reads);
        add("writes", counted.map(|calls| calls.writes), writes);
    };
    count("load", &|n| shelf.load(n), 2.0, 0.0);
    count("save", &|n| shelf.save(n), 5.0, 3.0);
    // It reads the holder's line and, finding its own, writes nothing.
    count("lease", &|n| shelf.lease(n), 1.0, 0.0);
    let reached = Arc::new(Reached::default());
    shelf.save_watched(TIMES, reached.clone());
    let mut synced = |name: &str, point: Point| {
        let each = reached.count(point) as f64 / TIMES as f64;
        lines.push(line(name, each, "calls", Limit::Exactly(1.0)));
    };
    synced("save_file_syncs", Point::Synced);
    synced("save_folder_syncs", Point::FolderSynced);
    lines
}

fn size_of_a_record(folder: &Path) -> usize {
    let mut records = fs::read_dir(folder.join("store/records")).expect("its records");
    let record = records.next().expect("one at least").expect("a file");
    usize::try_from(record.metadata().expect("a file").len()).expect("it fits")
}
