//! How a store of small encrypted records, shared by several processes, should lie on disk.
//!
//! Five shapes keep the same records of 2 KiB, with the same promises: a save is a compare-and-swap
//! on the record's generation, and when it has returned, a power cut does not undo it.
//!
//!     cargo run --release --manifest-path benches/peers/Cargo.toml --bin record_shapes -- \
//!         [FOLDER] [--records 10000]
//!
//! It works in a fresh folder under `FOLDER`, by default the system's folder for temporary files,
//! and removes it at the end. On a file system in memory a sync costs nothing and the saves say
//! nothing. A run that follows another at once pays for what that one removed: wait a minute. Unix
//! only; half a minute.
//!
//! | column | |
//! |---|---|
//! | `save` | one compare-and-swap of a random record, and its lock where the shape needs one |
//! | `bare` | the bare write beside it; rows where it differs much are not worth comparing |
//! | `mean` | all saves over all bare writes: unlike the median it shows what only some saves pay |
//! | `load` | a random record, all of it in the page cache, and seeing what other processes saved |
//! | `names` | the names of all records |
//! | `open` | until the first record is loaded, of a store that was closed, in the page cache |
//! | `MB` | blocks on disk, folders included, once filled, and after so many timed saves |
//! | `writers` | saves a second of four processes over those of one; no update may be lost |
//!
//! Ratios stand beside the times and are what counts: a save over a bare write of 2 KiB to a new
//! file and its fsync, all else over a bare open, read and close of one file of 2 KiB. The two take
//! turns, so that a noisy neighbour slows both; a ratio is the median of neighbouring turns.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::folder::Fresh;
use crate::measure::measure;
use crate::shape::Shape;
use crate::shapes::{FileEach, Log, OneFile, Redb, Sqlite};

mod bare;
mod folder;
mod measure;
mod record;
mod shape;
mod shapes;
mod table;
mod turns;
mod writers;

const USAGE: &str = "usage: record_shapes [FOLDER] [--records NUMBER]";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [writers::COMMAND, shape, rest @ ..] = &strs(&arguments)[..] {
        match *shape {
            FileEach::NAME => writers::write::<FileEach>(rest)?,
            OneFile::NAME => writers::write::<OneFile>(rest)?,
            Log::NAME => writers::write::<Log>(rest)?,
            Sqlite::NAME => writers::write::<Sqlite>(rest)?,
            Redb::NAME => writers::write::<Redb>(rest)?,
            _ => return Err("no such shape".into()),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Some((parent, records)) = asked(&strs(&arguments)) else {
        eprintln!("{USAGE}");
        return Ok(ExitCode::from(2));
    };
    let folder = Fresh::under(&parent)?;
    let rows = [
        measure::<FileEach>(folder.path(), records)?,
        measure::<Log>(folder.path(), records)?,
        measure::<Sqlite>(folder.path(), records)?,
        measure::<Redb>(folder.path(), records)?,
        // Last: it frees so much that later syncs would pay for it.
        measure::<OneFile>(folder.path(), records)?,
    ];
    table::print(records, &rows);
    Ok(ExitCode::SUCCESS)
}

/// Where to work, and with how many records; `None` if the arguments say neither.
fn asked(arguments: &[&str]) -> Option<(PathBuf, usize)> {
    let (mut folder, mut records) = (None, 10_000);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match *argument {
            "--records" => records = arguments.next()?.parse().ok().filter(|count| *count > 0)?,
            path if folder.is_none() && !path.starts_with('-') => folder = Some(path.into()),
            _ => return None,
        }
    }
    Some((folder.unwrap_or_else(std::env::temp_dir), records))
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}
