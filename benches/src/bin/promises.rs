//! Measures the promises, prints a line for each, and exits 1 if one is broken. The crate's README
//! says how to read it.

use std::alloc::System;
use std::path::PathBuf;
use std::process::ExitCode;

use benches::alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use benches::budget::Budget;
use benches::report::{Line, Verdict};
#[cfg(unix)]
use benches::store;
use benches::{cold, hit, instructions, memory, redaction, scale, schedule};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const USAGE: &str = "usage: promises [--json] [--no-callgrind | --write-budget] [--folder FOLDER] \
                     [--theme THEME]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [instructions::COMMAND, subject] = arguments[..] {
        println!("{}", instructions::measure(subject));
        return ExitCode::SUCCESS;
    }
    #[cfg(unix)]
    if let [store::COMMAND, folder, task @ ..] = &arguments[..] {
        store::run(folder, task);
        return ExitCode::SUCCESS;
    }
    let Some(asked) = Asked::parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut report = Report { json: asked.json, lines: Vec::new() };
    let themes: [(&str, Theme); 6] = [
        ("hit", hit::lines),
        ("cold", cold::lines),
        ("memory", memory::lines),
        ("schedule", schedule::lines),
        ("scale", scale::lines),
        ("redaction", redaction::lines),
    ];
    for (name, lines) in themes {
        if asked.wants(name) {
            report.add(lines());
        }
    }
    #[cfg(unix)]
    if asked.wants("store") {
        report.add(store::lines(&asked.folder));
    }
    if asked.callgrind && asked.wants("instructions") {
        report.add(counted(asked.write_budget));
    }
    report.end()
}

/// What is measured together.
type Theme = fn() -> Vec<Line>;

/// What the arguments say.
struct Asked {
    json: bool,
    callgrind: bool,
    write_budget: bool,
    /// Only this one.
    theme: Option<String>,
    #[cfg_attr(not(unix), allow(dead_code, reason = "the store is for Unix"))]
    folder: PathBuf,
}

impl Asked {
    /// `None` if they say something else.
    fn parse(arguments: &[&str]) -> Option<Self> {
        let folder = std::env::temp_dir();
        let mut asked =
            Self { json: false, callgrind: true, write_budget: false, theme: None, folder };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--json" => asked.json = true,
                "--no-callgrind" => asked.callgrind = false,
                "--write-budget" => asked.write_budget = true,
                "--theme" => asked.theme = Some((*arguments.next()?).to_owned()),
                "--folder" => asked.folder = arguments.next()?.into(),
                _ => return None,
            }
        }
        Some(asked)
    }

    fn wants(&self, theme: &str) -> bool {
        self.theme.as_deref().is_none_or(|wanted| wanted == theme)
    }
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
