//! Looks through the slots of one disk for a node.

use super::{Fault, SLOTS, name::Name, slot::Slot, slot_sector};

/// A look at every slot in index order; the first match wins.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    name: Name,
    next: u8,
    free: Option<u8>,
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Progress {
    /// Read this sector next.
    Read(u64),
    /// The node's slot.
    Found(u8),
    /// The node has none; the first free one, if any.
    Absent(Option<u8>),
}

impl Scan {
    /// A scan for `name`, with the first sector to read.
    pub(super) const fn new(name: Name) -> (Self, u64) {
        (Self { name, next: 0, free: None }, slot_sector(0))
    }

    /// The sector that was asked for.
    pub(super) fn read(&mut self, sector: &[u8]) -> Result<Progress, Fault> {
        let slot = Slot::parse(sector)?;
        if slot.belongs_to(&self.name) {
            return Ok(Progress::Found(self.next));
        }
        if slot == Slot::Free && self.free.is_none() {
            self.free = Some(self.next);
        }
        self.next += 1;
        if self.next < SLOTS {
            Ok(Progress::Read(slot_sector(self.next)))
        } else {
            Ok(Progress::Absent(self.free))
        }
    }
}
