//! Delivers a message to a node's mailbox and waits until the receiver must have acted.
//!
//! A message counts as delivered on a disk only if the sector read back is the one written, and for
//! the pair only if that holds on more than half of the configured disks.

use super::{
    Answer, Fault, Record,
    header::{Header, Timeouts},
    mailbox::Mailbox,
    mailbox_sector,
    message::Command,
    name::Name,
    scan::{Progress, Scan},
};
use crate::time::Instant;

/// What the delivery asks for or reports.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Output {
    /// Read a sector.
    Read {
        /// Which sector.
        sector: u64,
    },
    /// Write a sector and flush it.
    Write {
        /// Which sector.
        sector: u64,
        /// What it shall hold.
        record: Record,
    },
    /// It ended: delivered, and msgwait is over; or not delivered.
    Done(Result<(), Fault>),
}

#[derive(Clone, Debug)]
enum State {
    Header,
    Scan(Scan),
    Write(u8),
    ReadBack,
    Wait(Instant),
    Done,
}

/// One message on its way to one disk.
///
/// ```text
/// Header ─▶ Scan ─found─▶ Write ─▶ ReadBack ─same─▶ Wait(msgwait) ─▶ Done
/// ```
#[derive(Clone, Debug)]
pub struct Delivery {
    target: Name,
    command: Command,
    record: Record,
    sector_size: u32,
    timeouts: Timeouts,
    state: State,
    output: Option<Output>,
}

impl Delivery {
    /// Begins to send `command` from `from` to `target` on a disk of that logical sector size.
    #[must_use]
    pub fn new(target: Name, command: Command, from: Name, sector_size: u32) -> Self {
        Self {
            target,
            command,
            record: Mailbox::message(command, from).record(),
            sector_size,
            timeouts: Timeouts::DEFAULT,
            state: State::Header,
            output: Some(Output::Read { sector: 0 }),
        }
    }

    /// The operation that was asked for ended.
    pub fn handle_input(&mut self, now: Instant, answer: Answer<'_>) {
        let step = core::mem::replace(&mut self.state, State::Done);
        match (step, answer) {
            (State::Header, Answer::Read(Ok(sector))) => {
                match Header::parse(sector, self.sector_size) {
                    Ok(header) => {
                        self.timeouts = header.timeouts;
                        let (scan, sector) = Scan::new(self.target.clone());
                        self.state = State::Scan(scan);
                        self.output = Some(Output::Read { sector });
                    }
                    Err(fault) => self.become_done(Err(Fault::Header(fault))),
                }
            }
            (State::Scan(scan), Answer::Read(Ok(sector))) => self.scanned(scan, sector),
            (State::Write(slot), Answer::Written(Ok(()))) => {
                self.state = State::ReadBack;
                self.output = Some(Output::Read { sector: mailbox_sector(slot) });
            }
            (State::ReadBack, Answer::Read(Ok(sector))) => self.verify(now, sector),
            (State::Header | State::Scan(_) | State::ReadBack, Answer::Read(Err(fault)))
            | (State::Write(_), Answer::Written(Err(fault))) => {
                self.become_done(Err(Fault::Disk(fault)));
            }
            (
                State::Header | State::Scan(_) | State::ReadBack | State::Wait(_),
                Answer::Written(_),
            )
            | (State::Write(_) | State::Wait(_), Answer::Read(_)) => {
                self.become_done(Err(Fault::Unexpected));
            }
            (State::Done, Answer::Read(_) | Answer::Written(_)) => {}
        }
    }

    /// Ends the wait when it is over; early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| now >= due) {
            self.become_done(Ok(()));
        }
    }

    /// When `handle_timeout` is next due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Wait(due) => Some(due),
            State::Header | State::Scan(_) | State::Write(_) | State::ReadBack | State::Done => {
                None
            }
        }
    }

    /// What to do next; drain after each `new` and `handle_*`.
    pub const fn poll_output(&mut self) -> Option<Output> {
        self.output.take()
    }

    fn scanned(&mut self, mut scan: Scan, sector: &[u8]) {
        match scan.read(sector) {
            Ok(Progress::Read(sector)) => {
                self.state = State::Scan(scan);
                self.output = Some(Output::Read { sector });
            }
            Ok(Progress::Found(slot)) => {
                self.state = State::Write(slot);
                let sector = mailbox_sector(slot);
                self.output = Some(Output::Write { sector, record: self.record });
            }
            Ok(Progress::Absent(_)) => self.become_done(Err(Fault::NoSuchNode)),
            Err(fault) => self.become_done(Err(fault)),
        }
    }

    /// A receiver zeroes a test message at once: an empty mailbox then proves more than delivery.
    fn verify(&mut self, now: Instant, sector: &[u8]) {
        let acknowledged = self.command == Command::Test && Record::ZERO.is(sector);
        if !self.record.is(sector) && !acknowledged {
            self.become_done(Err(Fault::ReadBack));
        } else if self.command.waits() {
            self.state = State::Wait(now.after(self.timeouts.msgwait()));
        } else {
            self.become_done(Ok(()));
        }
    }

    fn become_done(&mut self, result: Result<(), Fault>) {
        self.state = State::Done;
        self.output = Some(Output::Done(result));
    }
}

/// Counts the disks on which a message was delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tally {
    disks: usize,
    delivered: usize,
    failed: usize,
}

impl Tally {
    /// No disk of `disks` has answered.
    #[must_use]
    pub const fn new(disks: usize) -> Self {
        Self { disks, delivered: 0, failed: 0 }
    }

    /// One more disk ended.
    pub const fn record(&mut self, delivered: bool) {
        if delivered {
            self.delivered += 1;
        } else {
            self.failed += 1;
        }
    }

    /// Whether the message is delivered: on more than half of the disks, or no longer possible.
    #[must_use]
    pub const fn verdict(&self) -> Option<bool> {
        if self.delivered * 2 > self.disks {
            Some(true)
        } else if (self.disks - self.failed) * 2 <= self.disks {
            Some(false)
        } else {
            None
        }
    }
}
