//! The walk over all links until nothing changes any more.

use super::collective::{flags_for, pseudo_for};
use super::effect::{self, Changed, Flags, OPTIONAL, RUNNABLE, flags_of};
use super::link;
use crate::model::{ActionIdx, Link, Relation, Role, RscIdx, Tables};

/// How deep a chain of consequences may go before it is taken for a loop.
const DEPTH_MAX: u32 = 3_000;

/// How many links may be walked over for each action and link there is, before the constraints are
/// taken for ones that never settle. The most that a case of the corpus needs is fifty.
const WALKS_MAX: usize = 200;

/// Links and updates all actions.
pub(crate) fn apply_all(t: &mut Tables<'_>) {
    super::link_all(t);
    crate::probe::order_restarts(t);
    crate::probe::order(t);
    let links: usize = t.actions.iter().map(|(_, row)| row.before.len()).sum();
    t.walks_left = WALKS_MAX * (t.actions.ids().count() + links + WALKS_MAX);
    for action in t.actions.ids().rev() {
        if !t.actions[action].runnable {
            block_dependents(t, action);
        }
    }
    for action in t.actions.ids().rev() {
        update(t, action);
    }
}

/// Updates all that waits for an action.
pub(super) fn followers(t: &mut Tables<'_>, action: ActionIdx) {
    let followers: Vec<_> = t.actions[action].after.iter().map(|link| link.action).collect();
    for follower in followers {
        update(t, follower);
    }
}

/// Updates an action from all that it waits for, and then all that waits for it.
pub(crate) fn update(t: &mut Tables<'_>, then: ActionIdx) {
    walk(t, then, 0);
}

fn walk(t: &mut Tables<'_>, then: ActionIdx, depth: u32) {
    if depth > DEPTH_MAX || t.walks_left == 0 {
        return;
    }
    t.walks_left = t.walks_left.saturating_sub(1 + t.actions[then].before.len());
    if t.walks_left == 0 {
        let key = t.actions[then].key.clone();
        t.error(format!("the orderings around {key} contradict each other and are not kept"));
    }
    let mut then_changed = false;
    let before_flags = flags_of(t, then);
    if t.actions[then].min_runnable {
        t.actions[then].runnable = false;
        t.actions[then].runnable_before = 0;
        if t.actions[then].required_runnable == 0 {
            t.actions[then].required_runnable = 1;
        }
    }
    // New links come to the front and are no part of this walk: the place from the end stays.
    for left in (1..=t.actions[then].before.len()).rev() {
        let (first_changed, changed) = one(t, then, left);
        then_changed |= changed;
        if let Some(first) = first_changed {
            let followers: Vec<_> = t.actions[first].after.iter().map(|link| link.action).collect();
            for follower in followers {
                walk(t, follower, depth + 1);
            }
            walk(t, first, depth + 1);
        }
    }
    if t.actions[then].min_runnable {
        then_changed = before_flags != flags_of(t, then);
    }
    if then_changed {
        if before_flags.1 && !t.actions[then].runnable {
            block_dependents(t, then);
        }
        walk(t, then, depth + 1);
        let followers: Vec<_> = t.actions[then].after.iter().map(|link| link.action).collect();
        for follower in followers {
            walk(t, follower, depth + 1);
        }
    }
}

/// Gives the link to what an action waits for that has so many from it to the end of the list.
fn entry<'t>(t: &'t mut Tables<'_>, then: ActionIdx, left: usize) -> &'t mut Link {
    let before = &mut t.actions[then].before;
    let at = before.len() - left;
    &mut before[at]
}

/// Applies one link; gives the first action if it changed, and whether `then` did.
fn one(t: &mut Tables<'_>, then: ActionIdx, left: usize) -> (Option<ActionIdx>, bool) {
    let link_row = *entry(t, then, left);
    let original = link_row.action;
    let first_node = node_for(t, original);
    let then_node = node_for(t, then);
    let same_only = link_row.relation == Relation::IF_ON_SAME_NODE
        || link_row.relation == Relation::ORDERED.with(Relation::IF_ON_SAME_NODE);
    if same_only && first_node.is_some() && then_node.is_some() && first_node != then_node {
        entry(t, then, left).relation = Relation::NONE;
        return (None, false);
    }
    if link_row.relation.has(Relation::IF_FIRST_UNMIGRATABLE) && t.actions[original].migratable {
        return (None, false);
    }
    if link_row.relation.has(Relation::THEN_CANCELS_FIRST)
        && t.actions[original].rsc.is_some()
        && !t.actions[then].optional
    {
        t.actions[original].optional = true;
        if t.actions[original].task == "reload-agent"
            && let Some(rsc) = t.actions[original].rsc
        {
            t.resources[rsc].reload = false;
        }
    }
    let mut first = original;
    if let (Some(a), Some(b)) = (t.actions[original].rsc, t.actions[then].rsc)
        && a != b
        && !is_ancestor(t, a, b)
    {
        first = pseudo_for(t, original);
    }
    if first == original {
        let first_flags = flags_for(t, first, then_node);
        let then_flags = flags_for(t, then, first_node);
        let changed = apply(t, first, then, first_flags, then_flags, left);
        (changed.first.then_some(first), changed.then)
    } else {
        let linked = link(t, first, then, link_row.relation);
        entry(t, then, left).relation = Relation::NONE;
        (None, linked)
    }
}

fn node_for(t: &Tables<'_>, action: ActionIdx) -> Option<crate::model::NodeIdx> {
    let row = &t.actions[action];
    match row.rsc {
        Some(rsc) if row.task == "start" && t.resources[rsc].is_group() => {
            let first = t.resources[rsc].children.first().copied();
            first.and_then(|child| t.resources[child].assigned_to)
        }
        _ => row.node,
    }
}

fn is_ancestor(t: &Tables<'_>, rsc: RscIdx, of: RscIdx) -> bool {
    let mut at = t.resources[of].parent;
    while let Some(parent) = at {
        if parent == rsc {
            return true;
        }
        at = t.resources[parent].parent;
    }
    false
}

#[expect(clippy::too_many_lines, reason = "one paragraph for each effect of a link")]
fn apply(
    t: &mut Tables<'_>,
    first: ActionIdx,
    then: ActionIdx,
    first_flags: Flags,
    then_flags: Flags,
    left: usize,
) -> Changed {
    let relation = entry(t, then, left).relation;
    let node = t.actions[then].node;
    let has_rsc = t.actions[then].rsc.is_some();
    let mut changed = Changed::default();
    let run = |t: &mut Tables<'_>, one: Relation, filter: u8| {
        effect::update(t, first, then, node, first_flags, filter, one)
    };
    if relation.has(Relation::FIRST_IMPLIES_THEN) {
        if has_rsc {
            changed |= run(t, Relation::FIRST_IMPLIES_THEN, OPTIONAL);
        } else if !first_flags.optional && t.actions[then].optional {
            t.actions[then].optional = false;
            changed.then = true;
        }
    }
    if relation.has(Relation::INTERMEDIATE_STOP) && has_rsc {
        changed |= run(t, Relation::INTERMEDIATE_STOP, OPTIONAL | RUNNABLE);
    }
    if relation.has(Relation::THEN_IMPLIES_FIRST) {
        if let Some(rsc) = t.actions[first].rsc {
            // It is the first's to follow: the other's parts matter only to parts of its own.
            let kind = Relation::THEN_IMPLIES_FIRST;
            changed |= if t.resources[rsc].is_primitive() {
                effect::primitive(t, first, then, first_flags, OPTIONAL, kind)
            } else {
                run(t, kind, OPTIONAL)
            };
        } else if t.actions[first].rsc.is_none()
            && !first_flags.optional
            && t.actions[first].runnable
        {
            t.actions[first].runnable = false;
            changed.first = true;
        }
    }
    if relation.has(Relation::PROMOTED_THEN_IMPLIES_FIRST) && has_rsc {
        changed |= run(t, Relation::PROMOTED_THEN_IMPLIES_FIRST, OPTIONAL);
    }
    if relation.has(Relation::MIN_RUNNABLE) {
        if has_rsc {
            changed |= run(t, Relation::MIN_RUNNABLE, RUNNABLE);
        } else if first_flags.runnable {
            let row = &mut t.actions[then];
            row.runnable_before += 1;
            if row.runnable_before >= row.required_runnable && !row.runnable {
                row.runnable = true;
                changed.then = true;
            }
        }
    }
    if relation.has(Relation::NESTED_REMOTE_PROBE) && has_rsc {
        let active = t.actions[first].rsc.is_some_and(|r| !t.resources[r].active_on.is_empty());
        if !t.actions[first].runnable && active {
            entry(t, then, left).relation = Relation::NONE;
        } else {
            changed |= run(t, Relation::UNRUNNABLE_FIRST_BLOCKS, RUNNABLE);
        }
    }
    if relation.has(Relation::UNRUNNABLE_FIRST_BLOCKS) {
        if has_rsc {
            changed |= run(t, Relation::UNRUNNABLE_FIRST_BLOCKS, RUNNABLE);
        } else if !first_flags.runnable && t.actions[then].runnable {
            t.actions[then].runnable = false;
            changed.then = true;
        }
    }
    for (one, filter) in [
        (Relation::UNMIGRATABLE_THEN_BLOCKS, OPTIONAL),
        (Relation::ORDERED, RUNNABLE),
        (Relation::ASYMMETRIC, RUNNABLE),
    ] {
        if relation.has(one) && has_rsc {
            changed |= run(t, one, filter);
        }
    }
    // What is only shown is no change that others could follow from.
    if t.actions[first].runnable
        && relation.has(Relation::FIRST_IMPLIES_THEN_GRAPHED)
        && !first_flags.optional
    {
        t.actions[then].print_always = true;
    }
    if relation.has(Relation::THEN_IMPLIES_FIRST_GRAPHED) && !then_flags.optional {
        t.actions[first].print_always = true;
    }
    let strong = Relation::FIRST_IMPLIES_THEN
        .with(Relation::THEN_IMPLIES_FIRST)
        .with(Relation::INTERMEDIATE_STOP);
    let unmanaged = t.actions[first].rsc.is_some_and(|rsc| !t.resources[rsc].managed);
    if relation.any(strong)
        && unmanaged
        && !t.actions[first].runnable
        && t.actions[first].task == "stop"
        && t.actions[then].runnable
    {
        t.actions[then].runnable = false;
        changed.then = true;
    }
    changed
}

/// What has to be where a resource is cannot start, or be promoted, when that one cannot.
fn block_dependents(t: &mut Tables<'_>, action: ActionIdx) {
    let row = &t.actions[action];
    let Some(rsc) = row.rsc else { return };
    let promoting = match row.task {
        "start" => false,
        "promote" => true,
        _ => return,
    };
    // As long as a part of it can, it is there.
    let whole = t.top_of(rsc, true);
    let still = t.resources[whole].children.iter().any(|&child| {
        crate::action::create::find(t, child, t.actions[action].task, None)
            .is_none_or(|inner| t.actions[inner].runnable)
    });
    if still {
        return;
    }
    let all: Vec<usize> = t.resources[whole].with_this.clone();
    for index in all {
        let constraint = t.colocations[index].clone();
        let relevant = !promoting || constraint.primary_role == Role::Promoted;
        if constraint.score < crate::model::score::INFINITY || !relevant {
            continue;
        }
        block(t, constraint.dependent, constraint.dependent_role, action);
    }
}

fn block(t: &mut Tables<'_>, rsc: RscIdx, role: Role, cause: ActionIdx) {
    let row = &t.resources[rsc];
    let task = if role == Role::Promoted { "promote" } else { "start" };
    let children = row.children.clone();
    for action in crate::action::create::find_all(t, rsc, task, None) {
        if !t.actions[action].runnable {
            continue;
        }
        if let Some(primary) = t.actions[cause].rsc.filter(|_| t.actions[action].reason.is_none()) {
            let reason = format!("colocation with {}", t.resources[primary].id);
            t.actions[action].reason = Some(reason);
        }
        t.actions[action].runnable = false;
        block_dependents(t, action);
        update(t, action);
    }
    for child in children {
        block(t, child, role, cause);
    }
}
