//! `--measure`: what a start costs, beside the cheapest program there is.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use authprofile_bridge::exec::ExecRequest;
use serde_json::{Value, json};

use super::{Failure, Invocation};

/// Medians over all runs. A median: one run in a few meets another process.
pub(crate) struct Report {
    runs: usize,
    first_byte: Duration,
    ended: Duration,
    nothing: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let ratio = millis(self.ended) / millis(self.nothing).max(f64::MIN_POSITIVE);
        writeln!(f, "median of {} runs, from the start of the process", self.runs)?;
        writeln!(f, "  first byte of the answer  {:7.2} ms", millis(self.first_byte))?;
        writeln!(f, "  end of the process        {:7.2} ms", millis(self.ended))?;
        writeln!(f, "  end of /bin/true          {:7.2} ms", millis(self.nothing))?;
        write!(f, "  ratio of the ends         {ratio:7.2}")
    }
}

/// Measures `runs` starts. Without a configuration, on a static key in a folder of its own.
pub(crate) fn run(
    invocation: Invocation,
    runs: usize,
    configuration: Option<PathBuf>,
    ids: Vec<String>,
) -> Result<Report, Failure> {
    match configuration {
        Some(configuration) => measure(invocation, runs, &configuration, &ids),
        None => {
            let folder = std::env::temp_dir().join(format!("secretref-{}", std::process::id()));
            let measured = prepare(&folder)
                .map_err(|_| Failure::configuration("the temporary folder cannot be written"))
                .and_then(|path| measure(invocation, runs, &path, &["keys/openai".to_owned()]));
            // It holds nothing but a key that is none.
            let _ = std::fs::remove_dir_all(&folder);
            measured
        }
    }
}

fn prepare(folder: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir(folder)?;
    let keys = folder.join("keys.json");
    std::fs::write(&keys, r#"{"keys": {"openai": "sk-not-a-real-key"}}"#)?;
    #[cfg(unix)]
    std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let access = json!([{"consumer": super::CONSUMER, "credential": "keys/*"}]);
    let whole = json!({
        "credentialStore": {"folder": "grants", "keyFile": "grants.key"},
        "credentialProviders": {
            "keys": {"type": "file", "path": keys},
            "work": {"type": "oauth", "issuer": "https://login.example", "clientId": "gateway",
                     "credentials": {"mail": {"scopes": ["mail.read"]}}},
        },
        "credentialAccess": access,
    });
    let path = folder.join("credentials.json5");
    std::fs::write(&path, whole.to_string())?;
    Ok(path)
}

fn measure(
    invocation: Invocation,
    runs: usize,
    configuration: &Path,
    ids: &[String],
) -> Result<Report, Failure> {
    let broken = |_| Failure::configuration("a program cannot be started here");
    let this = std::env::current_exe().map_err(broken)?;
    let request = ExecRequest::new("measure", ids).to_json();
    let (mut firsts, mut ends, mut nothings) = (Vec::new(), Vec::new(), Vec::new());
    // One of each that does not count: the files are then in memory. Then in turns, so that both meet
    // the same machine.
    for run in 0..=runs {
        let mut program = Command::new(&this);
        program.args(invocation.subcommand).arg("--config").arg(configuration);
        let (first, end, answer) = time(&mut program, &request).map_err(broken)?;
        let complete = serde_json::from_slice::<Value>(&answer)
            .is_ok_and(|answer| answer.get("values").is_some() && answer.get("errors").is_none());
        if !complete {
            return Err(Failure::configuration("an id has no value: there is nothing to measure"));
        }
        let (_, nothing, _) = time(&mut Command::new("/bin/true"), b"").map_err(broken)?;
        if run > 0 {
            firsts.push(first);
            ends.push(end);
            nothings.push(nothing);
        }
    }
    Ok(Report { runs, first_byte: median(firsts), ended: median(ends), nothing: median(nothings) })
}

/// When the first byte came, when it ended, and what it said.
fn time(command: &mut Command, input: &[u8]) -> std::io::Result<(Duration, Duration, Vec<u8>)> {
    let began = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that reads nothing may have gone.
        let _ = stdin.write_all(input);
    }
    let mut answer = vec![0; 1];
    let mut first = began.elapsed();
    if let Some(mut stdout) = child.stdout.take() {
        let count = stdout.read(&mut answer)?;
        first = began.elapsed();
        answer.truncate(count);
        stdout.read_to_end(&mut answer)?;
    }
    child.wait()?;
    Ok((first, began.elapsed(), answer))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
