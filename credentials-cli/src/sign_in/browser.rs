//! Opening a browser, where there is one.

use std::ffi::OsString;
use std::process::Stdio;

use tokio::process::Command;

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Whether a browser that is opened here is seen by the person: one is named, or there is a desktop
/// that is not at the other end of a remote shell.
pub(super) fn is_there() -> bool {
    if variable("BROWSER").is_some() {
        return true;
    }
    if variable("SSH_CONNECTION").is_some() || variable("SSH_TTY").is_some() {
        return false;
    }
    let desktop = || variable("DISPLAY").or_else(|| variable("WAYLAND_DISPLAY")).is_some();
    cfg!(target_os = "macos") || (desktop() && on_path(OPENER))
}

const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

fn on_path(program: &str) -> bool {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Opens `url`, and says whether a program for it could be started. The address is that program's
/// argument, which every user of the machine can read: it is never a sign-in's own.
pub(super) fn open(url: &str) -> bool {
    let named = variable("BROWSER").and_then(|named| named.into_string().ok());
    let programs = named.unwrap_or_else(|| OPENER.to_owned());
    programs
        .split(':')
        .filter(|program| !program.trim().is_empty())
        .any(|program| start(program, url))
}

/// `%s` stands for the address; where it does not, the address comes last.
fn start(program: &str, url: &str) -> bool {
    let mut words = program.split_whitespace();
    let Some(first) = words.next() else { return false };
    let mut command = Command::new(first);
    let mut placed = false;
    for word in words {
        placed |= word.contains("%s");
        command.arg(word.replace("%s", url));
    }
    if !placed {
        command.arg(url);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}
