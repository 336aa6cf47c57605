//! Orderings with groups, clones and bundles: their members' actions instead of their own.

use super::effect::{self, Flags};
use super::link;
use crate::action::create;
use crate::model::{ActionIdx, NodeIdx, Relation, Role, RscIdx, Tables};
use crate::unpack::duration::is_true;

/// Gives the task of members that a step of a collection stands for.
pub(super) fn base_task(task: &str) -> &'static str {
    match task {
        "start" | "running" => "start",
        "stop" | "stopped" => "stop",
        "promote" | "promoted" => "promote",
        "demote" | "demoted" => "demote",
        "migrate_to" => "migrate_to",
        "migrate_from" => "migrate_from",
        _ => "",
    }
}

/// Gives the step at which a collection's action is complete, where others wait for it.
pub(super) fn pseudo_for(t: &Tables<'_>, action: ActionIdx) -> ActionIdx {
    let row = &t.actions[action];
    let Some(rsc) = row.rsc else { return action };
    if t.resources[rsc].is_primitive() || row.interval_ms > 0 {
        return action;
    }
    let done = match row.task {
        "start" | "running" => "running",
        "stop" | "stopped" => "stopped",
        "promote" | "promoted" => "promoted",
        "demote" | "demoted" => "demoted",
        _ => return action,
    };
    if !t.resources[rsc].notify || t.resources[rsc].is_group() {
        return create::find(t, rsc, done, None).unwrap_or(action);
    }
    let key = format!("{}_confirmed-post_notify_{done}_0", t.resources[rsc].id);
    let mut all = t.resources[rsc].actions.iter().copied();
    all.find(|&other| t.actions[other].key == key).unwrap_or(action)
}

/// Gives an action's flags, those of a collection's members taken together.
pub(super) fn flags_for(t: &mut Tables<'_>, action: ActionIdx, node: Option<NodeIdx>) -> Flags {
    let row = &t.actions[action];
    let own = Flags { optional: row.optional, runnable: row.runnable, migratable: row.migratable };
    let Some(rsc) = row.rsc else { return own };
    if t.resources[rsc].is_primitive() {
        return own;
    }
    let task = row.task;
    if t.resources[rsc].is_group() {
        return group_flags(t, action, rsc, node);
    }
    let ours = ["start", "stop", "promote", "demote", "running", "stopped", "promoted", "demoted"];
    if !ours.contains(&task) {
        return own;
    }
    let anywhere = instance_flags(t, action, rsc, None);
    if node.is_none() {
        return anywhere;
    }
    // Whether it can run anywhere counts, whether it has to run here.
    let here = instance_flags(t, action, rsc, node);
    Flags { runnable: here.runnable || anywhere.runnable, ..here }
}

fn group_flags(t: &mut Tables<'_>, action: ActionIdx, rsc: RscIdx, node: Option<NodeIdx>) -> Flags {
    let task = base_task(t.actions[action].task);
    let mut flags = Flags { optional: true, runnable: true, migratable: false };
    for child in t.resources[rsc].children.clone() {
        if let Some(inner) = create::find(t, child, task, node) {
            let row = &t.actions[inner];
            if !row.optional {
                flags.optional = false;
                t.actions[action].optional = false;
            }
            // A member that shall not run does not keep the others from it.
            let row = &t.actions[inner];
            let wanted = !row.optional || t.actions[action].task != task;
            if !row.runnable && wanted && task != "stop" {
                flags.runnable = false;
            }
        } else if task != "stop" && task != "demote" {
            flags.runnable = flags.runnable && node.is_none();
        }
    }
    flags
}

fn instance_flags(
    t: &mut Tables<'_>,
    action: ActionIdx,
    rsc: RscIdx,
    node: Option<NodeIdx>,
) -> Flags {
    let task = base_task(t.actions[action].task);
    let mut flags = Flags { optional: true, runnable: true, migratable: false };
    let mut any_runnable = false;
    for child in t.instances(rsc, is_promotion(task)) {
        let found = if t.resources[child].is_primitive() {
            create::find(t, child, task, node)
        } else {
            create::find(t, child, task, None)
        };
        let Some(inner) = found else { continue };
        let inner_flags = flags_for(t, inner, node);
        if !inner_flags.optional {
            flags.optional = false;
            t.actions[action].optional = false;
        }
        any_runnable |= inner_flags.runnable;
    }
    if !any_runnable {
        flags.runnable = false;
        if node.is_none() {
            t.actions[action].runnable = false;
        }
    }
    flags
}

/// Applies an effect to a clone's or bundle's instances.
pub(super) fn update(
    t: &mut Tables<'_>,
    first: ActionIdx,
    then: ActionIdx,
    node: Option<NodeIdx>,
    flags: Flags,
    filter: u8,
    kind: Relation,
) {
    let (Some(rsc), first_rsc) = (t.actions[then].rsc, t.actions[first].rsc) else { return };
    let undone = matches!(t.actions[then].task, "stop" | "demote");
    if let Some(first_rsc) = first_rsc.filter(|&at| interleaves(t, at, rsc, undone)) {
        interleave(t, (first, first_rsc), (then, rsc), node, filter, kind);
        return;
    }
    effect::primitive(t, first, then, flags, filter, kind);
    let task = base_task(t.actions[then].task);
    for child in t.instances(rsc, is_promotion(task)) {
        if let Some(inner) = create::find(t, child, task, node)
            && t.actions[inner].runnable
        {
            effect::update(t, first, inner, node, flags, filter, kind);
        }
    }
}

/// Interleaving is for what waits to decide: on the way up the second, on the way down the first.
fn interleaves(t: &Tables<'_>, first: RscIdx, then: RscIdx, undone: bool) -> bool {
    if first == then || !t.resources[first].is_collective() || !t.resources[then].is_collective() {
        return false;
    }
    let decides = if undone { first } else { then };
    is_true(t.resources[decides].meta("interleave"))
}

fn interleave(
    t: &mut Tables<'_>,
    (first, first_rsc): (ActionIdx, RscIdx),
    (then, then_rsc): (ActionIdx, RscIdx),
    node: Option<NodeIdx>,
    filter: u8,
    kind: Relation,
) {
    let first_task = match t.actions[first].task {
        "notified" | "notify" => {
            t.actions[first].meta.get("notify_operation").map_or("", base_task)
        }
        task => base_task(task),
    };
    let current = matches!(first_task, "stop" | "demote");
    let then_task = base_task(t.actions[then].task);
    for instance in t.instances(then_rsc, is_promotion(then_task)) {
        let Some(partner) = compatible(t, instance, first_rsc, current) else {
            let needed =
                kind.any(Relation::UNRUNNABLE_FIRST_BLOCKS.with(Relation::THEN_IMPLIES_FIRST));
            if needed && !current && t.resources[instance].assigned_to.is_some() {
                crate::assign::place::assign_to(t, instance, None, true, true);
                for inner in t.primitives(instance) {
                    for action in t.resources[inner].actions.clone() {
                        super::update(t, action);
                    }
                }
            }
            continue;
        };
        let from = instance_action(t, partner, first_task);
        let to = instance_action(t, instance, then_task);
        let (Some(from), Some(to)) = (from, to) else { continue };
        link(t, from, to, kind);
        let flags = flags_for(t, from, node);
        effect::update(t, from, to, node, flags, filter, kind);
    }
}

fn is_promotion(task: &str) -> bool {
    matches!(task, "promote" | "demote")
}

fn instance_action(t: &Tables<'_>, rsc: RscIdx, task: &str) -> Option<ActionIdx> {
    create::find(t, rsc, task, None)
}

/// Gives the instance of a clone that is where this instance is.
pub(crate) fn compatible(
    t: &Tables<'_>,
    instance: RscIdx,
    clone: RscIdx,
    current: bool,
) -> Option<RscIdx> {
    let promotion = t.resources[instance].parent.is_some_and(|at| t.resources[at].is_clone());
    let all = t.instances(clone, promotion);
    let at = |node: NodeIdx| {
        all.iter().copied().find(|&other| {
            location(t, other, current) == Some(node)
                && (current || t.resources[other].next_role != Role::Stopped)
        })
    };
    match location(t, instance, current) {
        Some(here) => at(here),
        // Where it goes nowhere, the place counts where it would have been best.
        None => crate::assign::place::ranked(t, instance, None).into_iter().find_map(at),
    }
}

/// Where a resource is, or will be.
fn location(t: &Tables<'_>, rsc: RscIdx, current: bool) -> Option<NodeIdx> {
    let row = &t.resources[rsc];
    if !row.is_primitive() {
        return row.children.iter().find_map(|&child| location(t, child, current));
    }
    if current { row.active_on.first().copied() } else { row.assigned_to }
}
