//! Runs other programs so that nobody has to wonder whether they still live.
//!
//! A line goes through as it comes; while a program is silent a ticker line appears every two
//! seconds at the latest.

use crate::failure::Failure;
use crate::say;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The longest silence on the terminal while a program runs.
const SILENCE_MAX: Duration = Duration::from_millis(1900);
/// The longest silence in a log.
const SILENCE_MAX_LOG: Duration = Duration::from_secs(20);

/// What a program that was watched said and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Every line of both its outputs, in the order in which they were read.
    pub(crate) lines: Vec<String>,
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// How long it ran.
    pub(crate) took: Duration,
}

/// Which lines of a watched program are shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Show {
    /// Every one.
    All,
    /// None while it runs; its caller shows what matters.
    Nothing,
}

/// The command line as a person would type it.
pub(crate) fn text(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    words.join(" ")
}

/// Runs `command` to its end with its lines and a ticker on the terminal.
///
/// # Errors
/// If it cannot be started. A bad status is the caller's to judge.
pub(crate) fn watch(title: &str, command: &mut Command, show: Show) -> Result<Ended, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let start = Instant::now();
    let failed = |source| Failure::Program { name: name.clone(), source };
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (sender, receiver) = channel();
    let readers = [
        child.stdout.take().map(|out| reader(out, sender.clone())),
        child.stderr.take().map(|out| reader(out, sender)),
    ];
    let mut lines = Vec::new();
    let mut said = Instant::now();
    let terminal = std::io::stdout().is_terminal();
    let silence_max = if terminal { SILENCE_MAX } else { SILENCE_MAX_LOG };
    loop {
        match receiver.recv_timeout(silence_max.saturating_sub(said.elapsed())) {
            Ok(line) => {
                if show == Show::All {
                    say::line(&line);
                    said = Instant::now();
                }
                lines.push(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if said.elapsed() >= silence_max {
            let last = lines.last().map_or("", String::as_str).trim();
            let last: String = last.chars().take(70).collect();
            say::line(format!("  … {title} ({}) {last}", say::duration(start.elapsed())));
            said = Instant::now();
        }
    }
    for reader in readers.into_iter().flatten() {
        // A reader that panicked has lost lines, never the status.
        drop(reader.join());
    }
    let status = child.wait().map_err(failed)?;
    Ok(Ended { lines, status, took: start.elapsed() })
}

fn reader(out: impl Read + Send + 'static, sender: Sender<String>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut out = BufReader::new(out);
        let mut raw = Vec::new();
        while let Ok(1..) = out.read_until(b'\n', &mut raw) {
            let line = String::from_utf8_lossy(&raw).trim_end().to_owned();
            raw.clear();
            if sender.send(line).is_err() {
                break;
            }
        }
    })
}

/// Runs `command` with a ticker, shows its last lines if it fails.
///
/// # Errors
/// If it cannot be started or ends with a bad status.
pub(crate) fn run(title: &str, command: &mut Command) -> Result<Ended, Failure> {
    let shown = text(command);
    let ended = watch(title, command, Show::Nothing)?;
    if ended.status.success() {
        return Ok(ended);
    }
    for line in ended.lines.iter().rev().take(40).rev() {
        say::error(line);
    }
    Err(Failure::Status { command: shown, code: ended.status.code() })
}

/// Runs `command` silently and returns its standard output.
///
/// # Errors
/// If it cannot be started or ends with a bad status.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let out = command.stdin(Stdio::null()).stderr(Stdio::null()).output().map_err(|source| {
        Failure::Program { name: command.get_program().to_string_lossy().into_owned(), source }
    })?;
    if out.status.success() {
        Ok(out.stdout)
    } else {
        Err(Failure::Status { command: text(command), code: out.status.code() })
    }
}
