//! The table.

use crate::measure::Row;
use crate::record::BODY;
use crate::turns::{Turns, median};
use crate::writers::Writers;

const COLUMNS: [(&str, usize); 14] = [
    ("shape", 9),
    ("save us", 8),
    ("bare us", 8),
    ("x", 7),
    ("mean x", 7),
    ("load us", 8),
    ("x", 6),
    ("names ms", 9),
    ("x", 6),
    ("open ms", 8),
    ("x", 6),
    ("MB", 6),
    ("after saves", 13),
    ("writers", 8),
];

/// Prints all rows, and what they are held against.
pub fn print(records: usize, rows: &[Row]) {
    println!(
        "{records} records of {BODY} bytes; x: over a bare write (saves) or a bare read (else)"
    );
    print_line(COLUMNS.map(|(title, _)| title.to_string()));
    for row in rows {
        print_line(cells(row));
    }
    let bare = |turns: fn(&Row) -> &Turns| {
        median(rows.iter().map(|row| turns(row).bare_nanos() / 1e3).collect())
    };
    let (write, read) = (bare(|row| &row.save), bare(|row| &row.load));
    println!("bare write and fsync {write:.0} us; bare open, read and close {read:.2} us");
    for row in rows {
        if let Writers::Refused(reason) = &row.writers {
            println!("{}: single process only; a second one is told: {reason}", row.name);
        }
    }
    println!("one_file: a load after another process's save takes as long as `open`");
    println!("one_file: its ratio is too low where it slows the bare write beside it");
    println!("log: grows with every save, and `open` with it; rewriting it is not measured");
}

fn cells(row: &Row) -> [String; COLUMNS.len()] {
    let Row { save, load, names, open, .. } = row;
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    [
        row.name.into(),
        format!("{:.0}", save.nanos() / 1e3),
        format!("{:.0}", save.bare_nanos() / 1e3),
        format!("{:.2}", save.ratio()),
        format!("{:.2}", save.mean_ratio()),
        format!("{:.2}", load.nanos() / 1e3),
        format!("{:.2}", load.ratio()),
        format!("{:.2}", names.nanos() / 1e6),
        format!("{:.0}", names.ratio()),
        format!("{:.2}", open.nanos() / 1e6),
        format!("{:.0}", open.ratio()),
        megabytes(row.bytes),
        format!("{} ({})", megabytes(row.bytes_after_saves), save.count()),
        match row.writers {
            Writers::Ratio(ratio) => format!("x {ratio:.2}"),
            Writers::Refused(_) => "refused".into(),
        },
    ]
}

fn print_line(cells: [String; COLUMNS.len()]) {
    let mut cells = cells.iter().zip(COLUMNS);
    if let Some((cell, (_, width))) = cells.next() {
        print!("{cell:<width$}");
    }
    cells.for_each(|(cell, (_, width))| print!(" {cell:>width$}"));
    println!();
}
