//! What is done on a remote or guest node waits for its connection (*Pacemaker Remote*).

use crate::constraint::ordering::by_action;
use crate::model::{ActionIdx, End, Ordering, Relation, RscIdx, Tables};

/// Orders everything on remote nodes with the connections that carry it.
pub(crate) fn constraints(t: &mut Tables<'_>) {
    for action in t.actions.ids().collect::<Vec<_>>() {
        let row = &t.actions[action];
        let (Some(rsc), Some(node)) = (row.rsc, row.node) else { continue };
        let Some(connection) = t.nodes[node].connection.filter(|&at| at != rsc) else { continue };
        if !t.resources[rsc].is_primitive() {
            continue;
        }
        one(t, action, connection);
    }
}

fn one(t: &mut Tables<'_>, action: ActionIdx, connection: RscIdx) {
    let row = &t.actions[action];
    let (task, recurring) = (row.task, row.interval_ms > 0);
    let Some(node) = row.node else { return };
    let container = t.resources[connection].container;
    let failed = t.nodes[node].remote_reset || t.resources[connection].failed;
    let strong = Relation::FIRST_IMPLIES_THEN.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
    match task {
        "start" | "promote" => {
            if let Some(container) = container {
                after(t, container, "start", action, strong);
            }
            let weak = container.is_none() && !failed;
            let relation = if weak { Relation::UNRUNNABLE_FIRST_BLOCKS } else { strong };
            after(t, connection, "start", action, relation);
        }
        "stop" | "demote" => match container.filter(|&at| failed && t.resources[at].failed) {
            Some(container) => {
                after(t, container, "stop", action, Relation::FIRST_IMPLIES_THEN);
            }
            None if !failed => before_stop(t, action, connection),
            None => {}
        },
        "monitor" if recurring => after(t, connection, "start", action, strong),
        "monitor" => {
            if let Some(container) = container {
                after(t, container, "start", action, Relation::UNRUNNABLE_FIRST_BLOCKS);
            }
            after(t, connection, "start", action, Relation::UNRUNNABLE_FIRST_BLOCKS);
        }
        _ => {}
    }
}

fn after(
    t: &mut Tables<'_>,
    first: RscIdx,
    task: &'static str,
    then: ActionIdx,
    relation: Relation,
) {
    let first = End { rsc: Some(first), task: Some(task), action: None };
    t.orderings.push(Ordering { first, then: by_action(then), relation });
}

fn before_stop(t: &mut Tables<'_>, first: ActionIdx, connection: RscIdx) {
    let then = End { rsc: Some(connection), task: Some("stop"), action: None };
    let relation = Relation::THEN_IMPLIES_FIRST.with(Relation::ORDERED);
    t.orderings.push(Ordering { first: by_action(first), then, relation });
}
