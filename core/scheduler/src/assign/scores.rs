//! The scores that a resource starts from: locations, stickiness, failures, shutdown locks.

use crate::constraint::location;
use crate::model::{Discovery, NodeIdx, RscIdx, Tables, score};
use crate::status::failcount;
use crate::unpack::duration::integer;

/// Applies everything that does not depend on other resources.
pub(crate) fn prepare(t: &mut Tables<'_>) {
    location::apply_all(t);
    for rsc in t.top.clone() {
        for inner in t.subtree(rsc) {
            stickiness(t, inner);
            lock(t, inner);
        }
    }
    for node in t.node_order.clone() {
        for rsc in t.top.clone() {
            for inner in t.subtree(rsc) {
                threshold(t, inner, node);
            }
            exclusive(t, rsc, node);
        }
    }
}

fn stickiness(t: &mut Tables<'_>, rsc: RscIdx) {
    let row = &t.resources[rsc];
    if !row.managed || row.stickiness == 0 || !row.is_primitive() || row.active_on.len() != 1 {
        return;
    }
    let node = row.active_on[0];
    let symmetric = t.options.symmetric;
    if !symmetric && !row.allowed.contains(node) {
        return;
    }
    let value = row.stickiness;
    t.resources[rsc].allowed.add(node, value);
}

/// A resource locked to a node that shuts down goes nowhere else.
fn lock(t: &mut Tables<'_>, rsc: RscIdx) {
    let row = &t.resources[rsc];
    if !t.options.shutdown_lock
        || !row.is_primitive()
        || row.fence_device
        || row.remote_connection
        || t.in_collective(rsc)
    {
        return;
    }
    if let [node] = row.active_on[..]
        && t.nodes[node].shutdown
        && !t.nodes[node].unclean
    {
        let since = t.nodes[node].attributes.get("shutdown").and_then(|text| integer(text));
        t.resources[rsc].lock = Some((node, since.unwrap_or(t.now)));
    }
    let Some((node, at)) = t.resources[rsc].lock else { return };
    t.resources[rsc].shutdown_locked = true;
    if t.options.shutdown_lock_limit_s > 0 {
        let limit = i64::try_from(t.options.shutdown_lock_limit_s).unwrap_or(i64::MAX);
        t.recheck_at(at.saturating_add(limit).saturating_add(1));
    }
    for other in t.node_order.clone() {
        if other != node {
            t.resources[rsc].allowed.add(other, -score::INFINITY);
        }
    }
}

/// Too many failures ban a resource, or all that has to be with it, from a node.
fn threshold(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) {
    let row = &t.resources[rsc];
    if row.is_clone() || row.is_group() || row.failure_ignored || !row.managed {
        return;
    }
    let count = failcount::with_fillers(t, rsc, node).count;
    if count < row.migration_threshold || row.migration_threshold == 0 || count == 0 {
        return;
    }
    let anonymous = !row.unique && t.in_collective(rsc);
    let failed = if anonymous { t.top_of(rsc, false) } else { rsc };
    for inner in t.subtree(failed) {
        t.resources[inner].allowed.add(node, -score::INFINITY);
    }
}

fn exclusive(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) {
    let top = t.top_of(rsc, false);
    let wanted = t.resources[rsc].exclusive_discovery || t.resources[top].exclusive_discovery;
    if wanted {
        for child in t.resources[rsc].children.clone() {
            exclusive(t, child, node);
        }
        if let Some(placed) = t.resources[rsc].allowed.find_mut(node)
            && placed.discovery != Discovery::Exclusive
        {
            placed.score = -score::INFINITY;
        }
    }
}
