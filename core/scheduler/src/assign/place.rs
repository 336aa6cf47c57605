//! Choosing among nodes, and putting a resource on one.

use crate::model::{NodeIdx, NodeTable, Placement, Role, RscIdx, Tables};
use core::cmp::Ordering;

/// Tells whether a node may run anything at all.
pub(crate) fn available(t: &Tables<'_>, node: NodeIdx) -> bool {
    let row = &t.nodes[node];
    row.online && !row.shutdown && !row.unclean && !row.standby && !row.maintenance
}

/// Tells whether a node may run anything, and its host too, where it is a guest.
pub(crate) fn available_with_host(t: &Tables<'_>, node: NodeIdx) -> bool {
    let hosted = t.guest_container(node).is_none_or(|container| {
        let row = &t.resources[container];
        row.unassigned || row.assigned_to.is_some_and(|host| available(t, host))
    });
    hosted && available(t, node)
}

/// Gives the node whose attributes count for a resource: with `container-attribute-target=host`
/// a guest's host (*Pacemaker Explained*, "Bundles and Attributes"), else the node itself.
pub(crate) fn attribute_node(t: &Tables<'_>, rsc: RscIdx, node: NodeIdx) -> Option<NodeIdx> {
    if reads_host(t, rsc) { guest_host(t, node) } else { Some(node) }
}

/// Gives the node that a bundle's node is on, for any other node itself.
pub(crate) fn host(t: &Tables<'_>, node: NodeIdx) -> Option<NodeIdx> {
    if t.is_bundle_node(node) { guest_host(t, node) } else { Some(node) }
}

fn guest_host(t: &Tables<'_>, node: NodeIdx) -> Option<NodeIdx> {
    let Some(container) = t.guest_container(node) else { return Some(node) };
    let row = &t.resources[container];
    if row.unassigned { row.active_on.first().copied() } else { row.assigned_to }
}

/// Tells whether attributes of a guest's host count for a resource.
pub(crate) fn reads_host(t: &Tables<'_>, rsc: RscIdx) -> bool {
    let row = &t.resources[rsc];
    match row.meta("container-attribute-target") {
        Some(target) => target == "host",
        // A collection reads what its last part, the resource inside, reads.
        None => row.children.last().is_some_and(|&child| reads_host(t, child)),
    }
}

/// Tells whether any node of a table would do.
pub(crate) fn any_available(t: &Tables<'_>, table: &NodeTable) -> bool {
    table.iter().any(|placed| placed.score >= 0 && available(t, placed.node))
}

/// Lists a resource's nodes, the best first.
pub(crate) fn ranked(t: &Tables<'_>, rsc: RscIdx, active: Option<NodeIdx>) -> Vec<NodeIdx> {
    let table = &t.resources[rsc].allowed;
    let mut nodes = table.nodes();
    let value = |node: NodeIdx| {
        if available(t, node) { table.score(node) } else { -crate::model::score::INFINITY }
    };
    nodes.sort_by(|&a, &b| {
        value(b)
            .cmp(&value(a))
            .then_with(|| match t.options.placement {
                Placement::Minimal => Ordering::Equal,
                Placement::Balanced => super::utilization::compare(t, a, b),
                Placement::Default | Placement::Utilization => Ordering::Equal,
            })
            .then_with(|| match t.options.placement {
                Placement::Minimal => Ordering::Equal,
                Placement::Balanced | Placement::Default | Placement::Utilization => {
                    t.nodes[a].resource_count.cmp(&t.nodes[b].resource_count)
                }
            })
            .then_with(|| (active == Some(b)).cmp(&(active == Some(a))))
            .then_with(|| t.nodes[a].name.cmp(t.nodes[b].name))
    });
    nodes
}

/// Where a resource is now, for choices: the first place that is known.
pub(crate) fn current(t: &Tables<'_>, rsc: RscIdx) -> Option<NodeIdx> {
    let row = &t.resources[rsc];
    if !row.is_primitive() {
        return row.children.iter().find_map(|&child| current(t, child));
    }
    if let Some(source) = row.partial_source.filter(|node| row.active_on.contains(node)) {
        return Some(source);
    }
    let good = row.active_on.iter().copied().find(|&node| {
        let state = &t.nodes[node];
        state.online && !state.unclean && !row.dangling_sources.contains(&node)
    });
    good.or_else(|| row.active_on.first().copied())
}

/// Puts a resource on the best node that its scores allow.
pub(crate) fn best(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    prefer: Option<NodeIdx>,
    stop_if_fail: bool,
) -> bool {
    let roomy = super::utilization::ban_full(t, rsc);
    let prefer = prefer.or(roomy);
    if !t.resources[rsc].unassigned {
        return t.resources[rsc].assigned_to.is_some();
    }
    let here = current(t, rsc);
    let nodes = ranked(t, rsc, here);
    let table = &t.resources[rsc].allowed;
    let best = nodes.first().copied();
    let mut chosen = prefer.filter(|&node| {
        table.contains(node)
            && best.is_some_and(|best| table.score(node) >= table.score(best))
            && table.score(node) >= 0
            && available(t, node)
    });
    if chosen.is_none() {
        chosen = best;
        if let Some(best) = best {
            let value = table.score(best);
            let parent = t.resources[rsc].parent;
            let unique =
                parent.is_some_and(|at| t.resources[at].is_clone() && t.resources[at].unique);
            if !unique && value > 0 && available(t, best) {
                let stays = here.filter(|&node| {
                    table.contains(node) && table.score(node) == value && available(t, node)
                });
                chosen = stays.or(chosen);
            }
        }
    }
    assign_to(t, rsc, chosen, false, stop_if_fail)
}

/// Puts a resource on a node, or nowhere; a node that cannot take it is nowhere.
pub(crate) fn assign_to(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    node: Option<NodeIdx>,
    force: bool,
    stop_if_fail: bool,
) -> bool {
    if !t.resources[rsc].is_primitive() {
        let mut any = false;
        for child in t.resources[rsc].children.clone() {
            any |= assign_to(t, child, node, force, stop_if_fail);
        }
        return any;
    }
    let mut node = node;
    if let Some(wanted) = node.filter(|_| !force) {
        let value = t.resources[rsc].allowed.score(wanted);
        if value < 0 || !available(t, wanted) && !t.is_guest(wanted) {
            if stop_if_fail {
                t.resources[rsc].next_role = Role::Stopped;
            }
            node = None;
        }
    }
    unassign(t, rsc);
    t.resources[rsc].unassigned = false;
    let Some(node) = node else {
        if stop_if_fail {
            t.resources[rsc].next_role = Role::Stopped;
            impossible(t, rsc);
        }
        return false;
    };
    t.resources[rsc].assigned_to = Some(node);
    t.nodes[node].assigned.push(rsc);
    t.nodes[node].resource_count += 1;
    super::utilization::consume(t, rsc, node, true);
    true
}

/// Takes a resource off the node that it was put on.
pub(crate) fn unassign(t: &mut Tables<'_>, rsc: RscIdx) {
    if !t.resources[rsc].is_primitive() {
        for child in t.resources[rsc].children.clone() {
            unassign(t, child);
        }
        t.resources[rsc].unassigned = true;
        return;
    }
    t.resources[rsc].unassigned = true;
    if let Some(node) = t.resources[rsc].assigned_to.take() {
        t.nodes[node].assigned.retain(|&other| other != rsc);
        t.nodes[node].resource_count -= 1;
        super::utilization::consume(t, rsc, node, false);
    }
}

/// What goes nowhere stops; nothing of it is started or watched, but that it is stopped.
fn impossible(t: &mut Tables<'_>, rsc: RscIdx) {
    for action in t.resources[rsc].actions.clone() {
        let row = &mut t.actions[action];
        let watches_stopped = row.meta.get("op_target_rc") == Some("7");
        if row.task == "stop" {
            row.optional = false;
        } else if row.task == "start" || row.interval_ms > 0 && !watches_stopped {
            row.runnable = false;
        }
    }
}
