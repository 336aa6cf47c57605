//! Utilization (*Pacemaker Explained*, "Utilization and Placement Strategy").

use crate::action::create;
use crate::constraint::ordering::{by_action, by_task};
use crate::model::{ActionIdx, NodeIdx, Ordering, Placement, Relation, RscIdx, Tables, score};
use core::cmp::Ordering as Order;

/// Compares what two nodes have left: the roomier first.
pub(super) fn compare(t: &Tables<'_>, a: NodeIdx, b: NodeIdx) -> Order {
    let (left, right) = (&t.nodes[a].utilization, &t.nodes[b].utilization);
    let mut result = 0;
    let names: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
    for name in names {
        let value =
            |map: &std::collections::BTreeMap<&str, i64>| map.get(*name).copied().unwrap_or(0);
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

/// Keeps a resource from the nodes that have not enough left, where any has.
pub(super) fn ban_full(t: &mut Tables<'_>, rsc: RscIdx) -> Option<NodeIdx> {
    if t.options.placement == Placement::Default || t.resources[rsc].utilization.is_empty() {
        return None;
    }
    let fits = |t: &Tables<'_>, node: NodeIdx| {
        t.resources[rsc].utilization.iter().all(|(name, value)| {
            *value <= t.nodes[node].utilization.get(name.as_ref()).copied().unwrap_or(0)
        })
    };
    for node in t.resources[rsc].allowed.nodes() {
        if super::place::available(t, node) && !fits(t, node) {
            t.resources[rsc].allowed.add(node, -score::INFINITY);
        }
    }
    None
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
    let relation = Relation::ORDERED.with(Relation::IF_ON_SAME_NODE_OR_TARGET);
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
