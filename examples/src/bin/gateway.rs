//! A gateway that tells the life of its credentials, or serves a configuration of yours. See
//! `examples::gateway` and `examples::served`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

use std::process::ExitCode;

use examples::gateway::{self, options};

/// As sysexits has it: the command was used wrongly.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    credential_host::quiet_panics("gateway");
    examples::log::start();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--help" | "-h", ..] => {
            println!("{}", options::USAGE);
            ExitCode::SUCCESS
        }
        #[cfg(unix)]
        ["--config", file] => serve(file),
        #[cfg(unix)]
        ["--config", ..] => misused("--config takes one file"),
        _ => match options::Options::read(&arguments) {
            Ok(options) => gateway::run(options).into(),
            Err(unknown) => misused(&format!("unknown argument: {unknown}")),
        },
    }
}

#[cfg(unix)]
fn serve(file: &str) -> ExitCode {
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let code = runtime.block_on(examples::served::serve(file.as_ref()));
            // A drive that does not answer is not waited for.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            eprintln!("gateway: this system lends no threads: {}", error.kind());
            ExitCode::FAILURE
        }
    }
}

fn misused(problem: &str) -> ExitCode {
    eprintln!("gateway: {problem}\n\n{}", options::USAGE);
    USAGE.into()
}
