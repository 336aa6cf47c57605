//! SBD's disk: a header, 255 node slots with one mailbox each, and the rules for using them.
//!
//! Everything on the disk is one logical sector per record (512 or 4096 bytes); unused bytes are
//! zero. Words and bytes are those of sbd 1.5 (header version 2.1). The machines here do no I/O:
//! they ask for one sector operation at a time and are told its result.

pub mod allocate;
pub mod deliver;
pub mod header;
pub mod mailbox;
pub mod message;
pub mod name;
pub mod poll;
mod scan;
pub mod slot;

/// Node slots on every disk.
pub const SLOTS: u8 = 255;
/// Sectors that SBD owns: the header, then slot and mailbox of each node.
pub const SBD_SECTORS: u64 = 1 + 2 * SLOTS as u64;
/// The first sector that belongs to diarch's own claim area, one behind SBD's last plus a gap.
pub const CLAIM_SECTOR_FIRST: u64 = 512;
/// The largest logical sector, in bytes.
pub const SECTOR_MAX: usize = 4096;
/// The most disks that one pair may use.
pub const DISKS_MAX: usize = 3;

const _: () = assert!(CLAIM_SECTOR_FIRST >= SBD_SECTORS, "the claim area would overlap SBD's");

/// The longest record, in bytes: a flag and a 63-byte name with its NUL.
pub const RECORD_MAX: usize = 65;

/// The sector that holds slot `slot`'s owner.
#[must_use]
pub const fn slot_sector(slot: u8) -> u64 {
    1 + 2 * slot as u64
}

/// The sector that holds slot `slot`'s mailbox.
#[must_use]
pub const fn mailbox_sector(slot: u8) -> u64 {
    2 + 2 * slot as u64
}

/// What a sector shall hold: these first bytes, and zeroes behind them.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Record {
    bytes: [u8; RECORD_MAX],
}

impl Record {
    /// A sector of zeroes.
    pub const ZERO: Self = Self { bytes: [0; RECORD_MAX] };

    /// A record of `len` bytes written by `fill` into zeroed space.
    fn build(fill: impl FnOnce(&mut [u8; RECORD_MAX])) -> Self {
        let mut bytes = [0; RECORD_MAX];
        fill(&mut bytes);
        Self { bytes }
    }

    /// Writes the whole sector: the record, then zeroes.
    pub fn fill(&self, sector: &mut [u8]) {
        let len = sector.len().min(RECORD_MAX);
        let (head, tail) = sector.split_at_mut(len);
        head.copy_from_slice(&self.bytes[..len]);
        tail.fill(0);
    }

    /// Whether a sector that was read back holds exactly this record and zeroes.
    #[must_use]
    pub fn is(&self, sector: &[u8]) -> bool {
        sector.len() >= RECORD_MAX
            && sector[..RECORD_MAX] == self.bytes
            && sector[RECORD_MAX..].iter().all(|&byte| byte == 0)
    }
}

impl core::fmt::Debug for Record {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Record({:02x} …)", self.bytes[0])
    }
}

/// How a disk operation failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DiskFault {
    /// The device is not there.
    Missing,
    /// The device answered with an error.
    Failed,
    /// No answer in time.
    TimedOut,
}

/// The answer to the one operation that a machine asked for.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// A sector was read, or could not be.
    Read(Result<&'a [u8], DiskFault>),
    /// A sector was written and is on stable storage, or that is not known.
    Written(Result<(), DiskFault>),
}

/// Why an SBD operation on one disk did not work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The disk did not do what it was asked.
    Disk(DiskFault),
    /// The header is not one of SBD's, or not for this device.
    Header(header::HeaderFault),
    /// No slot bears that name.
    NoSuchNode,
    /// All 255 slots are taken.
    Full,
    /// Another node took the slot each time.
    Contended,
    /// The sector read back is not the one written: not delivered.
    ReadBack,
    /// The answer does not fit the question.
    Unexpected,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Disk(DiskFault::Missing) => formatter.write_str("the disk is missing"),
            Self::Disk(DiskFault::Failed) => formatter.write_str("the disk reports an error"),
            Self::Disk(DiskFault::TimedOut) => formatter.write_str("the disk does not answer"),
            Self::Header(fault) => write!(formatter, "{fault}"),
            Self::NoSuchNode => formatter.write_str("no slot bears that node's name"),
            Self::Full => formatter.write_str("no more free slots"),
            Self::Contended => formatter.write_str("other nodes took each slot that was tried"),
            Self::ReadBack => formatter.write_str("the disk does not hold what was written"),
            Self::Unexpected => formatter.write_str("an answer that was not asked for"),
        }
    }
}

#[cfg(test)]
mod tests;
