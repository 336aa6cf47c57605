//! What can go wrong while a task runs, said so that its reader can act.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a task did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line cannot be understood.
    Usage(String),
    /// A file or directory could not be read or written.
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program could not be started.
    Program {
        /// Which.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program ended with a bad status.
    Status {
        /// Its command line.
        command: String,
        /// Its exit status, if it was not a signal.
        code: Option<i32>,
    },
    /// Something that has to be there is not.
    Missing(String),
    /// A file does not hold what it should.
    Malformed {
        /// Which file or package.
        what: String,
        /// In which way.
        why: &'static str,
    },
    /// Some checks failed; they have been printed already.
    Checks(usize),
}

impl Failure {
    /// A failure about the file `path`.
    pub(crate) fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { path: path.into(), source }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => write!(f, "{text}"),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Program { name, source } => write!(f, "cannot run {name}: {source}"),
            Self::Status { command, code: Some(code) } => {
                write!(f, "`{command}` ended with status {code}")
            }
            Self::Status { command, code: None } => write!(f, "`{command}` was killed by a signal"),
            Self::Missing(what) => write!(f, "missing: {what}"),
            Self::Malformed { what, why } => write!(f, "{what}: {why}"),
            Self::Checks(count) => write!(f, "{count} failed"),
        }
    }
}
