//! Parameters that changed since an operation ran: restart, reload, or repeat from now on.

use super::{create, policy};
use crate::constraint::ordering::{by_action, by_task};
use crate::model::{NodeIdx, Ordering, Relation, RscIdx, Tables};
use crate::status::{failcount, interval_of};
use diarch_cib::digest;
use diarch_cib::xml::Element;
use std::collections::BTreeMap;

/// What a difference between the parameters of then and now asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Difference {
    /// Nothing.
    None,
    /// A stop and a start.
    Restart,
    /// A `reload-agent`.
    Reload,
    /// The recurring operation to be begun anew.
    Repeat,
}

/// Compares the digest that an operation was recorded with to that of the parameters of now.
pub(super) fn check<'c>(t: &mut Tables<'c>, rsc: RscIdx, node: NodeIdx, op: Element<'c>) {
    if t.resources[rsc].remote_connection || t.is_bundled(rsc) {
        return;
    }
    let task = op.attribute("operation").unwrap_or("");
    let interval_ms = interval_of(op);
    let difference = difference(t, rsc, node, op);
    if difference != Difference::None {
        crate::fence::unfence_again(t, rsc, node, "Device parameters changed");
    }
    match difference {
        Difference::None => return,
        Difference::Restart => restart(t, rsc),
        Difference::Reload => reload(t, rsc, node),
        Difference::Repeat => {
            // Whether it is wanted at all depends on where the resource goes.
            let action = create::resource(t, rsc, task, interval_ms, Some(node), true);
            t.actions[action].reschedule = true;
        }
    }
    if failcount::of(t, rsc, node, false).count > 0 {
        create::clear_failcount(t, rsc, node, "resource parameters have changed");
    }
}

/// Tells whether an operation was recorded with other parameters than those of now.
pub(crate) fn changed<'c>(t: &Tables<'c>, rsc: RscIdx, node: NodeIdx, op: Element<'c>) -> bool {
    let row = &t.resources[rsc];
    let judged = !row.removed && !row.remote_connection;
    judged && difference(t, rsc, node, op) != Difference::None
}

/// What another agent started is stopped, forgotten, and started anew; tells whether it is so.
pub(super) fn check_agent(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    node: NodeIdx,
    entry: Element<'_>,
) -> bool {
    let row = &t.resources[rsc];
    let now = [("class", row.class), ("provider", row.provider), ("type", row.agent)];
    let same = |(name, value): (&str, &str)| entry.attribute(name).unwrap_or("") == value;
    if now.into_iter().all(same) {
        return false;
    }
    crate::fence::unfence_again(t, rsc, node, "Device definition changed");
    let active = t.resources[rsc].active_on.contains(&node);
    if active {
        create::stop(t, rsc, node, false);
    }
    super::removed::forget(t, rsc, node, false);
    if active {
        create::resource(t, rsc, "start", 0, Some(node), false);
    }
    true
}

fn difference<'c>(t: &Tables<'c>, rsc: RscIdx, node: NodeIdx, op: Element<'c>) -> Difference {
    let Some(recorded) = op.attribute("op-digest").filter(|digest| !digest.is_empty()) else {
        return Difference::None;
    };
    let task = match op.attribute("operation") {
        Some("migrate_from") | None => "start",
        // A probe that found the resource stands for its start.
        Some("monitor") if interval_of(op) == 0 => "start",
        Some(task) => task,
    };
    let interval_ms = interval_of(op);
    let own = policy::extra(t, rsc, Some(node), task, interval_ms);
    let parameters = crate::unpack::resources::parameters(t, rsc, Some(node));
    if let Some(restart) = op.attribute("op-restart-digest").filter(|_| interval_ms == 0) {
        let listed = op.attribute("op-force-restart").unwrap_or("");
        let forced: Vec<&str> = listed.split_whitespace().collect();
        let pairs = parameters.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let kept = pairs.filter(|(name, _)| forced.contains(name));
        if digest::of_parameters(kept, false) != restart {
            return Difference::Restart;
        }
    }
    let meta = policy::meta(t, rsc, Some(node), task, interval_ms);
    let timeout = meta.get("timeout").map(|value| ("CRM_meta_timeout", value));
    let mut all: BTreeMap<&str, &str> =
        parameters.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    all.extend(own.iter());
    all.extend(timeout);
    if masked_but_same(op, &all, t.resources[rsc].fence_device) {
        return Difference::None;
    }
    if digest::of_parameters(all, interval_ms > 0) == recorded {
        Difference::None
    } else if interval_ms > 0 {
        Difference::Repeat
    } else if op.attribute("op-restart-digest").is_some() && own.is_empty() {
        Difference::Reload
    } else {
        Difference::Restart
    }
}

/// Where secrets have been replaced by asterisks, what is not secret has to be the same.
fn masked_but_same(op: Element<'_>, all: &BTreeMap<&str, &str>, fence_device: bool) -> bool {
    let Some(recorded) = op.attribute("op-secure-digest") else { return false };
    let listed = op.attribute("op-secure-params").unwrap_or("");
    let secret: Vec<&str> = listed.split_whitespace().collect();
    let masked = |value: &&str| !value.is_empty() && value.bytes().all(|c| c == b'*');
    if !secret.iter().any(|name| all.get(name).is_some_and(masked)) {
        return false;
    }
    let open = all.iter().filter(|(name, _)| !secret.contains(*name));
    let declared = |name: &str| !(fence_device && name.starts_with("pcmk_"));
    let plain = open.clone().filter(|(name, _)| declared(name));
    let of = |pairs: Vec<(&str, &str)>, recurring| digest::of_parameters(pairs, recurring);
    of(plain.map(|(&name, &value)| (name, value)).collect(), false) == recorded
        || of(open.map(|(&name, &value)| (name, value)).collect(), interval_of(op) > 0) == recorded
}

/// A new start is required wherever the resource goes.
fn restart(t: &mut Tables<'_>, rsc: RscIdx) {
    let start = create::resource(t, rsc, "start", 0, None, false);
    t.actions[start].reason = Some("resource definition change".to_owned());
}

/// The agent takes over new parameters, unless the resource is stopped or demoted anyway.
fn reload(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) {
    let row = &t.resources[rsc];
    if !row.managed || row.failed || row.reload {
        return;
    }
    if row.start_pending {
        // It started with what was then: it is stopped, and started again.
        create::stop(t, rsc, node, false);
        return;
    }
    t.resources[rsc].reload = true;
    let action = create::resource(t, rsc, "reload-agent", 0, Some(node), false);
    t.actions[action].reason = Some("resource definition change".to_owned());
    let relation = Relation::ORDERED.with(Relation::THEN_CANCELS_FIRST);
    for task in ["stop", "demote"] {
        t.orderings.push(Ordering { first: by_action(action), then: by_task(rsc, task), relation });
    }
}
