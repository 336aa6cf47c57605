//! From where a resource is and what it does to where it shall be: the actions between.

use super::{create, recurring};
use crate::assign::place;
use crate::fence;
use crate::model::{ActionIdx, MultiplyActive, NodeIdx, Relation, Role, RscIdx, Tables, Variant};

/// Makes the actions of every resource.
pub(crate) fn all(t: &mut Tables<'_>) {
    for rsc in t.top.clone() {
        one(t, rsc);
    }
}

fn one(t: &mut Tables<'_>, rsc: RscIdx) {
    match t.resources[rsc].variant {
        Variant::Primitive => primitive(t, rsc),
        Variant::Group(_) => {
            for child in t.resources[rsc].children.clone() {
                one(t, child);
            }
            group_steps(t, rsc);
        }
        Variant::Clone(_) => {
            for child in t.resources[rsc].children.clone() {
                one(t, child);
            }
            clone_steps(t, rsc);
        }
        Variant::Bundle(_) => bundle(t, rsc),
    }
}

/// A bundle's own steps happen where those of any container do; what is inside comes after the
/// containers.
fn bundle(t: &mut Tables<'_>, rsc: RscIdx) {
    let inside = t.resources[rsc].bundle_data().and_then(|data| data.child);
    for child in t.resources[rsc].children.clone() {
        if Some(child) != inside {
            one(t, child);
        }
    }
    let (mut starting, mut stopping, mut active) = (false, false, false);
    for container in t.instances(rsc, false) {
        let (start, stop, ..) = states(t, container);
        starting |= start;
        stopping |= stop;
        active |= !t.resources[container].active_on.is_empty();
    }
    step(t, rsc, "start", starting, true);
    step(t, rsc, "running", starting, starting || active);
    let stop = step(t, rsc, "stop", stopping, true);
    t.actions[stop].migratable = !(starting && stopping);
    step(t, rsc, "stopped", stopping, true);
    let Some(inside) = inside else { return };
    one(t, inside);
    if t.resources[inside].promotable {
        for task in ["promote", "promoted", "demote", "demoted"] {
            step(t, rsc, task, false, true);
        }
    }
}

fn group_steps(t: &mut Tables<'_>, rsc: RscIdx) {
    create::pseudo(t, rsc, "start", true, true);
    create::pseudo(t, rsc, "running", true, true);
    create::pseudo(t, rsc, "stop", true, true);
    create::pseudo(t, rsc, "stopped", true, true);
    let top = t.top_of(rsc, false);
    if t.resources[top].promotable {
        for task in ["demote", "demoted", "promote", "promoted"] {
            create::pseudo(t, rsc, task, true, true);
        }
    }
}

/// A clone's own steps happen where those of any instance do.
fn clone_steps(t: &mut Tables<'_>, rsc: RscIdx) {
    let (starting, stopping, promoting, demoting) = states(t, rsc);
    let active = t.primitives(rsc).into_iter().any(|one| !t.resources[one].active_on.is_empty());
    clone_step(t, rsc, ("start", "running"), starting, starting || active);
    let stop = clone_step(t, rsc, ("stop", "stopped"), stopping, true);
    // What only becomes less stays with what depends on it.
    t.actions[stop].migratable = !(starting && stopping);
    if t.resources[rsc].promotable {
        clone_step(t, rsc, ("promote", "promoted"), promoting, true);
        clone_step(t, rsc, ("demote", "demoted"), demoting, true);
    }
    crate::notify::sequence(t, rsc);
}

/// Makes one of a clone's own steps, its completion, and what its instances are told of it.
fn clone_step(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    (task, done): (&'static str, &'static str),
    required: bool,
    completes: bool,
) -> ActionIdx {
    let action = step(t, rsc, task, required, true);
    let complete = step(t, rsc, done, required, completes);
    crate::notify::boundaries(t, rsc, (task, action), complete);
    action
}

/// Makes one of a clone's own steps; those that tell of completion go before all else.
fn step(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    task: &'static str,
    required: bool,
    runnable: bool,
) -> ActionIdx {
    let action = create::pseudo(t, rsc, task, !required, true);
    let row = &mut t.actions[action];
    row.runnable = runnable;
    if matches!(task, "running" | "stopped" | "promoted" | "demoted") {
        row.priority = crate::model::score::INFINITY;
    }
    action
}

fn states(t: &Tables<'_>, rsc: RscIdx) -> (bool, bool, bool, bool) {
    let required = |task: &str| {
        t.primitives(rsc).into_iter().any(|inner| {
            create::find_all(t, inner, task, None).into_iter().any(|action| {
                let row = &t.actions[action];
                !row.optional && row.runnable
            })
        })
    };
    (required("start"), required("stop"), required("promote"), required("demote"))
}

fn primitive(t: &mut Tables<'_>, rsc: RscIdx) {
    if t.resources[rsc].next_role == Role::Unknown {
        let top = t.top_of(rsc, false);
        let active = if t.resources[top].promotable { Role::Unpromoted } else { Role::Started };
        t.resources[rsc].next_role =
            if t.resources[rsc].assigned_to.is_some() { active } else { Role::Stopped };
    }
    for node in t.resources[rsc].dangling_sources.clone() {
        create::stop(t, rsc, node, false);
    }
    let here = place::current(t, rsc);
    let target = t.resources[rsc].assigned_to;
    let migrating = t.resources[rsc].partial_target.is_some()
        && t.resources[rsc].partial_target == target
        && t.resources[rsc].active_on.len() == 2;
    // A migration that cannot be completed gives way to a full restart.
    let abandoned = !migrating && t.resources[rsc].partial_target.is_some();
    if !migrating {
        t.resources[rsc].partial_target = None;
        t.resources[rsc].partial_source = None;
    }
    let mut need_stop = false;
    if !migrating && multiply_active(t, rsc) {
        need_stop = true;
        t.resources[rsc].stop_unexpected =
            t.resources[rsc].multiply_active == MultiplyActive::StopUnexpected;
    }
    if t.resources[rsc].start_pending
        && let Some(target) = target
    {
        let start = create::resource(t, rsc, "start", 0, Some(target), true);
        t.actions[start].print_always = true;
    }
    let moving = here.is_some()
        && target.is_some()
        && here != target
        && t.resources[rsc].next_role >= Role::Started;
    let mut allow_migrate = false;
    if moving {
        need_stop = true;
        allow_migrate =
            !abandoned && here.is_some_and(|here| super::migrate::possible(t, rsc, here));
    }
    let mut need_promote = false;
    let stop_required = create::find_all(t, rsc, "stop", None)
        .into_iter()
        .any(|action| !t.actions[action].optional);
    if t.resources[rsc].failed {
        if stop_required || !demote_only(t, rsc) {
            need_stop = true;
        }
        need_promote |= t.resources[rsc].role == Role::Promoted;
    } else if t.resources[rsc].blocked {
        need_stop = true;
    } else if let Some(here) =
        here.filter(|_| t.resources[rsc].role > Role::Started && target == here)
    {
        // A new definition needs a new start.
        let start = create::resource(t, rsc, "start", 0, Some(here), true);
        need_stop |= !t.actions[start].optional;
    }
    restart(t, rsc, here, need_stop, need_promote);
    transition(t, rsc);
    recurring::create(t, rsc);
    if allow_migrate && let (Some(here), Some(target)) = (here, target) {
        super::migrate::create(t, rsc, here, target);
    }
}

fn demote_only(t: &Tables<'_>, rsc: RscIdx) -> bool {
    create::find_all(t, rsc, "demote", None).into_iter().any(|a| !t.actions[a].optional)
}

fn multiply_active(t: &Tables<'_>, rsc: RscIdx) -> bool {
    let row = &t.resources[rsc];
    let counted = row.active_on.iter().filter(|&&node| {
        let state = &t.nodes[node];
        row.requires >= crate::model::Requires::Fencing || state.online && !state.unclean
    });
    counted.count().saturating_sub(row.dangling_sources.len()) > 1
}

/// Steps down to stopped and up again, required only where something else requires them.
fn restart(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    here: Option<NodeIdx>,
    need_stop: bool,
    need_promote: bool,
) {
    if here.is_none() && t.resources[rsc].active_on.is_empty() {
        return;
    }
    let now = t.resources[rsc].role;
    if now <= Role::Stopped {
        return;
    }
    if now == Role::Promoted {
        demote(t, rsc, !need_stop && !need_promote);
    }
    stop(t, rsc, !need_stop);
    if t.resources[rsc].blocked || t.resources[rsc].next_role <= Role::Stopped {
        return;
    }
    start(t, rsc, !need_stop);
    if now == Role::Promoted && t.resources[rsc].next_role == Role::Promoted {
        promote(t, rsc, !(need_stop || need_promote));
    }
}

/// Steps from the present role to the next.
fn transition(t: &mut Tables<'_>, rsc: RscIdx) {
    let (now, next) = (t.resources[rsc].role, t.resources[rsc].next_role);
    if now == Role::Promoted && next < Role::Promoted {
        demote(t, rsc, false);
    }
    if now > Role::Stopped && next <= Role::Stopped {
        stop(t, rsc, false);
    }
    if now <= Role::Stopped && next > Role::Stopped {
        start(t, rsc, false);
    }
    if now < Role::Promoted && next == Role::Promoted {
        promote(t, rsc, false);
    }
}

fn start(t: &mut Tables<'_>, rsc: RscIdx, optional: bool) {
    let node = t.resources[rsc].assigned_to;
    let action = create::resource(t, rsc, "start", 0, node, true);
    if let Some(node) = node {
        let relation = Relation::ORDERED.with(Relation::UNRUNNABLE_FIRST_BLOCKS);
        let relation = relation.with(Relation::FIRST_IMPLIES_THEN);
        fence::unfence_before(t, rsc, node, action, relation);
    }
    if t.actions[action].runnable && !optional {
        t.actions[action].optional = false;
    }
    // Where it is expected it stays, and is said to start.
    let row = &t.resources[rsc];
    if row.stop_unexpected && node.is_some_and(|node| row.active_on.contains(&node)) {
        t.actions[action].pseudo = true;
    }
}

fn guest_pseudo(t: &mut Tables<'_>, action: ActionIdx, node: Option<NodeIdx>) {
    if let Some(node) = node
        && t.is_guest(node)
        && t.nodes[node].remote_reset
        && t.actions[action].runnable
    {
        t.actions[action].pseudo = true;
    }
}

fn stop(t: &mut Tables<'_>, rsc: RscIdx, optional: bool) {
    for node in t.resources[rsc].active_on.clone() {
        let row = &t.resources[rsc];
        if row.partial_target == Some(node) && row.assigned_to == Some(node) {
            continue;
        }
        if row.stop_unexpected && row.assigned_to == Some(node) {
            continue;
        }
        let action = create::stop(t, rsc, node, optional);
        if t.resources[rsc].stop_unexpected {
            t.actions[action].reason = Some("being multiply active".to_owned());
        }
        if t.resources[rsc].shutdown_locked {
            t.actions[action].shutdown_lock = t.resources[rsc].lock.map(|(_, since)| since);
        }
        if t.resources[rsc].assigned_to.is_none() {
            t.actions[action].reason = Some("node availability".to_owned());
        }
        guest_pseudo(t, action, Some(node));
        fence::unfence_after(t, rsc, node, action);
        if !t.resources[rsc].managed {
            t.actions[action].runnable = false;
        }
        if t.options.remove_after_stop {
            let delete = create::resource(t, rsc, "delete", 0, Some(node), optional);
            crate::order::link(t, action, delete, Relation::ORDERED);
        }
    }
}

fn demote(t: &mut Tables<'_>, rsc: RscIdx, optional: bool) {
    for node in t.resources[rsc].active_on.clone() {
        let action = create::resource(t, rsc, "demote", 0, Some(node), optional);
        guest_pseudo(t, action, Some(node));
    }
}

fn promote(t: &mut Tables<'_>, rsc: RscIdx, optional: bool) {
    let node = t.resources[rsc].assigned_to;
    let possible = create::find_all(t, rsc, "start", None)
        .into_iter()
        .all(|action| t.actions[action].runnable);
    if possible {
        create::resource(t, rsc, "promote", 0, node, optional);
        return;
    }
    for action in create::find_all(t, rsc, "promote", None) {
        t.actions[action].runnable = false;
    }
}
