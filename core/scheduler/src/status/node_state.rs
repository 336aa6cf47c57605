//! Node states: who is a member, who must be fenced, who may not run anything.

use crate::fence;
use crate::model::{NodeIdx, NodeKind, Role, Tables};
use crate::unpack::duration::{boolean, integer, is_true};
use crate::unpack::nvpairs::{self, Pairs};
use crate::unpack::rule::Context;
use diarch_cib::xml::Element;

/// Reads one `node_state`, but not its history.
pub(super) fn unpack<'c>(t: &mut Tables<'c>, state: Element<'c>) {
    let id = state.attribute("id");
    let name = state.attribute("uname");
    let Some(id) = id.or(name) else { return };
    let remote = is_true(state.attribute("remote_node"));
    let found = t.node_by_id(id).or_else(|| name.and_then(|name| t.node_by_name(name)));
    let node = match found {
        Some(node) => node,
        // A node of which not even the name is known is no node.
        None if remote || name.is_none() => return,
        None => {
            let node = crate::unpack::nodes::add(t, id, name.unwrap_or(id), NodeKind::Member, None);
            t.nodes[node].configured = false;
            node
        }
    };
    if t.nodes[node].is_remote() {
        t.nodes[node].remote_was_fenced =
            state.attribute("node_fenced").and_then(integer).unwrap_or(0) > 0;
        t.nodes[node].remote_maintenance =
            state.attribute("node_in_maintenance").and_then(integer).unwrap_or(0) > 0;
    }
    t.nodes[node].untold = false;
    transient_attributes(t, node, state);
    if t.nodes[node].is_remote() {
        if remote_state(t, node) {
            common_attributes(t, node);
        }
        return;
    }
    t.nodes[node].unclean = false;
    t.nodes[node].unseen = false;
    common_attributes(t, node);
    determine_online(t, node, state);
    if t.options.quorate_needs_panic(&t.nodes[node]) {
        fence::demand(t, node, "cluster does not have quorum");
    }
}

impl crate::model::Options<'_> {
    fn quorate_needs_panic(&self, node: &crate::model::Node<'_>) -> bool {
        node.online && !self.quorate && self.no_quorum == crate::model::NoQuorum::Fence
    }
}

fn remote_state(t: &Tables<'_>, node: NodeIdx) -> bool {
    t.nodes[node].connection.is_some()
}

fn transient_attributes<'c>(t: &mut Tables<'c>, node: NodeIdx, state: Element<'c>) {
    let Some(transient) = state.child("transient_attributes") else { return };
    let mut found = Pairs::new();
    let context = Context::of_node(t, Some(node));
    nvpairs::collect(t, &[transient], "instance_attributes", None, &context, &mut found);
    for (name, value) in found {
        t.nodes[node].attributes.insert(name, value);
    }
}

/// Reads what attributes say of any node.
pub(super) fn common_attributes(t: &mut Tables<'_>, node: NodeIdx) {
    let row = &mut t.nodes[node];
    let attribute = |name: &str| row.attributes.get(name).copied();
    let standby = is_true(attribute("standby"));
    let maintenance = is_true(attribute("maintenance"));
    let discovery = attribute("resource-discovery-enabled").and_then(boolean);
    row.feature_set = attribute("#feature-set");
    row.standby |= standby;
    row.maintenance |= maintenance;
    if discovery == Some(false) && row.is_remote() {
        row.discovery = false;
    }
}

/// Reads a membership or process state: a time, a boolean or a word; `None` if never seen.
fn seen(text: Option<&str>, yes: &str) -> Option<i64> {
    let text = text?;
    if text == yes || boolean(text) == Some(true) && integer(text) != Some(1) {
        return Some(1);
    }
    if boolean(text) == Some(false) || text == "offline" {
        return Some(0);
    }
    integer(text)
}

fn determine_online(t: &mut Tables<'_>, node: NodeIdx, state: Element<'_>) {
    let row = &mut t.nodes[node];
    let shutdown = row.attributes.get("shutdown").is_some_and(|value| *value != "0");
    row.shutdown = shutdown;
    if !shutdown {
        row.expected_up = state.attribute("expected") == Some("member");
    }
    let online = if t.options.fencing_enabled {
        online_with_fencing(t, node, state)
    } else {
        online_without_fencing(state)
    };
    t.nodes[node].online = online;
}

fn online_without_fencing(state: Element<'_>) -> bool {
    let member = seen(state.attribute("in_ccm"), "true").unwrap_or(0) > 0;
    let process = seen(state.attribute("crmd"), "online").unwrap_or(0) > 0;
    if !member {
        return false;
    }
    process && state.attribute("join") == Some("member")
}

fn online_with_fencing(t: &mut Tables<'_>, node: NodeIdx, state: Element<'_>) -> bool {
    let member = seen(state.attribute("in_ccm"), "true");
    let process = seen(state.attribute("crmd"), "online").unwrap_or(0);
    let join = state.attribute("join");
    let expected = state.attribute("expected");
    let terminate = t.nodes[node]
        .attributes
        .get("terminate")
        .is_some_and(|value| boolean(value).unwrap_or_else(|| integer(value).unwrap_or(0) > 0));
    let since = member.unwrap_or(0);
    if t.nodes[node].shutdown {
        return process > 0;
    }
    if member.is_none() {
        fence::demand(t, node, "peer has not been seen by the cluster");
    } else if join == Some("nack") {
        fence::demand(t, node, "peer failed Pacemaker membership criteria");
    } else if terminate {
        if !(since <= 0 && process <= 0 && join == Some("down")) {
            fence::demand(t, node, "fencing was requested");
        }
    } else if matches!(expected, None | Some("down")) {
        if pending_too_long(t, since, process) {
            let reason = "peer pending timed out on joining the process group";
            fence::demand(t, node, reason);
        } else if since > 0 || process > 0 {
            t.nodes[node].standby = true;
            t.nodes[node].pending = true;
        }
    } else if since <= 0 {
        t.nodes[node].lost = true;
        fence::demand(t, node, "peer is no longer part of the cluster");
    } else if process <= 0 {
        fence::demand(t, node, "peer process is no longer available");
    } else if matches!(join, Some("pending" | "down")) {
        t.nodes[node].standby = true;
        t.nodes[node].pending = true;
    } else if join != Some("member") {
        fence::demand(t, node, "peer was in an unknown state");
    }
    since > 0
}

fn pending_too_long(t: &Tables<'_>, member: i64, process: i64) -> bool {
    let limit = i64::try_from(t.options.node_pending_timeout_s).unwrap_or(0);
    if limit <= 0 || member <= 1 || process > 0 {
        return false;
    }
    t.recheck_at(member + limit);
    t.now - member >= limit
}

/// Decides whether a remote node is online, from its connection's state.
pub(super) fn determine_remote(t: &mut Tables<'_>, node: NodeIdx) {
    let Some(rsc) = t.nodes[node].connection else { return };
    let container = t.resources[rsc].container;
    // One that asks for its shutdown gets it with the stop of its connection.
    if t.nodes[node].attributes.get("shutdown").is_some_and(|value| *value != "0") {
        t.nodes[node].shutdown = true;
        t.resources[rsc].next_role = Role::Stopped;
    }
    let host = container.and_then(|container| match t.resources[container].active_on[..] {
        [host] => Some(host),
        _ => None,
    });
    let row = &t.resources[rsc];
    let (role, next_role) = (row.role, row.next_role);
    let rsc_failed = row.failed;
    if role == Role::Started {
        t.nodes[node].online = true;
        if next_role == Role::Stopped {
            t.nodes[node].shutdown = true;
        }
    }
    if container.is_some_and(|container| t.resources[container].failed) {
        t.nodes[node].online = false;
        t.nodes[node].remote_reset = true;
    } else if rsc_failed {
        t.nodes[node].online = false;
    } else if role == Role::Stopped
        || container.is_some_and(|container| t.resources[container].role == Role::Stopped)
    {
        t.nodes[node].online = false;
        t.nodes[node].remote_reset = false;
    } else if host.is_some_and(|host| !t.nodes[host].online && t.nodes[host].unclean) {
        t.nodes[node].online = false;
        t.nodes[node].remote_reset = true;
    }
}
