//! Takes a slot for a node: write the first free one, wait, look whether it is still ours.
//!
//! Whoever wrote last owns the slot; the loser finds itself missing and takes another. That is safe
//! only if the wait exceeds any delay of a write.

use super::{
    Answer, Fault, Record,
    header::{Header, Timeouts},
    name::Name,
    scan::{Progress, Scan},
    slot::Slot,
    slot_sector,
};
use crate::time::Instant;

/// How many slots are tried before the disk counts as contended.
pub const ATTEMPTS_MAX: u8 = 8;

/// What the allocation asks for or reports.
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
    /// It ended.
    Done(Result<Allocated, Fault>),
}

/// A slot that is the node's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Allocated {
    /// Which slot.
    pub slot: u8,
    /// How many free slots were written until one stayed; 0 if the node had its slot already.
    pub attempts: u8,
}

#[derive(Clone, Debug)]
enum State {
    Header,
    Scan(Scan),
    Write,
    Wait(Instant),
    Done,
}

/// ```text
/// Header ─▶ Scan ─found─▶ Done
///            │ absent: Write ─▶ Wait(allocate) ─▶ Scan
/// ```
#[derive(Clone, Debug)]
pub struct Allocation {
    name: Name,
    sector_size: u32,
    timeouts: Timeouts,
    attempts: u8,
    state: State,
    output: Option<Output>,
}

impl Allocation {
    /// Begins to allocate a slot for `name` on a disk of that logical sector size, in bytes.
    #[must_use]
    pub const fn new(name: Name, sector_size: u32) -> Self {
        let output = Some(Output::Read { sector: 0 });
        let timeouts = Timeouts::DEFAULT;
        Self { name, sector_size, timeouts, attempts: 0, state: State::Header, output }
    }

    /// The operation that was asked for ended.
    pub fn handle_input(&mut self, now: Instant, answer: Answer<'_>) {
        let step = core::mem::replace(&mut self.state, State::Done);
        match (step, answer) {
            (State::Header, Answer::Read(Ok(sector))) => {
                match Header::parse(sector, self.sector_size) {
                    Ok(header) => {
                        self.timeouts = header.timeouts;
                        self.become_scan();
                    }
                    Err(fault) => self.become_done(Err(Fault::Header(fault))),
                }
            }
            (State::Scan(scan), Answer::Read(Ok(sector))) => self.scanned(scan, sector),
            (State::Write, Answer::Written(Ok(()))) => {
                self.state = State::Wait(now.after(self.timeouts.allocate()));
            }
            (State::Header | State::Scan(_), Answer::Read(Err(fault)))
            | (State::Write, Answer::Written(Err(fault))) => {
                self.become_done(Err(Fault::Disk(fault)));
            }
            (State::Header | State::Scan(_) | State::Wait(_), Answer::Written(_))
            | (State::Write | State::Wait(_), Answer::Read(_)) => {
                self.become_done(Err(Fault::Unexpected));
            }
            (State::Done, Answer::Read(_) | Answer::Written(_)) => {}
        }
    }

    /// Looks again when the wait is over; early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| now >= due) {
            self.become_scan();
        }
    }

    /// When `handle_timeout` is next due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Wait(due) => Some(due),
            State::Header | State::Scan(_) | State::Write | State::Done => None,
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
                self.become_done(Ok(Allocated { slot, attempts: self.attempts }));
            }
            Ok(Progress::Absent(Some(_))) if self.attempts == ATTEMPTS_MAX => {
                self.become_done(Err(Fault::Contended));
            }
            Ok(Progress::Absent(Some(slot))) => {
                self.attempts += 1;
                self.state = State::Write;
                let record = Slot::Used(self.name.clone()).record();
                self.output = Some(Output::Write { sector: slot_sector(slot), record });
            }
            Ok(Progress::Absent(None)) => self.become_done(Err(Fault::Full)),
            Err(fault) => self.become_done(Err(fault)),
        }
    }

    fn become_scan(&mut self) {
        let (scan, sector) = Scan::new(self.name.clone());
        self.state = State::Scan(scan);
        self.output = Some(Output::Read { sector });
    }

    fn become_done(&mut self, result: Result<Allocated, Fault>) {
        self.state = State::Done;
        self.output = Some(Output::Done(result));
    }
}
