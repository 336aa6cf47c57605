//! Groups and clones in the status.

use super::outline::{Outline, flagged};
use super::{Show, node, resource};
use crate::model::{CloneData, NodeIdx, Role, RscIdx, Tables};
use std::collections::BTreeMap;

/// Writes a group and its members.
pub(super) fn group(t: &Tables<'_>, rsc: RscIdx, show: &Show, out: &mut Outline) {
    let mut flags = Vec::new();
    if resource::is_disabled(t, rsc) {
        flags.push("disabled");
    }
    flags.extend(resource::hands_off(t, rsc));
    out.open(&format!("Resource Group: {}{}", t.resources[rsc].id, flagged(&flags)));
    for &member in &t.resources[rsc].children {
        if show.inactive || resource::is_active(t, member, false) {
            resource::write(t, member, show, out);
        }
    }
    out.close();
}

/// Where the instances of a clone are that need no line of their own.
#[derive(Debug, Default)]
struct Places {
    promoted: Vec<NodeIdx>,
    started: Vec<NodeIdx>,
    /// How many instances these are.
    active: usize,
}

/// Writes a clone: instances that are out of the ordinary, then where the others are.
pub(super) fn clone(t: &Tables<'_>, rsc: RscIdx, data: &CloneData, show: &Show, out: &mut Outline) {
    let row = &t.resources[rsc];
    let mut flags = Vec::new();
    if data.promotable {
        flags.push("promotable");
    }
    if row.unique {
        flags.push("unique");
    }
    if resource::is_disabled(t, rsc) {
        flags.push("disabled");
    }
    flags.extend(resource::hands_off(t, rsc));
    out.open(&format!("Clone Set: {} [{}]{}", row.id, data.child_id, flagged(&flags)));
    let mut places = Places::default();
    for &instance in &row.children {
        if needs_a_line(t, instance, row.unique, show, &mut places) {
            resource::write(t, instance, show, out);
        }
    }
    names(t, "Promoted", &places.promoted, show, out);
    let unpromoted_wanted = resource::limited_to(t, rsc) == Some(Role::Unpromoted);
    let label = match (data.promotable, unpromoted_wanted) {
        (true, true) => "Unpromoted (target-role)",
        (true, false) => "Unpromoted",
        (false, _) => "Started",
    };
    names(t, label, &places.started, show, out);
    let missing = usize::try_from(data.max).is_ok_and(|max| places.active < max);
    if show.inactive && !row.unique && missing {
        stopped(t, rsc, show, out);
    }
    out.close();
}

/// Tells whether an instance is shown on its own; otherwise notes where it is.
fn needs_a_line(
    t: &Tables<'_>,
    instance: RscIdx,
    unique: bool,
    show: &Show,
    places: &mut Places,
) -> bool {
    let row = &t.resources[instance];
    let active = resource::is_active(t, instance, false);
    if show.detail && (active || show.inactive) {
        return true;
    }
    if unique {
        return active || show.inactive && !row.removed;
    }
    let inside = t.subtree(instance);
    let any = |test: &dyn Fn(RscIdx) -> bool| inside.iter().any(|&at| test(at));
    if any(&|at| resource::pending(t, at).is_some_and(|text| text != "Monitoring")) {
        return true;
    }
    if !active {
        return false;
    }
    let odd = any(&|at| {
        let row = &t.resources[at];
        row.removed || row.failed || !row.managed
    });
    if odd || !resource::is_active(t, instance, true) {
        return true;
    }
    match where_it_is(t, instance).as_slice() {
        [node] if t.nodes[*node].online || !t.nodes[*node].unclean => {
            places.active += 1;
            let promoted = inside.iter().any(|&at| t.resources[at].role > Role::Unpromoted);
            let list = if promoted { &mut places.promoted } else { &mut places.started };
            list.push(*node);
            false
        }
        _ => true,
    }
}

/// Lists the nodes where something of a resource is active.
pub(super) fn where_it_is(t: &Tables<'_>, rsc: RscIdx) -> Vec<NodeIdx> {
    let mut nodes: Vec<NodeIdx> = Vec::new();
    for at in t.primitives(rsc) {
        for &node in &t.resources[at].active_on {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
    }
    nodes
}

/// Writes where no instance is, by the reason.
fn stopped(t: &Tables<'_>, rsc: RscIdx, show: &Show, out: &mut Outline) {
    let row = &t.resources[rsc];
    let mut candidates = row.allowed.nodes();
    if candidates.is_empty() {
        candidates.clone_from(&row.known_on);
    }
    let active = where_it_is(t, rsc);
    let usual = if resource::is_disabled(t, rsc) { "Stopped (disabled)" } else { "Stopped" };
    let mut by_reason: BTreeMap<String, Vec<NodeIdx>> = BTreeMap::new();
    for node in node::in_order(t).into_iter().filter(|node| candidates.contains(node)) {
        if active.contains(&node) {
            continue;
        }
        let reason = match resource::failed_probe(t, rsc, Some(node)) {
            Some(reason) => format!("Stopped ({reason})"),
            None => usual.to_owned(),
        };
        by_reason.entry(reason).or_default().push(node);
    }
    for (reason, nodes) in &by_reason {
        names(t, reason, nodes, show, out);
    }
}

fn names(t: &Tables<'_>, label: &str, nodes: &[NodeIdx], show: &Show, out: &mut Outline) {
    let ordered: Vec<_> = node::in_order(t)
        .into_iter()
        .filter(|node| nodes.contains(node) && show.node(t, *node))
        .map(|node| t.nodes[node].name)
        .collect();
    out.names(label, &ordered);
}
