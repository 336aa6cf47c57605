//! The transition graph: what has to happen, and what each step waits for.
//!
//! A [`Graph`] owns everything in it, so that a transition outlives the document that it was
//! computed from.

pub(crate) mod build;
mod meta;
mod write;

pub use write::write;

/// A transition, ready to be executed or written as XML.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Graph {
    /// The attributes of `<transition_graph>` in order (`cluster-delay`, `batch-limit`, …).
    pub attributes: Vec<(&'static str, String)>,
    /// The steps, in ascending id.
    pub synapses: Vec<Synapse>,
}

/// One step: an action, and the actions that have to be confirmed before it may start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Synapse {
    /// The synapse's `id`.
    pub id: u32,
    /// Its priority, if not 0: a step whose priority is below an abort's is not started any more.
    pub priority: i32,
    /// What to do.
    pub action: GraphAction,
    /// The ids of the actions that have to be confirmed before.
    pub inputs: Vec<u32>,
}

/// What kind of step, and so who executes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ActionKind {
    /// `rsc_op`: an agent's action on a node.
    Resource,
    /// `pseudo_event`: nothing to do; confirmed at once.
    Pseudo,
    /// `crm_event`: the cluster itself (`stonith`, `do_shutdown`, `clear_failcount`, …).
    Cluster,
}

/// An action as the graph names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GraphAction {
    /// The action's `id`, which inputs refer to.
    pub id: u32,
    /// Which element it is.
    pub kind: ActionKind,
    /// `operation`: `start`, `monitor`, `stonith`, …
    pub operation: String,
    /// `operation_key`: `RSC_OP_INTERVALMS`.
    pub key: String,
    /// `internal_operation_key`: the key with the clone instance's number, where it differs.
    pub internal_key: Option<String>,
    /// `on_node`.
    pub node: Option<String>,
    /// `on_node_uuid`.
    pub node_id: Option<String>,
    /// `router_node`: who executes it on behalf of a remote node.
    pub router: Option<String>,
    /// `shutdown-lock`: when the node began to shut down that this stop is for (epoch seconds).
    pub shutdown_lock: Option<i64>,
    /// `mode`: `cib` where only the record is deleted.
    pub mode: Option<&'static str>,
    /// `<primitive>`: which resource, for a resource action.
    pub primitive: Option<Primitive>,
    /// `<attributes>`: meta (`CRM_meta_…`) and instance parameters, sorted as they are written.
    pub attributes: Vec<(String, String)>,
    /// `<downed>`: the ids of nodes that this action takes down.
    pub downed: Vec<String>,
    /// `<maintenance>`: the ids of nodes whose maintenance state this action records.
    pub maintenance: Vec<String>,
}

/// The resource of a resource action.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Primitive {
    /// Its id, without instance number for an anonymous clone.
    pub id: String,
    /// Its id with instance number, where it differs.
    pub long_id: Option<String>,
    /// `ocf`, `stonith`, …
    pub class: String,
    /// Empty where the class has none.
    pub provider: String,
    /// The agent.
    pub kind: String,
}
