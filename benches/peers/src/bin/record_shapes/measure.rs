//! One shape, from an empty folder to its row in the table.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use crate::bare::{Bare, LOADS};
use crate::folder::bytes;
use crate::record::{self, Random};
use crate::shape::{Outcome, Shape};
use crate::turns::{Turns, timed, turns};
use crate::writers::{self, Writers};

/// What was measured of a shape.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// One save, against a bare write.
    pub save: Turns,
    /// One load, against a bare read, as the rest.
    pub load: Turns,
    /// All names.
    pub names: Turns,
    /// Opening, and the first load.
    pub open: Turns,
    /// On disk, once filled.
    pub bytes: u64,
    /// On disk, after the saves.
    pub bytes_after_saves: u64,
    /// Several processes that save at once.
    pub writers: Writers,
}

/// Measures a shape with so many records, in a folder of its own. It is left there: what removing it costs the
/// disk would be paid by the syncs of the next.
pub fn measure<S: Shape>(parent: &Path, records: usize) -> Outcome<Row> {
    eprintln!("{} ...", S::NAME);
    let parent = parent.join(S::NAME);
    let folder = parent.join("store");
    fs::create_dir_all(&folder)?;
    let mut bare = Bare::under(&parent)?;
    S::fill(&folder, records)?;
    let filled = bytes(&folder)?;

    let mut random = Random(1);
    let open = turns(
        50,
        Duration::from_millis(1500),
        || bare.read(),
        || {
            let name = record::name(random.below(records));
            let (nanos, opened) = timed(|| {
                let mut store = S::open(&folder)?;
                Ok((store.load(&name)?, store))
            })?;
            drop(opened);
            Ok(nanos)
        },
    )?;

    let mut store = S::open(&folder)?;
    let load = turns(
        500,
        Duration::from_secs(1),
        || bare.read(),
        || {
            let names: Vec<_> = (0..LOADS).map(|_| record::name(random.below(records))).collect();
            let (nanos, ()) = timed(|| {
                for name in &names {
                    black_box(store.load(name)?);
                }
                Ok(())
            })?;
            Ok(nanos / LOADS as f64)
        },
    )?;
    let names = turns(
        100,
        Duration::from_secs(1),
        || bare.read(),
        || {
            let (nanos, names) = timed(|| store.names())?;
            if names.len() == records { Ok(nanos) } else { Err("names are missing".into()) }
        },
    )?;
    let save = turns(
        1000,
        Duration::from_secs(5),
        || bare.write(),
        || {
            let nth = random.below(records);
            let name = record::name(nth);
            let before = record::generation(&store.load(&name)?)?;
            let body = record::body(nth, before + 1);
            let (nanos, saved) = timed(|| store.save(&name, before, &body))?;
            if saved { Ok(nanos) } else { Err("nobody else saves, yet a save was refused".into()) }
        },
    )?;
    let after_saves = bytes(&folder)?;

    let writers = writers::measure(&mut store, &folder, records, save.nanos())?;
    drop(store);
    let (bytes, bytes_after_saves) = (filled, after_saves);
    Ok(Row { name: S::NAME, save, load, names, open, bytes, bytes_after_saves, writers })
}
