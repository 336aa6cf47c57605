//! Colocations at work: what a placed resource means for another, and what dependents wish.

use super::place;
use crate::constraint::colocation::insert;
use crate::model::{Colocation, NodeIdx, NodeTable, Role, RscIdx, Tables, Variant, score};

/// Marks a node whose score a dependent's dislike made negative.
const FILTERED: i32 = -score::INFINITY * 100;

/// Lists the colocations in which a resource is the dependent, those of what contains it too.
pub(crate) fn this_with(t: &Tables<'_>, rsc: RscIdx) -> Vec<usize> {
    gather(t, rsc, true)
}

/// Lists the colocations in which a resource is the primary, those of what contains it too.
pub(crate) fn with_this(t: &Tables<'_>, rsc: RscIdx) -> Vec<usize> {
    gather(t, rsc, false)
}

fn gather(t: &Tables<'_>, rsc: RscIdx, this: bool) -> Vec<usize> {
    let own =
        |at: RscIdx| if this { &t.resources[at].this_with } else { &t.resources[at].with_this };
    let mut all = own(rsc).clone();
    let mut inner = rsc;
    while let Some(parent) = t.resources[inner].parent {
        let row = &t.resources[parent];
        let passes = match &row.variant {
            Variant::Group(_) => {
                let end = if this { row.children.first() } else { row.children.last() };
                end == Some(&inner)
            }
            Variant::Clone(_) => true,
            Variant::Bundle(_) => false,
            Variant::Primitive => true,
        };
        if !passes {
            break;
        }
        for &index in own(parent) {
            insert(t, &mut all, index, this);
        }
        inner = parent;
    }
    all
}

/// Applies a colocation to a dependent's scores, once its primary has a place.
pub(super) fn apply(t: &mut Tables<'_>, dependent: RscIdx, primary: RscIdx, c: &Colocation<'_>) {
    match t.resources[primary].variant.clone() {
        Variant::Primitive => {
            if affects(t, dependent, primary, c) {
                apply_scores(t, dependent, primary, c);
            }
        }
        Variant::Group(data) => {
            if t.resources[primary].unassigned {
                return;
            }
            let children = t.resources[primary].children.clone();
            if data.colocated {
                let end =
                    if c.score >= score::INFINITY { children.last() } else { children.first() };
                if let Some(&end) = end {
                    apply(t, dependent, end, c);
                }
            } else if c.score < score::INFINITY {
                for child in children {
                    apply(t, dependent, child, c);
                }
            }
        }
        Variant::Clone(_) | Variant::Bundle(_) => with_clone(t, dependent, primary, c),
    }
}

fn with_clone(t: &mut Tables<'_>, dependent: RscIdx, primary: RscIdx, c: &Colocation<'_>) {
    if t.resources[primary].unassigned {
        return;
    }
    if c.dependent_role > Role::Started && c.dependent_role != t.resources[dependent].next_role {
        return;
    }
    let top = t.top_of(dependent, false);
    let interleaved = t.resources[top].is_clone()
        && t.resources[top].clone_data().is_some_and(|data| data.interleave)
        && c.attribute.is_none();
    let children = t.resources[primary].children.clone();
    if c.primary_role == Role::Promoted || interleaved || c.score >= score::INFINITY {
        let mut nodes = Vec::new();
        for &child in &children {
            let place = instance_place(t, child);
            let role = t.primitives(child).iter().map(|&i| t.resources[i].next_role).max();
            let fits = c.primary_role == Role::Unknown || role == Some(c.primary_role);
            if let Some(node) = place.filter(|_| fits) {
                nodes.push(node);
            }
        }
        if c.primary_role == Role::Promoted && c.score >= score::INFINITY {
            for &child in &children {
                let promoted =
                    t.primitives(child).iter().any(|&i| t.resources[i].next_role == Role::Promoted);
                if let Some(node) = instance_place(t, child).filter(|_| promoted) {
                    let value = t.resources[child].allowed.score(node);
                    t.resources[dependent].allowed.add(node, value.max(0));
                }
            }
        }
        if c.score >= score::INFINITY {
            let mut table = t.resources[dependent].allowed.clone();
            for placed in table.iter_mut() {
                let value = attribute(t, placed.node, c.attribute);
                if !nodes.iter().any(|&node| attribute(t, node, c.attribute) == value) {
                    placed.score = -score::INFINITY;
                }
            }
            t.resources[dependent].allowed = table;
        } else {
            for node in nodes {
                add_where(t, dependent, node, c);
            }
        }
        return;
    }
    for child in children {
        if let Some(node) = instance_place(t, child) {
            let role = t.primitives(child).iter().map(|&i| t.resources[i].next_role).max();
            if c.primary_role == Role::Unknown || role == Some(c.primary_role) {
                add_where(t, dependent, node, c);
            }
        }
    }
}

fn instance_place(t: &Tables<'_>, child: RscIdx) -> Option<NodeIdx> {
    t.primitives(child).into_iter().find_map(|inner| t.resources[inner].assigned_to)
}

fn add_where(t: &mut Tables<'_>, dependent: RscIdx, node: NodeIdx, c: &Colocation<'_>) {
    let value = attribute(t, node, c.attribute).map(str::to_owned);
    let mut table = t.resources[dependent].allowed.clone();
    for placed in table.iter_mut() {
        if attribute(t, placed.node, c.attribute) == value.as_deref() {
            placed.score = score::add(placed.score, c.score);
        }
    }
    if c.score <= -score::INFINITY || place::any_available(t, &table) {
        t.resources[dependent].allowed = table;
    }
}

fn affects(t: &Tables<'_>, dependent: RscIdx, primary: RscIdx, c: &Colocation<'_>) -> bool {
    if t.resources[primary].unassigned || !t.resources[dependent].unassigned {
        return false;
    }
    let role = |rsc: RscIdx| t.resources[rsc].next_role;
    if c.dependent_role > Role::Unknown && c.dependent_role != role(dependent) {
        return false;
    }
    c.primary_role == Role::Unknown || c.primary_role == role(primary)
}

fn attribute<'t>(t: &'t Tables<'_>, node: NodeIdx, name: Option<&str>) -> Option<&'t str> {
    match name {
        None => Some(t.nodes[node].name),
        Some(name) => t.nodes[node].attributes.get(name).copied(),
    }
}

fn apply_scores(t: &mut Tables<'_>, dependent: RscIdx, primary: RscIdx, c: &Colocation<'_>) {
    let at = t.resources[primary].assigned_to;
    if at.is_none() && c.score < 0 {
        return;
    }
    let value = at.and_then(|node| attribute(t, node, c.attribute)).map(str::to_owned);
    let mut work = t.resources[dependent].allowed.clone();
    for placed in work.iter_mut() {
        if at.is_none() {
            placed.score = score::add(-c.score, placed.score);
        } else if attribute(t, placed.node, c.attribute) == value.as_deref() {
            if c.score < score::INFINITY {
                placed.score = score::add(c.score, placed.score);
            }
        } else if c.score >= score::INFINITY {
            placed.score = -score::INFINITY;
        }
    }
    let mandatory = c.score.abs() >= score::INFINITY;
    if mandatory || place::any_available(t, &work) {
        t.resources[dependent].allowed = work;
    }
}

/// Tells whether a primary is (in a role) where a node is.
pub(super) fn assigned_matches(
    t: &Tables<'_>,
    primary: RscIdx,
    role: Role,
    node: NodeIdx,
    name: Option<&str>,
) -> bool {
    let value = attribute(t, node, name);
    t.primitives(primary).into_iter().any(|inner| {
        let row = &t.resources[inner];
        let fits = role == Role::Unknown || row.next_role == role;
        fits && row.assigned_to.is_some_and(|at| attribute(t, at, name) == value)
    })
}

/// Lets a dependent's preferences count for its primary.
pub(super) fn add_dependent_scores(t: &mut Tables<'_>, rsc: RscIdx, index: usize) {
    let mut work = t.resources[rsc].allowed.clone();
    add_to(t, rsc, index, &mut work);
    t.resources[rsc].allowed = work;
}

/// As [`add_dependent_scores`], to a table of its own.
pub(super) fn add_to(t: &Tables<'_>, rsc: RscIdx, index: usize, table: &mut NodeTable) {
    let c = &t.colocations[index];
    if !influences(t, c, rsc) {
        return;
    }
    let factor = f64::from(c.score) / f64::from(score::INFINITY);
    let positive = t.resources[rsc].is_clone();
    let mut seen = vec![rsc];
    add(t, c.dependent, c, Scale { factor, positive }, table, &mut seen);
}

fn influences(t: &Tables<'_>, c: &Colocation<'_>, rsc: RscIdx) -> bool {
    let row = &t.resources[rsc];
    let connection = t.resources[c.dependent].remote_connection && t.is_bundled(c.dependent);
    if connection && !row.failed && row.active_on.len() == 1 {
        return false;
    }
    c.influence || row.active_on.is_empty()
}

#[derive(Clone, Copy, Debug)]
struct Scale {
    factor: f64,
    positive: bool,
}

/// Adds the scores of `source`, and of what depends on it, each scaled.
fn add(
    t: &Tables<'_>,
    source: RscIdx,
    c: &Colocation<'_>,
    scale: Scale,
    table: &mut NodeTable,
    seen: &mut Vec<RscIdx>,
) {
    if t.resources[source].is_group() {
        if let Some(&first) = t.resources[source].children.first() {
            add(t, first, c, scale, table, seen);
        }
        return;
    }
    if seen.contains(&source) {
        return;
    }
    seen.push(source);
    let mut work = table.clone();
    add_matching(t, source, c, scale, &mut work);
    if place::any_available(t, &work) {
        for index in with_this(t, source) {
            let next = t.colocations[index].clone();
            let factor = scale.factor * f64::from(next.score) / f64::from(score::INFINITY);
            let scale = Scale { factor, ..scale };
            add(t, next.dependent, &next, scale, &mut work, seen);
        }
    } else {
        seen.retain(|&other| other != source);
        return;
    }
    if scale.positive {
        for placed in work.iter_mut() {
            if placed.score == FILTERED {
                placed.score = 1;
            }
        }
    }
    *table = work;
    seen.retain(|&other| other != source);
}

#[expect(clippy::cast_possible_truncation, reason = "the product is within a million")]
fn add_matching(
    t: &Tables<'_>,
    source: RscIdx,
    c: &Colocation<'_>,
    scale: Scale,
    work: &mut NodeTable,
) {
    let rows: Vec<_> = t.resources[source].allowed.iter().copied().collect();
    let choices = rows.iter().filter(|row| row.score >= 0).count();
    for placed in work.iter_mut() {
        let value = attribute(t, placed.node, c.attribute);
        let best = rows
            .iter()
            .filter(|row| {
                attribute(t, row.node, c.attribute) == value && place::available(t, row.node)
            })
            .map(|row| row.score)
            .max()
            .unwrap_or(-score::INFINITY);
        if scale.factor < 0.0 && best < 0 && choices > 1 {
            continue;
        }
        if placed.score == FILTERED {
            continue;
        }
        let product = scale.factor * f64::from(best);
        let mut delta = product.round() as i32;
        if delta == 0 && best != 0 {
            delta = if scale.factor > 0.0 {
                1
            } else if scale.factor < 0.0 {
                -1
            } else {
                0
            };
        }
        let sum = score::add(score::clamp(i64::from(delta)), placed.score);
        if scale.positive && sum < 0 && placed.score > 0 {
            placed.score = FILTERED;
        } else if !(scale.positive && sum < 0 && placed.score == 0) {
            placed.score = sum;
        }
    }
}
