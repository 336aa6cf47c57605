//! Actions and the orderings between them.

use super::arena::Idx;
use super::attributes::Attributes;
use super::node::NodeIdx;
use super::resource::{Role, RscIdx};

/// Names an action.
pub type ActionIdx = Idx<ActionTag>;

/// Marks indices of actions.
#[derive(Debug)]
pub enum ActionTag {}

/// What follows when an operation fails.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum OnFail {
    /// As if nothing had happened.
    #[default]
    Ignore,
    /// Demote, keep running.
    Demote,
    /// Stop and start.
    Restart,
    /// Restart the container that it is in.
    RestartContainer,
    /// Fence a remote node by resetting its connection.
    ResetRemote,
    /// Move away.
    Ban,
    /// Do nothing with it any more.
    Block,
    /// Stop and stay stopped.
    Stop,
    /// Put the node in standby.
    Standby,
    /// Fence the node.
    Fence,
}

/// How two actions depend on each other: a set of effects.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Relation(pub u32);

impl Relation {
    /// No effect; the ordering is disabled.
    pub const NONE: Self = Self(0);
    /// Only the order counts, where both happen.
    pub const ORDERED: Self = Self(1);
    /// Where then is required, first is.
    pub const THEN_IMPLIES_FIRST: Self = Self(1 << 1);
    /// Where first is required, then is.
    pub const FIRST_IMPLIES_THEN: Self = Self(1 << 2);
    /// As [`Self::THEN_IMPLIES_FIRST`], for then's resource being promoted.
    pub const PROMOTED_THEN_IMPLIES_FIRST: Self = Self(1 << 3);
    /// Where first is not runnable, then is not.
    pub const UNRUNNABLE_FIRST_BLOCKS: Self = Self(1 << 4);
    /// Where then is not migratable, first is not either.
    pub const UNMIGRATABLE_THEN_BLOCKS: Self = Self(1 << 5);
    /// Only in this direction, nothing is implied for the reverse.
    pub const ASYMMETRIC: Self = Self(1 << 6);
    /// Where then's resource stays, its start depends on first without a stop between.
    pub const INTERMEDIATE_STOP: Self = Self(1 << 7);
    /// Where both are on one node.
    pub const IF_ON_SAME_NODE: Self = Self(1 << 8);
    /// Where both are on one node, and first is required.
    pub const IF_REQUIRED_ON_SAME_NODE: Self = Self(1 << 9);
    /// First's instances on then's node are enough.
    pub const MIN_RUNNABLE: Self = Self(1 << 10);
    /// Only one of them at a time.
    pub const SERIALIZE: Self = Self(1 << 11);
    /// Then applies to any node that may run it, for guests.
    pub const GUEST_ALLOWED: Self = Self(1 << 12);
    /// Then cancels first, where both are required.
    pub const THEN_CANCELS_FIRST: Self = Self(1 << 13);
    /// Where first is not migratable, the order counts.
    pub const IF_FIRST_UNMIGRATABLE: Self = Self(1 << 14);
    /// First is a probe on a node inside; wait for its host's too.
    pub const NESTED_REMOTE_PROBE: Self = Self(1 << 15);
    /// Where first is in the graph, then is printed too.
    pub const FIRST_IMPLIES_THEN_GRAPHED: Self = Self(1 << 16);
    /// Where then is in the graph, first is printed too.
    pub const THEN_IMPLIES_FIRST_GRAPHED: Self = Self(1 << 17);
    /// Where both are on one node, or first migrates to then's node.
    pub const IF_ON_SAME_NODE_OR_TARGET: Self = Self(1 << 18);

    /// Joins two sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Takes effects out.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
    /// Tells whether all of `other`'s effects are in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// Tells whether any of `other`'s effects is in it.
    #[must_use]
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What an action waits for, or what waits for it.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// The other action.
    pub action: ActionIdx,
    /// How they depend on each other.
    pub relation: Relation,
    /// Has been written into the graph.
    pub graphed: bool,
}

/// An action that may be part of the transition.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its name")]
pub struct Action<'c> {
    /// Its number in the graph.
    pub number: u32,
    /// Whose it is.
    pub rsc: Option<RscIdx>,
    /// Where it happens.
    pub node: Option<NodeIdx>,
    /// `start`, `monitor`, …
    pub task: &'c str,
    /// `RSC_TASK_INTERVALMS`, or another unique name.
    pub key: String,
    /// Its priority in the graph, where not its resource's.
    pub priority: i32,
    /// How often it is repeated (ms); 0 once.
    pub interval_ms: u32,
    /// Nothing is executed for it.
    pub pseudo: bool,
    /// Can be done.
    pub runnable: bool,
    /// Need not be done.
    pub optional: bool,
    /// Is in the graph even where optional.
    pub print_always: bool,
    /// Belongs to a migration.
    pub migratable: bool,
    /// Has been created for a restart of something that other actions look at.
    pub reschedule: bool,
    /// Is executed where the decision is made.
    pub on_dc: bool,
    /// Counts its runnable predecessors.
    pub min_runnable: bool,
    /// Is in the graph.
    pub dumped: bool,
    /// Is on the path that is being searched.
    pub visiting: bool,
    /// Its duplicates among inputs have been merged.
    pub deduped: bool,
    /// Is an exclusive detection of what to do with a restart.
    pub detect_loop: bool,
    /// What it requires before it can be done.
    pub needs: super::resource::Requires,
    /// What follows its failure.
    pub on_fail: OnFail,
    /// The role after its failure.
    pub fail_role: Role,
    /// Why it is done, as printed.
    pub reason: Option<String>,
    /// When the node began to shut down that the resource stays locked to (epoch seconds).
    pub shutdown_lock: Option<i64>,
    /// The operation of the configuration that it comes from.
    pub config: Option<usize>,
    /// Meta-attributes: what the graph writes with `CRM_meta_`.
    pub meta: Attributes<'c>,
    /// Attributes written as they are.
    pub extra: Attributes<'c>,
    /// The task of the recurring action that it cancels.
    pub cancel_task: Option<&'c str>,
    /// How many of its predecessors have to be runnable.
    pub required_runnable: i32,
    /// How many are.
    pub runnable_before: i32,
    /// What it waits for, newest first.
    pub before: Vec<Link>,
    /// What waits for it, newest first.
    pub after: Vec<Link>,
}
