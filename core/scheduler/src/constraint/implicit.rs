//! What follows from the kinds of resources: start after stop, members in order, and the like.

use super::colocation;
use super::ordering::add;
use crate::model::{Colocation, Relation, Role, RscIdx, Tables, Variant, score};

/// Makes the internal constraints of everything.
pub(crate) fn create(t: &mut Tables<'_>) {
    for rsc in t.top.clone() {
        one(t, rsc);
    }
}

fn one(t: &mut Tables<'_>, rsc: RscIdx) {
    match &t.resources[rsc].variant {
        Variant::Primitive => primitive(t, rsc),
        Variant::Group(_) => group(t, rsc),
        Variant::Clone(_) => clone(t, rsc),
        Variant::Bundle(_) => bundle(t, rsc),
    }
}

const RESTART: Relation =
    Relation::ORDERED.with(Relation::FIRST_IMPLIES_THEN).with(Relation::INTERMEDIATE_STOP);

fn primitive(t: &mut Tables<'_>, rsc: RscIdx) {
    if !t.resources[rsc].managed {
        return;
    }
    add(t, rsc, "stop", rsc, "start", RESTART);
    let top = t.top_of(rsc, false);
    if t.resources[top].promotable || t.resources[rsc].promotable {
        add(t, rsc, "demote", rsc, "stop", Relation::PROMOTED_THEN_IMPLIES_FIRST);
        add(t, rsc, "start", rsc, "promote", Relation::UNRUNNABLE_FIRST_BLOCKS);
    }
    let relation = Relation::ORDERED;
    add(t, rsc, "stop", rsc, "delete", relation);
    crate::assign::utilization::constraints(t, rsc);
    avoid_remote(t, rsc);
    contained(t, rsc);
}

/// Fencing devices, connections and guests' containers need a full member, a bundle's container
/// any node with a machine of its own.
fn avoid_remote(t: &mut Tables<'_>, rsc: RscIdx) {
    if !t.have_remote {
        return;
    }
    let row = &t.resources[rsc];
    let nested = row.replica_container;
    if !row.fence_device && !row.remote_connection && row.fillers.is_empty() && !nested {
        return;
    }
    for node in row.allowed.nodes() {
        if t.is_guest(node) || !nested && t.nodes[node].is_remote() {
            t.resources[rsc].allowed.add(node, -score::INFINITY);
        }
    }
}

/// What is inside a container depends on it.
fn contained(t: &mut Tables<'_>, rsc: RscIdx) {
    let Some(container) = t.resources[rsc].container else { return };
    if !t.resources[container].removed && t.resources[rsc].removed_filler {
        return;
    }
    if let Some(connection) = connection_to(t, rsc, container) {
        // It runs inside, not beside: nowhere but on the node that is there.
        for placed in t.resources[rsc].allowed.nodes() {
            if t.nodes[placed].connection != Some(connection) {
                t.resources[rsc].allowed.add(placed, -score::INFINITY);
            }
        }
        return;
    }
    let up = Relation::FIRST_IMPLIES_THEN.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
    if t.resources[rsc].remote_connection {
        add(t, container, "monitor", rsc, "stop", Relation::ORDERED);
    }
    add(t, container, "start", rsc, "start", up);
    add(t, rsc, "stop", container, "stop", Relation::THEN_IMPLIES_FIRST);
    let nested = t.resources[rsc].remote_connection && t.is_bundled(container);
    let constraint = Colocation {
        id: "#resource-with-container",
        attribute: None,
        dependent: rsc,
        primary: container,
        dependent_role: Role::Unknown,
        primary_role: Role::Unknown,
        score: if nested { 10_000 } else { score::INFINITY },
        influence: true,
    };
    colocation::add(t, constraint);
}

/// Gives the connection to the remote or guest node that a container is or has, where it contains
/// anything else.
fn connection_to(t: &Tables<'_>, rsc: RscIdx, container: RscIdx) -> Option<RscIdx> {
    if t.resources[rsc].remote_connection {
        return None;
    }
    if t.resources[container].remote_connection {
        return Some(container);
    }
    let mut inside = t.resources[container].fillers.iter().copied();
    inside.find(|&filler| t.resources[filler].remote_connection)
}

/// A group's steps enclose those of its members, which follow each other (*Pacemaker Explained*,
/// "Groups").
fn group(t: &mut Tables<'_>, rsc: RscIdx) {
    let Some(data) = t.resources[rsc].group_data() else { return };
    add(t, rsc, "stop", rsc, "stopped", Relation::UNRUNNABLE_FIRST_BLOCKS);
    add(t, rsc, "start", rsc, "running", Relation::UNRUNNABLE_FIRST_BLOCKS);
    add(t, rsc, "stopped", rsc, "start", Relation::ORDERED);
    let top = t.top_of(rsc, false);
    let promotable = t.resources[top].promotable;
    let mut last: Option<RscIdx> = None;
    let mut last_active: Option<RscIdx> = None;
    for member in t.resources[rsc].children.clone() {
        one(t, member);
        if data.ordered {
            partly_active(t, member, last, last_active);
        }
        if !t.resources[member].active_on.is_empty() {
            last_active = Some(member);
        }
        if data.colocated
            && let Some(last) = last
        {
            members_together(t, member, last);
        }
        let ends = data.ordered && last.is_none();
        if promotable {
            member_down(t, rsc, member, ("demote", "demoted"), ends);
            add(t, member, "promote", rsc, "promoted", UP);
            add(t, rsc, "promote", member, "promote", Relation::THEN_IMPLIES_FIRST_GRAPHED);
        }
        add(t, rsc, "start", member, "start", Relation::THEN_IMPLIES_FIRST_GRAPHED);
        member_down(t, rsc, member, ("stop", "stopped"), ends);
        add(t, member, "start", rsc, "running", UP);
        if let Some(before) = last.filter(|_| data.ordered) {
            let up = Relation::FIRST_IMPLIES_THEN.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
            let down = Relation::ORDERED.with(Relation::INTERMEDIATE_STOP);
            add(t, before, "start", member, "start", up);
            add(t, member, "stop", before, "stop", down);
            if promotable {
                add(t, before, "promote", member, "promote", up);
                add(t, member, "demote", before, "demote", down);
            }
        }
        last = Some(member);
    }
}

/// A group's start is done when all of its members have started.
const UP: Relation = Relation::FIRST_IMPLIES_THEN
    .with(Relation::UNRUNNABLE_FIRST_BLOCKS)
    .with(Relation::FIRST_IMPLIES_THEN_GRAPHED);

/// A member stops within its group's stop; where members have an order, the last to go is the one
/// that ends it.
fn member_down(
    t: &mut Tables<'_>,
    group: RscIdx,
    member: RscIdx,
    (task, done): (&'static str, &'static str),
    ends: bool,
) {
    let graphed = Relation::THEN_IMPLIES_FIRST_GRAPHED;
    add(t, group, task, member, task, if ends { Relation::ORDERED.with(graphed) } else { graphed });
    let relation =
        if ends { Relation::FIRST_IMPLIES_THEN } else { Relation::FIRST_IMPLIES_THEN_GRAPHED };
    add(t, member, task, group, done, relation);
}

fn members_together(t: &mut Tables<'_>, member: RscIdx, last: RscIdx) {
    let constraint = Colocation {
        id: "#group-members",
        attribute: None,
        dependent: member,
        primary: last,
        dependent_role: Role::Unknown,
        primary_role: Role::Unknown,
        score: score::INFINITY,
        influence: t.resources[member].critical,
    };
    colocation::add(t, constraint);
}

/// Where members before it are not active, a member is stopped before they start, and before those
/// that are active stop.
fn partly_active(
    t: &mut Tables<'_>,
    member: RscIdx,
    before: Option<RscIdx>,
    last_active: Option<RscIdx>,
) {
    let Some(before) = before.filter(|&before| last_active != Some(before)) else { return };
    if t.resources[member].active_on.is_empty() {
        return;
    }
    let relation = Relation::ORDERED.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
    add(t, member, "stop", before, "start", relation);
    if let Some(last_active) = last_active {
        add(t, member, "stop", last_active, "stop", Relation::ORDERED);
    }
}

fn clone(t: &mut Tables<'_>, rsc: RscIdx) {
    add(t, rsc, "stopped", rsc, "start", Relation::ORDERED);
    add(t, rsc, "start", rsc, "running", Relation::UNRUNNABLE_FIRST_BLOCKS);
    add(t, rsc, "stop", rsc, "stopped", Relation::UNRUNNABLE_FIRST_BLOCKS);
    let data = t.resources[rsc].clone_data();
    let (ordered, promotable) = data.map_or((false, false), |data| (data.ordered, data.promotable));
    if promotable {
        add(t, rsc, "demoted", rsc, "stop", Relation::ORDERED);
        add(t, rsc, "running", rsc, "promote", Relation::UNRUNNABLE_FIRST_BLOCKS);
    }
    let mut last: Vec<RscIdx> = Vec::new();
    let mut children = t.resources[rsc].children.clone();
    if ordered {
        children.sort_by_key(|&child| number_of(&t.resources[child].id));
    }
    for child in children {
        one(t, child);
        let implied = Relation::ORDERED;
        // Before the clone's own orderings, which make steps for what goes nowhere.
        for &before in &last {
            add(t, before, "start", child, "start", implied);
            add(t, child, "stop", before, "stop", implied);
        }
        add(
            t,
            rsc,
            "start",
            child,
            "start",
            Relation::UNRUNNABLE_FIRST_BLOCKS.with(Relation::THEN_IMPLIES_FIRST_GRAPHED),
        );
        add(t, child, "start", rsc, "running", Relation::FIRST_IMPLIES_THEN_GRAPHED);
        add(t, rsc, "stop", child, "stop", Relation::THEN_IMPLIES_FIRST_GRAPHED);
        add(t, child, "stop", rsc, "stopped", Relation::FIRST_IMPLIES_THEN_GRAPHED);
        // Some may have nothing to do, and pass nothing on: each waits for all before it.
        if ordered {
            last.push(child);
        }
    }
    if promotable {
        crate::assign::promotable::constraints(t, rsc);
    }
}

/// A collection is promoted after all else, and demoted before.
pub(crate) fn promotion(t: &mut Tables<'_>, rsc: RscIdx) {
    for (first, then) in [
        ("stopped", "start"),
        ("stopped", "promote"),
        ("demoted", "stop"),
        ("demoted", "start"),
        ("demoted", "promote"),
        ("running", "promote"),
        ("demote", "demoted"),
    ] {
        add(t, rsc, first, rsc, then, Relation::ORDERED);
    }
}

/// A bundle's steps enclose those of its containers and of what is inside them.
fn bundle(t: &mut Tables<'_>, rsc: RscIdx) {
    let Some(data) = t.resources[rsc].bundle_data().cloned() else { return };
    let (pre, post) = (Relation::THEN_IMPLIES_FIRST_GRAPHED, Relation::FIRST_IMPLIES_THEN_GRAPHED);
    if let Some(child) = data.child {
        add(t, rsc, "start", child, "start", pre);
        add(t, rsc, "stop", child, "stop", pre);
        for then in ["running", "stopped"] {
            add(t, child, then, rsc, then, post);
        }
    }
    for replica in &data.replicas {
        let container = replica.container;
        one(t, container);
        add(t, rsc, "start", container, "start", Relation::UNRUNNABLE_FIRST_BLOCKS.with(pre));
        add(t, rsc, "stop", container, "stop", pre);
        add(t, container, "start", rsc, "running", post);
        add(t, container, "stop", rsc, "stopped", post);
        if let Some(ip) = replica.ip {
            address(t, ip, container);
        }
        if let Some(remote) = replica.remote {
            one(t, remote);
        }
        if let Some(inner) = replica.child {
            add(t, rsc, "stop", inner, "stop", pre);
        }
    }
    let Some(child) = data.child else { return };
    one(t, child);
    if t.resources[child].promotable {
        promotion(t, rsc);
        for (first, then) in [("demote", "demoted"), ("promote", "promoted")] {
            add(t, child, then, rsc, then, post);
            add(t, rsc, first, child, first, pre);
        }
    }
}

/// A replica's address is up before its container, and goes where that goes.
fn address(t: &mut Tables<'_>, ip: RscIdx, container: RscIdx) {
    one(t, ip);
    let up = Relation::FIRST_IMPLIES_THEN.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
    add(t, ip, "start", container, "start", up);
    add(t, container, "stop", ip, "stop", Relation::ORDERED.with(Relation::THEN_IMPLIES_FIRST));
    let constraint = Colocation {
        id: "#ip-with-container",
        attribute: None,
        dependent: ip,
        primary: container,
        dependent_role: Role::Unknown,
        primary_role: Role::Unknown,
        score: score::INFINITY,
        influence: true,
    };
    colocation::add(t, constraint);
}

fn number_of(id: &str) -> i32 {
    id.rsplit_once(':').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}
