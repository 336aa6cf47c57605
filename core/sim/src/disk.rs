//! Shared disks: sectors that both nodes reach by paths of their own, each of which may be slow,
//! stuck or gone; writes that a power cut tears; a disk that returns what it held before.

use core::time::Duration;
use diarch_cluster::guardian_io::DiskFault;
use diarch_watchdog::sbd::header::{Header, Timeouts};
use diarch_watchdog::sbd::name::Name;
use diarch_watchdog::sbd::slot::Slot;
use diarch_watchdog::sbd::{Record, slot_sector};
use std::collections::BTreeMap;

/// Sector size of the simulated disks.
pub const SECTOR_BYTES: u32 = 512;

/// One node's way to one disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Path {
    /// It answers.
    Healthy,
    /// It answers late.
    Slow,
    /// It does not answer within the limit.
    Stuck,
    /// The device is gone.
    Gone,
}

/// One shared disk.
#[derive(Clone, Debug)]
pub struct Disk {
    sectors: BTreeMap<u64, Vec<u8>>,
    before: BTreeMap<u64, Vec<u8>>,
    /// Each node's way to it.
    pub paths: [Path; 2],
    /// Reads return what a sector held before its last write.
    pub stale: bool,
    /// Whose writes are acknowledged and not done. A write that is still there when it is read back
    /// and gone later (a cache without a battery) is outside what the pair promises.
    pub loses: [bool; 2],
}

impl Disk {
    /// A disk as `sbd create` and two allocations leave it.
    #[must_use]
    pub fn new(names: [&str; 2]) -> Self {
        let header = Header {
            sector_size: SECTOR_BYTES,
            timeouts: Timeouts { watchdog_s: 2, msgwait_s: 4, ..Timeouts::DEFAULT },
            minor: 1,
            uuid: [0x5b; 16],
        };
        let mut sectors = BTreeMap::new();
        sectors.insert(0, filled(&header.record()));
        for (slot, name) in (0..).zip(names) {
            let used = Slot::Used(Name::truncated(name));
            sectors.insert(slot_sector(slot), filled(&used.record()));
        }
        let before = sectors.clone();
        Self { before, sectors, paths: [Path::Healthy; 2], stale: false, loses: [false; 2] }
    }

    /// What a sector holds.
    #[must_use]
    pub fn read(&self, sector: u64) -> Vec<u8> {
        let side = if self.stale { &self.before } else { &self.sectors };
        let blank = || vec![0; SECTOR_BYTES as usize];
        side.get(&sector).cloned().unwrap_or_else(blank)
    }

    /// Whether it does for both what a disk should.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.paths == [Path::Healthy; 2] && !self.stale && self.loses == [false; 2]
    }

    /// Puts everything right.
    pub const fn heal(&mut self) {
        self.paths = [Path::Healthy; 2];
        self.stale = false;
        self.loses = [false; 2];
    }

    /// Writes a sector.
    pub fn write(&mut self, sector: u64, data: &[u8]) {
        let old = self.sectors.insert(sector, data.to_vec());
        self.before.insert(sector, old.unwrap_or_else(|| vec![0; data.len()]));
    }

    /// Writes the first `torn_at` bytes of a sector only.
    pub fn tear(&mut self, sector: u64, data: &[u8], torn_at: usize) {
        let blank = || vec![0; SECTOR_BYTES as usize];
        let mut mixed = self.sectors.get(&sector).cloned().unwrap_or_else(blank);
        let end = torn_at.min(data.len()).min(mixed.len());
        mixed[..end].copy_from_slice(&data[..end]);
        self.write(sector, &mixed);
    }
}

impl Path {
    /// How long an operation takes on it, and whether it works.
    #[must_use]
    pub const fn answer(self, usual: Duration, limit: Duration) -> (Duration, Option<DiskFault>) {
        match self {
            Self::Healthy => (usual, None),
            Self::Slow => (usual.saturating_mul(20), None),
            Self::Stuck => (limit, Some(DiskFault::TimedOut)),
            Self::Gone => (usual, Some(DiskFault::Missing)),
        }
    }
}

fn filled(record: &Record) -> Vec<u8> {
    let mut sector = vec![0; SECTOR_BYTES as usize];
    record.fill(&mut sector);
    sector
}
