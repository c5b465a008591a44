//! Several processes that save into one store at once.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use crate::record::{self, Random};
use crate::shape::{Outcome, Shape};
use crate::turns::median;

/// The argument that makes a process a writer.
pub const COMMAND: &str = "--writer";

/// What became of several processes.
pub enum Writers {
    /// Their saves a second, over those of one.
    Ratio(f64),
    /// A second process was not let in, and this is why.
    Refused(String),
}

const PROCESSES: usize = 4;
const ROUNDS: usize = 3;
const READY: &str = "ready";

/// Lets one process save and then four, some times over, while this one has the store open too.
pub fn measure<S: Shape>(
    store: &mut S,
    folder: &Path,
    records: usize,
    nanos_of_a_save: f64,
) -> Outcome<Writers> {
    let saves = (3e8 / nanos_of_a_save).clamp(4.0, 200.0) as usize;
    let mut ratios = Vec::new();
    let before = generations(store, records)?;
    for _ in 0..ROUNDS {
        let mut rates = [0.0; 2];
        for (rate, processes) in rates.iter_mut().zip([1, PROCESSES]) {
            match seconds::<S>(folder, records, saves, processes)? {
                Ok(seconds) => *rate = (saves * processes) as f64 / seconds,
                Err(reason) => return Ok(Writers::Refused(reason)),
            }
        }
        ratios.push(rates[1] / rates[0]);
    }
    let saved = (ROUNDS * (1 + PROCESSES) * saves) as u64;
    if generations(store, records)? - before != saved {
        return Err(format!("{}: writers lost each other's saves", S::NAME).into());
    }
    Ok(Writers::Ratio(median(ratios)))
}

/// All generations together: each save adds one.
fn generations<S: Shape>(store: &mut S, records: usize) -> Outcome<u64> {
    (0..records).map(|nth| record::generation(&store.load(&record::name(nth))?)).sum()
}

/// How long processes take that save at once, or why one could not open the store.
fn seconds<S: Shape>(
    folder: &Path,
    records: usize,
    saves: usize,
    processes: usize,
) -> Outcome<Result<f64, String>> {
    let mut writers = Vec::new();
    for nth in 0..processes {
        writers.push(Writer::start(S::NAME, folder, [records, saves, nth])?);
    }
    for writer in &mut writers {
        let line = writer.line()?;
        if line != READY {
            return Ok(Err(line));
        }
    }
    let start = Instant::now();
    writers.iter_mut().try_for_each(Writer::go)?;
    for writer in &mut writers {
        writer.line()?;
    }
    // Before they end: what closing costs is not part of a save.
    let seconds = start.elapsed().as_secs_f64();
    Ok(Ok(seconds))
}

/// A process that saves; it is waited for when dropped.
struct Writer {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    fn start(shape: &str, folder: &Path, numbers: [usize; 3]) -> Outcome<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([COMMAND, shape])
            .arg(folder)
            .args(numbers.map(|number| number.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = process.stdout.take().ok_or("a writer without output")?;
        Ok(Self { process, lines: BufReader::new(out).lines() })
    }

    fn line(&mut self) -> Outcome<String> {
        Ok(self.lines.next().ok_or("a writer failed")??)
    }

    fn go(&mut self) -> Outcome<()> {
        let input = self.process.stdin.as_mut().ok_or("a writer without input")?;
        Ok(writeln!(input, "go")?)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Without input it ends by itself.
        drop(self.process.stdin.take());
        if let Err(error) = self.process.wait() {
            eprintln!("a writer is left behind: {error}");
        }
    }
}

/// What such a process does: its arguments are the folder, the number of records, how many saves
/// to make, and a seed.
pub fn write<S: Shape>(arguments: &[&str]) -> Outcome<()> {
    let [folder, records, saves, seed] = arguments else {
        return Err("a writer takes four arguments".into());
    };
    let (records, saves): (usize, usize) = (records.parse()?, saves.parse()?);
    let mut random = Random(seed.parse()?);
    let mut store = match S::open(Path::new(folder)) {
        Ok(store) => store,
        Err(reason) => {
            println!("{reason}");
            return Ok(());
        }
    };
    println!("{READY}");
    if std::io::stdin().read_line(&mut String::new())? == 0 {
        return Ok(());
    }
    for _ in 0..saves {
        let nth = random.below(records);
        let name = record::name(nth);
        loop {
            let before = record::generation(&store.load(&name)?)?;
            if store.save(&name, before, &record::body(nth, before + 1))? {
                break;
            }
        }
    }
    println!("done");
    Ok(())
}
