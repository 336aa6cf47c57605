//! Nodes, and tables of nodes with a score each (*Pacemaker Explained*, "Cluster Nodes").

use super::arena::Idx;
use super::resource::RscIdx;
use super::score;
use std::collections::BTreeMap;

/// Names a node.
pub type NodeIdx = Idx<NodeTag>;

/// Marks indices of nodes.
#[derive(Debug)]
pub enum NodeTag {}

/// Which kind of machine a node is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NodeKind {
    /// A full cluster member.
    Member,
    /// A node that runs only a remote executor (remote, guest or bundle node).
    Remote,
}

/// A node and what is known of it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its name")]
pub struct Node<'c> {
    /// The `id` that `node_state` and `on_node_uuid` use.
    pub id: &'c str,
    /// The name that users see.
    pub name: &'c str,
    /// Which kind it is.
    pub kind: NodeKind,
    /// A member in good standing that may run resources.
    pub online: bool,
    /// Must be fenced before its resources may run elsewhere.
    pub unclean: bool,
    /// No `node_state` was seen.
    pub unseen: bool,
    /// Has joined the membership, not yet the controllers' group.
    pub pending: bool,
    /// May not run resources by the administrator's wish.
    pub standby: bool,
    /// Is in standby because an operation with `on-fail=standby` failed.
    pub standby_on_fail: bool,
    /// Has asked to shut down.
    pub shutdown: bool,
    /// Its expected state is `member`.
    pub expected_up: bool,
    /// Nothing may be started or stopped on it.
    pub maintenance: bool,
    /// Leads the cluster.
    pub is_dc: bool,
    /// May be probed (`resource-discovery-enabled`).
    pub discovery: bool,
    /// No `node_state` tells of this remote node.
    pub untold: bool,
    /// Its status has been unpacked.
    pub unpacked: bool,
    /// A remote node that has to be reset: its connection was lost.
    pub remote_reset: bool,
    /// A remote node whose fencing has been recorded since.
    pub remote_was_fenced: bool,
    /// A remote node whose recorded maintenance state is on.
    pub remote_maintenance: bool,
    /// Appears in the `nodes` section or is defined by a resource.
    pub configured: bool,
    /// The resource that connects to a remote node.
    pub connection: Option<RscIdx>,
    /// Attributes, permanent and transient, rules already applied.
    pub attributes: BTreeMap<&'c str, &'c str>,
    /// Utilization that remains.
    pub utilization: BTreeMap<&'c str, i64>,
    /// Primitives active on it, in order of discovery.
    pub running: Vec<RscIdx>,
    /// Primitives that will be active on it.
    pub assigned: Vec<RscIdx>,
    /// How many resources are assigned or active, for spreading.
    pub resource_count: i32,
    /// The sum of the priorities of what is active on it, for fencing delays.
    pub priority: i32,
    /// Why it has to be fenced, if it has.
    pub fence_reason: Option<String>,
    /// It left the cluster: its fencing may be delayed by priority.
    pub lost: bool,
    /// `red`, `yellow`, `green` summed into a score.
    pub health: i32,
    /// A score that it adds for every resource.
    pub base_score: i32,
    /// Feature set recorded for it.
    pub feature_set: Option<&'c str>,
}

impl Node<'_> {
    /// Tells whether it is a remote, guest or bundle node.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.kind == NodeKind::Remote
    }
}

/// How far a location constraint allows probes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Discovery {
    /// Probe here as usual.
    Always,
    /// Never probe here.
    Never,
    /// Probe only here and where it is said too.
    Exclusive,
}

/// A node as one resource sees it.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// Which node.
    pub node: NodeIdx,
    /// How much the resource wants to be there.
    pub score: i32,
    /// How many instances of the clone have been put there.
    pub count: i32,
    /// Whether it is probed there.
    pub discovery: Discovery,
}

/// Nodes with a score each, in order of node creation.
#[derive(Clone, Debug, Default)]
pub struct NodeTable {
    rows: Vec<Placed>,
}

impl NodeTable {
    /// Finds a node's row.
    #[must_use]
    pub fn find(&self, node: NodeIdx) -> Option<&Placed> {
        self.rows.binary_search_by_key(&node, |row| row.node).ok().map(|at| &self.rows[at])
    }

    /// Finds a node's row to change it.
    pub(crate) fn find_mut(&mut self, node: NodeIdx) -> Option<&mut Placed> {
        match self.rows.binary_search_by_key(&node, |row| row.node) {
            Ok(at) => Some(&mut self.rows[at]),
            Err(_) => None,
        }
    }

    /// Tells whether a node is in it.
    #[must_use]
    pub fn contains(&self, node: NodeIdx) -> bool {
        self.find(node).is_some()
    }

    /// Gives a node's score, or minus infinity where it is absent.
    #[must_use]
    pub fn score(&self, node: NodeIdx) -> i32 {
        self.find(node).map_or(-score::INFINITY, |row| row.score)
    }

    /// Adds to a node's score, if it is in the table.
    pub(crate) fn add(&mut self, node: NodeIdx, value: i32) {
        if let Some(row) = self.find_mut(node) {
            row.score = score::add(row.score, value);
        }
    }

    /// Puts a row in, replacing any of the same node.
    pub(crate) fn put(&mut self, placed: Placed) {
        match self.rows.binary_search_by_key(&placed.node, |row| row.node) {
            Ok(at) => self.rows[at] = placed,
            Err(at) => self.rows.insert(at, placed),
        }
    }

    /// Takes a node out.
    pub(crate) fn remove(&mut self, node: NodeIdx) {
        self.rows.retain(|row| row.node != node);
    }

    /// Puts a node in with a score.
    pub(crate) fn put_score(&mut self, node: NodeIdx, score: i32) {
        self.put(Placed { node, score, count: 0, discovery: Discovery::Always });
    }

    /// Iterates over the rows.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Placed> {
        self.rows.iter()
    }

    /// Iterates over the rows to change them.
    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Placed> {
        self.rows.iter_mut()
    }

    /// Lists the nodes.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeIdx> {
        self.rows.iter().map(|row| row.node).collect()
    }

    /// Tells whether no node is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Counts the nodes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }
}
