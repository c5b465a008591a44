//! A gateway that tells the life of its credentials. See `examples::gateway`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

use std::process::ExitCode;

use examples::gateway::{self, options};

/// As sysexits has it: the command was used wrongly.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--help" | "-h") => {
            println!("{}", options::USAGE);
            ExitCode::SUCCESS
        }
        _ => match options::Options::read(&arguments) {
            Ok(options) => gateway::run(options).into(),
            Err(unknown) => {
                eprintln!("gateway: unknown argument: {unknown}\n\n{}", options::USAGE);
                USAGE.into()
            }
        },
    }
}
