//! What people read: applets' output, and the log on standard error.
//!
//! A line of the log is `SECONDS.MS LEVEL PART: TEXT`, with `CLOCK_BOOTTIME`'s seconds. It is
//! made on the stack, and a console that does not take it never blocks the process: the line is
//! dropped and the next one says how many were.

use crate::cli::exit::Exit;
use crate::clock;
use core::fmt::Write as _;
use log::{LevelFilter, Log, Metadata, Record};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::fd::FromRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Longest line, in bytes; the rest is cut.
const LINE_MAX: usize = 512;

/// Writes `text` to standard output; an error if nobody takes it.
pub(crate) fn say(text: &str) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Ok,
        Err(_) => Exit::IoErr,
    }
}

/// Writes one line to standard error.
pub(crate) fn complain(text: &str) {
    let mut err = std::io::stderr().lock();
    if err.write_all(text.as_bytes()).and_then(|()| err.write_all(b"\n")).is_err() {
        // Nobody listens; the exit status still tells.
    }
}

/// The log of a daemon.
#[derive(Debug)]
struct DaemonLog {
    part: &'static str,
    file: File,
    dropped: AtomicU32,
}

static LOG: OnceLock<DaemonLog> = OnceLock::new();

/// Sends the log of this process to standard error as that of `part`.
pub(crate) fn start_log(part: &'static str) {
    let log = LOG.get_or_init(|| DaemonLog { part, file: open(), dropped: AtomicU32::new(0) });
    if log::set_logger(log).is_ok() {
        let debug = std::env::var_os("DIARCH_DEBUG").is_some();
        log::set_max_level(if debug { LevelFilter::Debug } else { LevelFilter::Info });
    }
}

/// Standard error with a description of its own, so that not blocking concerns nobody else.
fn open() -> File {
    OpenOptions::new()
        .append(true)
        .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY)
        .open("/proc/self/fd/2")
        .unwrap_or_else(|_| {
            // A socket cannot be opened again: it is used as it is.
            // SAFETY: standard error stays open for the whole life of the process.
            unsafe { File::from_raw_fd(2) }
        })
}

impl Log for DaemonLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level() && metadata.target().starts_with("diarch")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let dropped = self.dropped.load(Ordering::Relaxed);
        let micros = clock::now().as_micros();
        let mut line = Line::default();
        let level = match record.level() {
            log::Level::Error => "error",
            log::Level::Warn => "warn",
            log::Level::Info => "info",
            log::Level::Debug | log::Level::Trace => "debug",
        };
        let (seconds, millis) = (micros / 1_000_000, micros / 1000 % 1000);
        let more = if dropped > 0 { "… " } else { "" };
        let made =
            write!(line, "{more}{seconds}.{millis:03} {level} {}: {}", self.part, record.args());
        if made.is_err() {
            line.cut();
        }
        line.end();
        if (&self.file).write_all(line.bytes()).is_ok() {
            self.dropped.store(0, Ordering::Relaxed);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

/// A line on the stack; what does not fit is cut.
struct Line {
    bytes: [u8; LINE_MAX],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { bytes: [0; LINE_MAX], length: 0 }
    }
}

impl Line {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn cut(&mut self) {
        let mark = "…".as_bytes();
        let end = (LINE_MAX - 1 - mark.len()).min(self.length);
        self.bytes[end..end + mark.len()].copy_from_slice(mark);
        self.length = end + mark.len();
    }

    fn end(&mut self) {
        // One line is one line, whatever an agent said.
        for byte in &mut self.bytes[..self.length] {
            if *byte < b' ' {
                *byte = b' ';
            }
        }
        self.bytes[self.length] = b'\n';
        self.length += 1;
    }
}

impl core::fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = LINE_MAX - 1 - self.length;
        let taken = text.len().min(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        if taken == text.len() { Ok(()) } else { Err(core::fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_and_stays_one_line() {
        let mut line = Line::default();
        let text = "one\ntwo ".repeat(100);
        assert!(line.write_str(&text).is_err());
        line.cut();
        line.end();
        let shown = String::from_utf8_lossy(line.bytes()).into_owned();
        assert!(shown.starts_with("one two ") && shown.ends_with("…\n"), "{shown}");
        assert_eq!(shown.lines().count(), 1);
        assert!(line.bytes().len() <= LINE_MAX);
    }
}
