//! The pair's settings, after `/etc/diarch/diarch.toml` has been read and checked as a whole.
//!
//! The file is the same on both nodes; which of the two a node is follows from its host name.

use crate::timing::Timing;
use heapless::{String, Vec};

/// The most links a pair can have.
pub const LINKS_MAX: usize = 4;
/// The most shared SBD disks a pair can have.
pub const DISKS_MAX: usize = 3;
/// Longest node name, in bytes: SBD's slot holds 63 and a terminating NUL.
pub const NAME_MAX: usize = 63;

/// A node's name.
pub type NodeName = String<NAME_MAX>;

/// Which of the two nodes: the first or the second in the file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum NodeIndex {
    /// The node named first.
    First,
    /// The node named second.
    Second,
}

impl NodeIndex {
    /// The other node.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    /// 0 or 1, to index an array of two.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }

    /// The node's cluster id, as in `crm_node -i` and `node_state@id`: 1 or 2.
    #[must_use]
    pub const fn id(self) -> u32 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }
}

/// Everything that guardian and manager have to know about the pair.
#[derive(Clone, Debug)]
pub struct PairConfig {
    /// The pair's name; frames of another name are dropped and counted.
    pub cluster_name: NodeName,
    /// Both nodes' names, first and second.
    pub nodes: [NodeName; 2],
    /// Which of them this node is.
    pub local: NodeIndex,
    /// How many links there are; a link is named by its index below this.
    pub links: usize,
    /// Links that carry heartbeats and nothing else, a bit per link.
    pub heartbeats_only: u8,
    /// How many shared SBD disks there are; a disk is named by its index below this.
    pub disks: usize,
    /// Logical sector size of each disk, in bytes (512 or 4096).
    pub sector_bytes: Vec<u32, DISKS_MAX>,
    /// Whether a hardware watchdog is configured.
    pub watchdog: bool,
    /// The shared key (32 bytes) that seals every frame.
    pub key: Key,
    /// A newer key that is accepted, too, and taken once the peer is known to accept it.
    pub next_key: Option<Key>,
    /// Every timer, derived from the failover budget and checked as one chain.
    pub timing: Timing,
}

/// The pair's shared secret. Printing it prints nothing of it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Key(pub [u8; 32]);

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Key(…)")
    }
}
