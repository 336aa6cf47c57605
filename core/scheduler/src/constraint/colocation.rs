//! Colocation constraints (*Pacemaker Explained*, "Placing Resources Relative to other
//! Resources").

use crate::model::{Colocation, Role, RscIdx, Tables, Variant, score};
use crate::unpack::duration::{boolean, is_true};
use crate::unpack::nvpairs::resolve as follow;
use core::cmp::Ordering;
use diarch_cib::xml::Element;

/// Reads a `rsc_colocation`.
pub(crate) fn unpack<'c>(t: &mut Tables<'c>, element: Element<'c>) {
    let value = element.attribute("score").and_then(score::parse).unwrap_or(0);
    let influence = element.attribute("influence").and_then(boolean);
    let sets: Vec<_> = element.children_named("resource_set").map(|s| follow(t, s)).collect();
    if !sets.is_empty() {
        let mut last: Option<Element<'c>> = None;
        for set in sets {
            within_set(t, element, set, value, influence);
            if let Some(before) = last {
                between_sets(t, element, before, set, value, influence);
            }
            last = Some(set);
        }
        return;
    }
    if value == 0 {
        return;
    }
    let (Some(dependent), Some(primary)) =
        (element.attribute("rsc"), element.attribute("with-rsc"))
    else {
        return;
    };
    let mut dependents = super::resolve(t, element, dependent);
    // What a clone is made of is no resource of its own: only the clone can be placed so.
    dependents.retain(|&at| !(t.resources[at].is_clone() && made_of(t, at, dependent)));
    let primaries = super::resolve(t, element, primary);
    let role = |name: &str| role_of(element.attribute(name));
    for &dependent in &dependents {
        for &primary in &primaries {
            let constraint = Colocation {
                id: element.attribute("id").unwrap_or(""),
                attribute: element.attribute("node-attribute"),
                dependent,
                primary,
                dependent_role: role("rsc-role"),
                primary_role: role("with-rsc-role"),
                score: value,
                influence: influence.unwrap_or(t.resources[dependent].critical),
            };
            add(t, constraint);
        }
    }
}

/// Tells whether an id is that of what a clone is made of.
fn made_of(t: &Tables<'_>, clone: RscIdx, id: &str) -> bool {
    t.resources[clone].id != id && t.subtree(clone).iter().any(|&at| t.resources[at].base_id == id)
}

fn role_of(text: Option<&str>) -> Role {
    match text.and_then(Role::parse) {
        None | Some(Role::Started) => Role::Unknown,
        Some(role) => role,
    }
}

fn members<'c>(t: &mut Tables<'c>, element: Element<'c>, set: Element<'c>) -> Vec<RscIdx> {
    let mut all = Vec::new();
    for member in set.children_named("resource_ref") {
        all.extend(super::resolve(t, element, member.attribute("id").unwrap_or("")));
    }
    all
}

fn within_set<'c>(
    t: &mut Tables<'c>,
    element: Element<'c>,
    set: Element<'c>,
    value: i32,
    influence: Option<bool>,
) {
    let value = set.attribute("score").and_then(score::parse).unwrap_or(value);
    if value == 0 {
        return;
    }
    let role = role_of(set.attribute("role"));
    let sequential = set.attribute("sequential").is_none_or(|v| is_true(Some(v)));
    let members = members(t, element, set);
    if !sequential && value > 0 {
        return;
    }
    let new = |t: &mut Tables<'c>, dependent: RscIdx, primary: RscIdx| {
        let influence = influence.unwrap_or(t.resources[dependent].critical);
        add(
            t,
            Colocation {
                id: set.attribute("id").unwrap_or(""),
                attribute: element.attribute("node-attribute"),
                dependent,
                primary,
                dependent_role: role,
                primary_role: role,
                score: value,
                influence,
            },
        );
    };
    if !sequential {
        // Mutual dislike: each member avoids each before it.
        for (at, &rsc) in members.iter().enumerate() {
            for &other in &members[..at] {
                new(t, rsc, other);
            }
        }
        return;
    }
    if value > 0 {
        // The old `ordering="listed"` turns the dependence round.
        let listed = set.attribute("ordering").is_some_and(|ordering| ordering != "group");
        for pair in members.windows(2) {
            let (dependent, primary) = if listed { (0, 1) } else { (1, 0) };
            new(t, pair[dependent], pair[primary]);
        }
    } else {
        for (at, &rsc) in members.iter().enumerate() {
            for &other in &members[..at] {
                new(t, rsc, other);
            }
        }
    }
}

/// The earlier set depends on the later one.
fn between_sets<'c>(
    t: &mut Tables<'c>,
    element: Element<'c>,
    first: Element<'c>,
    then: Element<'c>,
    value: i32,
    influence: Option<bool>,
) {
    if value == 0 {
        return;
    }
    let sequential =
        |set: Element<'_>| set.attribute("sequential").is_none_or(|v| is_true(Some(v)));
    let mut dependents = members(t, element, first);
    let mut primaries = members(t, element, then);
    if sequential(first) {
        dependents.truncate(1);
    }
    if sequential(then) {
        let last = primaries.last().copied();
        primaries = last.into_iter().collect();
    }
    for &dependent in &dependents {
        for &primary in &primaries {
            let influence = influence.unwrap_or(t.resources[dependent].critical);
            add(
                t,
                Colocation {
                    id: element.attribute("id").unwrap_or(""),
                    attribute: element.attribute("node-attribute"),
                    dependent,
                    primary,
                    dependent_role: role_of(first.attribute("role")),
                    primary_role: role_of(then.attribute("role")),
                    score: value,
                    influence,
                },
            );
        }
    }
}

/// Adds a colocation to both of its ends, the most important first.
pub(crate) fn add<'c>(t: &mut Tables<'c>, constraint: Colocation<'c>) {
    let (dependent, primary) = (constraint.dependent, constraint.primary);
    if dependent == primary {
        return;
    }
    if constraint.score <= -score::INFINITY {
        keep_apart(t, &constraint, false);
        keep_apart(t, &constraint, true);
    }
    t.colocations.push(constraint);
    let index = t.colocations.len() - 1;
    let mut list = core::mem::take(&mut t.resources[dependent].this_with);
    insert(t, &mut list, index, true);
    t.resources[dependent].this_with = list;
    let mut list = core::mem::take(&mut t.resources[primary].with_this);
    insert(t, &mut list, index, false);
    t.resources[primary].with_this = list;
}

/// Puts a colocation into a list where it belongs by importance.
pub(crate) fn insert(t: &Tables<'_>, list: &mut Vec<usize>, index: usize, this_with: bool) {
    let other = |at: usize| {
        let constraint = &t.colocations[at];
        if this_with { constraint.primary } else { constraint.dependent }
    };
    let at = list
        .iter()
        .position(|&there| importance(t, other(index), other(there)) == Ordering::Less)
        .unwrap_or(list.len());
    list.insert(at, index);
}

fn importance(t: &Tables<'_>, a: RscIdx, b: RscIdx) -> Ordering {
    let (left, right) = (&t.resources[a], &t.resources[b]);
    let rank = |rsc: &crate::model::Resource<'_>| match rsc.variant {
        Variant::Primitive => 0,
        Variant::Group(_) => 1,
        Variant::Clone(_) => 2,
        Variant::Bundle(_) => 3,
    };
    right
        .priority
        .cmp(&left.priority)
        .then_with(|| rank(right).cmp(&rank(left)))
        .then_with(|| {
            let promotable = left.is_clone() && right.is_clone();
            if promotable { right.promotable.cmp(&left.promotable) } else { Ordering::Equal }
        })
        .then_with(|| left.id.cmp(&right.id))
}

/// What must not be together stops before the other starts on the same node.
fn keep_apart(t: &mut Tables<'_>, c: &Colocation<'_>, swap: bool) {
    let ends = ((c.dependent, c.dependent_role), (c.primary, c.primary_role));
    let ((first, first_role), (then, then_role)) = if swap { (ends.1, ends.0) } else { ends };
    let down: &[&'static str] = match first_role {
        Role::Promoted => &["demote"],
        Role::Unpromoted => &["stop", "promote"],
        Role::Unknown | Role::Stopped | Role::Started => &["stop"],
    };
    let up: &[&'static str] = match then_role {
        Role::Promoted => &["promote"],
        Role::Unpromoted => &["start", "demote"],
        Role::Unknown | Role::Stopped | Role::Started => &["start"],
    };
    for &down in down {
        for &up in up {
            let relation = crate::model::Relation::IF_REQUIRED_ON_SAME_NODE;
            super::ordering::add(t, first, down, then, up, relation);
        }
    }
}
