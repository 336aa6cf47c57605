//! The walk over all links until nothing changes any more.

use super::collective::{flags_for, pseudo_for};
use super::effect::{self, Flags, OPTIONAL, RUNNABLE};
use super::link;
use crate::model::{ActionIdx, Relation, Role, RscIdx, Tables};

/// How deep a chain of consequences may go before it is taken for a loop.
const DEPTH_MAX: u32 = 3_000;

/// How many links may be walked over for each action and link there is, before the constraints are
/// taken for ones that never settle. The most that a case of the corpus needs is fifty.
const WALKS_MAX: usize = 200;

/// Links and updates all actions.
pub(crate) fn apply_all(t: &mut Tables<'_>) {
    super::link_all(t);
    crate::probe::order(t);
    let links: usize = t.actions.iter().map(|(_, row)| row.before.len()).sum();
    t.walks_left = WALKS_MAX * (t.actions.ids().count() + links + WALKS_MAX);
    for action in t.actions.ids().rev() {
        update(t, action);
    }
    crate::probe::order(t);
    crate::probe::order_restarts(t);
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
    let mut at = 0;
    while at < t.actions[then].before.len() {
        let (first_changed, changed) = one(t, then, at);
        at += 1;
        then_changed |= changed;
        if let Some(first) = first_changed {
            let followers: Vec<_> = t.actions[first].after.iter().map(|link| link.action).collect();
            for follower in followers {
                if follower != then {
                    walk(t, follower, depth + 1);
                }
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

fn flags_of(t: &Tables<'_>, action: ActionIdx) -> (bool, bool, bool, bool) {
    let row = &t.actions[action];
    (row.optional, row.runnable, row.migratable, row.print_always)
}

/// Applies one link; gives the first action if it changed, and whether `then` did.
fn one(t: &mut Tables<'_>, then: ActionIdx, at: usize) -> (Option<ActionIdx>, bool) {
    let entry = t.actions[then].before[at];
    let original = entry.action;
    if entry.relation == Relation::NONE {
        return (None, false);
    }
    let first_node = node_for(t, original);
    let then_node = node_for(t, then);
    let same_only = entry.relation == Relation::IF_ON_SAME_NODE
        || entry.relation == Relation::ORDERED.with(Relation::IF_ON_SAME_NODE);
    if same_only && first_node.is_some() && then_node.is_some() && first_node != then_node {
        t.actions[then].before[at].relation = Relation::NONE;
        return (None, false);
    }
    if entry.relation.has(Relation::IF_FIRST_UNMIGRATABLE) && t.actions[original].migratable {
        return (None, false);
    }
    if entry.relation.has(Relation::THEN_CANCELS_FIRST)
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
    let before_first = flags_of(t, first);
    let before_then = flags_of(t, then);
    let first_flags = flags_for(t, first, then_node);
    let then_flags = flags_for(t, then, t.actions[first].node);
    if first == original {
        apply(t, first, then, first_flags, then_flags, at);
    } else if link(t, first, then, entry.relation) {
        // What was inserted at the front moves this link on by one.
        let moved = at + 1;
        if let Some(link) = t.actions[then].before.get_mut(moved) {
            link.relation = Relation::NONE;
        }
        return (None, true);
    } else {
        t.actions[then].before[at].relation = Relation::NONE;
    }
    let first_changed = (before_first != flags_of(t, first)).then_some(first);
    (first_changed, before_then != flags_of(t, then))
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
    at: usize,
) {
    let relation = t.actions[then].before[at].relation;
    let node = t.actions[then].node;
    let then_rsc = t.actions[then].rsc;
    let run = |t: &mut Tables<'_>, one: Relation, flags: Flags, filter: u8| {
        effect::update(t, first, then, node, flags, filter, one);
    };
    if relation.has(Relation::FIRST_IMPLIES_THEN) {
        if then_rsc.is_some() {
            run(t, Relation::FIRST_IMPLIES_THEN, first_flags, OPTIONAL);
        } else if !first_flags.optional {
            t.actions[then].optional = false;
        }
    }
    if relation.has(Relation::INTERMEDIATE_STOP) && then_rsc.is_some() {
        run(t, Relation::INTERMEDIATE_STOP, first_flags, OPTIONAL | RUNNABLE);
    }
    if relation.has(Relation::THEN_IMPLIES_FIRST) {
        if t.actions[first].rsc.is_some() && !then_flags.optional {
            effect::update(
                t,
                first,
                then,
                node,
                first_flags,
                OPTIONAL,
                Relation::THEN_IMPLIES_FIRST,
            );
        } else if t.actions[first].rsc.is_none() && !first_flags.optional {
            t.actions[first].runnable = false;
        }
    }
    if relation.has(Relation::PROMOTED_THEN_IMPLIES_FIRST) && then_rsc.is_some() {
        effect::update(
            t,
            first,
            then,
            node,
            first_flags,
            OPTIONAL,
            Relation::PROMOTED_THEN_IMPLIES_FIRST,
        );
    }
    if relation.has(Relation::MIN_RUNNABLE) {
        if then_rsc.is_some() {
            effect::update(t, first, then, node, first_flags, RUNNABLE, Relation::MIN_RUNNABLE);
        } else if first_flags.runnable {
            let row = &mut t.actions[then];
            row.runnable_before += 1;
            if row.runnable_before >= row.required_runnable {
                row.runnable = true;
            }
        }
    }
    if relation.has(Relation::NESTED_REMOTE_PROBE) && then_rsc.is_some() {
        let active = t.actions[first].rsc.is_some_and(|r| !t.resources[r].active_on.is_empty());
        if !t.actions[first].runnable && active {
            t.actions[then].before[at].relation = Relation::NONE;
        } else {
            effect::update(
                t,
                first,
                then,
                node,
                first_flags,
                RUNNABLE,
                Relation::UNRUNNABLE_FIRST_BLOCKS,
            );
        }
    }
    if relation.has(Relation::UNRUNNABLE_FIRST_BLOCKS) {
        if then_rsc.is_some() {
            effect::update(
                t,
                first,
                then,
                node,
                first_flags,
                RUNNABLE,
                Relation::UNRUNNABLE_FIRST_BLOCKS,
            );
        } else if !first_flags.runnable {
            t.actions[then].runnable = false;
        }
    }
    for (one, filter) in [
        (Relation::UNMIGRATABLE_THEN_BLOCKS, OPTIONAL),
        (Relation::ORDERED, RUNNABLE),
        (Relation::ASYMMETRIC, RUNNABLE),
    ] {
        if relation.has(one) && then_rsc.is_some() {
            effect::update(t, first, then, node, first_flags, filter, one);
        }
    }
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
    let blocked = t.actions[first].rsc.is_some_and(|rsc| {
        let row = &t.resources[rsc];
        !row.managed
    });
    if relation.any(strong)
        && blocked
        && !t.actions[first].runnable
        && t.actions[first].task == "stop"
    {
        if t.actions[then].runnable {
            effect::because(t, then, "unrunnable", first);
        }
        t.actions[then].runnable = false;
    }
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
    let mut all: Vec<usize> = t.resources[rsc].with_this.clone();
    let parent = t.resources[rsc].parent;
    if let Some(parent) = parent.filter(|&at| t.resources[at].is_group()) {
        all.extend(t.resources[parent].with_this.iter().copied());
    }
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
    let whole = !row.is_primitive();
    for child in row.children.clone() {
        block(t, child, role, cause);
    }
    let node = t.actions[cause].node;
    for action in crate::action::create::find_all(t, rsc, task, None) {
        if !t.actions[action].runnable || !whole && t.actions[action].node != node {
            continue;
        }
        if let Some(primary) = t.actions[cause].rsc.filter(|_| t.actions[action].reason.is_none()) {
            let reason = format!("colocation with {}", t.resources[primary].id);
            t.actions[action].reason = Some(reason);
        }
        t.actions[action].runnable = false;
        let followers: Vec<_> = t.actions[action].after.iter().map(|link| link.action).collect();
        block_dependents(t, action);
        for follower in followers {
            update(t, follower);
        }
    }
}
