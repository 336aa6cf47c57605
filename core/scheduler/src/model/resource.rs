//! Resources: primitives, groups, clones and bundles, and what is known and decided of each.

use super::action::ActionIdx;
use super::arena::Idx;
use super::node::{NodeIdx, NodeTable};
use diarch_cib::xml::Element;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Names a resource.
pub type RscIdx = Idx<RscTag>;

/// Marks indices of resources.
#[derive(Debug)]
pub enum RscTag {}

/// What a resource is doing, from least to most active.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// Nothing is known, or nothing was asked.
    #[default]
    Unknown,
    /// Not active.
    Stopped,
    /// Active.
    Started,
    /// Active, promotable and not promoted.
    Unpromoted,
    /// Active and promoted.
    Promoted,
}

impl Role {
    /// Reads a role, old names too.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "stopped" => Some(Self::Stopped),
            "started" => Some(Self::Started),
            "unpromoted" | "slave" => Some(Self::Unpromoted),
            "promoted" | "master" => Some(Self::Promoted),
            "unknown" => Some(Self::Unknown),
            _ => None,
        }
    }

    /// Gives its current name.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Stopped => "Stopped",
            Self::Started => "Started",
            Self::Unpromoted => "Unpromoted",
            Self::Promoted => "Promoted",
        }
    }
}

/// What to do with a resource found active on more nodes than it may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MultiplyActive {
    /// Stop all, start one.
    StopStart,
    /// Leave all alone.
    Block,
    /// Stop all, start none.
    StopOnly,
    /// Stop the unexpected ones.
    StopUnexpected,
}

/// What a resource's start has to wait for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Requires {
    /// Nothing.
    Nothing,
    /// A quorum.
    Quorum,
    /// Unclean nodes fenced.
    Fencing,
    /// The node itself unfenced.
    Unfencing,
}

/// Which kind of resource, with what only that kind has.
#[derive(Clone, Debug)]
pub enum Variant {
    /// One agent.
    Primitive,
    /// Members, by default placed together and started in order.
    Group(GroupData),
    /// Several instances of one primitive or group.
    Clone(CloneData),
    /// Containers with a primitive inside each.
    Bundle(Box<BundleData>),
}

/// What a group has.
#[derive(Clone, Copy, Debug)]
pub struct GroupData {
    /// Members start one after the other.
    pub ordered: bool,
    /// Members are placed together.
    pub colocated: bool,
}

/// What a clone has.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent options of a clone")]
pub struct CloneData {
    /// Instances start one after the other.
    pub ordered: bool,
    /// Depends instance by instance on other clones.
    pub interleave: bool,
    /// Has promoted instances.
    pub promotable: bool,
    /// Colocations with this clone's promoted role have been applied to instance scores.
    pub promotion_applied: bool,
    /// The most instances.
    pub max: i32,
    /// The most instances on a node.
    pub node_max: i32,
    /// The most promoted instances.
    pub promoted_max: i32,
    /// The most promoted instances on a node.
    pub promoted_node_max: i32,
    /// How many instances were decided to be promoted.
    pub promoted_count: i32,
    /// How many instances exist by configuration or history.
    pub total: i32,
    /// The configured child.
    pub child_id: String,
}

/// What a bundle has.
#[derive(Clone, Debug, Default)]
pub struct BundleData {
    /// The agent's kind: `docker`, `podman` or `rkt`.
    pub agent: &'static str,
    /// The image.
    pub image: String,
    /// How many replicas.
    pub replicas_max: i32,
    /// How many of them on one host.
    pub replicas_per_host: i32,
    /// How many of them promoted.
    pub promoted_max: i32,
    /// Each container and what belongs to it.
    pub replicas: Vec<Replica>,
    /// The clone of the primitive inside.
    pub child: Option<RscIdx>,
    /// The next address given to a replica.
    pub next_address: String,
    /// Hosts file lines given to containers that have addresses.
    pub add_host: bool,
}

/// One container of a bundle.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Its number.
    pub offset: i32,
    /// Its address, if addresses are managed.
    pub address: Option<String>,
    /// The address resource.
    pub ip: Option<RscIdx>,
    /// The container resource.
    pub container: RscIdx,
    /// The connection to the executor inside.
    pub remote: Option<RscIdx>,
    /// The instance of the primitive inside.
    pub child: Option<RscIdx>,
    /// The node that the container is.
    pub node: Option<NodeIdx>,
}

/// An operation as configured.
#[derive(Clone, Debug)]
pub struct OpConfig<'c> {
    /// Its id.
    pub id: &'c str,
    /// `monitor`, `start`, …
    pub name: &'c str,
    /// How often (ms); 0 once.
    pub interval_ms: u32,
    /// The `interval` as written.
    pub interval: &'c str,
    /// In which role it is run; unknown where not said.
    pub role: Role,
    /// Is not `enabled=false`.
    pub enabled: bool,
    /// Its XML attributes.
    pub attributes: Vec<(&'c str, &'c str)>,
    /// Its element, where it has one.
    pub element: Option<Element<'c>>,
}

/// A resource and what is known and decided of it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its name")]
pub struct Resource<'c> {
    /// Its id, with the instance number of a clone instance.
    pub id: String,
    /// Its id without instance number.
    pub base_id: String,
    /// The id that operation history uses, where it differs.
    pub history_id: Option<String>,
    /// The defining element.
    pub xml: Element<'c>,
    /// The template that the definition refers to.
    pub template: Option<Element<'c>>,
    /// What contains it.
    pub parent: Option<RscIdx>,
    /// Which kind it is.
    pub variant: Variant,
    /// Members, instances, or the resources of a bundle's replicas.
    pub children: Vec<RscIdx>,
    /// `ocf`, `systemd`, `stonith`, …; empty for anything but a primitive.
    pub class: &'c str,
    /// The provider, empty where the class has none.
    pub provider: &'c str,
    /// The agent.
    pub agent: &'c str,
    /// Meta-attributes, defaults applied.
    pub meta: BTreeMap<Cow<'c, str>, Cow<'c, str>>,
    /// Instance attributes that a bundle gives to what it creates.
    pub extra_params: Vec<(&'static str, String)>,
    /// Operations as configured, those of the template too.
    pub ops: Vec<OpConfig<'c>>,
    /// Made for a guest node or a bundle: the element belongs to what it was made for.
    pub implicit: bool,
    /// Utilization.
    pub utilization: BTreeMap<Cow<'c, str>, i64>,

    /// Is active, but not configured any more.
    pub removed: bool,
    /// Removed, and only a container's leftover connection.
    pub removed_filler: bool,
    /// May be started and stopped.
    pub managed: bool,
    /// Nothing may be done with it until a failure is cleared.
    pub blocked: bool,
    /// Has a failure that is not cleaned up.
    pub failed: bool,
    /// A failure was ignored for it.
    pub failure_ignored: bool,
    /// Is in maintenance mode by itself or with the cluster.
    pub maintenance: bool,
    /// Instances are distinguishable.
    pub unique: bool,
    /// Agents are notified.
    pub notify: bool,
    /// Is promotable (a clone, or an instance of one).
    pub promotable: bool,
    /// Is a fencing device.
    pub fence_device: bool,
    /// Its start or probe makes a node usable again.
    pub unfence_device: bool,
    /// May be migrated live.
    pub allow_migrate: bool,
    /// Moves what depends on it with it.
    pub critical: bool,
    /// Is a remote node's connection.
    pub remote_connection: bool,
    /// Some location limits probes to the nodes named.
    pub exclusive_discovery: bool,
    /// A start was already recorded as pending.
    pub start_pending: bool,
    /// Could not be assigned yet.
    pub unassigned: bool,
    /// Is being assigned now.
    pub assigning: bool,
    /// Its actions have been decided to restart it.
    pub restarting: bool,
    /// Is active in more places than one, and stops only where it is not expected.
    pub stop_unexpected: bool,
    /// A location constraint names the promoted role.
    pub promoted_by_location: bool,
    /// Configuration differs from that of the recorded start, and agents can reload it.
    pub reload: bool,
    /// Pending task is a probe and may not be assumed anything of.
    pub merged_promotion_weights: bool,
    /// Its children's scores were summed into a table already.
    pub added_to_scores: bool,
    /// Is a container's connection that may run resources (guest or bundle node).
    pub allow_remote_members: bool,
    /// Never live-migrated since the bundle is bound to its node.
    pub replica_container: bool,
    /// Created for a removed instance beyond the maximum.
    pub surplus: bool,
    /// Fences that happened since unmanaged `on-fail=ignore`.
    pub shutdown_locked: bool,

    /// What it does now.
    pub role: Role,
    /// What it shall do next.
    pub next_role: Role,
    /// How much its placement matters.
    pub priority: i32,
    /// How much it wants to stay.
    pub stickiness: i32,
    /// What its start waits for.
    pub requires: Requires,
    /// What to do when it is found active twice.
    pub multiply_active: MultiplyActive,
    /// How long a failure counts (ms); 0 for ever.
    pub failure_timeout_ms: u64,
    /// How many failures ban it from a node; 0 none.
    pub migration_threshold: i32,
    /// How long to wait before a lost connection is tried again (ms).
    pub reconnect_interval_ms: u64,
    /// Which promotion order it has among instances.
    pub promotion_priority: i32,
    /// Instance position for stable sorting.
    pub sort_index: i32,

    /// Where it may go, with scores.
    pub allowed: NodeTable,
    /// Where it is known to be active or inactive.
    pub known_on: Vec<NodeIdx>,
    /// Where it is active.
    pub active_on: Vec<NodeIdx>,
    /// Where a half-finished migration left from.
    pub partial_source: Option<NodeIdx>,
    /// Where a half-finished migration goes to.
    pub partial_target: Option<NodeIdx>,
    /// Sources of migrations that succeeded without a stop on the source.
    pub dangling_sources: Vec<NodeIdx>,
    /// Where it shall be.
    pub assigned_to: Option<NodeIdx>,
    /// The node and time of a shutdown lock.
    pub lock: Option<(NodeIdx, i64)>,
    /// An operation in progress, and where.
    pub pending: Option<(&'c str, NodeIdx)>,
    /// The resource that runs the node that this resource connects to.
    pub container: Option<RscIdx>,
    /// Resources that this one contains as guest connections.
    pub fillers: Vec<RscIdx>,
    /// The remote node that this connection makes.
    pub remote_node: Option<NodeIdx>,

    /// Its actions in order of creation.
    pub actions: Vec<ActionIdx>,
    /// Colocations in which it is the dependent, most important first.
    pub this_with: Vec<usize>,
    /// Colocations in which it is the primary, most important first.
    pub with_this: Vec<usize>,
    /// Location constraints on it.
    pub locations: Vec<usize>,
    /// Ticket constraints on it.
    pub tickets: Vec<usize>,
}

impl Resource<'_> {
    /// Tells whether it is one agent.
    #[must_use]
    pub const fn is_primitive(&self) -> bool {
        matches!(self.variant, Variant::Primitive)
    }
    /// Tells whether it is a group.
    #[must_use]
    pub const fn is_group(&self) -> bool {
        matches!(self.variant, Variant::Group(_))
    }
    /// Tells whether it is a clone.
    #[must_use]
    pub const fn is_clone(&self) -> bool {
        matches!(self.variant, Variant::Clone(_))
    }
    /// Tells whether it is a bundle.
    #[must_use]
    pub const fn is_bundle(&self) -> bool {
        matches!(self.variant, Variant::Bundle(_))
    }
    /// Tells whether it is a clone or a bundle.
    #[must_use]
    pub const fn is_collective(&self) -> bool {
        self.is_clone() || self.is_bundle()
    }
    /// Gives what a clone has.
    #[must_use]
    pub const fn clone_data(&self) -> Option<&CloneData> {
        if let Variant::Clone(data) = &self.variant { Some(data) } else { None }
    }
    /// Gives what a group has.
    #[must_use]
    pub const fn group_data(&self) -> Option<GroupData> {
        if let Variant::Group(data) = &self.variant { Some(*data) } else { None }
    }
    /// Gives what a bundle has.
    #[must_use]
    pub fn bundle_data(&self) -> Option<&BundleData> {
        if let Variant::Bundle(data) = &self.variant { Some(data) } else { None }
    }
    /// Gives a meta-attribute.
    #[must_use]
    pub fn meta(&self, name: &str) -> Option<&str> {
        self.meta.get(name).map(AsRef::as_ref)
    }
    /// Gives the id that operation history uses.
    #[must_use]
    pub fn history_name(&self) -> &str {
        self.history_id.as_deref().unwrap_or(&self.id)
    }
}
