//! What fencing a node does to the actions of resources that were there.

use crate::action::create;
use crate::model::{ActionIdx, NodeIdx, Relation, Requires, RscIdx, Tables};

/// Orders the actions of every resource with the fencing of a node.
pub(crate) fn stop_and_demote_vs_fencing(t: &mut Tables<'_>, fencing: ActionIdx) {
    let Some(node) = t.actions[fencing].node else { return };
    for rsc in t.top.clone() {
        for inner in t.primitives(rsc) {
            if !t.resources[inner].managed {
                continue;
            }
            starts(t, inner, fencing, node);
            stops(t, inner, fencing, node);
        }
    }
}

fn starts(t: &mut Tables<'_>, rsc: RscIdx, fencing: ActionIdx, node: NodeIdx) {
    for action in t.resources[rsc].actions.clone() {
        let row = &t.actions[action];
        match row.needs {
            Requires::Nothing => {}
            Requires::Fencing | Requires::Unfencing => {
                crate::order::link(t, fencing, action, Relation::ORDERED);
            }
            Requires::Quorum => {
                // What is known of one anonymous instance is known of its clone.
                let known = |rsc: RscIdx| t.resources[rsc].known_on.contains(&node);
                let unknown = row.task == "start"
                    && t.resources[rsc].allowed.contains(node)
                    && !known(rsc)
                    && !known(t.top_of(rsc, false));
                if unknown {
                    let relation = Relation::ORDERED.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
                    crate::order::link(t, fencing, action, relation);
                }
            }
        }
    }
}

/// A stop on a fenced node needs nobody: it happened by the fencing.
fn stops(t: &mut Tables<'_>, rsc: RscIdx, fencing: ActionIdx, node: NodeIdx) {
    let top = t.top_of(rsc, false);
    for task in ["stop", "demote"] {
        for action in create::find_all(t, rsc, task, Some(node)) {
            let gone = !t.nodes[node].online || t.nodes[node].unclean;
            if !gone && !t.resources[rsc].failed {
                continue;
            }
            t.actions[action].pseudo = true;
            t.actions[action].runnable = true;
            if t.resources[rsc].requires < Requires::Fencing {
                continue;
            }
            if task == "stop" {
                crate::notify::after_fencing(t, rsc, fencing);
            }
            // What is inside a container is gone with it.
            if !(t.is_bundle_node(node) && t.is_bundled(rsc)) {
                crate::order::link(t, fencing, action, Relation::GUEST_ALLOWED);
            }
            if task == "stop"
                && top != rsc
                && let Some(above) = create::find(t, top, "stop", None)
            {
                crate::order::link(t, fencing, above, Relation::GUEST_ALLOWED);
            }
        }
    }
}
