//! Utilization (*Pacemaker Explained*, "Utilization and Placement Strategy").

use super::colocate;
use crate::action::create;
use crate::constraint::ordering::{by_action, by_task};
use crate::model::{
    ActionIdx, NodeIdx, Ordering, Placement, Relation, RscIdx, Tables, Variant, score,
};
use core::cmp::Ordering as Order;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Compares what two nodes have left: the roomier first.
pub(super) fn compare(t: &Tables<'_>, a: NodeIdx, b: NodeIdx) -> Order {
    let (left, right) = (&t.nodes[a].utilization, &t.nodes[b].utilization);
    let mut result = 0;
    let names: BTreeSet<_> = left.keys().chain(right.keys()).collect();
    for name in names {
        let value = |map: &BTreeMap<&str, i64>| map.get(*name).copied().unwrap_or(0);
        match value(left).cmp(&value(right)) {
            Order::Greater => result -= 1,
            Order::Less => result += 1,
            Order::Equal => {}
        }
    }
    result.cmp(&0)
}

/// Takes from a node what a resource uses, or gives it back.
pub(super) fn consume(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, take: bool) {
    for (name, value) in &t.resources[rsc].utilization {
        if let Some(left) = t.nodes[node].utilization.get_mut(name.as_ref()) {
            *left += if take { -value } else { *value };
        }
    }
}

/// Lists what has to be with a resource and is not placed yet, the resource too.
fn companions(t: &Tables<'_>, rsc: RscIdx, found: &mut Vec<RscIdx>) {
    if found.contains(&rsc) || !t.resources[rsc].unassigned {
        return;
    }
    found.push(rsc);
    for index in colocate::this_with(t, rsc) {
        if t.colocations[index].score >= score::INFINITY {
            companions(t, t.colocations[index].primary, found);
        }
    }
    for index in colocate::with_this(t, rsc) {
        if t.colocations[index].score >= score::INFINITY {
            companions(t, t.colocations[index].dependent, found);
        }
    }
}

/// Adds up what resources need that are not placed yet; of a clone, one instance's needs.
fn needs<'c>(t: &Tables<'c>, all: &[RscIdx]) -> BTreeMap<Cow<'c, str>, i64> {
    let mut counted = BTreeSet::new();
    for &rsc in all {
        let inner = match &t.resources[rsc].variant {
            Variant::Primitive => vec![rsc],
            Variant::Group(_) => t.primitives(rsc),
            Variant::Clone(_) | Variant::Bundle(_) => {
                let mut instances = t.instances(rsc, false).into_iter();
                let open = instances.find(|&one| t.resources[one].unassigned);
                open.map_or_else(Vec::new, |one| t.primitives(one))
            }
        };
        counted.extend(inner.into_iter().filter(|&one| t.resources[one].unassigned));
    }
    let mut sum: BTreeMap<Cow<'c, str>, i64> = BTreeMap::new();
    for rsc in counted {
        for (name, value) in &t.resources[rsc].utilization {
            *sum.entry(name.clone()).or_default() += value;
        }
    }
    sum
}

/// Keeps a resource from the nodes that have not enough left for it and all that has to be with it,
/// or for it alone where no node has; gives the roomiest of those that have for all.
pub(super) fn ban_full(t: &mut Tables<'_>, rsc: RscIdx) -> Option<NodeIdx> {
    if t.options.placement == Placement::Default {
        return None;
    }
    let mut all = Vec::new();
    companions(t, rsc, &mut all);
    let together = needs(t, &all);
    let nodes = t.resources[rsc].allowed.nodes();
    let fits = |t: &Tables<'_>, node: NodeIdx, wanted: &BTreeMap<Cow<'_, str>, i64>| {
        let left = |name: &str| t.nodes[node].utilization.get(name).copied().unwrap_or(0);
        wanted.iter().all(|(name, value)| *value <= left(name))
    };
    let usable = |t: &Tables<'_>, node: NodeIdx| {
        super::place::available(t, node) && t.resources[rsc].allowed.score(node) >= 0
    };
    let open: Vec<NodeIdx> = nodes.iter().copied().filter(|&node| usable(t, node)).collect();
    let roomy = open.iter().any(|&node| fits(t, node, &together));
    let wanted =
        if !roomy || all.len() < 2 { t.resources[rsc].utilization.clone() } else { together };
    for node in nodes {
        if usable(t, node) && !fits(t, node, &wanted) {
            t.resources[rsc].allowed.add(node, -score::INFINITY);
        }
    }
    // The one with most left is tried first, be it too little for all of them.
    let best = open
        .into_iter()
        .min_by(|&a, &b| compare(t, a, b).then_with(|| t.nodes[a].name.cmp(t.nodes[b].name)));
    best.filter(|_| all.len() > 1)
}

/// Prints what every node has left.
pub(super) fn show(t: &mut Tables<'_>, comment: &str) {
    for node in t.node_order.clone() {
        let row = &t.nodes[node];
        let mut line = format!("{comment}: {} capacity:", row.name);
        for (name, value) in &row.utilization {
            line.push_str(&format!(" {name}={value}"));
        }
        t.capacity_lines.push(line);
    }
}

/// A start waits until what leaves the node has stopped, where capacity matters.
pub(crate) fn constraints(t: &mut Tables<'_>, rsc: RscIdx) {
    if t.options.placement == Placement::Default || t.resources[rsc].utilization.is_empty() {
        return;
    }
    let relation = Relation::IF_ON_SAME_NODE_OR_TARGET;
    for node in t.resources[rsc].active_on.clone() {
        let then = by_action(stopped(t, node));
        t.orderings.push(Ordering { first: by_task(rsc, "stop"), then, relation });
    }
    for node in t.node_order.clone() {
        if !t.resources[rsc].allowed.contains(node) {
            continue;
        }
        let first = by_action(stopped(t, node));
        for next in ["start", "migrate_to"] {
            t.orderings.push(Ordering { first, then: by_task(rsc, next), relation });
        }
    }
}

/// Gives the step at which all that leaves a node has left.
fn stopped(t: &mut Tables<'_>, node: NodeIdx) -> ActionIdx {
    let key = format!("load_stopped_{}", t.nodes[node].name);
    let action = create::singleton(t, "load_stopped", key, Some(node), false);
    t.actions[action].pseudo = true;
    action
}
