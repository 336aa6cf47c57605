//! The tables that the stages fill, in order: nodes, resources, constraints, actions, orderings.
//!
//! Rows are named by typed indices, tables only grow, and names are borrowed from the document.

pub mod action;
pub mod arena;
pub mod attributes;
pub mod node;
pub mod options;
pub mod resource;
pub mod score;

pub use action::{Action, ActionIdx, ActionTag, Link, OnFail, Relation};
pub use arena::{Arena, Idx};
pub use attributes::Attributes;
pub use node::{Discovery, Node, NodeIdx, NodeKind, NodeTable, NodeTag, Placed};
pub use options::{NoQuorum, Options, Placement};
pub use resource::{
    BundleData, CloneData, GroupData, MultiplyActive, OpConfig, Replica, Requires, Resource, Role,
    RscIdx, RscTag, Variant,
};

use core::cell::Cell;
use diarch_cib::xml::Element;
use std::collections::BTreeMap;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// Part of the configuration is ignored.
    Error,
    /// The configuration works, perhaps not as meant.
    Warning,
}

/// Something that the administrator should know of the configuration or the status.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What, where, and what was done about it.
    pub message: String,
}

/// A resource's preference for nodes.
#[derive(Clone, Debug)]
pub struct Location<'c> {
    /// The constraint's id.
    pub id: &'c str,
    /// Whose preference.
    pub rsc: RscIdx,
    /// For which role; unknown for any.
    pub role: Role,
    /// The nodes, and how much to add.
    pub nodes: Vec<(NodeIdx, i32)>,
    /// How far probes are allowed there.
    pub discovery: Discovery,
}

/// A resource's preference to be where another is.
#[derive(Clone, Debug)]
pub struct Colocation<'c> {
    /// The constraint's id.
    pub id: &'c str,
    /// Nodes equal in this attribute count as one; `#uname` if not said.
    pub attribute: Option<&'c str>,
    /// Who depends.
    pub dependent: RscIdx,
    /// On whom.
    pub primary: RscIdx,
    /// In which role of the dependent; unknown for any.
    pub dependent_role: Role,
    /// On which role of the primary; unknown for any.
    pub primary_role: Role,
    /// How much.
    pub score: i32,
    /// Whether the dependent's preferences count for the primary.
    pub influence: bool,
}

/// One end of an ordering.
#[derive(Clone, Copy, Debug)]
pub struct End<'c> {
    /// Whose action.
    pub rsc: Option<RscIdx>,
    /// The task of that resource, once.
    pub task: Option<&'c str>,
    /// The action itself, where it is known.
    pub action: Option<ActionIdx>,
}

/// An ordering of two actions.
#[derive(Clone, Copy, Debug)]
pub struct Ordering<'c> {
    /// What comes first.
    pub first: End<'c>,
    /// What comes then.
    pub then: End<'c>,
    /// How they depend on each other.
    pub relation: Relation,
}

/// What happens to a resource when its ticket is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LossPolicy {
    /// Stop it.
    Stop,
    /// Demote it.
    Demote,
    /// Fence the nodes where it is active.
    Fence,
    /// Leave it alone.
    Freeze,
}

/// A resource's need for a ticket.
#[derive(Clone, Debug)]
pub struct TicketConstraint<'c> {
    /// The constraint's id.
    pub id: &'c str,
    /// The resource.
    pub rsc: RscIdx,
    /// In which role.
    pub role: Role,
    /// The ticket.
    pub ticket: &'c str,
    /// What happens without.
    pub loss: LossPolicy,
}

/// A ticket's state.
#[derive(Clone, Debug, Default)]
pub struct Ticket<'c> {
    /// This site has it.
    pub granted: bool,
    /// When it was granted last (epoch seconds).
    pub last_granted: Option<i64>,
    /// It is being given up in an orderly way.
    pub standby: bool,
    /// All that is recorded.
    pub attributes: BTreeMap<&'c str, &'c str>,
}

/// A failed operation, for the status text.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'c> {
    /// The history entry.
    pub entry: Element<'c>,
    /// Where.
    pub node: NodeIdx,
    /// Whose.
    pub rsc: Option<RscIdx>,
}

/// Everything that the stages know.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its name")]
pub struct Tables<'c> {
    /// The cluster options.
    pub options: Options<'c>,
    /// The `cib` element.
    pub cib: Element<'c>,
    /// Elements by id.
    pub ids: BTreeMap<&'c str, Element<'c>>,
    /// When this is computed for (epoch seconds).
    pub now: i64,
    /// When it should be computed again at the latest (epoch seconds).
    pub recheck_by: Cell<Option<i64>>,
    /// How many more steps the walk over orderings may take.
    pub walks_left: usize,
    /// Nodes.
    pub nodes: Arena<NodeTag, Node<'c>>,
    /// Node rows sorted by name.
    pub node_order: Vec<NodeIdx>,
    /// All resources, nested ones too.
    pub resources: Arena<RscTag, Resource<'c>>,
    /// The resources that nothing contains, in order of configuration.
    pub top: Vec<RscIdx>,
    /// Tags and templates: the ids that each stands for.
    pub tags: BTreeMap<&'c str, Vec<&'c str>>,
    /// Location constraints.
    pub locations: Vec<Location<'c>>,
    /// Colocation constraints.
    pub colocations: Vec<Colocation<'c>>,
    /// Orderings, in order of creation.
    pub orderings: Vec<Ordering<'c>>,
    /// Ticket constraints.
    pub ticket_constraints: Vec<TicketConstraint<'c>>,
    /// Tickets.
    pub tickets: BTreeMap<&'c str, Ticket<'c>>,
    /// Actions.
    pub actions: Arena<ActionTag, Action<'c>>,
    /// The notifications around clones' steps.
    pub notices: Vec<crate::notify::Notice>,
    /// Actions of no resource, by key.
    pub singletons: BTreeMap<String, ActionIdx>,
    /// Failed operations.
    pub failures: Vec<Failure<'c>>,
    /// Containers that have to be stopped because what is inside failed.
    pub stop_needed: Vec<RscIdx>,
    /// History entries whose parameters have to be compared with the configuration.
    pub parameter_checks: Vec<(RscIdx, NodeIdx, Element<'c>, bool)>,
    /// Some fencing device is configured.
    pub have_fencing: bool,
    /// Some remote node is configured.
    pub have_remote: bool,
    /// Some start waits for unfencing.
    pub have_unfencing: bool,
    /// Some resource's history was skipped: probes may have to be sent again.
    pub probe_all: bool,
    /// Scores as they were when each resource was assigned, as printed.
    pub score_lines: Vec<String>,
    /// What nodes have left, before and after everything is assigned, as printed.
    pub capacity_lines: Vec<String>,
    /// What the administrator should know.
    pub diagnostics: Vec<Diagnostic>,
}

impl<'c> Tables<'c> {
    /// Finds a node by id.
    #[must_use]
    pub fn node_by_id(&self, id: &str) -> Option<NodeIdx> {
        self.nodes.iter().find(|(_, node)| node.id == id).map(|(index, _)| index)
    }

    /// Finds a node by name, in any case of letters.
    #[must_use]
    pub fn node_by_name(&self, name: &str) -> Option<NodeIdx> {
        let mut all = self.nodes.iter();
        all.find(|(_, node)| node.name.eq_ignore_ascii_case(name)).map(|(index, _)| index)
    }

    /// Finds a resource by its exact id.
    #[must_use]
    pub fn resource(&self, id: &str) -> Option<RscIdx> {
        self.resources.iter().find(|(_, rsc)| rsc.id == id).map(|(index, _)| index)
    }

    /// Finds what a constraint names: a resource, but no instance of a clone.
    pub(crate) fn configured(&self, id: &str) -> Option<RscIdx> {
        let found = self.resource(id).or_else(|| {
            // The configured child of a clone stands for the clone.
            let mut all = self.resources.iter();
            all.find(|(_, rsc)| rsc.base_id == id).map(|(index, _)| index)
        })?;
        let mut at = Some(found);
        let mut outermost = found;
        while let Some(rsc) = at {
            if self.resources[rsc].is_collective() {
                outermost = rsc;
            }
            at = self.resources[rsc].parent;
        }
        Some(outermost)
    }

    /// Tells whether a resource is somewhere inside a clone or bundle.
    pub(crate) fn in_collective(&self, rsc: RscIdx) -> bool {
        let mut at = self.resources[rsc].parent;
        while let Some(parent) = at {
            if self.resources[parent].is_collective() {
                return true;
            }
            at = self.resources[parent].parent;
        }
        false
    }

    /// Gives the outermost resource that contains this one; a bundle only if asked for.
    #[must_use]
    pub fn top_of(&self, rsc: RscIdx, include_bundle: bool) -> RscIdx {
        let mut at = rsc;
        while let Some(parent) = self.resources[at].parent {
            if !include_bundle && self.resources[parent].is_bundle() {
                break;
            }
            at = parent;
        }
        at
    }

    /// Tells whether a node is a guest or bundle node: its connection is inside a container.
    #[must_use]
    pub fn is_guest(&self, node: NodeIdx) -> bool {
        let connection = self.nodes[node].connection;
        connection.is_some_and(|rsc| self.resources[rsc].container.is_some())
    }

    /// Tells whether a node is a remote node with an executor of its own.
    #[must_use]
    pub fn is_plain_remote(&self, node: NodeIdx) -> bool {
        self.nodes[node].is_remote() && !self.is_guest(node)
    }

    /// Tells whether a node is a bundle's.
    #[must_use]
    pub fn is_bundle_node(&self, node: NodeIdx) -> bool {
        self.nodes[node].connection.is_some_and(|rsc| self.is_bundled(rsc))
    }

    /// Tells whether a resource belongs to a bundle.
    #[must_use]
    pub fn is_bundled(&self, rsc: RscIdx) -> bool {
        let parent = self.resources[self.top_of(rsc, false)].parent;
        parent.is_some_and(|parent| self.resources[parent].is_bundle())
    }

    /// Gives the container whose failure is the node's.
    #[must_use]
    pub fn guest_container(&self, node: NodeIdx) -> Option<RscIdx> {
        self.nodes[node].connection.and_then(|rsc| self.resources[rsc].container)
    }

    /// Notes something for the administrator.
    pub(crate) fn warn(&mut self, message: String) {
        self.diagnostics.push(Diagnostic { severity: Severity::Warning, message });
    }

    /// Notes an error in the configuration.
    pub(crate) fn error(&mut self, message: String) {
        self.diagnostics.push(Diagnostic { severity: Severity::Error, message });
    }

    /// Notes that the decision may change at a moment (epoch seconds).
    pub(crate) fn recheck_at(&self, at: i64) {
        if at > self.now && self.recheck_by.get().is_none_or(|before| at < before) {
            self.recheck_by.set(Some(at));
        }
    }

    /// Lists what a clone's or bundle's steps stand for: instances, or a bundle's containers;
    /// for the promoted role, what is inside the containers.
    pub(crate) fn instances(&self, rsc: RscIdx, promotion: bool) -> Vec<RscIdx> {
        match self.resources[rsc].bundle_data() {
            None => self.resources[rsc].children.clone(),
            Some(data) if promotion => {
                data.replicas.iter().filter_map(|replica| replica.child).collect()
            }
            Some(data) => data.replicas.iter().map(|replica| replica.container).collect(),
        }
    }

    /// Tells whether a resource is another one or somewhere inside it.
    pub(crate) fn contains(&self, outer: RscIdx, inner: RscIdx) -> bool {
        let mut at = Some(inner);
        while let Some(rsc) = at {
            if rsc == outer {
                return true;
            }
            at = self.resources[rsc].parent;
        }
        false
    }

    /// Lists a resource and everything inside it, outermost first.
    pub(crate) fn subtree(&self, rsc: RscIdx) -> Vec<RscIdx> {
        let mut all = vec![rsc];
        let mut at = 0;
        while at < all.len() {
            all.extend(self.resources[all[at]].children.iter().copied());
            at += 1;
        }
        all
    }

    /// Lists the primitives in a resource, in order of configuration.
    pub(crate) fn primitives(&self, rsc: RscIdx) -> Vec<RscIdx> {
        let mut out = Vec::new();
        self.collect_primitives(rsc, &mut out);
        out
    }

    fn collect_primitives(&self, rsc: RscIdx, out: &mut Vec<RscIdx>) {
        if self.resources[rsc].is_primitive() {
            out.push(rsc);
        }
        for &child in &self.resources[rsc].children {
            self.collect_primitives(child, out);
        }
    }
}
