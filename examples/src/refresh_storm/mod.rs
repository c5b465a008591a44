//! Many processes, one rotating grant: does each expiry cost exactly one refresh call?
//!
//! The issuers that rotate end a login when a refresh token comes twice, the winner's new one
//! included. So there is no second chance, and the issuer itself is the judge: its log of token
//! requests is what is counted, not what the processes say of themselves.
//!
//! The parent signs in once, starts itself again as often as asked, and looks on. Each process has
//! an engine of its own and opens the store itself; its tasks ask for the credential fifty times a
//! second. Nothing forces a renewal: the access tokens end.

mod child;
mod gateway;
mod issuer_log;
mod options;
mod outcome;
mod storm;
mod tally;
mod worker;

use std::io::{Write as _, stderr};
use std::process::ExitCode;

use self::options::{Options, Role, USAGE};

/// Runs the part that the arguments ask for.
pub async fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let ran = match Options::read(arguments) {
        Ok((Role::Parent, options)) => storm::run(&options).await,
        Ok((Role::Worker(folder), options)) => worker::run(&options, &folder).await,
        Err(problem) => {
            // There is nobody else to tell.
            let _ = writeln!(stderr(), "{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match ran {
        Ok(holds) if holds => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            let _ = writeln!(stderr(), "{problem}");
            ExitCode::FAILURE
        }
    }
}
