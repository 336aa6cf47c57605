//! Live migrations in the history: finished, half-finished, dangling or failed.

use super::active::add_running;
use super::history::by_call;
use super::operation::Entry;
use crate::model::{NodeIdx, Role, RscIdx, Tables};
use crate::unpack::duration::small;
use core::cmp::Ordering;
use diarch_cib::xml::Element;

fn history<'c>(t: &Tables<'c>, id: &str, node: &str) -> Option<Element<'c>> {
    let status = t.cib.child("status")?;
    let state =
        status.children_named("node_state").find(|state| state.attribute("uname") == Some(node))?;
    let list = state.child("lrm")?.child("lrm_resources")?;
    list.children_named("lrm_resource").find(|rsc| rsc.attribute("id") == Some(id))
}

fn find_op<'c>(
    t: &Tables<'c>,
    id: &str,
    task: &str,
    node: &str,
    other: Option<(&str, &str)>,
) -> Option<Element<'c>> {
    let mut found = None;
    for op in history(t, id, node)?.children_named("lrm_rsc_op") {
        let here = op.attribute("operation") == Some(task)
            && other.is_none_or(|(name, want)| op.attribute(name) == Some(want));
        if here {
            found = Some(op);
        }
    }
    found
}

/// Tells whether anything but a monitor happened on a node after an entry.
fn non_monitor_after(t: &Tables<'_>, id: &str, node: &str, after: Element<'_>) -> bool {
    let Some(list) = history(t, id, node) else { return false };
    list.children_named("lrm_rsc_op").any(|op| changes_state(op) && newer(op, after))
}

fn changes_state(op: Element<'_>) -> bool {
    let tasks = ["start", "stop", "promote", "demote", "migrate_to", "migrate_from"];
    op.attribute("operation").is_some_and(|task| tasks.contains(&task))
}

fn newer(a: Element<'_>, b: Element<'_>) -> bool {
    a.id() != b.id() && by_call(a, b) == Ordering::Greater
}

/// Tells whether a probe on the target found the resource inactive after the migration.
fn newer_state(t: &Tables<'_>, id: &str, to: Element<'_>, from: Option<Element<'_>>) -> bool {
    let Some(target) = to.attribute("migrate_target") else { return false };
    let after = from.unwrap_or(to);
    if from.is_some() && non_monitor_after(t, id, target, after) {
        return true;
    }
    let Some(list) = history(t, id, target) else { return false };
    list.children_named("lrm_rsc_op").any(|op| {
        let monitor =
            op.attribute("operation") == Some("monitor") && op.attribute("rc-code") == Some("7");
        let later = if from.is_some() { newer(op, after) } else { later_time(op, to) };
        (monitor || changes_state(op)) && later
    })
}

/// Compares results of different nodes by time.
fn later_time(a: Element<'_>, b: Element<'_>) -> bool {
    let at =
        |op: Element<'_>| op.attribute("last-rc-change").and_then(crate::unpack::duration::integer);
    matches!((at(a), at(b)), (Some(a), Some(b)) if a > b)
}

fn ends(t: &Tables<'_>, xml: Element<'_>) -> Option<(NodeIdx, NodeIdx)> {
    let source = t.node_by_name(xml.attribute("migrate_source")?)?;
    let target = t.node_by_name(xml.attribute("migrate_target")?)?;
    Some((source, target))
}

fn unrecoverable(t: &mut Tables<'_>, rsc: RscIdx) {
    t.resources[rsc].failed = true;
    t.resources[rsc].allow_migrate = false;
}

/// Applies a successful `migrate_to`, seen on the source.
pub(super) fn to_succeeded(t: &mut Tables<'_>, entry: &Entry<'_>) {
    let rsc = entry.rsc;
    let Some((source, target)) = ends(t, entry.xml) else { return };
    let (source_name, target_name) = (t.nodes[source].name, t.nodes[target].name);
    let id = t.resources[rsc].history_name().to_owned();
    let source_newer = non_monitor_after(t, &id, source_name, entry.xml);
    let by_source = Some(("migrate_source", source_name));
    let from = find_op(t, &id, "migrate_from", target_name, by_source);
    if from.is_some() && source_newer {
        return;
    }
    let target_newer = newer_state(t, &id, entry.xml, from);
    if source_newer && target_newer {
        return;
    }
    let status = from.map(|op| small(op.attribute("op-status")).unwrap_or(-1));
    let rc = from.map(|op| small(op.attribute("rc-code")).unwrap_or(-1));
    if rc == Some(0) && status == Some(0) {
        t.resources[rsc].role = Role::Stopped;
        t.resources[rsc].dangling_sources.push(entry.node);
        return;
    }
    t.resources[rsc].role = Role::Started;
    let active = !target_newer && t.nodes[target].online;
    if status.is_some_and(|status| status != -1) {
        if active {
            add_running(t, rsc, target, true);
        } else {
            unrecoverable(t, rsc);
        }
        return;
    }
    if t.nodes[target].online && history(t, &id, target_name).is_none() {
        return;
    }
    if active {
        add_running(t, rsc, target, false);
        if t.nodes[source].online {
            t.resources[rsc].partial_target = Some(target);
            t.resources[rsc].partial_source = Some(source);
        }
    } else if !source_newer {
        unrecoverable(t, rsc);
    }
}

/// Applies a failed `migrate_to`: the resource may be active at either end.
pub(super) fn to_failed(t: &mut Tables<'_>, entry: &Entry<'_>) {
    let rsc = entry.rsc;
    let Some((_, target)) = ends(t, entry.xml) else { return };
    t.resources[rsc].role = Role::Started;
    let id = t.resources[rsc].history_name().to_owned();
    let target_name = t.nodes[target].name;
    let source_name = entry.xml.attribute("migrate_source").unwrap_or("");
    let from = find_op(t, &id, "migrate_from", target_name, None);
    // Where nothing is recorded, a probe will tell.
    if !t.nodes[target].online || history(t, &id, target_name).is_none() {
        return;
    }
    if !newer_state(t, &id, entry.xml, from) {
        add_running(t, rsc, target, false);
    } else if !non_monitor_after(t, &id, source_name, entry.xml) {
        t.resources[rsc].dangling_sources.push(entry.node);
    }
}

/// Applies a failed `migrate_from`: the resource may still be active on the source.
pub(super) fn from_failed(t: &mut Tables<'_>, entry: &Entry<'_>) {
    let rsc = entry.rsc;
    let Some((source, _)) = ends(t, entry.xml) else { return };
    t.resources[rsc].role = Role::Started;
    let id = t.resources[rsc].history_name().to_owned();
    let source_name = t.nodes[source].name;
    let target = entry.xml.attribute("migrate_target").unwrap_or("");
    let to = find_op(t, &id, "migrate_to", source_name, Some(("migrate_target", target)));
    let moved_on = to.is_some_and(|to| non_monitor_after(t, &id, source_name, to));
    if !moved_on && t.nodes[source].online {
        add_running(t, rsc, source, true);
    }
}
