//! The agents' `notify` actions, made once it is settled what happens.

use super::environment::{self, Environment};
use super::{Notice, key};
use crate::action::create;
use crate::model::{ActionIdx, Attributes, NodeIdx, Relation, Role, RscIdx, Tables, score};

/// Makes the `notify` actions of all clones.
pub(crate) fn all(t: &mut Tables<'_>) {
    for notice in core::mem::take(&mut t.notices) {
        settle(t, &notice);
        let environment = environment::collect(t, &notice);
        for inner in t.primitives(t.top_of(notice.rsc, false)) {
            instance(t, &notice, inner, &environment);
        }
    }
}

/// What is told of is settled now: so is whether it is told.
fn settle(t: &mut Tables<'_>, notice: &Notice) {
    if let (Some(action), Some(pre)) = (notice.action, notice.pre) {
        for at in pre {
            t.actions[at].optional = t.actions[action].optional;
            t.actions[at].runnable = t.actions[action].runnable;
        }
    }
    for at in notice.post {
        t.actions[at].optional = t.actions[notice.complete].optional;
        t.actions[at].runnable = t.actions[notice.complete].runnable;
    }
}

fn instance(t: &mut Tables<'_>, notice: &Notice, rsc: RscIdx, environment: &Environment) {
    for action in t.resources[rsc].actions.clone() {
        let row = &mut t.actions[action];
        let told = matches!(row.task, "start" | "stop" | "promote" | "demote");
        if told && !row.optional && row.node.is_some() {
            tell(&mut row.meta, environment);
        }
    }
    match notice.task {
        "stop" | "demote" => leaving(t, notice, rsc, environment),
        _ => {
            let list = format!("notify_{}_resource", notice.task);
            if environment.get(&list).is_some_and(|names| names != " ") {
                coming(t, notice, rsc, environment);
            }
        }
    }
}

/// Before something stops or is demoted all active instances are told, after it those that stay.
fn leaving(t: &mut Tables<'_>, notice: &Notice, rsc: RscIdx, environment: &Environment) {
    if t.resources[rsc].role == Role::Stopped {
        return;
    }
    let stop = create::find(t, rsc, "stop", None);
    for node in t.resources[rsc].active_on.clone() {
        let by_fencing = stop.is_some_and(|stop| t.actions[stop].pseudo);
        if by_fencing && t.nodes[node].unclean {
            continue;
        }
        before(t, notice, rsc, node, environment);
        let stays = stop.is_none_or(|stop| t.actions[stop].optional);
        if notice.task == "demote" || stays {
            after(t, notice, rsc, node, environment);
        }
    }
}

/// Before something starts or is promoted those that are active already are told, after it all.
fn coming(t: &mut Tables<'_>, notice: &Notice, rsc: RscIdx, environment: &Environment) {
    if t.resources[rsc].next_role == Role::Stopped {
        return;
    }
    let start = create::find(t, rsc, "start", None);
    let Some(node) = t.resources[rsc].assigned_to else { return };
    // What cannot start is told nothing.
    if start.is_some_and(|start| !t.actions[start].runnable && !t.actions[start].optional) {
        return;
    }
    let runs = start.is_none_or(|start| t.actions[start].optional);
    if notice.task != "start" || runs {
        before(t, notice, rsc, node, environment);
    }
    after(t, notice, rsc, node, environment);
}

fn before(t: &mut Tables<'_>, notice: &Notice, rsc: RscIdx, node: NodeIdx, env: &Environment) {
    if let Some(around) = notice.pre {
        make(t, rsc, node, around, env);
    }
}

/// What is repeated begins only when the instance has been told.
fn after(t: &mut Tables<'_>, notice: &Notice, rsc: RscIdx, node: NodeIdx, env: &Environment) {
    let Some(action) = make(t, rsc, node, notice.post, env) else { return };
    t.actions[action].priority = score::INFINITY;
    for repeated in t.resources[rsc].actions.clone() {
        let row = &t.actions[repeated];
        if row.interval_ms > 0 && row.task != "cancel" && row.cancel_task.is_none() {
            crate::order::link(t, notice.post[1], repeated, Relation::ORDERED);
        }
    }
}

fn tell(meta: &mut Attributes<'_>, environment: &Environment) {
    for (name, value) in environment {
        meta.insert(name.clone(), value.clone());
    }
}

fn make(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    node: NodeIdx,
    [step, done]: [ActionIdx; 2],
    environment: &Environment,
) -> Option<ActionIdx> {
    if !t.nodes[node].online || !t.actions[step].runnable {
        return None;
    }
    let meta = |name: &str| t.actions[step].meta.get(name).unwrap_or("").to_owned();
    let key = key(&t.resources[rsc].id, &meta("notify_type"), &meta("notify_operation"));
    let told = ["notify_type", "notify_operation", "notify_key_type", "notify_key_operation"]
        .map(|name| (name, meta(name)));
    let optional = t.actions[step].optional;
    let action = create::keyed(t, rsc, "notify", key, 0, Some(node), optional);
    let row = &mut t.actions[action];
    for (name, value) in told {
        row.meta.insert(name, value);
    }
    tell(&mut row.meta, environment);
    crate::order::link(t, step, action, Relation::ORDERED);
    crate::order::link(t, action, done, Relation::ORDERED);
    Some(action)
}
