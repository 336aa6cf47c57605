//! The operation history of one node: order of entries, state of each resource.

use super::active;
use super::operation::{self, Outcome};
use crate::model::{NodeIdx, OnFail, Role, RscIdx, Tables};
use crate::unpack::duration::{integer, interval_ms};
use core::cmp::Ordering;
use diarch_cib::xml::Element;

/// Reads a node's whole history.
pub(super) fn unpack_node<'c>(t: &mut Tables<'c>, node: NodeIdx, state: Element<'c>) {
    let list = state.child("lrm").and_then(|lrm| lrm.child("lrm_resources"));
    for entry in list.iter().flat_map(|list| list.children_named("lrm_resource")) {
        unpack_resource(t, node, entry);
    }
}

fn unpack_resource<'c>(t: &mut Tables<'c>, node: NodeIdx, entry: Element<'c>) {
    let Some(id) = entry.attribute("id") else { return };
    let Some(rsc) = super::find::resource(t, id, node, entry) else { return };
    shutdown_lock(t, rsc, node, entry);
    let mut ops: Vec<Element<'c>> = entry.children_named("lrm_rsc_op").collect();
    ops.sort_by(|a, b| by_call(*a, *b));
    let saved_role = t.resources[rsc].role;
    t.resources[rsc].role = Role::Unknown;
    let mut outcome = Outcome { on_fail: OnFail::Ignore, last_failure: None };
    for &op in &ops {
        operation::unpack(t, rsc, node, op, &mut outcome);
    }
    note_recurring(t, rsc, node, &ops);
    active::process(t, rsc, node, outcome.on_fail);
    if let Some(role) = target_role(t, rsc) {
        let next = t.resources[rsc].next_role;
        if next == Role::Unknown || role < next {
            t.resources[rsc].next_role = role;
        }
    }
    if saved_role > t.resources[rsc].role {
        t.resources[rsc].role = saved_role;
    }
}

fn shutdown_lock(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, entry: Element<'_>) {
    if !t.options.shutdown_lock {
        return;
    }
    let Some(at) = entry.attribute("shutdown-lock").and_then(integer) else { return };
    if at <= 0 {
        return;
    }
    let limit = i64::try_from(t.options.shutdown_lock_limit_s).unwrap_or(0);
    if limit > 0 && t.now > at + limit {
        crate::action::create::clear_lock(t, rsc, node);
        return;
    }
    t.resources[rsc].lock = Some((node, at));
}

/// Gives the limit that `target-role` sets, if it is one.
pub(crate) fn target_role(t: &Tables<'_>, rsc: RscIdx) -> Option<Role> {
    let text = t.resources[rsc].meta("target-role")?;
    let role = Role::parse(text)?;
    match role {
        Role::Unknown | Role::Started => None,
        Role::Stopped => Some(role),
        Role::Unpromoted | Role::Promoted => {
            let top = t.top_of(rsc, false);
            (t.resources[top].promotable && role == Role::Unpromoted).then_some(role)
        }
    }
}

/// Gives the transition's number and id that an entry was recorded with.
pub(super) fn transition(op: Element<'_>) -> Option<(i64, &str, i64)> {
    let key = op.attribute("transition-key").or_else(|| {
        op.attribute("transition-magic").and_then(|magic| magic.split_once(';')).map(|(_, key)| key)
    })?;
    let mut parts = key.splitn(4, ':');
    let _action = parts.next()?;
    let number = parts.next()?.parse().ok()?;
    let target = parts.next()?.parse().ok()?;
    Some((number, parts.next()?, target))
}

/// Orders entries by when their results came.
pub(crate) fn by_call(a: Element<'_>, b: Element<'_>) -> Ordering {
    let call = |op: Element<'_>| op.attribute("call-id").and_then(integer).unwrap_or(0);
    let (a_call, b_call) = (call(a), call(b));
    if a_call == -1 && b_call == -1 {
        return Ordering::Equal;
    }
    if a_call >= 0 && b_call >= 0 {
        let change =
            |op: Element<'_>| op.attribute("last-rc-change").and_then(integer).unwrap_or(-1);
        return a_call.cmp(&b_call).then_with(|| match (change(a), change(b)) {
            (a, b) if a >= 0 && b >= 0 => a.cmp(&b),
            _ => Ordering::Equal,
        });
    }
    // Old entries whose magic is of another form stay in the order that they are recorded in.
    let magic =
        |op: Element<'_>| op.attribute("transition-magic").is_none_or(|magic| magic.contains(';'));
    let (Some((a_number, a_uuid, _)), Some((b_number, b_uuid, _)), true) =
        (transition(a), transition(b), magic(a) && magic(b))
    else {
        return Ordering::Equal;
    };
    if a_uuid != b_uuid || a_number == b_number {
        return if b_call == -1 { Ordering::Less } else { Ordering::Greater };
    }
    if a_number >= 0 && a_number < b_number || b_number == -1 {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

/// Finds the last stop and the last start: what is older than them tells nothing any more.
pub(crate) fn active_range(ops: &[Element<'_>]) -> (i64, i64) {
    let (mut start, mut stop) = (-1i64, -1i64);
    let (mut by_monitor, mut by_promotion) = (-1i64, -1i64);
    for (at, op) in (0i64..).zip(ops) {
        match op.attribute("operation").unwrap_or("") {
            "stop" if op.attribute("op-status") == Some("0") => stop = at,
            "start" | "migrate_from" => start = at,
            "monitor" if by_monitor <= stop => {
                if matches!(op.attribute("rc-code"), Some("0" | "8")) {
                    by_monitor = at;
                }
            }
            "promote" | "demote" => by_promotion = at,
            _ => {}
        }
    }
    if start == -1 {
        start = if by_promotion != -1 { by_promotion } else { by_monitor };
    }
    (start, stop)
}

/// Recurring operations of an active resource are remembered as optional actions.
fn note_recurring<'c>(t: &mut Tables<'c>, rsc: RscIdx, node: NodeIdx, ops: &[Element<'c>]) {
    let (start, stop) = active_range(ops);
    if start < stop || !t.nodes[node].online {
        return;
    }
    for (at, op) in (0i64..).zip(ops) {
        let pending = op.attribute("op-status") == Some("-1");
        let interval = interval_of(*op);
        if at >= start && !pending && interval > 0 {
            let task = op.attribute("operation").unwrap_or("");
            crate::action::create::resource(t, rsc, task, interval, Some(node), true);
        }
    }
}

/// Gives an entry's interval in milliseconds.
pub(crate) fn interval_of(op: Element<'_>) -> u32 {
    let text = op.attribute("interval");
    text.and_then(integer)
        .and_then(|ms| u32::try_from(ms).ok())
        .unwrap_or_else(|| interval_ms(text))
}
