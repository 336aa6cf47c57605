//! Fencing: which nodes have to be fenced, the actions for it, and what waits for them.

mod order;
mod schedule;

use order::stop_and_demote_vs_fencing;
pub(crate) use schedule::schedule;

use crate::action::create;
use crate::model::{
    ActionIdx, NoQuorum, NodeIdx, OnFail, Relation, Requires, Role, RscIdx, Tables,
};
use diarch_cib::digest;

/// Notes that a node has to be fenced, and why.
pub(crate) fn demand(t: &mut Tables<'_>, node: NodeIdx, reason: &str) {
    if t.is_guest(node) {
        let Some(container) = t.guest_container(node) else { return };
        if !t.resources[container].failed && t.resources[container].managed {
            t.nodes[node].remote_reset = true;
            t.resources[container].failed = true;
        }
        return;
    }
    if let Some(connection) = t.nodes[node].connection {
        let row = &t.resources[connection];
        if row.removed && !row.managed {
            return;
        }
        if t.is_plain_remote(node) && !row.managed {
            return;
        }
    }
    if !t.nodes[node].unclean {
        t.nodes[node].fence_reason = Some(reason.to_owned());
    }
    if t.nodes[node].is_remote() {
        t.nodes[node].unclean = true;
        if !t.nodes[node].remote_reset {
            t.nodes[node].remote_reset = true;
        }
        action(t, node, None, true, reason, false);
        return;
    }
    if t.nodes[node].unclean {
        return;
    }
    t.nodes[node].unclean = true;
    action(t, node, None, true, reason, false);
}

/// Tells whether a node can be fenced at all.
pub(crate) fn possible(t: &Tables<'_>, node: NodeIdx) -> bool {
    if t.is_guest(node) {
        let Some(container) = t.guest_container(node) else { return false };
        let hosts = &t.resources[container].active_on;
        return hosts.iter().all(|&host| t.nodes[host].online || possible(t, host));
    }
    if !t.options.fencing_enabled || !t.have_fencing {
        return false;
    }
    if t.options.quorate || t.options.no_quorum == NoQuorum::Ignore {
        return true;
    }
    if t.options.no_quorum == NoQuorum::Fence {
        return true;
    }
    t.nodes[node].online
}

/// Gives the fencing action of a node, making it where it is missing.
pub(crate) fn action(
    t: &mut Tables<'_>,
    node: NodeIdx,
    operation: Option<&str>,
    optional: bool,
    reason: &str,
    priority_delay: bool,
) -> ActionIdx {
    let operation = operation.unwrap_or(t.options.fencing_action).to_owned();
    let key = format!("stonith-{}-{operation}", t.nodes[node].name);
    let fresh = !t.singletons.contains_key(&key);
    let index = create::singleton(t, "stonith", key, Some(node), optional);
    if fresh {
        let (name, id) = (t.nodes[node].name, t.nodes[node].id);
        let action = &mut t.actions[index];
        action.on_dc = true;
        action.on_fail = OnFail::Fence;
        action.fail_role = Role::Unknown;
        action.meta.insert("on_node", name);
        action.meta.insert("on_node_uuid", id);
        action.meta.insert("stonith_action", operation);
        if t.have_unfencing {
            digests(t, index, node);
        }
    }
    if priority_delay {
        delay(t, index, node);
    }
    if !reason.is_empty() && t.actions[index].reason.is_none() {
        t.actions[index].reason = Some(reason.to_owned());
    }
    index
}

/// Notes with which parameters the devices that unfence a node would do it now.
fn digests(t: &mut Tables<'_>, action: ActionIdx, node: NodeIdx) {
    let (mut all, mut open) = (String::new(), String::new());
    for (rsc, row) in t.resources.iter().filter(|(_, row)| row.unfence_device) {
        let parameters = crate::unpack::resources::parameters(t, rsc, Some(node));
        let pairs = parameters.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let secret = secret_parameters(t, row.history_name());
        let own = pairs.clone().filter(|(name, _)| {
            !name.starts_with("pcmk_") && !secret.iter().any(|other| other == name)
        });
        let known = |digest: String| format!("{}:{}:{digest},", row.id, row.agent);
        all.push_str(&known(digest::of_parameters(pairs, false)));
        open.push_str(&known(digest::of_parameters(own, false)));
    }
    let meta = &mut t.actions[action].meta;
    meta.insert("digests_all", all);
    meta.insert("digests_secure", open);
}

/// Lists the parameters of a device that its history, on any node, calls secret.
fn secret_parameters<'c>(t: &Tables<'c>, id: &str) -> Vec<&'c str> {
    let states = t.cib.child("status").into_iter();
    states
        .flat_map(|status| status.children_named("node_state"))
        .filter_map(|state| state.child("lrm")?.child("lrm_resources"))
        .flat_map(|list| list.children_named("lrm_resource"))
        .filter(|entry| entry.attribute("id") == Some(id))
        .flat_map(|entry| entry.children_named("lrm_rsc_op"))
        .filter_map(|op| op.attribute("op-secure-params"))
        .flat_map(str::split_whitespace)
        .collect()
}

/// The more important node of an even split is shot later.
fn delay(t: &mut Tables<'_>, action: ActionIdx, node: NodeIdx) {
    if t.options.priority_fencing_delay_ms == 0
        || t.actions[action].meta.contains_key("priority-fencing-delay")
    {
        return;
    }
    let members: Vec<_> =
        t.nodes.iter().map(|(_, row)| row).filter(|row| !row.is_remote()).collect();
    let online = members.iter().filter(|row| row.online).count();
    let all = members.len();
    let mut top = 0;
    let mut lowest = 0;
    for (at, row) in members.iter().enumerate() {
        top = if at == 0 { row.priority } else { top.max(row.priority) };
        lowest = if at == 0 { row.priority } else { lowest.min(row.priority) };
    }
    if online > all / 2 || lowest == top || t.nodes[node].priority < top {
        return;
    }
    let seconds = t.options.priority_fencing_delay_ms / 1000;
    t.actions[action].meta.insert("priority-fencing-delay", seconds.to_string());
}

/// A node that has to be unfenced is so before anything is started or probed there.
pub(crate) fn unfence_before(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    node: NodeIdx,
    then: ActionIdx,
    relation: Relation,
) {
    let row = &t.resources[rsc];
    let wanted = row.requires == Requires::Unfencing || row.fence_device;
    if wanted && t.have_unfencing {
        let unfence = unfence(t, node);
        if !t.actions[unfence].optional && t.actions[unfence].reason.is_none() {
            let what = format!("{} {}", t.resources[rsc].id, t.actions[then].task);
            t.actions[unfence].reason = Some(format!("required by {what}"));
        }
        crate::order::link(t, unfence, then, relation);
    }
}

/// What needs unfencing stops before its node is unfenced anew.
pub(crate) fn unfence_after(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, first: ActionIdx) {
    if t.resources[rsc].requires == Requires::Unfencing && t.have_unfencing {
        let unfence = unfence(t, node);
        let relation = Relation::ORDERED.with(Relation::THEN_IMPLIES_FIRST);
        crate::order::link(t, first, unfence, relation);
    }
}

fn unfence(t: &mut Tables<'_>, node: NodeIdx) -> ActionIdx {
    let done = t.nodes[node].attributes.get("#node-unfenced");
    let done = done.is_some_and(|value| *value != "0");
    action(t, node, Some("on"), done, "", false)
}

/// A node is unfenced anew where a device that does it is not what it was.
pub(crate) fn unfence_again(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, reason: &str) {
    let row = &t.nodes[node];
    if t.have_unfencing
        && t.resources[rsc].fence_device
        && row.online
        && !row.pending
        && !row.shutdown
    {
        action(t, node, Some("on"), false, reason, false);
    }
}
