//! Assigning a clone's instances: those that may stay first, then the rest.

use super::{colocate, place, promotable, show};
use crate::model::{Colocation, NodeIdx, NodeTable, Role, RscIdx, Tables, score};
use core::cmp::Ordering;

/// Assigns a clone.
pub(super) fn assign(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    prefer: Option<NodeIdx>,
    stop_if_fail: bool,
) -> Option<NodeIdx> {
    if !t.resources[rsc].unassigned || t.resources[rsc].assigning {
        return None;
    }
    if t.resources[rsc].promotable {
        promotable::add_scores(t, rsc);
    }
    t.resources[rsc].assigning = true;
    for index in colocate::this_with(t, rsc) {
        let primary = t.colocations[index].primary;
        if t.resources[primary].unassigned {
            super::one(t, primary, prefer, stop_if_fail);
        }
    }
    for index in colocate::with_this(t, rsc) {
        colocate::add_dependent_scores(t, rsc, index);
    }
    show(t, "pcmk__clone_assign", rsc);
    let mut children = t.resources[rsc].children.clone();
    children.sort_by(|&a, &b| compare(t, a, b));
    t.resources[rsc].children.clone_from(&children);
    let (max, node_max) =
        t.resources[rsc].clone_data().map_or((0, 1), |data| (data.max, data.node_max));
    instances(t, rsc, &children, max, node_max);
    if t.resources[rsc].promotable {
        promotable::set_roles(t, rsc);
    }
    t.resources[rsc].unassigned = false;
    t.resources[rsc].assigning = false;
    None
}

/// Assigns a bundle's containers, then what is inside.
pub(super) fn assign_bundle(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    stop_if_fail: bool,
) -> Option<NodeIdx> {
    if t.resources[rsc].assigning {
        return None;
    }
    show(t, "pcmk__bundle_assign", rsc);
    if !t.resources[rsc].unassigned {
        return None;
    }
    t.resources[rsc].assigning = true;
    let data = t.resources[rsc].bundle_data().cloned()?;
    let mut containers: Vec<_> = data.replicas.iter().map(|replica| replica.container).collect();
    containers.sort_by(|&a, &b| compare(t, a, b));
    instances(t, rsc, &containers, data.replicas_max, data.replicas_per_host);
    for replica in &data.replicas {
        if let Some(ip) = replica.ip {
            super::one(t, ip, None, stop_if_fail);
        }
        if let Some(remote) = replica.remote {
            nested(t, remote, replica.container);
            super::one(t, remote, None, stop_if_fail);
        }
        if let (Some(child), Some(node)) = (replica.child, replica.node) {
            open(t, child, node);
        }
    }
    if let Some(child) = data.child {
        for placed in t.resources[child].allowed.iter_mut() {
            let own = data.replicas.iter().any(|replica| replica.node == Some(placed.node));
            placed.score = if own { 0 } else { -score::INFINITY };
        }
        super::one(t, child, None, stop_if_fail);
    }
    t.resources[rsc].unassigned = false;
    t.resources[rsc].assigning = false;
    None
}

/// The connection into a container on a remote node is made where that node's own is.
fn nested(t: &mut Tables<'_>, remote: RscIdx, container: RscIdx) {
    let host = t.resources[container].assigned_to.filter(|&host| t.nodes[host].is_remote());
    let Some(primary) = host.and_then(|host| t.nodes[host].connection) else { return };
    let constraint = Colocation {
        id: "#connection-with-host-connection",
        attribute: None,
        dependent: remote,
        primary,
        dependent_role: Role::Unknown,
        primary_role: Role::Unknown,
        score: score::INFINITY,
        influence: true,
    };
    crate::constraint::colocation::add(t, constraint);
}

/// What is inside a container goes where the container is, and nowhere else.
fn open(t: &mut Tables<'_>, child: RscIdx, node: NodeIdx) {
    if let Some(row) = t.resources[child].allowed.find_mut(node) {
        row.score = score::INFINITY;
    }
}

/// Orders instances: what runs well first.
pub(super) fn compare(t: &Tables<'_>, a: RscIdx, b: RscIdx) -> Ordering {
    let count = |rsc: RscIdx| places(t, rsc).len();
    let (a_count, b_count) = (count(a), count(b));
    if a_count > 0 && b_count > 0 && a_count != b_count {
        return a_count.cmp(&b_count);
    }
    let here = |rsc: RscIdx| place::current(t, rsc);
    let fit = |rsc: RscIdx| {
        here(rsc).is_some_and(|node| {
            t.resources[rsc].allowed.score(node) >= 0 && place::available(t, node)
        })
    };
    let failed = |rsc: RscIdx| t.primitives(rsc).iter().any(|&inner| t.resources[inner].failed);
    let rank = |rsc: RscIdx| t.resources[rsc].priority.max(t.resources[rsc].promotion_priority);
    let banned = |rsc: RscIdx| {
        here(rsc).is_some_and(|node| {
            let row = &t.resources[rsc];
            row.allowed.score(node) < 0 || row.surplus && t.nodes[node].unclean
        })
    };
    banned(a)
        .cmp(&banned(b))
        .then_with(|| fit(b).cmp(&fit(a)))
        .then_with(|| rank(b).cmp(&rank(a)))
        .then_with(|| here(b).is_some().cmp(&here(a).is_some()))
        .then_with(|| failed(a).cmp(&failed(b)))
        .then_with(|| colocate::pull(t, b).cmp(&colocate::pull(t, a)))
        .then_with(|| number(t, a).cmp(&number(t, b)))
}

/// Gives an instance's number.
pub(crate) fn number(t: &Tables<'_>, rsc: RscIdx) -> i32 {
    let id = &t.resources[rsc].id;
    id.rsplit_once(':').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

fn places(t: &Tables<'_>, rsc: RscIdx) -> Vec<NodeIdx> {
    let mut all = Vec::new();
    for inner in t.primitives(rsc) {
        for &node in &t.resources[inner].active_on {
            if !all.contains(&node) {
                all.push(node);
            }
        }
    }
    all
}

/// Assigns up to `max` instances, at most `node_max` on a node.
fn instances(t: &mut Tables<'_>, rsc: RscIdx, children: &[RscIdx], max: i32, node_max: i32) {
    let mut usable = 0;
    for placed in t.resources[rsc].allowed.clone().iter() {
        if let Some(row) = t.resources[rsc].allowed.find_mut(placed.node) {
            row.count = 0;
        }
        usable += i32::from(place::available(t, placed.node));
    }
    let optimal = if usable > 0 { (max / usable).max(1) } else { 1 };
    let mut assigned = 0;
    for &child in children {
        if assigned >= max {
            break;
        }
        let Some(node) = stays(t, rsc, child, optimal) else { continue };
        let others = max - assigned - 1;
        assigned += i32::from(early(t, rsc, child, node, (node_max, others)));
    }
    for &child in children {
        if !unassigned(t, child) {
            continue;
        }
        if assigned >= max {
            for inner in t.subtree(child) {
                for placed in t.resources[inner].allowed.iter_mut() {
                    placed.score = -score::INFINITY;
                }
            }
            continue;
        }
        assigned += i32::from(one(t, rsc, child, None, node_max).is_some());
    }
}

fn unassigned(t: &Tables<'_>, child: RscIdx) -> bool {
    t.resources[child].unassigned
}

/// Gives an instance's node if it should try to stay there.
fn stays(t: &Tables<'_>, rsc: RscIdx, child: RscIdx, optimal: i32) -> Option<NodeIdx> {
    let row = &t.resources[child];
    let failed = t.primitives(child).iter().any(|&inner| t.resources[inner].failed);
    if !row.unassigned || failed {
        return None;
    }
    let node = place::current(t, child)?;
    if !place::available(t, node) || row.allowed.score(node) < 0 {
        return None;
    }
    let full = t.resources[rsc].allowed.find(node).is_some_and(|at| at.count >= optimal);
    (!full).then_some(node)
}

/// Tries to leave an instance where it is. A node that would be better is left to one of the other
/// instances that have no place yet, as long as there are enough of them; else all is taken back.
fn early(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    child: RscIdx,
    node: NodeIdx,
    (node_max, others): (i32, i32),
) -> bool {
    let before: Vec<(RscIdx, NodeTable)> = t
        .subtree(child)
        .into_iter()
        .map(|inner| (inner, t.resources[inner].allowed.clone()))
        .collect();
    let mut left = Vec::new();
    loop {
        let chosen = one(t, rsc, child, Some(node), node_max);
        if chosen == Some(node) {
            return true;
        }
        if let Some(chosen) = chosen
            && let Some(row) = t.resources[rsc].allowed.find_mut(chosen)
        {
            row.count -= 1;
        }
        place::unassign(t, child);
        for (inner, table) in &before {
            t.resources[*inner].allowed.clone_from(table);
        }
        left.extend(chosen);
        if chosen.is_none() || i32::try_from(left.len()).is_ok_and(|left| left > others) {
            return false;
        }
        for &node in &left {
            crate::status::find::locate(t, child, node, -score::INFINITY);
        }
    }
}

fn one(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    child: RscIdx,
    prefer: Option<NodeIdx>,
    node_max: i32,
) -> Option<NodeIdx> {
    let parent = t.resources[rsc].allowed.clone();
    for placed in t.resources[child].allowed.clone().iter() {
        let above = parent.find(placed.node);
        let bad = !place::available(t, placed.node) && !t.is_bundle_node(placed.node)
            || above.is_none_or(|above| above.score < 0 || above.count >= node_max);
        if bad {
            for inner in t.subtree(child) {
                if let Some(row) = t.resources[inner].allowed.find_mut(placed.node) {
                    row.score = -score::INFINITY;
                }
            }
        }
    }
    let chosen = super::one(t, child, prefer, prefer.is_none());
    if let Some(chosen) = chosen
        && let Some(row) = t.resources[rsc].allowed.find_mut(chosen)
    {
        row.count += 1;
    }
    chosen
}
