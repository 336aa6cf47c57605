//! Assigning a group: its members one after the other.

use super::show;
use crate::model::{NodeIdx, RscIdx, Tables};

/// Assigns a group's members in order.
pub(super) fn assign(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    prefer: Option<NodeIdx>,
    stop_if_fail: bool,
) -> Option<NodeIdx> {
    if !t.resources[rsc].unassigned {
        return t.resources[rsc].assigned_to;
    }
    if t.resources[rsc].assigning {
        return None;
    }
    let Some(&first) = t.resources[rsc].children.first() else {
        t.resources[rsc].unassigned = false;
        return None;
    };
    t.resources[rsc].assigning = true;
    t.resources[rsc].role = t.resources[first].role;
    show(t, "pcmk__group_assign", rsc);
    let mut place = None;
    for member in t.resources[rsc].children.clone() {
        let node = super::one(t, member, prefer, stop_if_fail);
        place = place.or(node);
    }
    t.resources[rsc].next_role = t.resources[first].next_role;
    t.resources[rsc].unassigned = false;
    t.resources[rsc].assigning = false;
    let colocated = t.resources[rsc].group_data().is_some_and(|data| data.colocated);
    if colocated { place } else { None }
}
