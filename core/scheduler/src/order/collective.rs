//! Orderings with groups, clones and bundles: their members' actions instead of their own.

use super::effect::{self, Changed, Flags};
use super::link;
use crate::action::create;
use crate::model::{Action, ActionIdx, NodeIdx, Relation, Role, RscIdx, Tables};
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

/// Gives the task of members that an action of a collection stands for, or is told of.
fn step_of(action: &Action<'_>) -> &'static str {
    match action.task {
        "notified" | "notify" => action.meta.get("notify_operation").map_or("", base_task),
        task => base_task(task),
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

/// Gives an action's flags as an ordering with an action on a node sees them.
///
/// Only with clones the node matters: whether one can run anywhere counts, whether it has to run
/// here.
pub(super) fn flags_for(t: &mut Tables<'_>, action: ActionIdx, node: Option<NodeIdx>) -> Flags {
    let anywhere = flags_at(t, action, None);
    let clone = t.actions[action].rsc.is_some_and(|rsc| t.resources[rsc].is_clone());
    if node.is_none() || !clone {
        return anywhere;
    }
    let here = flags_at(t, action, node);
    Flags { runnable: here.runnable || anywhere.runnable, ..here }
}

/// Gives an action's flags, those of a collection's members (on a node) taken together.
fn flags_at(t: &mut Tables<'_>, action: ActionIdx, node: Option<NodeIdx>) -> Flags {
    let row = &t.actions[action];
    let own = Flags { optional: row.optional, runnable: row.runnable, migratable: row.migratable };
    let Some(rsc) = row.rsc else { return own };
    if t.resources[rsc].is_primitive() {
        return own;
    }
    if t.resources[rsc].is_group() {
        return group_flags(t, action, rsc, node);
    }
    if step_of(row).is_empty() {
        return own;
    }
    instance_flags(t, action, rsc, node)
}

/// Settles the steps of clones by what has become of their instances'.
pub(crate) fn settle(t: &mut Tables<'_>) {
    for rsc in t.resources.ids() {
        if t.resources[rsc].is_clone() {
            for action in t.resources[rsc].actions.clone() {
                flags_at(t, action, None);
            }
        }
    }
}

/// A group has to do what any member has to; it is done only where all its members can be.
fn group_flags(t: &mut Tables<'_>, action: ActionIdx, rsc: RscIdx, node: Option<NodeIdx>) -> Flags {
    let task = base_task(t.actions[action].task);
    let done = t.actions[action].task != task;
    let mut flags = Flags { optional: true, runnable: true, migratable: false };
    for child in t.resources[rsc].children.clone() {
        let Some(inner) = create::find(t, child, task, node) else {
            flags.runnable &= matches!(task, "stop" | "demote");
            continue;
        };
        let inner = flags_at(t, inner, node);
        if !inner.optional {
            flags.optional = false;
            t.actions[action].optional = false;
        }
        if done && !inner.runnable {
            flags.runnable = false;
            t.actions[action].runnable = false;
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
    let task = step_of(&t.actions[action]);
    let mut flags = Flags { optional: true, runnable: true, migratable: false };
    let mut any_runnable = false;
    for child in t.instances(rsc, is_promotion(task)) {
        // An instance that has steps of its own has the one that is asked for.
        let found = if t.resources[child].is_primitive() {
            create::find(t, child, task, node)
        } else {
            create::find(t, child, t.actions[action].task, None)
        };
        let Some(inner) = found else { continue };
        let inner_flags = flags_at(t, inner, node);
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
) -> Changed {
    let (Some(rsc), first_rsc) = (t.actions[then].rsc, t.actions[first].rsc) else {
        return Changed::default();
    };
    let undone = matches!(t.actions[then].task, "stop" | "demote");
    if let Some(first_rsc) = first_rsc.filter(|&at| interleaves(t, at, rsc, undone)) {
        return interleave(t, (first, first_rsc), (then, rsc), node, filter, kind);
    }
    let mut changed = effect::primitive(t, first, then, flags, filter, kind);
    let task = base_task(t.actions[then].task);
    for child in t.instances(rsc, is_promotion(task)) {
        if let Some(inner) = create::find(t, child, task, node)
            && t.actions[inner].runnable
        {
            let one = effect::update(t, first, inner, node, flags, filter, kind);
            if one.then {
                super::update::followers(t, inner);
            }
            changed |= one;
        }
    }
    changed
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
) -> Changed {
    let mut changed = Changed::default();
    let first_task = step_of(&t.actions[first]);
    let key = &t.actions[first].key;
    let current = key.ends_with("_stopped_0") || key.ends_with("_demoted_0");
    let then_task = base_task(t.actions[then].task);
    for instance in t.instances(then_rsc, false) {
        let Some(partner) = compatible(t, instance, first_rsc, current) else {
            let needed =
                kind.any(Relation::UNRUNNABLE_FIRST_BLOCKS.with(Relation::FIRST_IMPLIES_THEN));
            if needed && !current && t.resources[instance].assigned_to.is_some() {
                crate::assign::place::assign_to(t, instance, None, true, true);
                changed.then = true;
            }
            continue;
        };
        let from = instance_action(t, first_rsc, partner, first_task);
        let to = instance_action(t, then_rsc, instance, then_task);
        let (Some(from), Some(to)) = (from, to) else { continue };
        if link(t, from, to, kind) {
            changed |= Changed { first: true, then: true };
        }
        let flags = flags_for(t, from, node);
        changed |= effect::update(t, from, to, node, flags, filter, kind);
    }
    changed
}

fn is_promotion(task: &str) -> bool {
    matches!(task, "promote" | "demote")
}

/// Gives an instance's action; what is promoted is not a container but what is inside.
fn instance_action(
    t: &Tables<'_>,
    whole: RscIdx,
    instance: RscIdx,
    task: &str,
) -> Option<ActionIdx> {
    let mut replicas =
        t.resources[whole].bundle_data().map_or(&[][..], |data| &data.replicas).iter();
    let inside = replicas.find(|replica| replica.container == instance).and_then(|at| at.child);
    create::find(t, inside.filter(|_| is_promotion(task)).unwrap_or(instance), task, None)
}

/// Gives the instance of a clone that is where this instance is.
pub(crate) fn compatible(
    t: &Tables<'_>,
    instance: RscIdx,
    clone: RscIdx,
    current: bool,
) -> Option<RscIdx> {
    let all = t.instances(clone, false);
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
