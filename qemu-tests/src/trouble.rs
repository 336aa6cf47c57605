//! Why a scenario could not be carried out, or what it found.

use std::fmt;
use std::io;

/// What went wrong, in a sentence.
#[derive(Debug)]
pub enum Trouble {
    /// This machine cannot run the machines; the scenario is skipped, which is said aloud.
    Skipped(String),
    /// The rig itself failed.
    Rig {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// Something did not happen in time.
    Overdue {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        waited_s: f64,
    },
    /// What was seen from outside is not what has to be.
    Wrong(String),
}

impl Trouble {
    /// For `map_err`: the rig failed while doing `doing`.
    pub fn rig(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Rig { doing, source }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Rig { doing, source } => write!(f, "the rig failed, {doing}: {source}"),
            Self::Overdue { what, waited_s } => {
                write!(f, "waited {waited_s:.1} s in vain for: {what}")
            }
            Self::Wrong(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for Trouble {}
