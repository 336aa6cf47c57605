//! What must never happen, whatever goes wrong. Always on.

use core::time::Duration;
use diarch_cluster::config::NodeIndex;
use diarch_cluster::view::Proof;
use std::fmt;

/// A broken promise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Violation {
    /// The protected service was started on one node while it was active on the other.
    TwoActive(NodeIndex),
    /// A node took its peer for down while the service was active there.
    FalseProof(NodeIndex, Proof),
    /// One fault cost both nodes although a disk could decide.
    TwoCorpses,
    /// A node ended although nothing essential had failed.
    HealthyNodeEnded(NodeIndex, String),
    /// Everything was put right, and still the service did not run in time.
    NotHealed(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoActive(node) => {
                write!(f, "two writers: started on {node:?} while active on the other")
            }
            Self::FalseProof(node, proof) => {
                write!(f, "false proof: {node:?} took its peer for down by {proof:?}")
            }
            Self::TwoCorpses => f.write_str("two corpses: one fault cost both nodes"),
            Self::HealthyNodeEnded(node, why) => {
                write!(f, "healthy node ended: {node:?}, {why}")
            }
            Self::NotHealed(why) => write!(f, "not healed: {why}"),
        }
    }
}

/// Looks back this far for the fault that cost a node.
pub const MEMORY: Duration = Duration::from_secs(12);

/// What the checker remembers.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    /// The first promise broken.
    pub violation: Option<Violation>,
    /// When nodes ended themselves or were ended by their watchdog, in microseconds, and whether it
    /// was for a manager that could not be brought back: a fault of its own.
    pub ended: Vec<(u64, NodeIndex, bool)>,
    /// When essential faults were injected.
    pub essential: Vec<u64>,
    /// How many managers were killed or hung.
    pub manager_faults: u32,
    /// When the links last let nothing, or not enough, pass.
    pub links_bad_at: Option<u64>,
    /// When disks were last not healthy for somebody.
    pub disks_bad_at: Option<u64>,
}

impl Checker {
    /// Notes a broken promise; the first one counts.
    pub fn note(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    /// A node was ended by itself or its watchdog.
    pub fn node_ended(&mut self, now_us: u64, node: NodeIndex, why: &str) {
        let since = now_us.saturating_sub(crate::node::micros(MEMORY));
        let recent = |at: Option<u64>| at.is_some_and(|at| at >= since);
        let essential = self.essential.iter().filter(|at| **at >= since).count();
        let links_bad = recent(self.links_bad_at);
        let by_manager = why == "ManagerLost" && self.manager_faults >= 3;
        if essential == 0 && !links_bad && !by_manager {
            self.note(Violation::HealthyNodeEnded(node, why.to_owned()));
        }
        let lately = now_us.saturating_sub(crate::node::micros(MEMORY / 2));
        let others = self.ended.iter().filter(|(at, who, _)| *at >= lately && *who != node);
        let both = others.clone().next().is_some();
        // Each manager that is lost is a fault of its own, and takes three ends.
        let lost = others.filter(|(.., lost)| *lost).count() + usize::from(by_manager);
        let lost = lost.min(usize::try_from(self.manager_faults / 3).unwrap_or(0));
        let faults = essential + usize::from(links_bad) + lost;
        if both && faults <= 1 && !recent(self.disks_bad_at) {
            self.note(Violation::TwoCorpses);
        }
        self.ended.push((now_us, node, by_manager));
    }
}
