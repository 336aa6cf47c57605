//! What people and tools read of a cluster's state: text in nested lists, and the same as XML.
//!
//! Nothing here decides or changes anything: everything is read from the tables that the stages
//! before have filled. The forms are those that Pacemaker's tools print and that scripts parse
//! (*Pacemaker Administration*, "Using Pacemaker Command-Line Tools"; the corpus' summaries).

mod bundle;
mod collective;
mod dot;
mod failure;
mod history;
mod node;
mod outline;
mod report;
mod resource;
pub mod time;
mod transition;
mod xml;
mod xml_resource;

pub use dot::drawing;
pub use failure::{ending, meaning};
pub use outline::Outline;
pub use report::{Facts, FencingEvent, FencingState, report, status, untouchable};
pub use transition::transition;
pub use xml::document;

use crate::model::{NodeIdx, RscIdx, Tables};
use std::collections::BTreeSet;

/// Reads the constraints into tables that were only read so far, so that bans can be shown.
pub fn read_bans(t: &mut Tables<'_>) {
    crate::constraint::unpack(t);
}

/// A part of the status that can be asked for or left out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Section {
    /// What carries the messages.
    Stack,
    /// The node that leads.
    Leader,
    /// When this was asked and when the configuration changed.
    Times,
    /// How many nodes and resources there are.
    Counts,
    /// Cluster options.
    Options,
    /// Whether the whole cluster is in maintenance.
    Maintenance,
    /// Nodes.
    Nodes,
    /// Resources.
    Resources,
    /// Node attributes.
    Attributes,
    /// How often what failed.
    FailCounts,
    /// The history of operations.
    Operations,
    /// Failed operations.
    Failures,
    /// Failed fencing.
    FencingFailed,
    /// Fencing that has not ended yet.
    FencingPending,
    /// Fencing that succeeded.
    FencingSucceeded,
    /// Tickets.
    Tickets,
    /// Locations where resources may not run.
    Bans,
}

/// What to show, and how.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent options of the tools")]
pub struct Show {
    /// The sections.
    pub sections: BTreeSet<Section>,
    /// Inactive resources too.
    pub inactive: bool,
    /// Resources under the node where they run.
    pub by_node: bool,
    /// Every clone instance and node id.
    pub detail: bool,
    /// When operations ran and for how long.
    pub timing: bool,
    /// Only nodes of these names, if given.
    pub nodes: Option<BTreeSet<String>>,
    /// Only resources of these ids and what is in them, if given.
    pub resources: Option<BTreeSet<String>>,
    /// Only bans whose constraint's id begins so.
    pub ban_prefix: String,
}

impl Show {
    /// What a what-if run shows of a cluster: nodes and all resources.
    #[must_use]
    pub fn everything_that_runs() -> Self {
        Self {
            sections: BTreeSet::from([Section::Nodes, Section::Resources]),
            inactive: true,
            ..Self::default()
        }
    }

    /// Tells whether a section is shown.
    #[must_use]
    pub fn has(&self, section: Section) -> bool {
        self.sections.contains(&section)
    }

    /// Tells whether a node is shown.
    fn node(&self, t: &Tables<'_>, node: NodeIdx) -> bool {
        self.nodes.as_ref().is_none_or(|names| names.contains(t.nodes[node].name))
    }

    /// Tells whether a resource is shown: it, what contains it, or something in it was asked for.
    fn resource(&self, t: &Tables<'_>, rsc: RscIdx) -> bool {
        let Some(ids) = &self.resources else { return true };
        let named = |at: RscIdx| {
            let row = &t.resources[at];
            ids.contains(&row.id) || ids.contains(&row.base_id)
        };
        let mut above = Some(rsc);
        while let Some(at) = above {
            if named(at) {
                return true;
            }
            above = t.resources[at].parent;
        }
        t.subtree(rsc).into_iter().any(named)
    }
}
