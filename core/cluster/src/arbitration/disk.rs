//! One shared disk: is it ours, what is in the mailbox, and the rounds of the claim.
//!
//! One operation at a time, each answered by exactly one input. A disk that fails in any way is
//! down until it has been identified anew: header, slots, a probe, mailbox, all copies of both
//! claim blocks. What was written is read back; a disk that does not hold what it confirmed is as
//! good as none.
//!
//! ```text
//!  Down --retry--> Identify: header, slots, probe, --> Ready --+-- claim round
//!   ^              mailbox, blocks                      |      +-- reset into a mailbox
//!   +------------------- any fault ---------------------+      +-- own mailbox poll
//! ```

use super::block::{AREA_FIRST, AREA_LEN, Block, BlockFault, sector_of};
use crate::Instant;
use crate::config::NodeIndex;
use crate::guardian_io::{DiskFault, SECTOR_MAX, Sector};
use crate::view::BootId;
use core::time::Duration;
use diarch_watchdog::sbd::{
    self, Record, header::Header, mailbox::Mailbox, message::Command, name::Name, poll, slot::Slot,
};

/// What has to be done on the disk.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a sector by value: nothing here is on the heap")]
pub enum Operation {
    /// Read that sector.
    Read(u64),
    /// Write that sector.
    Write(u64, Sector),
}

/// What an answer brought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// More to do, or nothing new.
    Nothing,
    /// The disk is ready: what it holds of the claim, and what waited in the mailbox.
    Identified {
        /// The own block.
        own: Block,
        /// The peer's block.
        peer: Block,
        /// Whether the mailbox held a reset, off or crash for an earlier boot; it is cleared.
        fenced: bool,
    },
    /// The own mailbox asks for something.
    Mailbox(poll::Order),
    /// The own block of this sequence is there, and this is the peer's, read after that.
    Round {
        /// The own block's sequence.
        sequence: u64,
        /// The peer's block.
        peer: Block,
    },
    /// The peer's mailbox holds our reset.
    ResetDelivered,
    /// The disk has failed.
    Failed,
}

/// What the guardian wants of a disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Want<'a> {
    /// Bring this block there.
    pub block: Option<&'a Block>,
    /// Tell the peer to reset.
    pub reset_peer: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Job {
    Header,
    Slot(u8),
    PendingMailbox,
    ClearPending,
    OwnCopy(u64),
    PeerCopy(u64),
    Idle,
    WriteBlock(u64),
    VerifyBlock(u64),
    RoundCopy(u64, u64),
    WriteReset,
    VerifyReset,
    Mailbox,
    ZeroMailbox,
    WriteProbe,
    ReadProbe,
    MailboxAgain,
    /// There is no mailbox to look into: only to see that the disk is still there.
    Presence,
    /// Slots that were not there when the disk was identified may have been allocated since.
    Seek(u8),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Down { retry_at: Instant },
    Identifying,
    Ready,
}

/// Which pair and which disk, to read and write its sectors.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The pair's fingerprint.
    pub cluster: u64,
    /// This node.
    pub local: NodeIndex,
    /// This boot of it.
    pub boot: BootId,
    /// Both nodes' names, first and second.
    pub names: [Name; 2],
}

/// One shared disk.
#[derive(Clone, Debug)]
pub struct Disk {
    identity: Identity,
    sector_bytes: u32,
    poll_every: Duration,
    state: State,
    job: Job,
    busy: bool,
    slots: [Option<u8>; 2],
    fenced: bool,
    copies: [Result<Block, BlockFault>; 2],
    own: Block,
    /// What was written last, for the read-back.
    sent: u64,
    /// Written before an order is obeyed, never the same twice.
    probe: u64,
    next_poll: Instant,
}

const NOTHING: Result<Block, BlockFault> = Err(BlockFault::Blank);

impl Disk {
    /// Not yet identified; due at once.
    #[must_use]
    pub fn new(identity: Identity, sector_bytes: u32, poll_every: Duration, now: Instant) -> Self {
        Self {
            probe: identity.boot.0,
            identity,
            sector_bytes,
            poll_every,
            state: State::Down { retry_at: now },
            job: Job::Idle,
            busy: false,
            slots: [None; 2],
            fenced: false,
            copies: [NOTHING; 2],
            own: Block::default(),
            sent: 0,
            next_poll: now,
        }
    }

    /// Whether it answers and is ours.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.state == State::Ready
    }

    /// When it has to be asked for work although nothing else happens.
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
        if self.busy {
            return None;
        }
        match self.state {
            State::Down { retry_at } => Some(retry_at),
            State::Identifying => None,
            State::Ready => Some(self.next_poll),
        }
    }

    /// The next operation, if the disk is free and there is any.
    pub fn next(&mut self, now: Instant, want: Want<'_>) -> Option<Operation> {
        if self.busy {
            return None;
        }
        if let State::Down { retry_at } = self.state {
            if now < retry_at {
                return None;
            }
            self.become_identifying();
        }
        if self.job == Job::Idle {
            self.choose(now, want);
        }
        let operation = self.operation(want)?;
        self.busy = true;
        if let Operation::Write(_, data) = &operation {
            self.sent = crate::membership::wire::fingerprint(data);
        }
        Some(operation)
    }

    fn become_identifying(&mut self) {
        self.state = State::Identifying;
        self.job = Job::Header;
        self.slots = [None; 2];
        self.copies = [NOTHING; 2];
    }

    fn choose(&mut self, now: Instant, want: Want<'_>) {
        self.job = if let Some(block) = want.block {
            Job::WriteBlock(block.sequence)
        } else if want.reset_peer && self.peer_slot().is_some() {
            Job::WriteReset
        } else if now >= self.next_poll {
            self.next_poll = now.after(self.poll_every);
            if self.own_slot().is_some() { Job::Mailbox } else { Job::Presence }
        } else {
            Job::Idle
        };
    }

    fn operation(&mut self, want: Want<'_>) -> Option<Operation> {
        let (local, peer) = (self.identity.local, self.identity.local.other());
        Some(match self.job {
            Job::Idle => return None,
            Job::Header | Job::Presence => Operation::Read(0),
            Job::Slot(slot) | Job::Seek(slot) => Operation::Read(sbd::slot_sector(slot)),
            Job::PendingMailbox | Job::Mailbox | Job::MailboxAgain => {
                Operation::Read(mailbox(self.own_slot()))
            }
            Job::ClearPending | Job::ZeroMailbox => {
                let sector = mailbox(self.own_slot());
                Operation::Write(sector, self.record(&Record::ZERO))
            }
            Job::OwnCopy(copy) => Operation::Read(sector_of(local, copy)),
            Job::PeerCopy(copy) | Job::RoundCopy(_, copy) => Operation::Read(sector_of(peer, copy)),
            Job::WriteBlock(_) => {
                let Some(block) = want.block else {
                    self.job = Job::Idle;
                    return None;
                };
                self.job = Job::WriteBlock(block.sequence);
                let data = block.encode(self.identity.cluster, local, self.sector_bytes);
                Operation::Write(sector_of(local, block.sequence), data)
            }
            Job::VerifyBlock(sequence) => Operation::Read(sector_of(local, sequence)),
            Job::WriteProbe => {
                self.probe = self.probe.wrapping_add(1);
                let mut data = self.record(&Record::ZERO);
                data[..8].copy_from_slice(&self.probe.to_be_bytes());
                Operation::Write(probe_of(local), data)
            }
            Job::ReadProbe => Operation::Read(probe_of(local)),
            Job::WriteReset => {
                let from = self.identity.names[local.index()].clone();
                let message = Mailbox::message(Command::Reset, from);
                let sector = mailbox(self.peer_slot());
                Operation::Write(sector, self.record(&message.record()))
            }
            Job::VerifyReset => Operation::Read(mailbox(self.peer_slot())),
        })
    }

    /// The operation asked for has ended: a read with its bytes, or a write with `None`.
    pub fn answered(&mut self, now: Instant, result: Result<Option<&[u8]>, DiskFault>) -> Progress {
        if !self.busy {
            return Progress::Nothing;
        }
        self.busy = false;
        let progress = match result {
            Ok(Some(bytes)) => self.read(bytes),
            Ok(None) => Some(self.written()),
            Err(_) => None,
        };
        progress.unwrap_or_else(|| {
            self.state = State::Down { retry_at: now.after(self.poll_every) };
            self.job = Job::Idle;
            Progress::Failed
        })
    }

    /// `None`: the disk is not what it has to be.
    fn read(&mut self, bytes: &[u8]) -> Option<Progress> {
        let peer = self.identity.local.other();
        match self.job {
            Job::Header => {
                Header::parse(bytes, self.sector_bytes).ok()?;
                self.job = Job::Slot(0);
            }
            Job::Slot(slot) => self.read_slot(slot, bytes)?,
            Job::PendingMailbox => self.read_pending(bytes)?,
            Job::OwnCopy(copy) => {
                self.keep_copy(copy, bytes, self.identity.local);
                if copy == 0 {
                    self.job = Job::OwnCopy(1);
                } else {
                    self.own = Block::newer_of(self.copies[0], self.copies[1]).ok()?;
                    self.job = Job::PeerCopy(0);
                }
            }
            Job::PeerCopy(copy) => {
                self.keep_copy(copy, bytes, peer);
                if copy == 0 {
                    self.job = Job::PeerCopy(1);
                } else {
                    return self.become_ready();
                }
            }
            Job::VerifyBlock(sequence) => {
                self.read_back(bytes)?;
                self.job = Job::RoundCopy(sequence, 0);
            }
            Job::RoundCopy(sequence, copy) => {
                self.keep_copy(copy, bytes, peer);
                if copy == 0 {
                    self.job = Job::RoundCopy(sequence, 1);
                } else {
                    let peer = Block::newer_of(self.copies[0], self.copies[1]).ok()?;
                    self.job = Job::Idle;
                    return Some(Progress::Round { sequence, peer });
                }
            }
            Job::VerifyReset => {
                // The receiver may have cleared it already: then it has been understood.
                self.job = Job::Idle;
                return Some(Progress::ResetDelivered);
            }
            Job::ReadProbe => {
                self.read_back(bytes)?;
                self.job = match self.own_slot() {
                    _ if self.is_up() => Job::MailboxAgain,
                    Some(_) => Job::PendingMailbox,
                    None => Job::OwnCopy(0),
                };
            }
            Job::MailboxAgain => {
                self.job = Job::Idle;
                return Some(Progress::Mailbox(poll::order(bytes).ok()?));
            }
            Job::Mailbox => return self.read_mailbox(bytes),
            Job::Presence => {
                Header::parse(bytes, self.sector_bytes).ok()?;
                self.job = Job::Seek(0);
            }
            Job::Seek(slot) => self.seek(slot, bytes)?,
            Job::Idle
            | Job::ClearPending
            | Job::WriteBlock(_)
            | Job::WriteReset
            | Job::WriteProbe
            | Job::ZeroMailbox => return None,
        }
        Some(Progress::Nothing)
    }

    /// What waited in the mailbox was meant for an earlier boot.
    fn read_pending(&mut self, bytes: &[u8]) -> Option<()> {
        self.job = match poll::order(bytes).ok()? {
            poll::Order::Nothing => Job::OwnCopy(0),
            poll::Order::Reset | poll::Order::PowerOff | poll::Order::Crash => {
                self.fenced = true;
                Job::ClearPending
            }
            poll::Order::AcknowledgeTest | poll::Order::DiscardUnknown(_) | poll::Order::Exit => {
                Job::ClearPending
            }
        };
        Some(())
    }

    /// A disk that returns what it held long ago would repeat an order that was carried out then:
    /// it has to show that it is current before it is obeyed.
    fn read_mailbox(&mut self, bytes: &[u8]) -> Option<Progress> {
        let order = poll::order(bytes).ok()?;
        self.job = match order {
            poll::Order::Nothing if self.peer_slot().is_none() => Job::Seek(0),
            poll::Order::Nothing => Job::Idle,
            poll::Order::AcknowledgeTest | poll::Order::DiscardUnknown(_) => Job::ZeroMailbox,
            poll::Order::Reset | poll::Order::PowerOff | poll::Order::Exit | poll::Order::Crash => {
                self.job = Job::WriteProbe;
                return Some(Progress::Nothing);
            }
        };
        Some(Progress::Mailbox(order))
    }

    fn read_slot(&mut self, slot: u8, bytes: &[u8]) -> Option<()> {
        self.note_slot(slot, &Slot::parse(bytes).ok()?);
        let more = !self.has_slots() && slot + 1 < sbd::SLOTS;
        self.job = if more { Job::Slot(slot + 1) } else { Job::WriteProbe };
        Some(())
    }

    /// Slots are allocated from the first on: behind a free one no new one is to be found.
    fn seek(&mut self, slot: u8, bytes: &[u8]) -> Option<()> {
        let found = Slot::parse(bytes).ok()?;
        self.note_slot(slot, &found);
        let more = found != Slot::Free && !self.has_slots() && slot + 1 < sbd::SLOTS;
        self.job = if more { Job::Seek(slot + 1) } else { Job::Idle };
        Some(())
    }

    fn note_slot(&mut self, slot: u8, found: &Slot) {
        for (index, name) in self.identity.names.iter().enumerate() {
            if self.slots[index].is_none() && found.belongs_to(name) {
                self.slots[index] = Some(slot);
            }
        }
    }

    fn has_slots(&self) -> bool {
        self.slots.iter().all(Option::is_some)
    }

    fn become_ready(&mut self) -> Option<Progress> {
        let peer = Block::newer_of(self.copies[0], self.copies[1]).ok()?;
        self.state = State::Ready;
        self.job = Job::Idle;
        Some(Progress::Identified {
            own: self.own,
            peer,
            fenced: core::mem::take(&mut self.fenced),
        })
    }

    fn written(&mut self) -> Progress {
        match self.job {
            Job::WriteBlock(sequence) => self.job = Job::VerifyBlock(sequence),
            Job::WriteReset => self.job = Job::VerifyReset,
            Job::WriteProbe => self.job = Job::ReadProbe,
            Job::ClearPending => self.job = Job::OwnCopy(0),
            Job::ZeroMailbox => self.job = Job::Idle,
            Job::Header
            | Job::Slot(_)
            | Job::PendingMailbox
            | Job::OwnCopy(_)
            | Job::PeerCopy(_)
            | Job::Idle
            | Job::VerifyBlock(_)
            | Job::RoundCopy(..)
            | Job::VerifyReset
            | Job::ReadProbe
            | Job::MailboxAgain
            | Job::Presence
            | Job::Seek(_)
            | Job::Mailbox => {}
        }
        Progress::Nothing
    }

    fn read_back(&self, bytes: &[u8]) -> Option<()> {
        (crate::membership::wire::fingerprint(bytes) == self.sent).then_some(())
    }

    fn keep_copy(&mut self, copy: u64, bytes: &[u8], node: NodeIndex) {
        let at = usize::from(copy & 1 != 0);
        self.copies[at] = Block::decode(bytes, self.identity.cluster, node);
    }

    fn record(&self, record: &Record) -> Sector {
        let mut sector = Sector::new();
        let len = usize::try_from(self.sector_bytes).unwrap_or(SECTOR_MAX);
        let fits = sector.resize(len.min(SECTOR_MAX), 0);
        debug_assert!(fits.is_ok(), "clamped to the capacity");
        record.fill(&mut sector);
        sector
    }

    const fn own_slot(&self) -> Option<u8> {
        self.slots[self.identity.local.index()]
    }

    const fn peer_slot(&self) -> Option<u8> {
        self.slots[self.identity.local.other().index()]
    }
}

/// A sector behind the claim blocks that a node writes only to see whether the disk is current.
const fn probe_of(node: NodeIndex) -> u64 {
    AREA_FIRST + AREA_LEN + node.index() as u64
}

/// The sector of a slot's mailbox; asked for only where the slot is known.
fn mailbox(slot: Option<u8>) -> u64 {
    sbd::mailbox_sector(slot.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use diarch_watchdog::sbd::header::Timeouts;
    use std::collections::BTreeMap;

    const EVERY: Duration = Duration::from_secs(1);

    fn record(record: &Record) -> Vec<u8> {
        let mut bytes = vec![0; 512];
        record.fill(&mut bytes);
        bytes
    }

    /// A disk of which nobody has allocated a slot.
    fn without_slots() -> BTreeMap<u64, Vec<u8>> {
        let header =
            Header { sector_size: 512, timeouts: Timeouts::DEFAULT, minor: 1, uuid: [1; 16] };
        [(0, record(&header.record()))].into()
    }

    /// Carries out all that the disk asks for now; whether any of it failed.
    fn serve(disk: &mut Disk, now: Instant, sectors: Option<&mut BTreeMap<u64, Vec<u8>>>) -> bool {
        let mut failed = false;
        let mut there = sectors;
        while let Some(operation) = disk.next(now, Want::default()) {
            let progress = match (&mut there, operation) {
                (None, _) => disk.answered(now, Err(DiskFault::Missing)),
                (Some(sectors), Operation::Read(sector)) => {
                    let bytes = sectors.get(&sector).cloned().unwrap_or_else(|| vec![0; 512]);
                    disk.answered(now, Ok(Some(&bytes)))
                }
                (Some(sectors), Operation::Write(sector, data)) => {
                    sectors.insert(sector, data.to_vec());
                    disk.answered(now, Ok(None))
                }
            };
            failed |= progress == Progress::Failed;
        }
        failed
    }

    #[test]
    fn a_disk_without_a_slot_for_this_node_is_missed_when_it_goes() {
        let names = ["a", "b"].map(Name::truncated);
        let local = NodeIndex::First;
        let identity = Identity { cluster: 7, local, boot: BootId(1), names };
        let start = Instant::from_micros(1_000_000);
        let mut sectors = without_slots();
        let mut disk = Disk::new(identity, 512, EVERY, start);
        assert!(!serve(&mut disk, start, Some(&mut sectors)));
        assert!(disk.is_up());
        let later = start.after(EVERY * 2);
        assert!(!serve(&mut disk, later, Some(&mut sectors)));
        assert!(disk.is_up());
        let gone = later.after(EVERY * 2);
        assert!(serve(&mut disk, gone, None));
        assert!(!disk.is_up());
        serve(&mut disk, gone.after(EVERY * 2), Some(&mut sectors));
        assert!(disk.is_up());
    }

    /// Where a disk is made ready while guardians look at it already.
    #[test]
    fn slots_that_are_allocated_later_are_found_and_their_messages_heeded() {
        let names = ["a", "b"].map(Name::truncated);
        let local = NodeIndex::Second;
        let identity = Identity { cluster: 7, local, boot: BootId(1), names: names.clone() };
        let mut now = Instant::from_micros(1_000_000);
        let mut sectors = without_slots();
        let mut disk = Disk::new(identity, 512, EVERY, now);
        assert!(!serve(&mut disk, now, Some(&mut sectors)));
        let test = Mailbox::message(Command::Test, names[0].clone());
        for (slot, name) in (0_u8..).zip(names) {
            sectors.insert(sbd::slot_sector(slot), record(&Slot::Used(name).record()));
            now = now.after(EVERY);
            assert!(!serve(&mut disk, now, Some(&mut sectors)));
        }
        let own = sbd::slot_sector(1) + 1;
        sectors.insert(own, record(&test.record()));
        assert!(!serve(&mut disk, now.after(EVERY), Some(&mut sectors)));
        assert_eq!(sectors.get(&own), Some(&vec![0; 512]));
        assert!(disk.has_slots());
    }
}
