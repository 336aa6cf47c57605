//! Promotable clones: who is promoted (*Pacemaker Explained*, "Promotable Clones").

use super::{clone, colocate, place};
use crate::constraint::ordering::add;
use crate::model::{NoQuorum, NodeIdx, NodeTable, Relation, Role, RscIdx, Tables, score};
use crate::status::failcount::base;

/// Adds promotion scores to where instances would like to be.
pub(super) fn add_scores(t: &mut Tables<'_>, rsc: RscIdx) {
    let done = t.resources[rsc].clone_data().is_none_or(|data| data.promotion_applied);
    if done {
        return;
    }
    if let Some(data) = crate::unpack::resources::clone_data_mut(t, rsc) {
        data.promotion_applied = true;
    }
    for child in t.resources[rsc].children.clone() {
        for placed in t.resources[child].allowed.clone().iter() {
            if placed.score < 0 || !place::available(t, placed.node) {
                continue;
            }
            let value = promotion_score(t, child, placed.node).unwrap_or(0);
            if value > 0 {
                t.resources[child].allowed.add(placed.node, value);
            }
            // In a bundle each instance has a container of its own: none comes before another.
            if !t.is_bundle_node(placed.node) {
                let best = t.resources[child].promotion_priority.max(value);
                t.resources[child].promotion_priority = best;
            }
        }
    }
}

/// Gives the score that the agent recorded for a node, if it counts for this instance.
pub(crate) fn promotion_score(t: &Tables<'_>, rsc: RscIdx, node: NodeIdx) -> Option<i32> {
    if !t.resources[rsc].is_primitive() {
        let children = t.resources[rsc].children.iter();
        return children.filter_map(|&child| promotion_score(t, child, node)).reduce(score::add);
    }
    if !applies(t, rsc, node) || t.resources[rsc].allowed.score(node) < 0 {
        return None;
    }
    let name = t.resources[rsc].history_name();
    let holder = place::attribute_node(t, rsc, node)?;
    let value = |name: &str| {
        let attributes = &t.nodes[holder].attributes;
        attributes.get(format!("master-{name}").as_str()).copied()
    };
    let found =
        value(name).or_else(|| if t.resources[rsc].unique { None } else { value(base(name)) });
    found.and_then(score::parse)
}

/// A score counts for the instance that is active where it was recorded. Where none is active but
/// the clone has been looked for, it counts for every instance; where another one is, only for
/// those of which nothing is known. As long as nothing of the clone is active, it counts for all.
fn applies(t: &Tables<'_>, rsc: RscIdx, node: NodeIdx) -> bool {
    let row = &t.resources[rsc];
    // No other instance of a bundle's can be where this one can.
    if row.active_on.contains(&node) || t.is_bundle_node(node) {
        return true;
    }
    let same = |other: RscIdx| row.unique || t.resources[other].base_id == row.base_id;
    let siblings: Vec<RscIdx> =
        t.primitives(t.top_of(rsc, false)).into_iter().filter(|&at| same(at)).collect();
    if siblings.iter().all(|&other| t.resources[other].active_on.is_empty()) {
        return true;
    }
    if row.unique {
        return row.known_on.contains(&node);
    }
    let probed = siblings.iter().any(|&other| t.resources[other].known_on.contains(&node));
    let taken = siblings.iter().any(|&other| t.resources[other].active_on.contains(&node));
    probed && (!taken || row.known_on.is_empty())
}

/// Decides which instances are promoted.
pub(super) fn set_roles(t: &mut Tables<'_>, rsc: RscIdx) {
    let children = t.resources[rsc].children.clone();
    for &child in &children {
        start_role(t, child);
        let node = assigned(t, child);
        let value = match (node, t.resources[child].next_role) {
            (Some(node), Role::Started | Role::Unknown) => {
                let value = promotion_score(t, child, node).unwrap_or(-1);
                locations(t, rsc, child, node, value)
            }
            (Some(_), Role::Promoted) => score::INFINITY,
            (Some(_), Role::Stopped | Role::Unpromoted) => -score::INFINITY,
            (None, Role::Stopped) => -score::INFINITY,
            (None, _) if t.resources[child].removed => -score::INFINITY,
            (None, _) => 0,
        };
        let value = if value >= 0 && without_ticket(t, rsc) { -score::INFINITY } else { value };
        t.resources[child].sort_index = value;
    }
    let (table, drawn) = by_node(t, rsc, &children);
    for &child in &children {
        // What is decided already stays as it is.
        if t.resources[child].next_role == Role::Promoted {
            continue;
        }
        let Some(node) = assigned(t, child) else { continue };
        let value = table.score(node);
        let drawn = drawn.contains(&node) && t.resources[child].sort_index == -1;
        if t.resources[child].sort_index >= 0 || value <= -score::INFINITY || drawn {
            t.resources[child].sort_index = value;
        }
    }
    t.resources[rsc].allowed = table;
    let mut order = children;
    order.sort_by(|&a, &b| {
        t.resources[b]
            .sort_index
            .cmp(&t.resources[a].sort_index)
            .then_with(|| role(t, b).cmp(&role(t, a)))
            .then_with(|| clone::compare(t, a, b))
    });
    t.resources[rsc].children.clone_from(&order);
    let max = t.resources[rsc].clone_data().map_or(0, |data| data.promoted_max);
    let mut count = 0;
    for child in order {
        let node = assigned(t, child);
        let value = t.resources[child].sort_index;
        let place = node
            .map_or_else(|| "(inactive)".to_owned(), |node| format!("on {}", t.nodes[node].name));
        let id = t.resources[child].id.clone();
        t.score_lines.push(format!("{id} promotion score {place}: {}", score::text(value)));
        let wanted = count < max && can_promote(t, rsc, child, node, value);
        count += i32::from(wanted);
        let role = if wanted { Role::Promoted } else { Role::Unpromoted };
        set_next(t, child, role);
    }
    if let Some(data) = crate::unpack::resources::clone_data_mut(t, rsc) {
        data.promoted_count = count;
    }
}

/// Tells whether the promoted role needs a ticket that is not here.
fn without_ticket(t: &Tables<'_>, rsc: RscIdx) -> bool {
    t.resources[rsc].tickets.iter().any(|&index| {
        let constraint = &t.ticket_constraints[index];
        constraint.role == Role::Promoted
            && t.tickets.get(constraint.ticket).is_none_or(|at| !at.granted || at.standby)
    })
}

fn role(t: &Tables<'_>, rsc: RscIdx) -> Role {
    t.primitives(rsc).iter().map(|&inner| t.resources[inner].role).max().unwrap_or_default()
}

fn start_role(t: &mut Tables<'_>, child: RscIdx) {
    for inner in t.primitives(child) {
        if t.resources[inner].role == Role::Started {
            t.resources[inner].role = Role::Unpromoted;
        }
    }
}

fn set_next(t: &mut Tables<'_>, child: RscIdx, role: Role) {
    for inner in t.subtree(child) {
        let row = &mut t.resources[inner];
        if role == Role::Promoted
            || row.next_role == Role::Unknown
            || row.next_role == Role::Started
        {
            let nowhere = row.is_primitive() && row.assigned_to.is_none();
            row.next_role = if nowhere { Role::Stopped } else { role };
        }
    }
}

fn assigned(t: &Tables<'_>, child: RscIdx) -> Option<NodeIdx> {
    t.primitives(child).into_iter().find_map(|inner| t.resources[inner].assigned_to)
}

fn locations(t: &Tables<'_>, rsc: RscIdx, child: RscIdx, node: NodeIdx, value: i32) -> i32 {
    let mut value = value;
    let mut all = t.resources[rsc].locations.clone();
    all.extend(t.resources[child].locations.iter().copied());
    for index in all {
        let location = &t.locations[index];
        if location.role != Role::Promoted {
            continue;
        }
        for &(at, more) in &location.nodes {
            if at == node {
                value = score::add(value, more);
            }
        }
    }
    value
}

/// Sums up by node how much the clone wants to be there, what instances there have, and what
/// colocations with the promoted role add to it; gives also the nodes where another resource is
/// that the promoted role has to be with.
fn by_node(t: &Tables<'_>, rsc: RscIdx, children: &[RscIdx]) -> (NodeTable, Vec<NodeIdx>) {
    let mut drawn = Vec::new();
    let mut table = t.resources[rsc].allowed.clone();
    for &child in children {
        let value = t.resources[child].sort_index;
        if let Some(node) = assigned(t, child).filter(|_| value >= 0) {
            table.add(node, value);
        }
    }
    for index in colocate::this_with(t, rsc) {
        let c = &t.colocations[index];
        // Wanted unpromoted beside another is not wanted promoted there.
        let value = match c.dependent_role {
            Role::Promoted => c.score,
            Role::Unpromoted => -c.score,
            Role::Unknown | Role::Stopped | Role::Started => continue,
        };
        // Between bundles it only draws: their nodes are never the same.
        let between_bundles = t.is_bundled(rsc) && t.resources[c.primary].is_bundle();
        for placed in table.iter_mut() {
            let role = c.primary_role;
            if colocate::assigned_matches(t, c.primary, role, (rsc, placed.node), c.attribute) {
                // Where any instance of a clone is, it can be; none draws it.
                let any = t.resources[c.primary].is_clone() && role == Role::Unknown;
                if any && value >= score::INFINITY {
                    continue;
                }
                placed.score = score::add(placed.score, value);
                if value >= score::INFINITY {
                    drawn.push(placed.node);
                }
            } else if value >= score::INFINITY && !between_bundles {
                placed.score = -score::INFINITY;
            }
        }
    }
    for index in colocate::with_this(t, rsc) {
        if t.colocations[index].primary_role == Role::Promoted {
            colocate::add_to(t, rsc, index, &mut table);
        }
    }
    (table, drawn)
}

fn can_promote(
    t: &Tables<'_>,
    rsc: RscIdx,
    child: RscIdx,
    node: Option<NodeIdx>,
    value: i32,
) -> bool {
    let Some(node) = node else { return false };
    let all_placed =
        t.primitives(child).iter().all(|&inner| t.resources[inner].assigned_to.is_some());
    let managed = t.primitives(child).iter().all(|&inner| t.resources[inner].managed);
    let role_now = role(t, child);
    if !managed {
        return role_now == Role::Promoted;
    }
    let limited = t
        .primitives(child)
        .iter()
        .any(|&inner| matches!(t.resources[inner].next_role, Role::Unpromoted | Role::Stopped));
    let quorum = t.options.quorate
        || match t.options.no_quorum {
            NoQuorum::Demote => false,
            NoQuorum::Freeze => role_now == Role::Promoted,
            NoQuorum::Stop | NoQuorum::Ignore | NoQuorum::Fence => true,
        };
    let node_max = t.resources[rsc].clone_data().map_or(1, |data| data.promoted_node_max);
    let here = t.resources[rsc].children.iter().filter(|&&other| {
        other != child
            && assigned(t, other) == Some(node)
            && t.primitives(other).iter().any(|&i| t.resources[i].next_role == Role::Promoted)
    });
    let here = i32::try_from(here.count()).unwrap_or(i32::MAX);
    value >= 0
        && all_placed
        && !limited
        && quorum
        && here < node_max
        && place::available_with_host(t, node)
        && t.resources[child].allowed.score(node) > -score::INFINITY
}

/// Orders promotion and demotion with the clone's own steps.
pub(crate) fn constraints(t: &mut Tables<'_>, rsc: RscIdx) {
    crate::constraint::implicit::promotion(t, rsc);
    let ordered = t.resources[rsc].clone_data().is_some_and(|data| data.ordered);
    let mut last: Option<RscIdx> = None;
    for child in t.resources[rsc].children.clone() {
        add(t, child, "demote", child, "promote", Relation::ORDERED);
        add(t, rsc, "promote", child, "promote", Relation::ORDERED);
        add(t, child, "promote", rsc, "promoted", Relation::ORDERED);
        add(t, rsc, "demote", child, "demote", Relation::THEN_IMPLIES_FIRST_GRAPHED);
        add(t, child, "demote", rsc, "demoted", Relation::FIRST_IMPLIES_THEN_GRAPHED);
        if let Some(before) = last.filter(|_| ordered) {
            add(t, before, "promote", child, "promote", Relation::ORDERED);
            add(t, child, "demote", before, "demote", Relation::ORDERED);
        }
        last = Some(child);
    }
}
