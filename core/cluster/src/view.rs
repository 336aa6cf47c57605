//! What guardian and manager of one node tell each other.
//!
//! The guardian's [`View`] is the only membership there is. The manager's [`Report`]s are the only
//! thing that the guardian knows about resources.

use crate::Instant;
use crate::config::Key;
use crate::guardian_io::{FrameFault, LinkIndex};
use crate::membership::figures::Counts;
use core::time::Duration;

/// Identity of one boot of one node: random, new at every start of the guardian.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BootId(pub u64);

/// Why the peer cannot touch shared data any more. Recorded, and shown to the operator.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proof {
    /// It said that it had stopped everything and left.
    LeftCleanly,
    /// A power driver read back *off* after the peer had fallen silent.
    PowerOff,
    /// The claim is ours, and its last possible feed, its watchdog's timeout and margin are past.
    WatchdogExpired {
        /// When we last heard anything of it.
        last_heard: Instant,
        /// How long after that its watchdog must have fired.
        waited: Duration,
    },
    /// A later boot of it has spoken: the earlier one is gone.
    Rebooted {
        /// The boot that spoke.
        boot: BootId,
    },
    /// The disk shows that this node was the last owner, and that the peer has not started since.
    LastOwner,
    /// An operator has confirmed by hand that the peer is off (`stonith_admin --confirm`).
    Operator,
}

/// The peer as this node's guardian knows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Peer {
    /// Nothing has been heard since this node booted, and nothing is proved about it.
    Unknown,
    /// It is in sight and has completed the two-sided handshake.
    Member {
        /// Its boot.
        boot: BootId,
    },
    /// It has been silent on every channel since `since`; arbitration is under way.
    Lost {
        /// The boot that fell silent.
        boot: BootId,
        /// When it was last heard.
        since: Instant,
    },
    /// It provably cannot touch shared data.
    Down {
        /// The boot that is down, if one was ever seen.
        boot: Option<BootId>,
        /// Why.
        proof: Proof,
    },
}

/// What the guardian tells the manager, whenever any of it changes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct View {
    /// Counts views; a manager ignores one that is not newer than the last.
    pub sequence: u64,
    /// This node's boot.
    pub boot: BootId,
    /// The peer.
    pub peer: Peer,
    /// Whether this node may start protected resources: it sees its peer as a member, or it holds
    /// the claim and the peer is down with proof. Never true otherwise.
    pub may_act: bool,
    /// Whether this node may ask a power driver to switch the peer off: it holds the claim, or
    /// there is no disk to claim on and the heavier node has had its turn. Asking a driver for the
    /// state of the power is always allowed.
    pub may_fence: bool,
    /// Why not, when `may_act` is false.
    pub refusal: Option<Refusal>,
    /// The generation that the claim records: grows with each claim won. A node whose generation is
    /// lower takes the other's configuration.
    pub generation: u64,
    /// Who orders changes while both are members. While alone and allowed to act: this node.
    pub leader: bool,
    /// Links that carry frames in both directions, a bit per link.
    pub links_up: u8,
    /// Disks that answer, a bit per disk.
    pub disks_up: u8,
    /// Whether the watchdog is armed, and with what effective timeout.
    pub watchdog: Option<Duration>,
    /// Frames that were dropped, as of the last time that one was reported.
    pub dropped: Option<Dropped>,
}

/// Frames that were not believed since this guardian started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dropped {
    /// How many.
    pub count: u32,
    /// On which link the last reported one came.
    pub link: LinkIndex,
    /// Why that one was dropped.
    pub reason: FrameFault,
}

/// Why a node may not act, in the operator's words (see `Display`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Just booted: waiting for the peer or for proof that it is down.
    Starting,
    /// The peer fell silent; the claim is being contested.
    Arbitrating,
    /// The claim is ours; waiting until the peer's watchdog must have fired.
    AwaitingProof {
        /// When the proof will be complete.
        until: Instant,
    },
    /// This node was fenced, or lost the claim: it waits until it hears its peer.
    Quarantined,
    /// The peer was the last owner and has not been seen since: its data may be newer.
    PeerWasLastOwner,
    /// Too few disks answer to contest the claim.
    NoDisk,
    /// The watchdog is missing or could not be armed.
    NoWatchdog,
    /// This node is leaving.
    Leaving,
}

/// What the manager tells the guardian.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Report {
    /// The manager's loop is turning. Sent at least every quarter of `Timing::manager_progress`.
    Progress,
    /// Whether protected resources are (or may be) active here, and what they weigh.
    /// Sent, and acknowledged by nothing, *before* the first start is executed.
    Protecting {
        /// Whether anything here needs protecting.
        active: bool,
        /// The sum of the resources' priorities; more weight survives where there is a choice.
        weight: u32,
    },
    /// The scheduler demands that this boot of the peer be fenced.
    Fence {
        /// Returned with the outcome.
        request: u32,
        /// The boot that must die; a notice about another boot is refused.
        target: Option<BootId>,
        /// Whether it has to stay off.
        off: bool,
    },
    /// A power driver read back the peer's power as off, after the peer was lost.
    PowerIsOff {
        /// The boot that was running when the driver was asked.
        target: Option<BootId>,
    },
    /// An operator confirmed that the peer is off.
    Confirmed,
    /// All resources are stopped here and the node wants to leave cleanly.
    Leave,
}

/// How a [`Report::Fence`] ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FenceOutcome {
    /// The target is provably down.
    Done(Proof),
    /// It could not be fenced, for this reason.
    Failed(Refusal),
}

/// How a link does, as seen from here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LinkFigures {
    /// Whether the peer's frames come in on it.
    pub comes_in: bool,
    /// Whether the peer says that this node's come in there.
    pub goes_out: bool,
    /// What it did to frames.
    pub counts: Counts,
}

/// What the guardian tells the manager.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notice {
    /// The view changed (also sent once when the manager starts).
    View(View),
    /// A fencing request ended.
    Fenced {
        /// The number given with the request.
        request: u32,
        /// How it ended.
        outcome: FenceOutcome,
    },
    /// Stop everything and leave: the node was asked to shut down.
    Shutdown,
    /// How a link does: sent when its ways change, and every few seconds.
    Link {
        /// Which.
        link: LinkIndex,
        /// What is known of it.
        figures: LinkFigures,
    },
    /// What seals frames from now on (also sent once when the manager starts).
    Keys {
        /// The key in use, which is accepted in any case.
        key: Key,
        /// A newer one that is accepted, too.
        next: Option<Key>,
        /// Whether the newer one seals.
        use_next: bool,
    },
}
