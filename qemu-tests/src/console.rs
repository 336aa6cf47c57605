//! A machine's two serial lines: what it prints, and the port that carries out commands.

use crate::journal::{Journal, Source};
use crate::trouble::Trouble;
use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Puts every line that comes out of `console` into the journal.
pub fn follow(console: impl Read + Send + 'static, machine: usize, journal: &Journal) {
    let journal = journal.clone();
    thread::spawn(move || {
        let mut console = BufReader::new(console);
        let mut raw = Vec::new();
        while let Ok(1..) = console.read_until(b'\n', &mut raw) {
            let line = String::from_utf8_lossy(&raw).trim_end().to_owned();
            raw.clear();
            journal.note(Source::Console(machine), line);
        }
    });
}

/// What a command in a machine printed, and its exit status.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// Its standard output and standard error.
    pub output: String,
    /// Its exit status.
    pub status: i32,
}

/// The second serial line: root's shell, a command at a time.
#[derive(Debug)]
pub struct CommandPort {
    path: PathBuf,
    token: u32,
}

impl CommandPort {
    /// The port at the socket `path`.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, token: 0 }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Carries out `command` in the machine and waits for its end.
    ///
    /// # Errors
    /// If the port cannot be reached or the command has not ended within `limit`.
    pub fn run(&mut self, command: &str, limit: Duration) -> Result<Outcome, Trouble> {
        let start = Instant::now();
        let overdue = || Trouble::Overdue {
            what: format!("the end of `{command}` in the machine"),
            waited_s: limit.as_secs_f64(),
        };
        let mut stream = self.send(command)?;
        let end = format!("__RC {} ", self.token);
        let mut seen = Vec::new();
        let mut part = [0; 4096];
        while start.elapsed() < limit {
            match stream.read(&mut part) {
                Ok(0) => return Err(overdue()),
                Ok(count) => seen.extend_from_slice(&part[..count]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(Trouble::rig("reading the command port")(error)),
            }
            let text = String::from_utf8_lossy(&seen);
            if let Some((output, rest)) = text.split_once(&end)
                && let Some((status, _)) = rest.split_once("__")
            {
                return Ok(Outcome {
                    output: output.replace('\r', "").trim_end_matches('\n').to_owned(),
                    status: status.parse().unwrap_or(-1),
                });
            }
        }
        Err(overdue())
    }

    /// Has `command` begun and does not wait for its end: for commands that end the machine.
    ///
    /// # Errors
    /// If the port cannot be reached or the command does not begin within `limit`.
    pub fn begin(&mut self, command: &str, limit: Duration) -> Result<(), Trouble> {
        let start = Instant::now();
        let mut stream = self.send(&format!("echo __BEGUN__; {command}"))?;
        let mut seen = String::new();
        let mut part = [0; 256];
        while start.elapsed() < limit {
            if let Ok(count) = stream.read(&mut part) {
                seen.push_str(&String::from_utf8_lossy(&part[..count]));
            }
            if seen.contains("__BEGUN__") {
                return Ok(());
            }
        }
        Err(Trouble::Overdue {
            what: format!("the beginning of `{command}` in the machine"),
            waited_s: limit.as_secs_f64(),
        })
    }

    fn send(&mut self, command: &str) -> Result<UnixStream, Trouble> {
        let doing = "using the command port";
        self.token += 1;
        let mut stream = UnixStream::connect(&self.path).map_err(Trouble::rig(doing))?;
        stream.set_read_timeout(Some(Duration::from_millis(100))).map_err(Trouble::rig(doing))?;
        stream
            .write_all(format!("{} {command}\n", self.token).as_bytes())
            .map_err(Trouble::rig(doing))?;
        Ok(stream)
    }
}
