//! A mailbox: one message and its sender, in the sector behind the receiver's slot.

use super::{Fault, RECORD_MAX, Record, message::Command, name::Name};

/// What a mailbox holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mailbox {
    /// The message's number; signed, as SBD compares it.
    pub code: i8,
    /// Who sent it; may be empty. A cleared mailbox keeps its last sender.
    pub from: Name,
}

impl Mailbox {
    /// The message `command` from the node `from`.
    #[must_use]
    pub const fn message(command: Command, from: Name) -> Self {
        Self { code: command.code(), from }
    }

    /// Reads a mailbox's sector.
    ///
    /// # Errors
    ///
    /// A sector shorter than a mailbox.
    pub fn parse(sector: &[u8]) -> Result<Self, Fault> {
        if sector.len() < RECORD_MAX {
            return Err(Fault::Unexpected);
        }
        let code = i8::from_ne_bytes([sector[0]]);
        Ok(Self { code, from: Name::from_disk(&sector[1..RECORD_MAX]) })
    }

    /// The sector that says this.
    #[must_use]
    pub fn record(&self) -> Record {
        Record::build(|bytes| {
            bytes[0] = self.code.to_ne_bytes()[0];
            self.from.emit(&mut bytes[1..]);
        })
    }

    /// The message, if this build knows it.
    #[must_use]
    pub fn command(&self) -> Option<Command> {
        Command::from_code(self.code)
    }
}
