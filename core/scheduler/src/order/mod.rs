//! Orderings applied to actions: what one action's state means for another's.

mod collective;
mod effect;
pub(crate) mod remote;
mod update;

pub(crate) use collective::{compatible, settle};
pub(crate) use update::{apply_all, update};

use crate::action::create;
use crate::model::{ActionIdx, End, Link, Ordering, Relation, Role, RscIdx, Tables};

/// Links two actions; false where they were already.
pub(crate) fn link(
    t: &mut Tables<'_>,
    first: ActionIdx,
    then: ActionIdx,
    relation: Relation,
) -> bool {
    if relation == Relation::NONE || first == then {
        return false;
    }
    let already = t.actions[first]
        .after
        .iter()
        .any(|link| link.action == then && link.relation.any(relation));
    if already {
        return false;
    }
    t.actions[first].after.insert(0, Link { action: then, relation, graphed: false });
    t.actions[then].before.insert(0, Link { action: first, relation, graphed: false });
    true
}

/// What waits for another's start waits with its migration too, and what stops before another
/// stops is down before that one migrates (*Pacemaker Explained*, "Migrating Resources").
fn migration_equivalents(t: &mut Tables<'_>) {
    for at in 0..t.orderings.len() {
        let Ordering { first, then, .. } = t.orderings[at];
        let (Some(first_rsc), Some(then_rsc)) = (first.rsc, then.rsc) else { continue };
        if !t.resources[then_rsc].allow_migrate || t.contains(first_rsc, then_rsc) {
            continue;
        }
        let (Some(first_task), Some(then_task)) = (first.task, then.task) else { continue };
        let waits =
            [("start", "start"), ("promote", "start"), ("stop", "stop"), ("demote", "stop")];
        if !waits.contains(&(first_task, then_task)) {
            continue;
        }
        let then = End { task: Some("migrate_to"), ..then };
        let mut relation = Relation::ORDERED;
        if t.resources[first_rsc].allow_migrate {
            if first_task == "start" {
                let first = End { task: Some("migrate_from"), ..first };
                t.orderings.push(Ordering { first, then, relation });
            }
            relation = relation.with(Relation::IF_FIRST_UNMIGRATABLE);
        }
        t.orderings.push(Ordering { first, then, relation });
    }
}

/// Turns every ordering into links between actions, in order of creation.
pub(super) fn link_all(t: &mut Tables<'_>) {
    migration_equivalents(t);
    let mut at = 0;
    while at < t.orderings.len() {
        let ordering = t.orderings[at];
        at += 1;
        let firsts = match (ordering.first.action, ordering.first.rsc) {
            (Some(action), _) => vec![action],
            (None, Some(rsc)) => firsts(t, rsc, &ordering),
            (None, None) => Vec::new(),
        };
        for first in firsts {
            after(t, first, &ordering);
        }
    }
}

fn firsts<'c>(t: &mut Tables<'c>, rsc: RscIdx, ordering: &Ordering<'c>) -> Vec<ActionIdx> {
    let Some(task) = ordering.first.task else { return Vec::new() };
    let found = create::find_all(t, rsc, task, None);
    if !found.is_empty() {
        return found;
    }
    let then = ordering.then.action.and_then(|action| t.actions[action].rsc);
    if ordering.then.rsc.or(then) == Some(rsc) {
        return Vec::new();
    }
    let role = t.resources[rsc].role;
    let moot = match task {
        "stop" => role == Role::Stopped,
        "demote" => matches!(role, Role::Started | Role::Unpromoted),
        _ => false,
    };
    if moot {
        return Vec::new();
    }
    vec![create::resource(t, rsc, task, 0, None, true)]
}

fn after<'c>(t: &mut Tables<'c>, first: ActionIdx, ordering: &Ordering<'c>) {
    if let Some(then) = ordering.then.action {
        link(t, first, then, ordering.relation);
        return;
    }
    let (Some(rsc), Some(task)) = (ordering.then.rsc, ordering.then.task) else { return };
    let cleans_up = is_clean_up(t, first);
    for then in create::find_all(t, rsc, task, None) {
        let same = t.actions[then].rsc == t.actions[first].rsc;
        let relation = if cleans_up && same { Relation::ORDERED } else { ordering.relation };
        link(t, first, then, relation);
    }
}

/// Tells whether an action is the stop on the source of a migration that is complete: it says
/// nothing of the resource, which runs on the target (*Pacemaker Explained*, "Migrating
/// Resources").
fn is_clean_up(t: &Tables<'_>, action: ActionIdx) -> bool {
    let row = &t.actions[action];
    let (Some(rsc), Some(node), "stop") = (row.rsc, row.node, row.task) else { return false };
    let rsc = &t.resources[rsc];
    rsc.dangling_sources.contains(&node) && !rsc.active_on.contains(&node)
}
