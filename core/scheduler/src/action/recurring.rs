//! Recurring operations: monitors while active, monitors while stopped, what is to be cancelled.

use super::create;
use crate::constraint::ordering::{by_action, by_task};
use crate::model::{NodeIdx, Ordering, Relation, Role, RscIdx, Tables};

/// Makes a resource's recurring actions.
pub(super) fn create(t: &mut Tables<'_>, rsc: RscIdx) {
    let row = &t.resources[rsc];
    if row.blocked || row.maintenance && !has_stopped_monitor(t, rsc) {
        return;
    }
    let node = row.assigned_to;
    let active = row.next_role > Role::Stopped || !row.managed;
    let in_maintenance = row.maintenance || node.is_some_and(|at| t.nodes[at].maintenance);
    for at in 0..t.resources[rsc].ops.len() {
        let op = t.resources[rsc].ops[at].clone();
        if op.interval_ms == 0 || matches!(op.name, "start" | "stop") || !op.enabled {
            continue;
        }
        // The same name and interval twice is an error, and neither counts.
        let same = |other: &&crate::model::OpConfig<'_>| {
            other.name == op.name && other.interval_ms == op.interval_ms
        };
        if t.resources[rsc].ops.iter().filter(same).count() > 1 {
            continue;
        }
        if op.role == Role::Stopped {
            inactive(t, rsc, op.name, op.interval_ms);
        } else if let Some(node) = node.filter(|_| active && !in_maintenance) {
            running(t, rsc, node, op.name, op.interval_ms, op.role);
        }
    }
}

fn has_stopped_monitor(t: &Tables<'_>, rsc: RscIdx) -> bool {
    t.resources[rsc].ops.iter().any(|op| op.role == Role::Stopped)
}

fn existing(
    t: &Tables<'_>,
    rsc: RscIdx,
    task: &str,
    interval_ms: u32,
    node: NodeIdx,
) -> Option<crate::model::ActionIdx> {
    let all = t.resources[rsc].actions.iter().copied();
    let mut found = all.filter(|&action| {
        let row = &t.actions[action];
        row.task == task && row.interval_ms == interval_ms && row.node == Some(node)
    });
    found.next()
}

fn running<'c>(
    t: &mut Tables<'c>,
    rsc: RscIdx,
    node: NodeIdx,
    name: &'c str,
    interval_ms: u32,
    role: Role,
) {
    let start = create::resource(t, rsc, "start", 0, Some(node), true);
    let next = t.resources[rsc].next_role;
    let there = existing(t, rsc, name, interval_ms, node);
    let no_such_role = role == Role::Unpromoted && next == Role::Started
        || role == Role::Started && next == Role::Unpromoted;
    if no_such_role || (next == Role::Promoted) != (role == Role::Promoted) {
        if let Some(there) = there {
            cancel_for_role(t, rsc, node, there, role);
        }
        return;
    }
    let optional = there.is_some_and(|there| !t.actions[there].reschedule);
    let action = create::resource(t, rsc, name, interval_ms, Some(node), optional);
    let managed = t.resources[rsc].managed;
    let state = &t.nodes[node];
    let usable = state.online && (!state.unclean || t.is_plain_remote(node));
    let bad_node = !usable && !t.is_guest(node);
    if !t.actions[start].runnable || bad_node {
        t.actions[action].runnable = false;
    }
    if next == Role::Promoted {
        t.actions[action].meta.insert("op_target_rc", "8");
    }
    if !managed {
        return;
    }
    let blocks = Relation::FIRST_IMPLIES_THEN.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
    for task in ["start", "reload-agent"] {
        let relation = blocks;
        push(t, rsc, task, action, relation);
    }
    let relation = Relation::ORDERED.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
    if next == Role::Promoted {
        push(t, rsc, "promote", action, relation);
    } else if t.resources[rsc].role == Role::Promoted {
        push(t, rsc, "demote", action, relation);
    }
}

fn push(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    task: &'static str,
    action: crate::model::ActionIdx,
    relation: Relation,
) {
    if task == "reload-agent" && create::find(t, rsc, task, None).is_none() {
        return;
    }
    t.orderings.push(Ordering { first: by_task(rsc, task), then: by_action(action), relation });
}

/// A monitor of the other role is cancelled before the role changes.
fn cancel_for_role(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    node: NodeIdx,
    there: crate::model::ActionIdx,
    role: Role,
) {
    let (task, interval_ms) = (t.actions[there].task, t.actions[there].interval_ms);
    let cancel = cancel(t, rsc, task, interval_ms, node, None);
    let before = if role == Role::Promoted { "demote" } else { "promote" };
    t.orderings.push(Ordering {
        first: by_action(cancel),
        then: by_task(rsc, before),
        relation: Relation::UNRUNNABLE_FIRST_BLOCKS,
    });
}

/// Makes the action that ends a recurring one.
pub(crate) fn cancel<'c>(
    t: &mut Tables<'c>,
    rsc: RscIdx,
    task: &'c str,
    interval_ms: u32,
    node: NodeIdx,
    call_id: Option<&str>,
) -> crate::model::ActionIdx {
    let key = create::key(&t.resources[rsc].id, task, interval_ms);
    // What is recorded as running is what ends.
    let running = existing(t, rsc, task, interval_ms, node);
    let mut all = t.resources[rsc].actions.iter().copied();
    // A recorded failure of it names it a second time.
    let ended = all.find(|&action| {
        let row = &t.actions[action];
        row.cancel_task == Some(task) && row.interval_ms == interval_ms && row.node == Some(node)
    });
    let action = running.or(ended).unwrap_or_else(|| {
        let action = create::blank(t, "cancel", key);
        t.resources[rsc].actions.push(action);
        action
    });
    let meta = super::policy::meta(t, rsc, Some(node), task, interval_ms);
    let row = &mut t.actions[action];
    row.task = "cancel";
    row.meta = meta;
    row.rsc = Some(rsc);
    row.node = Some(node);
    row.optional = false;
    row.cancel_task = Some(task);
    row.interval_ms = interval_ms;
    row.meta.insert("interval", interval_ms.to_string());
    row.meta.insert("operation", task);
    if let Some(call_id) = call_id {
        row.meta.insert("call_id", call_id.to_owned());
    }
    action
}

/// A monitor with role Stopped runs wherever the resource shall not be.
fn inactive<'c>(t: &mut Tables<'c>, rsc: RscIdx, name: &'c str, interval_ms: u32) {
    let chosen = t.resources[rsc].assigned_to;
    let active = t.resources[rsc].next_role > Role::Stopped;
    for node in t.node_order.clone() {
        if active && chosen == Some(node) {
            if let Some(there) = existing(t, rsc, name, interval_ms, node) {
                cancel_for_stopped(t, rsc, node, there);
            }
            continue;
        }
        let state = &t.nodes[node];
        if !state.online && !state.unclean {
            continue;
        }
        if state.is_remote() {
            continue;
        }
        let optional = existing(t, rsc, name, interval_ms, node).is_some();
        let action = create::resource(t, rsc, name, interval_ms, Some(node), optional);
        t.actions[action].runnable = true;
        t.actions[action].meta.insert("op_target_rc", "7");
        let relation = Relation::FIRST_IMPLIES_THEN.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
        if t.resources[rsc].managed {
            for probe in create::find_all(t, rsc, "monitor", Some(node)) {
                crate::order::link(
                    t,
                    probe,
                    action,
                    Relation::UNRUNNABLE_FIRST_BLOCKS.with(Relation::ORDERED),
                );
            }
            for stop in create::find_all(t, rsc, "stop", Some(node)) {
                crate::order::link(t, stop, action, relation);
            }
        }
        if t.nodes[node].unclean || !t.nodes[node].online {
            t.actions[action].runnable = false;
        }
    }
}

fn cancel_for_stopped(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    node: NodeIdx,
    there: crate::model::ActionIdx,
) {
    let (task, interval_ms) = (t.actions[there].task, t.actions[there].interval_ms);
    let cancel = cancel(t, rsc, task, interval_ms, node, None);
    t.orderings.push(Ordering {
        first: by_action(cancel),
        then: by_task(rsc, "start"),
        relation: Relation::UNRUNNABLE_FIRST_BLOCKS,
    });
}

/// Ends the recurring actions that the configuration does not have any more.
pub(crate) fn cancel_removed(t: &mut Tables<'_>) {
    if !t.options.cancel_removed {
        return;
    }
    let Some(status) = t.cib.child("status") else { return };
    let place = |node: NodeIdx| t.node_order.iter().position(|&at| at == node);
    let mut states: Vec<_> = status
        .children_named("node_state")
        .filter_map(|state| {
            let name = state.attribute("uname").or_else(|| state.attribute("id")).unwrap_or("");
            t.node_by_name(name).map(|node| (node, state))
        })
        .collect();
    states.sort_by_key(|&(node, _)| place(node));
    for (node, state) in states {
        let usable = t.nodes[node].maintenance || crate::assign::place::available(t, node);
        let list = state.child("lrm").and_then(|at| at.child("lrm_resources"));
        for entry in list.iter().flat_map(|at| at.children_named("lrm_resource")) {
            if usable {
                cancel_in(t, node, entry);
            }
        }
    }
}

fn cancel_in<'c>(t: &mut Tables<'c>, node: NodeIdx, entry: diarch_cib::xml::Element<'c>) {
    let id = entry.attribute("id").unwrap_or("");
    let named: Vec<_> = t
        .resources
        .iter()
        .filter(|(_, row)| {
            row.id == id || row.history_id.as_deref() == Some(id) || row.base_id == id
        })
        .map(|(rsc, _)| rsc)
        .collect();
    let there = named.iter().copied().find(|&rsc| {
        let row = &t.resources[rsc];
        row.active_on.contains(&node) || row.removed
    });
    let Some(rsc) = there else {
        if let Some(&rsc) = named.first().filter(|&&rsc| t.resources[rsc].is_primitive()) {
            super::definition::check_agent(t, rsc, node, entry);
        }
        return;
    };
    if t.resources[rsc].removed {
        if !t.in_collective(rsc) {
            super::removed::clean_up(t, rsc, node);
        }
        return;
    }
    if super::definition::check_agent(t, rsc, node, entry) {
        return;
    }
    let mut ops: Vec<_> = entry.children_named("lrm_rsc_op").collect();
    ops.sort_by(|a, b| crate::status::by_call(*a, *b));
    let (start, stop) = crate::status::active_range(&ops);
    for (at, op) in (0i64..).zip(ops) {
        let interval = crate::status::interval_of(op);
        if at < start.max(stop) {
            continue;
        }
        let task = op.attribute("operation").unwrap_or("");
        if interval == 0 {
            if matches!(task, "start" | "promote" | "migrate_from" | "monitor") {
                super::definition::check(t, rsc, node, op);
            }
            continue;
        }
        let known = t.resources[rsc]
            .ops
            .iter()
            .any(|c| c.name == task && c.interval_ms == interval && c.enabled);
        let halted = t.resources[rsc].maintenance || t.nodes[node].maintenance;
        if known && !halted {
            super::definition::check(t, rsc, node, op);
        }
        if known && !halted || op.attribute("op-status") == Some("-1") {
            continue;
        }
        let action = cancel(t, rsc, task, interval, node, op.attribute("call-id"));
        t.orderings.push(Ordering {
            first: by_task(rsc, "stop"),
            then: by_action(action),
            relation: Relation::ORDERED,
        });
        if crate::status::failcount::of(t, rsc, node, false).count > 0 {
            create::clear_failcount(t, rsc, node, "a recurring operation is not wanted any more");
        }
    }
}
