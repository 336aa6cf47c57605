//! Assigning one primitive: colocations, wishes of dependents, then the best node.

use super::{colocate, place, show};
use crate::model::{NoQuorum, NodeIdx, Role, RscIdx, Tables, score};

/// Assigns a primitive, with what contains it where that has not begun.
pub(super) fn assign(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    prefer: Option<NodeIdx>,
    stop_if_fail: bool,
) -> Option<NodeIdx> {
    if let Some(parent) = t.resources[rsc].parent.filter(|&at| !t.resources[at].assigning) {
        super::one(t, parent, prefer, stop_if_fail);
    }
    if !t.resources[rsc].unassigned {
        return t.resources[rsc].assigned_to;
    }
    if t.resources[rsc].assigning {
        return None;
    }
    t.resources[rsc].assigning = true;
    for mandatory in [true, false] {
        for index in colocate::this_with(t, rsc) {
            if is_mandatory(t, index) == mandatory {
                apply_this_with(t, rsc, index, stop_if_fail);
            }
        }
        for index in colocate::with_this(t, rsc) {
            if is_mandatory(t, index) == mandatory {
                colocate::add_dependent_scores(t, rsc, index);
            }
        }
    }
    if t.resources[rsc].next_role == Role::Stopped {
        // What shall be stopped is banned from every node, also where it could never run.
        for node in t.node_order.clone() {
            match t.resources[rsc].allowed.find_mut(node) {
                Some(placed) => placed.score = -score::INFINITY,
                None => t.resources[rsc].allowed.put_score(node, -score::INFINITY),
            }
        }
    } else if t.resources[rsc].next_role > t.resources[rsc].role
        && !t.options.quorate
        && t.options.no_quorum == NoQuorum::Freeze
    {
        t.resources[rsc].next_role = t.resources[rsc].role;
    }
    show(t, "pcmk__primitive_assign", rsc);
    if t.options.fencing_enabled && !t.have_fencing {
        t.resources[rsc].managed = false;
    }
    if !t.resources[rsc].managed {
        t.resources[rsc].next_role = t.resources[rsc].role;
        let node = place::current(t, rsc);
        place::assign_to(t, rsc, node, true, stop_if_fail);
    } else if t.options.stop_all {
        place::assign_to(t, rsc, None, true, stop_if_fail);
    } else {
        place::best(t, rsc, prefer, stop_if_fail);
    }
    t.resources[rsc].assigning = false;
    if t.resources[rsc].remote_connection {
        connection(t, rsc);
    }
    t.resources[rsc].assigned_to
}

fn is_mandatory(t: &Tables<'_>, index: usize) -> bool {
    t.colocations[index].score.abs() >= score::INFINITY
}

fn apply_this_with(t: &mut Tables<'_>, rsc: RscIdx, index: usize, stop_if_fail: bool) {
    let constraint = t.colocations[index].clone();
    let soft = constraint.score < 0 && constraint.score > -score::INFINITY;
    let keep = (constraint.dependent_role >= Role::Promoted || soft)
        .then(|| t.resources[rsc].allowed.clone());
    if t.resources[constraint.primary].unassigned {
        super::one(t, constraint.primary, None, stop_if_fail);
    }
    colocate::apply(t, rsc, constraint.primary, &constraint);
    if let Some(keep) = keep
        && !place::any_available(t, &t.resources[rsc].allowed)
    {
        t.resources[rsc].allowed = keep;
    }
}

/// A connection that has a place brings its node up.
fn connection(t: &mut Tables<'_>, rsc: RscIdx) {
    let Some(node) = t.resources[rsc].remote_node else { return };
    let row = &t.resources[rsc];
    if row.assigned_to.is_some() && row.next_role >= Role::Started || row.next_role == Role::Unknown
    {
        if row.assigned_to.is_some() {
            t.nodes[node].online = true;
            // What was never seen is not lost: it is about to be connected to.
            if t.nodes[node].unseen {
                t.nodes[node].unclean = false;
            }
        }
    } else {
        t.nodes[node].shutdown = true;
    }
}
