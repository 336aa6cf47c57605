//! Colocations at work: what a placed resource means for another, and what dependents wish.

use super::place;
use crate::constraint::colocation::insert;
use crate::model::{Colocation, NodeIdx, NodeTable, Replica, Role, RscIdx, Tables, Variant, score};

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
            Variant::Clone(_) | Variant::Bundle(_) | Variant::Primitive => true,
        };
        if !passes {
            break;
        }
        for &index in own(parent) {
            if !row.is_bundle() || reaches(t, inner, index, this) {
                insert(t, &mut all, index, this);
            }
        }
        inner = parent;
    }
    if this {
        for index in inner_mandatory(t, rsc) {
            insert(t, &mut all, index, this);
        }
    }
    all
}

/// Members of a colocated group are together, so what one of them has to be with, all of it has to
/// be with: the first member, which decides, minds the mandatory colocations of the others.
fn inner_mandatory(t: &Tables<'_>, rsc: RscIdx) -> Vec<usize> {
    let Some(group) = t.resources[rsc].parent else { return Vec::new() };
    let members = &t.resources[group].children;
    let colocated = t.resources[group].group_data().is_some_and(|data| data.colocated);
    if !colocated || members.first() != Some(&rsc) {
        return Vec::new();
    }
    let others = members[1..].iter().flat_map(|&other| t.resources[other].this_with.iter());
    let binds = |index: &usize| {
        let c = &t.colocations[*index];
        c.score >= score::INFINITY && t.resources[c.primary].parent != Some(group)
    };
    others.copied().filter(binds).collect()
}

/// A bundle's colocations are its containers'; those of its promoted role are those of what is
/// inside.
fn reaches(t: &Tables<'_>, part: RscIdx, index: usize, this: bool) -> bool {
    let c = &t.colocations[index];
    let role = if this { c.dependent_role } else { c.primary_role };
    t.resources[part].replica_container || t.resources[part].is_clone() && role == Role::Promoted
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

/// An instance as others see it: where it will be, in which role, and with what score.
#[derive(Clone, Copy, Debug)]
struct Instance {
    node: NodeIdx,
    role: Role,
    score: i32,
    /// Nothing may be done with it, and nothing goes with it that has to.
    blocked: bool,
}

/// Lists a clone's or bundle's instances that have a place; a bundle's are where its containers
/// are.
fn placed_instances(t: &Tables<'_>, rsc: RscIdx) -> Vec<Instance> {
    let role = |rsc: RscIdx| t.primitives(rsc).iter().map(|&i| t.resources[i].next_role).max();
    if let Some(data) = t.resources[rsc].bundle_data() {
        let one = |replica: &Replica| {
            let node = t.resources[replica.container].assigned_to?;
            let role = role(replica.child.unwrap_or(replica.container)).unwrap_or_default();
            let blocked = t.resources[replica.container].blocked;
            Some(Instance { node, role, score: 0, blocked })
        };
        return data.replicas.iter().filter_map(one).collect();
    }
    let one = |&child: &RscIdx| {
        let node = instance_place(t, child)?;
        let score = t.resources[child].allowed.score(node);
        let blocked = t.primitives(child).iter().any(|&inner| t.resources[inner].blocked);
        Some(Instance { node, role: role(child).unwrap_or_default(), score, blocked })
    };
    t.resources[rsc].children.iter().filter_map(one).collect()
}

fn with_clone(t: &mut Tables<'_>, dependent: RscIdx, primary: RscIdx, c: &Colocation<'_>) {
    if t.resources[primary].unassigned {
        return;
    }
    // Nothing of what cannot be promoted has that role, so it says nothing of where to go.
    let other = &t.resources[primary];
    if c.primary_role == Role::Promoted && other.is_clone() && !other.promotable {
        return;
    }
    // What avoids another in a role that it has now keeps away before its next role is known.
    let row = &t.resources[dependent];
    let role = if row.next_role == Role::Unknown && c.score < 0 { row.role } else { row.next_role };
    if c.dependent_role > Role::Started && c.dependent_role != role {
        return;
    }
    let all = placed_instances(t, primary);
    if c.primary_role == Role::Promoted && c.score >= score::INFINITY {
        for at in all.iter().filter(|at| at.role == Role::Promoted) {
            t.resources[dependent].allowed.add(at.node, at.score.max(0));
        }
    }
    let top = t.top_of(dependent, false);
    let interleaved = t.resources[top].is_clone()
        && t.resources[top].clone_data().is_some_and(|data| data.interleave)
        && c.attribute.is_none()
        && t.resources[primary].is_clone();
    if interleaved {
        match partner(t, dependent, primary, c.primary_role) {
            Some(instance) => apply(t, dependent, instance, c),
            None if c.score >= score::INFINITY => {
                place::assign_to(t, dependent, None, true, true);
            }
            None => {}
        }
        return;
    }
    let parts = t.resources[c.dependent].is_collective() && t.resources[primary].is_bundle();
    if parts && c.attribute.is_none() && c.primary_role == Role::Unknown {
        match container_beside(t, dependent, primary) {
            Some(container) => apply(t, dependent, container, c),
            None if c.score >= score::INFINITY => {
                place::assign_to(t, dependent, None, true, true);
            }
            None => {}
        }
        return;
    }
    let fits = |at: &&Instance| c.primary_role == Role::Unknown || at.role == c.primary_role;
    let mandatory = c.score >= score::INFINITY;
    let useful = all.iter().filter(fits).filter(|at| !(mandatory && at.blocked));
    let nodes: Vec<_> = useful.map(|at| at.node).collect();
    if c.score >= score::INFINITY {
        let mut table = t.resources[dependent].allowed.clone();
        for placed in table.iter_mut() {
            let value = attribute(t, placed.node, c.attribute, dependent);
            let same = |&node: &NodeIdx| attribute(t, node, c.attribute, primary) == value;
            if !nodes.iter().any(same) {
                placed.score = -score::INFINITY;
            }
        }
        t.resources[dependent].allowed = table;
    } else {
        for node in nodes {
            add_where(t, dependent, (primary, node), c);
        }
    }
}

/// Gives the instance that an interleaved clone's instance goes with: the one that is where this
/// one would best be.
fn partner(t: &Tables<'_>, dependent: RscIdx, primary: RscIdx, role: Role) -> Option<RscIdx> {
    let at = |node: NodeIdx| {
        t.resources[primary].children.iter().copied().find(|&child| {
            let next = t.primitives(child).iter().map(|&i| t.resources[i].next_role).max();
            instance_place(t, child) == Some(node) && (role == Role::Unknown || next == Some(role))
        })
    };
    if let Some(node) = t.resources[dependent].assigned_to {
        return at(node);
    }
    let here = place::current(t, dependent);
    place::ranked(t, dependent, here).into_iter().find_map(at)
}

/// Gives the container of a bundle that a part of another collection goes with.
fn container_beside(t: &Tables<'_>, dependent: RscIdx, bundle: RscIdx) -> Option<RscIdx> {
    let data = t.resources[bundle].bundle_data()?;
    let at = |node: NodeIdx| {
        let mut all = data.replicas.iter().map(|replica| replica.container);
        all.find(|&container| t.resources[container].assigned_to == Some(node))
    };
    if let Some(node) = t.resources[dependent].assigned_to {
        return at(node);
    }
    let here = place::current(t, dependent);
    place::ranked(t, dependent, here).into_iter().find_map(at)
}

fn instance_place(t: &Tables<'_>, child: RscIdx) -> Option<NodeIdx> {
    t.primitives(child).into_iter().find_map(|inner| t.resources[inner].assigned_to)
}

fn add_where(
    t: &mut Tables<'_>,
    dependent: RscIdx,
    (primary, node): (RscIdx, NodeIdx),
    c: &Colocation<'_>,
) {
    let value = attribute(t, node, c.attribute, primary).map(str::to_owned);
    let mut table = t.resources[dependent].allowed.clone();
    for placed in table.iter_mut() {
        if attribute(t, placed.node, c.attribute, dependent) == value.as_deref() {
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

/// Gives a node's attribute as a resource sees it; the name where none is asked for.
fn attribute<'t>(
    t: &'t Tables<'_>,
    node: NodeIdx,
    name: Option<&str>,
    rsc: RscIdx,
) -> Option<&'t str> {
    match name {
        // Where a bundle's node is: on its host.
        None => Some(t.nodes[place::host(t, node)?].name),
        Some(name) => {
            let node = place::attribute_node(t, rsc, node)?;
            t.nodes[node].attributes.get(name).copied()
        }
    }
}

fn apply_scores(t: &mut Tables<'_>, dependent: RscIdx, primary: RscIdx, c: &Colocation<'_>) {
    let at = t.resources[primary].assigned_to;
    if at.is_none() && c.score < 0 {
        return;
    }
    let value = at.and_then(|node| attribute(t, node, c.attribute, primary)).map(str::to_owned);
    let mut work = t.resources[dependent].allowed.clone();
    for placed in work.iter_mut() {
        if at.is_none() {
            placed.score = score::add(-c.score, placed.score);
        } else if attribute(t, placed.node, c.attribute, dependent) == value.as_deref() {
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
    (rsc, node): (RscIdx, NodeIdx),
    name: Option<&str>,
) -> bool {
    let value = attribute(t, node, name, rsc);
    if t.resources[primary].is_bundle() {
        return placed_instances(t, primary).iter().any(|at| {
            let fits = role == Role::Unknown || at.role == role;
            fits && attribute(t, at.node, name, primary) == value
        });
    }
    t.primitives(primary).into_iter().any(|inner| {
        let row = &t.resources[inner];
        let fits = role == Role::Unknown || row.next_role == role;
        fits && row.assigned_to.is_some_and(|at| attribute(t, at, name, inner) == value)
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
    let mut way = Way::from(rsc);
    add(t, decides(t, c), c, Scale { factor, positive, forced: false }, table, &mut way);
}

/// Gives a resource's scores, those of what it has to be with counted in, scaled.
pub(super) fn with_primaries(t: &Tables<'_>, rsc: RscIdx) -> NodeTable {
    let source = deciding(t, rsc);
    let mut table = t.resources[source].allowed.clone();
    add_primaries(t, source, 1.0, &mut table, &mut vec![source]);
    table
}

/// The last member of a group is with all of them.
fn deciding(t: &Tables<'_>, rsc: RscIdx) -> RscIdx {
    let row = &t.resources[rsc];
    row.children.last().copied().filter(|_| row.is_group()).unwrap_or(rsc)
}

fn add_primaries(
    t: &Tables<'_>,
    source: RscIdx,
    factor: f64,
    table: &mut NodeTable,
    seen: &mut Vec<RscIdx>,
) {
    for index in this_with(t, source) {
        let c = &t.colocations[index];
        let primary = deciding(t, c.primary);
        if seen.contains(&primary) {
            continue;
        }
        seen.push(primary);
        let factor = factor * f64::from(c.score) / f64::from(score::INFINITY);
        let mut work = table.clone();
        add_matching(t, primary, c, Scale { factor, positive: false, forced: false }, &mut work);
        if place::any_available(t, &work) {
            add_primaries(t, primary, factor, &mut work, seen);
            *table = work;
        }
    }
}

/// Gives how much what its clone is colocated with wants an instance to be where it is: for equal
/// instances, those that are wanted more are placed first.
pub(super) fn pull(t: &Tables<'_>, rsc: RscIdx) -> i32 {
    let mut table = NodeTable::default();
    let Some(here) = place::current(t, rsc) else { return 0 };
    table.put_score(here, 0);
    let clone = t.resources[rsc].parent.unwrap_or(rsc);
    let wishes = |t: &Tables<'_>, index: usize, other: RscIdx, table: &mut NodeTable| {
        let c = &t.colocations[index];
        let factor = f64::from(c.score) / f64::from(score::INFINITY);
        let positive = other == c.dependent;
        add(t, other, c, Scale { factor, positive, forced: true }, table, &mut Way::from(clone));
    };
    for &index in &t.resources[clone].this_with {
        wishes(t, index, t.colocations[index].primary, &mut table);
    }
    for &index in &t.resources[clone].with_this {
        if influences(t, &t.colocations[index], rsc) {
            wishes(t, index, t.colocations[index].dependent, &mut table);
        }
    }
    table.score(here)
}

/// Gives whose preferences count for a colocation's dependent: a group's first member's, where a
/// member has to be with something outside.
fn decides(t: &Tables<'_>, c: &Colocation<'_>) -> RscIdx {
    let Some(group) = t.resources[c.dependent].parent else { return c.dependent };
    let colocated = t.resources[group].group_data().is_some_and(|data| data.colocated);
    let outside = t.resources[c.primary].parent != Some(group);
    let first = t.resources[group].children.first().copied();
    first.filter(|_| colocated && outside && c.score >= score::INFINITY).unwrap_or(c.dependent)
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
    /// Never below zero what was above.
    positive: bool,
    /// Even where no node is left.
    forced: bool,
}

/// How many resources may be looked at for one colocation: in a dense net there are more ways
/// through it than could ever be walked.
const VISITS_MAX: u32 = 500;

/// A way through the colocations.
struct Way {
    on: Vec<RscIdx>,
    left: u32,
}

impl Way {
    fn from(start: RscIdx) -> Self {
        Self { on: vec![start], left: VISITS_MAX }
    }
}

/// Adds the scores of `source`, and of what depends on it, each scaled.
fn add(
    t: &Tables<'_>,
    source: RscIdx,
    c: &Colocation<'_>,
    scale: Scale,
    table: &mut NodeTable,
    way: &mut Way,
) {
    if t.resources[source].is_group() {
        if let Some(&first) = t.resources[source].children.first() {
            add(t, first, c, scale, table, way);
        }
        return;
    }
    if way.left == 0 || way.on.contains(&source) {
        return;
    }
    way.left -= 1;
    way.on.push(source);
    let mut work = table.clone();
    add_matching(t, source, c, scale, &mut work);
    if place::any_available(t, &work) {
        for index in with_this(t, source) {
            let next = t.colocations[index].clone();
            let factor = scale.factor * f64::from(next.score) / f64::from(score::INFINITY);
            let scale = Scale { factor, ..scale };
            add(t, next.dependent, &next, scale, &mut work, way);
        }
    } else if !scale.forced {
        way.on.pop();
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
    way.on.pop();
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
    for placed in work.iter_mut() {
        let value = attribute(t, placed.node, c.attribute, c.primary);
        let best = rows
            .iter()
            .filter(|row| {
                attribute(t, row.node, c.attribute, source) == value
                    && place::available(t, row.node)
            })
            .map(|row| row.score)
            .max()
            .unwrap_or(-score::INFINITY);
        if scale.factor < 0.0 && best < 0 {
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
