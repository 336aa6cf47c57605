//! What is done on a remote or guest node waits for its connection (*Pacemaker Remote*).

use crate::action::create;
use crate::assign::place;
use crate::constraint::ordering::by_action;
use crate::model::{ActionIdx, End, NodeIdx, Ordering, Relation, Role, RscIdx, Tables};

/// How far a node can be reached through its connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reach {
    /// The connection is where it will stay.
    Alive,
    /// The connection starts, moves or recovers; what runs behind it goes on meanwhile.
    Waiting,
    /// The connection stops, in good order.
    Stopping,
    /// The connection is lost, and made anew.
    Failed,
    /// The connection is lost for good.
    Lost,
}

/// Orders everything on remote nodes with the connections that carry it.
pub(crate) fn constraints(t: &mut Tables<'_>) {
    for action in t.actions.ids().rev().collect::<Vec<_>>() {
        let row = &t.actions[action];
        let (Some(rsc), Some(node)) = (row.rsc, row.node) else { continue };
        let Some(connection) = t.nodes[node].connection.filter(|&at| at != rsc) else { continue };
        if !t.resources[rsc].is_primitive() {
            continue;
        }
        if row.task == "start" {
            leave_after_connection(t, rsc, node, connection);
        }
        if let Some(container) = t.resources[connection].container {
            in_guest(t, action, container, connection);
        } else {
            on_remote(t, action, node, connection);
        }
    }
}

/// What moves to a remote node stays where it is until the connection is there.
fn leave_after_connection(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, connection: RscIdx) {
    for stop in create::find_all(t, rsc, "stop", None) {
        if t.actions[stop].node.is_some_and(|from| from != node) {
            after(t, connection, "start", stop, Relation::ORDERED);
        }
    }
}

fn reach(t: &Tables<'_>, node: NodeIdx, connection: RscIdx) -> Reach {
    let row = &t.resources[connection];
    if row.next_role == Role::Stopped || row.assigned_to.is_none() {
        let host = place::current(t, connection);
        let lost = host.is_some_and(|host| t.nodes[host].unclean || !t.nodes[host].online);
        return if row.failed || lost { Reach::Lost } else { Reach::Stopping };
    }
    let Some(host) = place::current(t, connection) else { return Reach::Waiting };
    let lost = t.nodes[host].unclean || !t.nodes[host].online;
    if lost || row.assigned_to != Some(host) {
        return Reach::Waiting;
    }
    if row.failed || t.nodes[node].remote_reset {
        return Reach::Failed;
    }
    Reach::Alive
}

const STRONG: Relation = Relation::FIRST_IMPLIES_THEN.with(Relation::UNRUNNABLE_FIRST_BLOCKS);

fn on_remote(t: &mut Tables<'_>, action: ActionIdx, node: NodeIdx, connection: RscIdx) {
    let row = &t.actions[action];
    let (task, recurring) = (row.task, row.interval_ms > 0);
    let reach = reach(t, node, connection);
    match task {
        "start" | "promote" => {
            let relation = match reach {
                Reach::Failed | Reach::Lost => STRONG,
                Reach::Alive | Reach::Waiting | Reach::Stopping => {
                    Relation::UNRUNNABLE_FIRST_BLOCKS
                }
            };
            after(t, connection, "start", action, relation);
        }
        "stop" | "demote" => match reach {
            Reach::Alive | Reach::Stopping | Reach::Failed => {
                before_stop(t, action, connection, Relation::THEN_IMPLIES_FIRST);
            }
            Reach::Lost => {
                let reason = "resources are active but connection is unrecoverable";
                crate::fence::demand(t, node, reason);
            }
            Reach::Waiting => after(t, connection, "start", action, Relation::ORDERED),
        },
        _ if recurring => after(t, connection, "start", action, STRONG),
        _ if reach == Reach::Stopping => {
            before_stop(t, action, connection, Relation::THEN_IMPLIES_FIRST);
        }
        // Nobody can ask any more what runs there.
        _ if reach == Reach::Lost => {
            let reason = "resources are in unknown state and connection is unrecoverable";
            crate::fence::demand(t, node, reason);
        }
        _ => after(t, connection, "start", action, Relation::UNRUNNABLE_FIRST_BLOCKS),
    }
}

fn in_guest(t: &mut Tables<'_>, action: ActionIdx, container: RscIdx, connection: RscIdx) {
    let row = &t.actions[action];
    let (task, recurring) = (row.task, row.interval_ms > 0);
    let Some(node) = row.node else { return };
    let failed = t.nodes[node].remote_reset || t.resources[connection].failed;
    match task {
        "start" | "promote" => {
            after(t, container, "start", action, STRONG);
            after(t, connection, "start", action, Relation::UNRUNNABLE_FIRST_BLOCKS);
        }
        "stop" | "demote" if !failed => before_stop(t, action, connection, Relation::NONE),
        "stop" | "demote" => {}
        "monitor" if recurring => after(t, connection, "start", action, STRONG),
        "monitor" | "clear_failcount" => {
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
    let relation = relation.with(Relation::GUEST_ALLOWED);
    t.orderings.push(Ordering { first, then: by_action(then), relation });
}

fn before_stop(t: &mut Tables<'_>, first: ActionIdx, connection: RscIdx, relation: Relation) {
    let then = End { rsc: Some(connection), task: Some("stop"), action: None };
    let relation = relation.with(Relation::GUEST_ALLOWED);
    t.orderings.push(Ordering { first: by_action(first), then, relation });
}
