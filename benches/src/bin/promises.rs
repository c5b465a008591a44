//! Measures the promises, prints a line for each, and exits 1 if one is broken. The crate's README
//! says how to read it.

use std::alloc::System;
use std::process::ExitCode;

use benches::alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use benches::budget::Budget;
use benches::report::{Line, Verdict};
use benches::{cold, hit, instructions, memory, scale, schedule};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const USAGE: &str = "usage: promises [--json] [--no-callgrind | --write-budget]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [instructions::COMMAND, subject] = arguments[..] {
        println!("{}", instructions::measure(subject));
        return ExitCode::SUCCESS;
    }
    let known = ["--json", "--no-callgrind", "--write-budget"];
    if arguments.iter().any(|argument| !known.contains(argument)) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let said = |flag| arguments.contains(&flag);
    let themes = [hit::lines, cold::lines, memory::lines, schedule::lines, scale::lines];
    let mut report = Report { json: said("--json"), lines: Vec::new() };
    for theme in themes {
        report.add(theme());
    }
    if !said("--no-callgrind") {
        report.add(counted(said("--write-budget")));
    }
    report.end()
}

/// Counts instructions, and writes them down as the new budget first if asked to.
fn counted(write: bool) -> Vec<Line> {
    let counted = instructions::count();
    for problem in counted.problems() {
        eprintln!("not counted: {problem} (--no-callgrind goes without)");
    }
    if write {
        counted.budget().store().expect("budget.json can be written");
    }
    counted.lines(&Budget::load().expect("budget.json can be read"))
}

/// Lines as they come, or all of them as JSON at the end.
struct Report {
    json: bool,
    lines: Vec<Line>,
}

impl Report {
    fn add(&mut self, lines: Vec<Line>) {
        if !self.json {
            lines.iter().for_each(|line| println!("{line}"));
        }
        self.lines.extend(lines);
    }

    fn end(&self) -> ExitCode {
        if self.json {
            println!("{}", serde_json::to_string_pretty(&self.lines).expect("plain data"));
        }
        let failed = |line: &&Line| line.verdict == Verdict::Fail;
        match self.lines.iter().filter(failed).count() {
            0 => ExitCode::SUCCESS,
            count => {
                eprintln!("{count} of {} lines fail", self.lines.len());
                eprintln!("a change worth its instructions renews the budget: --write-budget");
                ExitCode::FAILURE
            }
        }
    }
}
