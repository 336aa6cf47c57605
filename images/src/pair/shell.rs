//! Running commands of the host, with errors that say which command failed and what it printed.

use std::path::Path;
use std::process::{Command, Stdio};

/// A failed step: a sentence for the terminal.
pub(crate) type Failure = String;

/// Runs `program` with `arguments` and returns its standard output.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "`{program} {}` ended with {}: {}{}",
        arguments.join(" "),
        output.status,
        stdout,
        { stderr.trim_end() }
    ))
}

/// Runs a command whose failure does not matter: it undoes what may not be there.
pub(crate) fn quietly(program: &str, arguments: &[&str]) {
    if let Err(failure) = run(program, arguments) {
        log_undo(&failure);
    }
}

fn log_undo(failure: &str) {
    if std::env::var_os("DIARCH_PAIR_TRACE").is_some() {
        crate::say::line(failure);
    }
}

/// The text of a small file of `/proc` or the rig, or nothing where it is gone.
pub(crate) fn slurp(path: impl AsRef<Path>) -> String {
    std::fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}
