//! What the platform feeds a guardian, and what a guardian asks of it.
//!
//! Plain data, bounded, nothing on the heap. A disk or watchdog output is answered by exactly one
//! input; until then the guardian does not issue the next operation for that disk.

use crate::Instant;
use crate::config::Key;
use crate::view::{Notice, Report};
use core::time::Duration;
use heapless::Vec;

/// The longest frame body, in bytes (Ethernet payload).
pub const FRAME_MAX: usize = 1500;
/// The largest logical sector, in bytes.
pub const SECTOR_MAX: usize = 4096;

/// A frame's bytes after the Ethernet header.
pub type Frame = Vec<u8, FRAME_MAX>;
/// One sector's bytes.
pub type Sector = Vec<u8, SECTOR_MAX>;

/// Names one of the pair's links by its place in the configuration.
pub type LinkIndex = u8;
/// Names one of the pair's disks by its place in the configuration.
pub type DiskIndex = u8;

/// How a disk operation failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DiskFault {
    /// The device is not there.
    Missing,
    /// The device answered with an error.
    Failed,
    /// No answer within `Timing::disk_io`.
    TimedOut,
}

/// Something happened.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A frame arrived.
    Frame {
        /// On which link.
        link: LinkIndex,
        /// Its bytes after the Ethernet header, of any length and content.
        bytes: &'a [u8],
    },
    /// A link gained or lost its carrier or its device.
    LinkState {
        /// Which link.
        link: LinkIndex,
        /// Whether frames can be sent on it.
        up: bool,
    },
    /// A sector was read, or could not be.
    SectorRead {
        /// Which disk.
        disk: DiskIndex,
        /// Which sector.
        sector: u64,
        /// What it holds.
        result: Result<&'a [u8], DiskFault>,
    },
    /// A sector was written and is on stable storage, or that is not known.
    SectorWritten {
        /// Which disk.
        disk: DiskIndex,
        /// Which sector.
        sector: u64,
        /// Whether it worked.
        result: Result<(), DiskFault>,
    },
    /// The watchdog was armed; its effective timeout was read back.
    WatchdogArmed {
        /// What the driver really does; `None` if it could not be armed.
        effective: Option<Duration>,
    },
    /// The manager process started.
    ManagerStarted,
    /// The manager said something.
    Manager(Report),
    /// The manager process ended.
    ManagerExited {
        /// Whether it ended by its own will with status 0.
        clean: bool,
    },
    /// The node was asked to shut down (SIGTERM).
    ShutdownRequested,
    /// The kernel is going down without asking (dying words should be said now).
    Dying,
    /// The pair's keys were written anew.
    Keys {
        /// The key in use.
        key: Key,
        /// The one that follows it.
        next: Option<Key>,
    },
}

/// What has to be done, in this order.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a sector by value: nothing here is on the heap")]
pub enum Output {
    /// Send a frame to the peer.
    SendFrame {
        /// On which link.
        link: LinkIndex,
        /// What follows the Ethernet header.
        frame: Frame,
    },
    /// Read a sector.
    ReadSector {
        /// Which disk.
        disk: DiskIndex,
        /// Which sector.
        sector: u64,
    },
    /// Write a sector and flush it.
    WriteSector {
        /// Which disk.
        disk: DiskIndex,
        /// Which sector.
        sector: u64,
        /// What it shall hold.
        data: Sector,
    },
    /// Arm the watchdog with this timeout.
    ArmWatchdog {
        /// The timeout asked for.
        timeout: Duration,
    },
    /// Feed the watchdog once, unless `until` has passed when it comes to it: a process that was
    /// stopped between deciding and feeding must not stretch the peer's wait.
    FeedWatchdog {
        /// The last moment at which this node has the right to.
        until: Instant,
    },
    /// Disarm the watchdog: clean leave only.
    DisarmWatchdog,
    /// Start the manager process.
    StartManager,
    /// Kill the manager process.
    KillManager,
    /// Tell the manager something.
    Manager(Notice),
    /// Reset this machine at once, without syncing anything.
    Reset(SelfFence),
    /// Power this machine off at once.
    PowerOff(SelfFence),
    /// Crash this machine for a dump (SBD's `crashdump`).
    Crash(SelfFence),
    /// Everything is done: end the process with status 0.
    Exit,
    /// Something worth a line in the log and the timeline.
    Event(Event),
}

/// Why a node ends itself.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SelfFence {
    /// The peer won the claim.
    ClaimLost,
    /// Its SBD mailbox says so.
    Mailbox,
    /// The peer asked for it in a sealed frame.
    PeerAsked,
    /// It slept through its own death: the process was stopped for longer than the peer waits.
    Overslept,
    /// It could not contest the claim in time and protected resources are active.
    Isolated,
    /// The manager could not be brought back and protected resources are active.
    ManagerLost,
}

/// What the guardian reports for people: one line each, with units, by the platform.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// A link became usable in both directions.
    LinkUp(LinkIndex),
    /// A link went silent.
    LinkDown {
        /// Which link.
        link: LinkIndex,
        /// For how long nothing had been heard on it.
        silent: Duration,
    },
    /// A link carries frames one way only, and has for a while.
    LinkOneWay {
        /// Which link.
        link: LinkIndex,
        /// Whether it is the peer's frames that come in.
        comes_in: bool,
    },
    /// A frame was late on a link, for no fault of this process.
    FrameLate {
        /// On which link.
        link: LinkIndex,
        /// Which of the peer's frames.
        sequence: u64,
        /// How much later it was, at least, than others are.
        by: Duration,
        /// How many were late on that link since this guardian started, this one included.
        count: u32,
    },
    /// The peer completed the handshake.
    PeerJoined,
    /// The peer was silent on every link for the detection time.
    PeerSilent {
        /// For how long.
        silent: Duration,
    },
    /// The peer said that it is about to end itself: no proof that it has.
    PeerDying {
        /// Why, if it said so.
        reason: Option<SelfFence>,
    },
    /// A claim was opened.
    ClaimOpened {
        /// For which generation.
        generation: u64,
    },
    /// The claim is ours.
    ClaimWon {
        /// For which generation.
        generation: u64,
        /// How long it took.
        took: Duration,
    },
    /// The claim is the peer's.
    ClaimLost {
        /// For which generation.
        generation: u64,
    },
    /// The peer is provably down: a takeover is allowed.
    PeerDown(crate::view::Proof),
    /// A frame was dropped.
    FrameDropped {
        /// On which link.
        link: LinkIndex,
        /// Why.
        reason: FrameFault,
        /// How many were dropped since this guardian started, this one included.
        count: u32,
    },
    /// A disk stopped answering or came back.
    Disk {
        /// Which disk.
        disk: DiskIndex,
        /// Whether it answers.
        up: bool,
    },
    /// This process was not scheduled for longer than a heartbeat.
    OwnDelay(Duration),
    /// The watchdog's state.
    Watchdog {
        /// The effective timeout, if armed.
        armed: Option<Duration>,
    },
    /// The manager was restarted.
    ManagerRestarted,
    /// These keys are accepted from now on.
    KeysTaken {
        /// Whether there are two of them.
        two: bool,
    },
    /// The keys were written anew without the one that the peer uses: the old ones stay.
    KeysRefused,
    /// The newest key, or the one before it, seals from now on.
    KeyUsed {
        /// Whether it is the newest.
        newest: bool,
    },
}

/// Why a frame was dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FrameFault {
    /// Shorter than any frame, or its lengths contradict each other.
    Truncated,
    /// Of a version that this build does not speak.
    Version,
    /// Of another pair.
    OtherCluster,
    /// The seal is broken: another key, or a forgery.
    Forged,
    /// Seen before, or older than the window.
    Replayed,
    /// It claims to be from this node.
    Own,
}
