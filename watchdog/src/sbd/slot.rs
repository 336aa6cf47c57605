//! A slot: whose mailbox the next sector is.

use super::{Fault, RECORD_MAX, Record, name::Name};

/// One node slot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Slot {
    /// Nobody's.
    Free,
    /// That node's.
    Used(Name),
}

impl Slot {
    /// Reads a slot's sector; any byte but 0 in front of the name means used.
    ///
    /// # Errors
    ///
    /// A sector shorter than a slot.
    pub fn parse(sector: &[u8]) -> Result<Self, Fault> {
        if sector.len() < RECORD_MAX {
            return Err(Fault::Unexpected);
        }
        if sector[0] == 0 {
            return Ok(Self::Free);
        }
        Ok(Self::Used(Name::from_disk(&sector[1..RECORD_MAX])))
    }

    /// The sector that says this.
    #[must_use]
    pub fn record(&self) -> Record {
        match self {
            Self::Free => Record::ZERO,
            Self::Used(name) => Record::build(|bytes| {
                bytes[0] = 1;
                name.emit(&mut bytes[1..]);
            }),
        }
    }

    /// Whether the slot is that node's.
    #[must_use]
    pub fn belongs_to(&self, node: &Name) -> bool {
        match self {
            Self::Free => false,
            Self::Used(name) => name.same_node(node),
        }
    }
}
