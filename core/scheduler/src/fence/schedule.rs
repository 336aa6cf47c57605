//! Which nodes are fenced and which shut down, and in which order.

use crate::action::create;
use crate::constraint::ordering::by_action;
use crate::model::{ActionIdx, NodeIdx, Ordering, Relation, Tables};

/// Makes fencing and shutdown actions.
pub(crate) fn schedule(t: &mut Tables<'_>) {
    // A cluster in which nothing is managed fences nobody.
    let managed = t.resources.iter().any(|(_, rsc)| rsc.managed);
    let mut dc: Option<(ActionIdx, bool)> = None;
    let mut fencings: Vec<ActionIdx> = Vec::new();
    let mut shutdowns: Vec<ActionIdx> = Vec::new();
    for node in t.node_order.clone() {
        let row = &t.nodes[node];
        if t.is_guest(node) {
            if row.remote_reset && managed && super::possible(t, node) {
                guest(t, node);
            }
            continue;
        }
        let (unclean, is_dc, lost) = (row.unclean, row.is_dc, row.lost);
        if unclean && managed && super::possible(t, node) {
            // By now it is known what was active where.
            let action = super::action(t, node, None, false, "node is unclean", lost);
            super::stop_and_demote_vs_fencing(t, action);
            if is_dc {
                dc = Some((action, false));
            } else {
                if !t.options.concurrent_fencing
                    && let Some(&last) = fencings.last()
                {
                    crate::order::link(t, last, action, Relation::ORDERED);
                }
                fencings.push(action);
            }
        } else if t.nodes[node].online && t.nodes[node].shutdown && !t.nodes[node].is_remote() {
            let action = shutdown(t, node);
            if is_dc {
                dc = Some((action, true));
            } else {
                shutdowns.push(action);
            }
        } else if unclean {
            let name = t.nodes[node].name;
            t.warn(format!("Node {name} is unclean but cannot be fenced"));
        }
    }
    let Some((dc, is_shutdown)) = dc else { return };
    if is_shutdown {
        for action in shutdowns {
            crate::order::link(t, action, dc, Relation::ORDERED);
        }
    }
    if t.options.concurrent_fencing {
        for action in fencings {
            crate::order::link(t, action, dc, Relation::ORDERED);
        }
    } else if let Some(&last) = fencings.last() {
        crate::order::link(t, last, dc, Relation::ORDERED);
    }
}

/// A guest is fenced by stopping its container.
fn guest(t: &mut Tables<'_>, node: NodeIdx) {
    let Some(container) = t.guest_container(node) else { return };
    let required = |t: &Tables<'_>, task: &str| {
        create::find(t, container, task, None).filter(|&action| !t.actions[action].optional)
    };
    let stop = required(t, "stop");
    let operation = if required(t, "start").is_some() { "reboot" } else { "off" };
    let fence = super::action(t, node, Some(operation), false, "guest is unclean", false);
    t.actions[fence].pseudo = true;
    t.actions[fence].runnable = true;
    let relation = Relation::UNRUNNABLE_FIRST_BLOCKS.with(Relation::FIRST_IMPLIES_THEN_GRAPHED);
    if let Some(stop) = stop {
        let host = t.actions[stop].node;
        if t.actions[stop].pseudo
            && let Some(host) = host
        {
            let below = super::action(t, host, None, true, "", false);
            crate::order::link(t, below, fence, relation);
        } else {
            crate::order::link(t, stop, fence, relation);
        }
    } else if let Some(connection) = t.nodes[node].connection
        && let Some(stop) = create::find(t, connection, "stop", None)
    {
        crate::order::link(t, stop, fence, Relation::ORDERED);
    }
    super::stop_and_demote_vs_fencing(t, fence);
}

fn shutdown(t: &mut Tables<'_>, node: NodeIdx) -> ActionIdx {
    let key = format!("do_shutdown-{}", t.nodes[node].name);
    let action = create::singleton(t, "do_shutdown", key, Some(node), false);
    t.actions[action].meta.insert("op_no_wait", "true");
    t.actions[action].runnable = true;
    let mut stops: Vec<_> = t
        .actions
        .iter()
        .filter(|(_, row)| row.task == "stop" && row.node == Some(node))
        .filter(|(_, row)| {
            row.rsc.is_some_and(|rsc| {
                let rsc = &t.resources[rsc];
                !rsc.maintenance && (rsc.managed || rsc.blocked)
            })
        })
        .map(|(index, _)| index)
        .collect();
    // The newest first.
    stops.reverse();
    for stop in stops {
        t.actions[stop].optional = false;
        t.orderings.push(Ordering {
            first: by_action(stop),
            then: by_action(action),
            relation: Relation::ORDERED.with(Relation::UNRUNNABLE_FIRST_BLOCKS),
        });
    }
    action
}
