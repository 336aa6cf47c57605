//! Resources whose configuration is gone: their history and failure counts are cleaned up.

use super::create;
use crate::constraint::ordering::{add, by_action, by_task};
use crate::model::{NodeIdx, Ordering, Relation, RscIdx, Tables};
use crate::status::failcount;

/// Forgets a removed resource on a node, after its stop.
pub(super) fn clean_up(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) {
    if t.resources[rsc].failed || t.nodes[node].unclean || !t.nodes[node].online {
        return;
    }
    forget(t, rsc, node, false);
}

/// Deletes a resource from a node's history after its stop and before any start.
pub(super) fn forget(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, optional: bool) {
    create::resource(t, rsc, "delete", 0, Some(node), optional);
    let relation = Relation::ORDERED.with(Relation::THEN_IMPLIES_FIRST);
    add(t, rsc, "stop", rsc, "delete", relation);
    add(t, rsc, "delete", rsc, "start", relation);
}

/// Clears the failure counts of removed resources before they stop.
pub(crate) fn clear_failcounts(t: &mut Tables<'_>) {
    for rsc in t.top.clone() {
        if !t.resources[rsc].removed || !t.resources[rsc].is_primitive() {
            continue;
        }
        for node in t.node_order.clone() {
            if !t.nodes[node].online || failcount::of(t, rsc, node, false).count == 0 {
                continue;
            }
            let clear = create::clear_failcount(t, rsc, node, "it is removed");
            t.orderings.push(Ordering {
                first: by_action(clear),
                then: by_task(rsc, "stop"),
                relation: Relation::ORDERED,
            });
        }
    }
}
