//! What is supposed to have happened before a what-if run: nodes, quorum, tickets, results.

use super::state::{self, Record};
use crate::model::{NodeIdx, RscIdx, Tables};
use core::fmt;
use diarch_cib::xml::{Document, Element, NodeId};

/// Something that is supposed to have happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// The partition has quorum, or has not.
    Quorum(bool),
    /// A watchdog is there, or is not.
    Watchdog(bool),
    /// A node has joined.
    NodeUp(String),
    /// A node has left.
    NodeDown(String),
    /// A node has been lost.
    NodeFail(String),
    /// A ticket was granted.
    TicketGrant(String),
    /// A ticket was revoked.
    TicketRevoke(String),
    /// A ticket is being given up.
    TicketStandby(String),
    /// A ticket is no longer being given up.
    TicketActivate(String),
    /// An operation had a result: `RESOURCE_TASK_INTERVAL@NODE=RC`.
    Operation(String),
}

/// Why a change could not be supposed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum InjectError {
    /// It is not written as `RESOURCE_TASK_INTERVAL@NODE=RC`.
    Malformed(String),
    /// There is no such resource.
    NoResource(String),
    /// There is no such node.
    NoNode(String),
}

impl fmt::Display for InjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(text) => write!(f, "Invalid operation: {text}"),
            Self::NoResource(id) => write!(f, "Invalid resource name: {id}"),
            Self::NoNode(name) => write!(f, "Invalid node name: {name}"),
        }
    }
}

impl core::error::Error for InjectError {}

/// Supposes a change; says it in a sentence.
///
/// # Errors
/// It is malformed, or names what does not exist.
pub fn inject(t: &Tables<'_>, cib: &mut Document, change: &Change) -> Result<String, InjectError> {
    Ok(match change {
        Change::Quorum(have) => {
            let root = cib.root().id();
            cib.set_attribute(root, "have-quorum", if *have { "1" } else { "0" });
            format!("Setting quorum: {have}")
        }
        Change::Watchdog(have) => {
            watchdog(cib, *have);
            format!("Setting watchdog: {have}")
        }
        Change::NodeUp(name) => {
            let state = of_node(t, cib, name)?;
            state::set_member(cib, state, true);
            format!("Bringing node {name} online")
        }
        Change::NodeDown(name) => {
            let state = of_node(t, cib, name)?;
            state::set_member(cib, state, false);
            state::forget(cib, state);
            format!("Taking node {name} offline")
        }
        Change::NodeFail(name) => {
            let state = of_node(t, cib, name)?;
            state::set_member(cib, state, true);
            cib.set_attribute(state, "in_ccm", "false");
            format!("Failing node {name}")
        }
        Change::TicketGrant(id) => {
            ticket(cib, id, "granted", "true");
            format!("Granting ticket {id}")
        }
        Change::TicketRevoke(id) => {
            ticket(cib, id, "granted", "false");
            format!("Revoking ticket {id}")
        }
        Change::TicketStandby(id) => {
            ticket(cib, id, "standby", "true");
            format!("Making ticket {id} standby")
        }
        Change::TicketActivate(id) => {
            ticket(cib, id, "standby", "false");
            format!("Activating ticket {id}")
        }
        Change::Operation(text) => {
            operation(t, cib, text)?;
            format!("Injecting {text} into the configuration")
        }
    })
}

fn node(t: &Tables<'_>, name: &str) -> Result<NodeIdx, InjectError> {
    t.node_by_name(name).ok_or_else(|| InjectError::NoNode(name.to_owned()))
}

fn of_node(t: &Tables<'_>, cib: &mut Document, name: &str) -> Result<NodeId, InjectError> {
    let found = node(t, name)?;
    Ok(state::node_state(cib, t.nodes[found].id, t.nodes[found].name))
}

fn watchdog(cib: &mut Document, have: bool) {
    let root = cib.root().id();
    let configuration = state::child(cib, root, "configuration");
    let options = state::child(cib, configuration, "crm_config");
    let set = state::child(cib, options, "cluster_property_set");
    if cib.element(set).attribute("id").is_none() {
        cib.set_attribute(set, "id", "cib-bootstrap-options");
    }
    let found = cib
        .element(set)
        .children_named("nvpair")
        .find(|pair| pair.attribute("name") == Some("have-watchdog"))
        .map(Element::id);
    let pair = found.unwrap_or_else(|| {
        let pair = cib.append_new(set, "nvpair");
        cib.set_attribute(pair, "id", "cib-bootstrap-options-have-watchdog");
        cib.set_attribute(pair, "name", "have-watchdog");
        pair
    });
    cib.set_attribute(pair, "value", if have { "true" } else { "false" });
}

fn ticket(cib: &mut Document, id: &str, name: &str, value: &str) {
    let root = cib.root().id();
    let status = state::child(cib, root, "status");
    let tickets = state::child(cib, status, "tickets");
    let found = cib
        .element(tickets)
        .children_named("ticket_state")
        .find(|at| at.attribute("id") == Some(id))
        .map(Element::id);
    let at = found.unwrap_or_else(|| {
        let at = cib.append_new(tickets, "ticket_state");
        cib.set_attribute(at, "id", id);
        at
    });
    cib.set_attribute(at, name, value);
}

/// Records a result as it is written on the command line.
fn operation(t: &Tables<'_>, cib: &mut Document, text: &str) -> Result<(), InjectError> {
    let malformed = || InjectError::Malformed(text.to_owned());
    let (key, rc) = text.rsplit_once('=').ok_or_else(malformed)?;
    let (key, on) = key.rsplit_once('@').ok_or_else(malformed)?;
    let (key, interval) = key.rsplit_once('_').ok_or_else(malformed)?;
    let two_words = ["_migrate_to", "_migrate_from"].into_iter().find(|task| key.ends_with(task));
    let (id, task) = match two_words {
        Some(task) => (&key[..key.len() - task.len()], &task[1..]),
        None => key.rsplit_once('_').ok_or_else(malformed)?,
    };
    let rc = rc.parse().map_err(|_| malformed())?;
    let interval_ms = interval.parse().map_err(|_| malformed())?;
    let rsc = primitive(t, id).ok_or_else(|| InjectError::NoResource(id.to_owned()))?;
    let row = &t.resources[rsc];
    let state = of_node(t, cib, on)?;
    state::record(
        cib,
        state,
        &Record {
            rsc: row.history_name(),
            agent: [row.class, row.provider, row.agent],
            task,
            interval_ms,
            rc,
            expected: 0,
            action: 0,
            now: t.now,
        },
    );
    Ok(())
}

fn primitive(t: &Tables<'_>, id: &str) -> Option<RscIdx> {
    let mut all = t.resources.iter();
    all.find(|(_, row)| row.is_primitive() && (row.id == id || row.base_id == id))
        .map(|(index, _)| index)
}
