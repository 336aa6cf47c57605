//! What one node can tell another through its mailbox.

use core::fmt;

/// A message that this build knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command {
    /// Nothing: the mailbox is empty.
    Clear,
    /// Clear the mailbox and log it.
    Test,
    /// Reset at once.
    Reset,
    /// Power off at once.
    Off,
    /// End the daemon cleanly; the mailbox is left as it is.
    Exit,
    /// Crash the kernel for a dump.
    Crashdump,
}

impl Command {
    /// Every message, in the order of its number.
    pub const ALL: [Self; 6] =
        [Self::Clear, Self::Test, Self::Reset, Self::Off, Self::Exit, Self::Crashdump];

    /// Its number on the disk.
    #[must_use]
    pub const fn code(self) -> i8 {
        match self {
            Self::Clear => 0,
            Self::Test => 1,
            Self::Reset => 2,
            Self::Off => 3,
            Self::Exit => 4,
            Self::Crashdump => 5,
        }
    }

    /// Its name in `sbd message` and `sbd list`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Test => "test",
            Self::Reset => "reset",
            Self::Off => "off",
            Self::Exit => "exit",
            Self::Crashdump => "crashdump",
        }
    }

    /// The message with that number.
    #[must_use]
    pub fn from_code(code: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.code() == code)
    }

    /// The message with that name; upper and lower case differ.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name)
    }

    /// Whether a receiver that obeys stops using shared data, so that the sender has to wait.
    #[must_use]
    pub const fn waits(self) -> bool {
        !matches!(self, Self::Exit)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
