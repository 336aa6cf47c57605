//! What a node has to do about its own mailbox, and whether the disk is still the same disk.

use super::{
    DiskFault, Fault, RECORD_MAX, Record,
    header::{HEADER_LEN, HeaderView},
    mailbox::Mailbox,
    mailbox_sector,
    message::Command,
    name::Name,
    slot_sector,
};

/// What the own mailbox asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// Nothing.
    Nothing,
    /// Zero the mailbox and log that a test message came.
    AcknowledgeTest,
    /// Zero the mailbox and log an unknown or torn message with that number.
    DiscardUnknown(i8),
    /// Reset this machine at once.
    Reset,
    /// Power this machine off at once.
    PowerOff,
    /// Leave cleanly and disarm the watchdog; the mailbox stays as it is.
    Exit,
    /// Crash this machine for a dump.
    Crash,
}

impl Order {
    /// Whether the mailbox has to be written with zeroes.
    #[must_use]
    pub const fn zeroes_mailbox(self) -> bool {
        match self {
            Self::AcknowledgeTest | Self::DiscardUnknown(_) => true,
            Self::Nothing | Self::Reset | Self::PowerOff | Self::Exit | Self::Crash => false,
        }
    }
}

/// What the own mailbox's sector asks for; negative numbers mean nothing.
///
/// # Errors
///
/// A sector shorter than a mailbox.
pub fn order(mailbox: &[u8]) -> Result<Order, Fault> {
    let mailbox = Mailbox::parse(mailbox)?;
    Ok(match mailbox.command() {
        Some(Command::Clear) => Order::Nothing,
        Some(Command::Test) => Order::AcknowledgeTest,
        Some(Command::Reset) => Order::Reset,
        Some(Command::Off) => Order::PowerOff,
        Some(Command::Exit) => Order::Exit,
        Some(Command::Crashdump) => Order::Crash,
        None if mailbox.code > 0 => Order::DiscardUnknown(mailbox.code),
        None => Order::Nothing,
    })
}

/// Whether a node may start when its mailbox holds this message.
///
/// A message that waits for a node that just booted was meant for its earlier life and is zeroed;
/// in *clean* mode only `clear` and `exit` are accepted, anything else refuses the start.
#[must_use]
pub fn may_start(pending: &Mailbox, clean_only: bool) -> bool {
    !clean_only || matches!(pending.command(), Some(Command::Clear | Command::Exit))
}

/// What the watcher asks for or reports.
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
    /// The round is over: the disk answered and is the one it was.
    Healthy {
        /// What the mailbox asked for.
        order: Order,
        /// Who asked.
        from: Name,
    },
    /// The round failed: the disk does not count as good until a later round succeeds.
    Unhealthy(WatchFault),
}

/// Why a disk does not count as good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WatchFault {
    /// An operation failed or did not end in time.
    Disk(DiskFault),
    /// The header is no longer the one seen at the start: somebody ran `create`.
    HeaderChanged,
    /// The own slot is no longer the own one.
    SlotChanged,
    /// An answer that does not fit the question.
    Unexpected,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Idle,
    Header,
    Slot,
    Mailbox,
    Zeroing(Order),
}

/// Watches one disk: header, own slot and own mailbox, once per round.
///
/// ```text
/// Idle ─start─▶ Header ─same─▶ Slot ─same─▶ Mailbox ─order─▶ Idle
///                  │ else        │ else        └test─▶ Zeroing ─▶ Idle
///                  └─────────────┴── Unhealthy ─▶ Idle
/// ```
#[derive(Clone, Debug)]
pub struct Watcher {
    slot: u8,
    header: [u8; HEADER_LEN],
    owner: Record,
    step: Step,
    from: Name,
    output: heapless::Deque<Output, 2>,
}

impl Watcher {
    /// Watches slot `slot`, which holds `owner`, on a disk whose header was `header`.
    #[must_use]
    pub fn new(header: &HeaderView<'_>, slot: u8, owner: Record) -> Self {
        Self {
            slot,
            header: header.identity(),
            owner,
            step: Step::Idle,
            from: Name::default(),
            output: heapless::Deque::new(),
        }
    }

    /// Begins a round; does nothing while one is under way.
    pub fn start(&mut self) {
        if self.step == Step::Idle {
            self.ask(Step::Header, 0);
        }
    }

    /// Whether a round is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.step != Step::Idle
    }

    /// The operation that was asked for ended.
    pub fn handle_input(&mut self, answer: super::Answer<'_>) {
        use super::Answer::{Read, Written};
        match (self.step, answer) {
            (Step::Header, Read(Ok(sector))) => {
                if sector.get(..HEADER_LEN) == Some(&self.header[..]) {
                    self.ask(Step::Slot, slot_sector(self.slot));
                } else {
                    self.fail(WatchFault::HeaderChanged);
                }
            }
            (Step::Slot, Read(Ok(sector))) => {
                if sector.get(..RECORD_MAX) == Some(&self.owner.bytes[..]) {
                    self.ask(Step::Mailbox, mailbox_sector(self.slot));
                } else {
                    self.fail(WatchFault::SlotChanged);
                }
            }
            (Step::Mailbox, Read(Ok(sector))) => self.obey(sector),
            (Step::Zeroing(order), Written(Ok(()))) => self.finish(order),
            (Step::Header | Step::Slot | Step::Mailbox, Read(Err(fault)))
            | (Step::Zeroing(_), Written(Err(fault))) => self.fail(WatchFault::Disk(fault)),
            (Step::Header | Step::Slot | Step::Mailbox, Written(_))
            | (Step::Zeroing(_), Read(_)) => self.fail(WatchFault::Unexpected),
            (Step::Idle, Read(_) | Written(_)) => {}
        }
    }

    /// What to do next; drain after each `start` and `handle_input`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    fn obey(&mut self, sector: &[u8]) {
        match (order(sector), Mailbox::parse(sector)) {
            (Ok(order), Ok(mailbox)) => {
                self.from = mailbox.from;
                if order.zeroes_mailbox() {
                    self.step = Step::Zeroing(order);
                    let sector = mailbox_sector(self.slot);
                    self.push(Output::Write { sector, record: Record::ZERO });
                } else {
                    self.finish(order);
                }
            }
            (Err(_), _) | (_, Err(_)) => self.fail(WatchFault::Unexpected),
        }
    }

    fn ask(&mut self, step: Step, sector: u64) {
        self.step = step;
        self.push(Output::Read { sector });
    }

    fn finish(&mut self, order: Order) {
        self.step = Step::Idle;
        let from = core::mem::take(&mut self.from);
        self.push(Output::Healthy { order, from });
    }

    fn fail(&mut self, fault: WatchFault) {
        self.step = Step::Idle;
        self.push(Output::Unhealthy(fault));
    }

    /// One output per input: a caller that drains never fills the queue; otherwise the oldest goes.
    fn push(&mut self, output: Output) {
        if self.output.is_full() {
            self.output.pop_front();
        }
        if self.output.push_back(output).is_err() {
            log::error!("sbd: an output was lost");
        }
    }
}
