//! What can go wrong, and how a seed chooses it.
//!
//! Steps of the wall clock are no fault here: a guardian is handed the monotonic clock only, so
//! that there is nothing in it that a step could reach.

use crate::disk::Path;
use crate::network::Direction;
use crate::rng::Rng;
use core::time::Duration;
use diarch_cluster::config::NodeIndex;

/// Something that goes wrong, or is put right.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// A link changes, in one direction or both.
    Link {
        /// Which.
        link: usize,
        /// Frames of this sender only, or of both.
        sender: Option<NodeIndex>,
        /// What it is from now on.
        state: Direction,
    },
    /// Every link changes in both directions.
    Links(Direction),
    /// All links are healthy again.
    HealLinks,
    /// A node's way to a disk changes.
    Disk {
        /// Which disk.
        disk: usize,
        /// Which node's way.
        node: NodeIndex,
        /// What it is from now on.
        path: Path,
    },
    /// A disk returns old data, or does so no more.
    Stale {
        /// Which disk.
        disk: usize,
        /// Whether it does.
        stale: bool,
    },
    /// A disk acknowledges a node's writes and does not do them, or does so no more.
    Loses {
        /// Which disk.
        disk: usize,
        /// Whose writes.
        node: NodeIndex,
        /// Whether it loses them.
        loses: bool,
    },
    /// What switches this node's power behaves otherwise from now on.
    Bmc(NodeIndex, Bmc),
    /// All disks are healthy again.
    HealDisks,
    /// A kernel panics; the machine boots again after the time given.
    Crash(NodeIndex, Duration),
    /// Power is cut; the machine boots again after the time given.
    PowerCut(NodeIndex, Duration),
    /// Power is cut on both; each boots again after its time.
    Blackout(Duration, Duration),
    /// The guardian is not scheduled for that long.
    Pause(NodeIndex, Duration),
    /// The manager is killed.
    KillManager(NodeIndex),
    /// The manager hangs.
    HangManager(NodeIndex),
    /// The manager ends, and again whenever it is started before the next boot.
    BreakManager(NodeIndex),
    /// The next time that a machine orders its own end, the order hangs: its guardian is gone, its
    /// services go on until the watchdog fires.
    ResetHangs(NodeIndex),
    /// The node is asked to leave; it comes back after the time given.
    Leave(NodeIndex, Duration),
    /// Everything is put right and every machine gets power.
    HealAll,
}

/// What answers for a node's power.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Bmc {
    /// It obeys and answers within half a second.
    #[default]
    Well,
    /// It does neither.
    Dead,
    /// It obeys and answers seconds later, whatever the node is by then.
    /// That such an order spares a later boot is outside what the pair promises; that there are
    /// never two writers is not.
    Slow,
    /// It reads *on* and does not obey, whatever the node is.
    ClaimsOn,
    /// It reads *off* while the node runs. Outside what the pair promises: a power driver that
    /// reads back *off* is proof by itself, and nothing else could contradict it where the links
    /// are cut. Never drawn by chance; a scenario shows that the checker would see it.
    ClaimsOff,
}

impl Fault {
    /// Whether it may rightly cost a node.
    #[must_use]
    pub const fn is_essential(&self) -> bool {
        match self {
            Self::Crash(..) | Self::PowerCut(..) | Self::Blackout(..) | Self::Leave(..) => true,
            Self::Pause(_, length) => length.as_millis() > 250,
            Self::Link { .. }
            | Self::Links(_)
            | Self::HealLinks
            | Self::Disk { .. }
            | Self::Stale { .. }
            | Self::Loses { .. }
            | Self::Bmc(..)
            | Self::HealDisks
            | Self::KillManager(_)
            | Self::HangManager(_)
            | Self::BreakManager(_)
            | Self::ResetHangs(..)
            | Self::HealAll => false,
        }
    }
}

/// A cut direction.
pub const CUT: Direction =
    Direction { cut: true, loss_permille: 0, twice_permille: 0, jitter: Duration::ZERO };

fn ms(least: u64, most: u64, rng: &mut Rng) -> Duration {
    rng.between(Duration::from_millis(least), Duration::from_millis(most))
}

/// One fault as chance has it; `wide` adds lost writes and the BMC.
pub fn draw(rng: &mut Rng, links: usize, disks: usize, wide: bool) -> Fault {
    let node = if rng.happens(500) { NodeIndex::First } else { NodeIndex::Second };
    let pick =
        |rng: &mut Rng, count: usize| usize::try_from(rng.below(count.max(1) as u64)).unwrap_or(0);
    match rng.below(if wide { 28 } else { 20 }) {
        0 => Fault::Link { link: pick(rng, links), sender: None, state: CUT },
        1 => Fault::Link { link: pick(rng, links), sender: Some(node), state: CUT },
        2..=4 => Fault::Links(CUT),
        5 => Fault::Links(Direction {
            loss_permille: rng.below(400),
            twice_permille: rng.below(200),
            jitter: ms(0, 80, rng),
            cut: false,
        }),
        6 | 7 => Fault::HealLinks,
        8 => {
            let path = [Path::Slow, Path::Stuck, Path::Gone][pick(rng, 3)];
            Fault::Disk { disk: pick(rng, disks), node, path }
        }
        9 => Fault::Stale { disk: pick(rng, disks), stale: rng.happens(500) },
        10 => Fault::HealDisks,
        11 | 12 => Fault::Crash(node, ms(200, 8000, rng)),
        13 | 14 => Fault::PowerCut(node, ms(500, 15_000, rng)),
        15 => Fault::Blackout(ms(500, 5000, rng), ms(500, 15_000, rng)),
        16 => Fault::Pause(node, ms(50, 6000, rng)),
        17 => Fault::KillManager(node),
        18 => Fault::HangManager(node),
        20 | 21 => Fault::Loses { disk: pick(rng, disks), node, loses: rng.happens(700) },
        24 | 25 => Fault::ResetHangs(node),
        26 | 27 => Fault::BreakManager(node),
        22 | 23 => {
            let bmc = [Bmc::Well, Bmc::Dead, Bmc::Slow, Bmc::ClaimsOn][pick(rng, 4)];
            Fault::Bmc(node, bmc)
        }
        _ => Fault::Leave(node, ms(1000, 12_000, rng)),
    }
}
