//! Probes: what is active where, asked once of every node that has not answered yet.

use crate::action::create;
use crate::constraint::ordering::by_action;
use crate::model::{
    ActionIdx, BundleData, Discovery, End, Link, NodeIdx, Ordering, Relation, Role, RscIdx, Tables,
    Variant,
};
use crate::unpack::duration::is_true;
use std::collections::BTreeSet;

/// Makes the probes that are missing.
pub(crate) fn schedule(t: &mut Tables<'_>) {
    if !t.options.startup_probes {
        return;
    }
    for node in t.node_order.clone() {
        let row = &t.nodes[node];
        if !row.online || row.unclean || !row.discovery {
            continue;
        }
        for rsc in t.top.clone() {
            resource(t, rsc, node);
        }
    }
}

fn resource(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) -> bool {
    if t.resources[rsc].is_clone() {
        // From here on instances go by number, whatever order they were assigned in.
        let mut children = t.resources[rsc].children.clone();
        children.sort_by_key(|&child| crate::assign::clone::number(t, child));
        t.resources[rsc].children = children;
    }
    match t.resources[rsc].variant {
        Variant::Primitive => primitive(t, rsc, node),
        Variant::Clone(_) if !t.resources[rsc].unique => anonymous(t, rsc, node),
        Variant::Bundle(_) => bundle(t, rsc, node),
        Variant::Group(_) | Variant::Clone(_) => {
            let mut any = false;
            for child in t.resources[rsc].children.clone() {
                any |= resource(t, child, node);
            }
            any
        }
    }
}

/// A connection is looked for only once it is known where its container is.
fn bundle(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) -> bool {
    let Some(data) = t.resources[rsc].bundle_data().cloned() else { return false };
    let mut any = false;
    for replica in &data.replicas {
        let own = replica.child.filter(|_| replica.node == Some(node));
        for part in [own, replica.ip, Some(replica.container)].into_iter().flatten() {
            any |= resource(t, part, node);
        }
        if data.replicas_per_host == 1 {
            apart(t, &data, replica.container, node);
        }
        if let Some(child) = data.child {
            for probe in create::find_all(t, replica.container, "monitor", Some(node)) {
                let start = End { rsc: Some(child), task: Some("start"), action: None };
                let relation = Relation::ORDERED;
                t.orderings.push(Ordering { first: by_action(probe), then: start, relation });
            }
        }
        let Some(remote) = replica.remote else { continue };
        if !resource(t, remote, node) {
            continue;
        }
        any = true;
        for probe in create::find_all(t, remote, "monitor", Some(node)) {
            let start = End { rsc: Some(replica.container), task: Some("start"), action: None };
            t.orderings.push(Ordering {
                first: start,
                then: by_action(probe),
                relation: Relation::NESTED_REMOTE_PROBE,
            });
        }
    }
    any
}

/// Containers that may not share a host wait until it is known that no other one is there.
fn apart(t: &mut Tables<'_>, data: &BundleData, container: RscIdx, node: NodeIdx) {
    for probe in create::find_all(t, container, "monitor", Some(node)) {
        for other in data.replicas.iter().map(|replica| replica.container) {
            if other != container {
                let start = End { rsc: Some(other), task: Some("start"), action: None };
                let relation = Relation::ORDERED.with(Relation::IF_ON_SAME_NODE);
                t.orderings.push(Ordering { first: by_action(probe), then: start, relation });
            }
        }
    }
}

/// One instance answers for all: that which will be on the node, or the first.
fn anonymous(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) -> bool {
    if excluded(t, rsc, node) {
        return false;
    }
    let children = t.resources[rsc].children.clone();
    let there = children.iter().copied().find(|&child| {
        t.primitives(child).iter().any(|&inner| t.resources[inner].assigned_to == Some(node))
    });
    let Some(child) = there.or_else(|| children.first().copied()) else { return false };
    resource(t, child, node)
}

fn excluded(t: &Tables<'_>, rsc: RscIdx, node: NodeIdx) -> bool {
    let top = t.top_of(rsc, false);
    let row = &t.resources[rsc];
    let placed = row.allowed.find(node).map(|placed| placed.discovery);
    if row.exclusive_discovery || t.resources[top].exclusive_discovery {
        return placed != Some(Discovery::Exclusive);
    }
    placed == Some(Discovery::Never)
}

fn primitive(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) -> bool {
    let row = &t.resources[rsc];
    if row.removed || row.known_on.contains(&node) || excluded(t, rsc, node) {
        return false;
    }
    if !row.unique && t.in_collective(rsc) && known_by_sibling(t, rsc, node) {
        return false;
    }
    if t.nodes[node].is_remote() && !remote_may(t, rsc, node) {
        after_guest(t, rsc, node);
        return false;
    }
    let row = &t.resources[rsc];
    let inside = row.container.filter(|_| !row.remote_connection);
    if inside.is_some_and(|container| !t.resources[container].active_on.contains(&node)) {
        return false;
    }
    let probe = create::resource(t, rsc, "monitor", 0, Some(node), false);
    t.actions[probe].optional = false;
    let relation = Relation::ORDERED.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
    crate::fence::unfence_before(t, rsc, node, probe, relation);
    let row = &t.resources[rsc];
    let target = if !row.active_on.contains(&node) {
        "7"
    } else if row.role == Role::Promoted {
        "8"
    } else {
        "0"
    };
    t.actions[probe].meta.insert("op_target_rc", target);
    // A clone waits as a whole, a group only for the member.
    let top = t.top_of(rsc, false);
    let who = if t.resources[top].is_clone() { top } else { rsc };
    let after = |task: &'static str| End { rsc: Some(who), task: Some(task), action: None };
    // What cannot be looked for does not start, but what is active somewhere stays so.
    let relation = if !t.actions[probe].runnable && t.resources[top].active_on.is_empty() {
        Relation::ORDERED.with(Relation::UNRUNNABLE_FIRST_BLOCKS)
    } else {
        Relation::ORDERED
    };
    t.orderings.push(Ordering { first: by_action(probe), then: after("start"), relation });
    t.orderings.push(Ordering {
        first: by_action(probe),
        then: after("reload-agent"),
        relation: Relation::ORDERED,
    });
    true
}

/// Anonymous instances are the same thing: what one knows of a node, all do.
fn known_by_sibling(t: &Tables<'_>, rsc: RscIdx, node: NodeIdx) -> bool {
    let row = &t.resources[rsc];
    t.primitives(t.top_of(rsc, false)).into_iter().any(|other| {
        let other = &t.resources[other];
        other.base_id == row.base_id && other.known_on.contains(&node)
    })
}

/// Some things cannot be on a remote node, and are not looked for there.
fn remote_may(t: &Tables<'_>, rsc: RscIdx, node: NodeIdx) -> bool {
    let row = &t.resources[rsc];
    let nested = row.replica_container && !t.is_guest(node);
    if row.fence_device || row.remote_connection || !row.fillers.is_empty() && !nested {
        return false;
    }
    if t.is_bundle_node(node) && row.allowed.score(node) < 0 {
        return false;
    }
    if let Some(container) = t.guest_container(node) {
        let host = &t.resources[container];
        let stays = host.assigned_to.is_none_or(|node| host.active_on.contains(&node));
        return host.role != Role::Stopped
            && !host.failed
            && host.next_role != Role::Stopped
            && stays;
    }
    true
}

/// What is not looked for on a guest, as the guest leaves its host, starts after it is gone from
/// there.
fn after_guest(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) {
    let Some(container) = t.guest_container(node).filter(|&at| at != rsc) else { return };
    let (row, host) = (&t.resources[rsc], &t.resources[container]);
    let outside = t.is_bundle_node(node) && row.allowed.score(node) < 0;
    let barred = row.fence_device || row.remote_connection || !row.fillers.is_empty() || outside;
    if barred || host.failed || host.role == Role::Stopped || !row.is_primitive() {
        return;
    }
    let end = |rsc, task| End { rsc: Some(rsc), task: Some(task), action: None };
    let (first, then) = (end(container, "stop"), end(rsc, "start"));
    t.orderings.push(Ordering { first, then, relation: Relation::ORDERED });
}

/// A stop of what starts after a resource waits for that resource's probes: what they find may
/// make it restart.
pub(crate) fn order_restarts(t: &mut Tables<'_>) {
    for probe in t.actions.ids().collect::<Vec<_>>() {
        let row = &t.actions[probe];
        if row.task != "monitor" || row.interval_ms > 0 || row.optional || !row.runnable {
            continue;
        }
        let Some(own) = row.rsc else { continue };
        let mut seen = BTreeSet::new();
        let mut queue: Vec<_> = row.after.iter().map(|link| link.action).collect();
        while let Some(next) = queue.pop() {
            let next_row = &t.actions[next];
            let up = matches!(next_row.task, "start" | "running" | "promote" | "promoted");
            if !up || !seen.insert(next) {
                continue;
            }
            let follows = next_row.after.iter().filter(|link| restarts(t, own, next, link));
            queue.extend(follows.map(|link| link.action));
            let Some(rsc) = next_row.rsc.filter(|&rsc| t.resources[rsc].is_primitive()) else {
                continue;
            };
            let behind = |node| {
                t.nodes[node].connection == Some(own) || t.guest_container(node) == Some(own)
            };
            if rsc == own || next_row.node.is_some_and(behind) {
                continue;
            }
            for stop in create::find_all(t, rsc, "stop", None) {
                // What fencing has stopped waits for nothing.
                if !t.actions[stop].pseudo {
                    crate::order::link(t, probe, stop, Relation::ORDERED);
                }
            }
        }
    }
}

/// Tells whether one start makes another one necessary: as what it waits for, or as a part of it.
fn restarts(t: &Tables<'_>, own: RscIdx, action: ActionIdx, link: &Link) -> bool {
    if link.relation.has(Relation::FIRST_IMPLIES_THEN) {
        return true;
    }
    let (Some(whole), Some(part)) = (t.actions[action].rsc, t.actions[link.action].rsc) else {
        return false;
    };
    if t.resources[part].parent != Some(whole) || t.resources[own].parent == Some(whole) {
        return false;
    }
    let interleaved =
        t.resources[whole].is_collective() && is_true(t.resources[whole].meta("interleave"));
    !interleaved || crate::order::compatible(t, own, whole, false) == Some(part)
}

/// What waits for a stop waits for the probes of the same resource too.
pub(crate) fn order(t: &mut Tables<'_>) {
    for index in 0..t.orderings.len() {
        let ordering = t.orderings[index];
        let first_rsc =
            ordering.first.rsc.or_else(|| ordering.first.action.and_then(|a| t.actions[a].rsc));
        let then_rsc =
            ordering.then.rsc.or_else(|| ordering.then.action.and_then(|a| t.actions[a].rsc));
        let task = ordering
            .first
            .task
            .or_else(|| ordering.first.action.map(|action| t.actions[action].task));
        let Some(first_rsc) = first_rsc else { continue };
        if Some(first_rsc) == then_rsc
            || task != Some("stop")
            || ordering.relation == Relation::NONE
        {
            continue;
        }
        if then_rsc.is_some() && t.resources[first_rsc].container == then_rsc {
            continue;
        }
        // What is behind a connection knows nothing of its container.
        let inside = ordering.then.action.and_then(|action| t.actions[action].node);
        if inside.is_some_and(|node| t.guest_container(node) == Some(first_rsc)) {
            continue;
        }
        let gate = ordering.then.action.map(|action| t.actions[action].task);
        if then_rsc.is_none() && gate == Some("do_shutdown") {
            continue;
        }
        let probes = create::find_all(t, first_rsc, "monitor", None);
        if probes.is_empty() {
            continue;
        }
        let thens = match (ordering.then.action, ordering.then.rsc, ordering.then.task) {
            (Some(action), _, _) => vec![action],
            (None, Some(rsc), Some(task)) => create::find_all(t, rsc, task, None),
            _ => Vec::new(),
        };
        let relation = if ordering.relation.has(Relation::IF_ON_SAME_NODE_OR_TARGET) {
            Relation::ORDERED.with(Relation::IF_ON_SAME_NODE_OR_TARGET)
        } else if ordering.relation.has(Relation::IF_REQUIRED_ON_SAME_NODE) {
            Relation::ORDERED.with(Relation::IF_ON_SAME_NODE)
        } else {
            Relation::ORDERED
        };
        // What excludes another only on the same node waits only for what is looked for there.
        let here = ordering.relation.has(Relation::IF_REQUIRED_ON_SAME_NODE);
        for then in thens {
            for &probe in &probes {
                if here && t.actions[probe].node != t.actions[then].node {
                    continue;
                }
                crate::order::link(t, probe, then, relation);
            }
        }
    }
}
