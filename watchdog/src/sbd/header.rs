//! Sector 0: magic, version, sector size and the four timeouts, which bind every node of the disk.
//!
//! The five numbers are big endian; the UUID is raw and unaligned; minor version 0 has no UUID.

use super::{Record, SLOTS};
use core::fmt;
use core::time::Duration;

/// Bytes of the header that a watcher compares with those it saw at its start.
pub const HEADER_LEN: usize = 52;

const MAGIC: &[u8; 8] = b"SBD_SBD_";
const VERSION: u8 = 2;
/// The minor version that sbd 1.5 writes.
pub const MINOR: u8 = 1;

const AT_VERSION: usize = 8;
const AT_SLOTS: usize = 9;
const AT_SECTOR_SIZE: usize = 12;
const AT_WATCHDOG: usize = 16;
const AT_ALLOCATE: usize = 20;
const AT_LOOP: usize = 24;
const AT_MSGWAIT: usize = 28;
const AT_MINOR: usize = 32;
const AT_UUID: usize = 33;
const UUID_LEN: usize = 16;

/// The bytes of a header sector, long enough and with SBD's magic and version.
#[derive(Clone, Copy, Debug)]
pub struct HeaderView<'a> {
    bytes: &'a [u8],
}

impl<'a> HeaderView<'a> {
    /// Checks length, magic and version: every accessor is free of panics afterwards.
    ///
    /// # Errors
    ///
    /// A sector that is too short, or is not a version 2 header of SBD.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, HeaderFault> {
        if bytes.len() < HEADER_LEN {
            return Err(HeaderFault::Truncated);
        }
        if &bytes[..MAGIC.len()] != MAGIC {
            return Err(HeaderFault::Magic);
        }
        if bytes[AT_VERSION] != VERSION {
            return Err(HeaderFault::Version(bytes[AT_VERSION]));
        }
        Ok(Self { bytes })
    }

    /// The bytes that must not change while a node watches the disk.
    #[must_use]
    pub fn identity(&self) -> [u8; HEADER_LEN] {
        core::array::from_fn(|at| self.bytes[at])
    }

    /// The number of slots; 255 on every disk made by SBD.
    #[must_use]
    pub fn slots(&self) -> u8 {
        self.bytes[AT_SLOTS]
    }

    /// The logical sector size that the disk had when it was made, in bytes.
    #[must_use]
    pub fn sector_size(&self) -> u32 {
        self.number(AT_SECTOR_SIZE)
    }

    /// The four timeouts.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        Timeouts {
            watchdog_s: self.number(AT_WATCHDOG),
            allocate_s: self.number(AT_ALLOCATE),
            loop_s: self.number(AT_LOOP),
            msgwait_s: self.number(AT_MSGWAIT),
        }
    }

    /// The minor version; 0 means that the UUID has no meaning.
    #[must_use]
    pub fn minor(&self) -> u8 {
        self.bytes[AT_MINOR]
    }

    /// The UUID's raw bytes.
    #[must_use]
    pub fn uuid(&self) -> [u8; UUID_LEN] {
        core::array::from_fn(|at| self.bytes[AT_UUID + at])
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes(core::array::from_fn(|offset| self.bytes[at + offset]))
    }
}

/// The timeouts that a disk's header sets for every node, in seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// The watchdog's timeout.
    pub watchdog_s: u32,
    /// How long a node waits before it trusts a slot that it wrote.
    pub allocate_s: u32,
    /// How often a node reads its mailbox.
    pub loop_s: u32,
    /// How long a sender waits until the receiver must have acted.
    pub msgwait_s: u32,
}

impl Timeouts {
    /// What sbd's `create` writes when nothing else is asked for.
    pub const DEFAULT: Self = Self { watchdog_s: 5, allocate_s: 2, loop_s: 1, msgwait_s: 10 };

    /// How long a node waits before it trusts a slot that it wrote.
    #[must_use]
    pub fn allocate(&self) -> Duration {
        Duration::from_secs(self.allocate_s.into())
    }

    /// How long a sender waits until the receiver must have acted.
    #[must_use]
    pub fn msgwait(&self) -> Duration {
        Duration::from_secs(self.msgwait_s.into())
    }

    /// Whether a sender that waits msgwait can rely on the receiver's watchdog: at least twice.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.watchdog_s > 0 && u64::from(self.msgwait_s) >= 2 * u64::from(self.watchdog_s)
    }
}

/// A header that is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// The logical sector size, in bytes.
    pub sector_size: u32,
    /// The four timeouts.
    pub timeouts: Timeouts,
    /// The minor version: 1, or 0 on old disks, whose UUID means nothing.
    pub minor: u8,
    /// The disk's UUID.
    pub uuid: [u8; UUID_LEN],
}

impl Header {
    /// Reads a header from sector 0 of a device whose logical sector has `sector_size` bytes.
    ///
    /// # Errors
    ///
    /// Anything but a version 2 header made for that sector size.
    pub fn parse(sector: &[u8], sector_size: u32) -> Result<Self, HeaderFault> {
        let view = HeaderView::new_checked(sector)?;
        if view.sector_size() != sector_size {
            let header = view.sector_size();
            return Err(HeaderFault::SectorSize { header, device: sector_size });
        }
        Ok(Self { sector_size, timeouts: view.timeouts(), minor: view.minor(), uuid: view.uuid() })
    }

    /// The sector that says this.
    #[must_use]
    pub fn record(&self) -> Record {
        Record::build(|bytes| {
            let mut put = |at: usize, value: &[u8]| {
                bytes[at..at + value.len()].copy_from_slice(value);
            };
            put(0, MAGIC);
            put(AT_VERSION, &[VERSION, SLOTS]);
            put(AT_SECTOR_SIZE, &self.sector_size.to_be_bytes());
            put(AT_WATCHDOG, &self.timeouts.watchdog_s.to_be_bytes());
            put(AT_ALLOCATE, &self.timeouts.allocate_s.to_be_bytes());
            put(AT_LOOP, &self.timeouts.loop_s.to_be_bytes());
            put(AT_MSGWAIT, &self.timeouts.msgwait_s.to_be_bytes());
            put(AT_MINOR, &[self.minor]);
            put(AT_UUID, &self.uuid);
        })
    }
}

/// Why sector 0 is not a header for this device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HeaderFault {
    /// Fewer bytes than a header has.
    Truncated,
    /// Not SBD's magic: the disk was never initialised, or holds something else.
    Magic,
    /// A version that nobody here speaks.
    Version(u8),
    /// Made for another logical sector size.
    SectorSize {
        /// What the header says, in bytes.
        header: u32,
        /// What the device says, in bytes.
        device: u32,
    },
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => formatter.write_str("the first sector is too short for a header"),
            Self::Magic => formatter.write_str("not initialised for SBD (no magic)"),
            Self::Version(version) => write!(formatter, "SBD header version {version}, not 2"),
            Self::SectorSize { header, device } => {
                write!(formatter, "made for sectors of {header} bytes, the device has {device}")
            }
        }
    }
}
