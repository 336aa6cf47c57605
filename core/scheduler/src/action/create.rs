//! Making actions: one row per key and node, required as soon as anything requires it.

use super::policy;
use crate::fence;
use crate::model::{
    Action, ActionIdx, Attributes, NoQuorum, NodeIdx, OnFail, Requires, Role, RscIdx, Tables,
};

/// Gives the key of a resource's operation.
pub(crate) fn key(id: &str, task: &str, interval_ms: u32) -> String {
    format!("{id}_{task}_{interval_ms}")
}

/// Makes a row without any particular.
pub(crate) fn blank<'c>(t: &mut Tables<'c>, task: &'c str, key: String) -> ActionIdx {
    let number = u32::try_from(t.actions.len() + 1).unwrap_or(u32::MAX);
    t.actions.push(Action {
        number,
        rsc: None,
        node: None,
        task,
        key,
        priority: 0,
        interval_ms: 0,
        pseudo: false,
        runnable: true,
        optional: true,
        print_always: false,
        migratable: false,
        reschedule: false,
        on_dc: false,
        min_runnable: false,
        dumped: false,
        visiting: false,
        deduped: false,
        detect_loop: false,
        needs: Requires::Nothing,
        on_fail: OnFail::Ignore,
        fail_role: Role::Unknown,
        reason: None,
        shutdown_lock: None,
        config: None,
        meta: Attributes::default(),
        extra: Attributes::default(),
        cancel_task: None,
        required_runnable: 0,
        runnable_before: 0,
        before: Vec::new(),
        after: Vec::new(),
    })
}

/// Gives the action of a resource with this task and interval on a node, making it where it is
/// missing.
pub(crate) fn resource<'c>(
    t: &mut Tables<'c>,
    rsc: RscIdx,
    task: &'c str,
    interval_ms: u32,
    node: Option<NodeIdx>,
    optional: bool,
) -> ActionIdx {
    let row = &t.resources[rsc];
    let existing = row.actions.iter().copied().find(|&action| {
        let other = &t.actions[action];
        let here = other.node == node || node.is_none() || other.node.is_none();
        here && is_key(&other.key, &row.id, task, interval_ms)
    });
    // What is required wherever the resource goes takes place on the node that is named later.
    if let (Some(action), Some(_)) = (existing, node)
        && t.actions[action].node.is_none()
    {
        t.actions[action].node = node;
        t.actions[action].runnable = true;
        describe(t, action, rsc);
    }
    let action = existing.unwrap_or_else(|| {
        let key = key(&t.resources[rsc].id, task, interval_ms);
        make(t, rsc, task, key, interval_ms, node)
    });
    require(t, action, rsc, optional);
    action
}

/// Tells whether `text` is what [`key`] gives.
fn is_key(text: &str, id: &str, task: &str, interval_ms: u32) -> bool {
    let rest = text.strip_prefix(id).and_then(|rest| rest.strip_prefix('_'));
    let rest =
        rest.and_then(|rest| rest.strip_prefix(task)).and_then(|rest| rest.strip_prefix('_'));
    rest.is_some_and(|rest| match interval_ms {
        0 => rest == "0",
        _ => !rest.starts_with(['0', '+']) && rest.parse() == Ok(interval_ms),
    })
}

/// As [`resource`], under a key of its own.
pub(crate) fn keyed<'c>(
    t: &mut Tables<'c>,
    rsc: RscIdx,
    task: &'c str,
    key: String,
    interval_ms: u32,
    node: Option<NodeIdx>,
    optional: bool,
) -> ActionIdx {
    let existing = t.resources[rsc].actions.iter().copied().find(|&action| {
        let row = &t.actions[action];
        row.key == key && (row.node == node || node.is_none())
    });
    let action = existing.unwrap_or_else(|| make(t, rsc, task, key, interval_ms, node));
    require(t, action, rsc, optional);
    action
}

fn make<'c>(
    t: &mut Tables<'c>,
    rsc: RscIdx,
    task: &'c str,
    key: String,
    interval_ms: u32,
    node: Option<NodeIdx>,
) -> ActionIdx {
    let action = blank(t, task, key);
    let row = &mut t.actions[action];
    row.rsc = Some(rsc);
    row.node = node;
    row.interval_ms = interval_ms;
    t.resources[rsc].actions.push(action);
    describe(t, action, rsc);
    action
}

/// An action is required as soon as anything requires it.
fn require(t: &mut Tables<'_>, action: ActionIdx, rsc: RscIdx, optional: bool) {
    let managed = t.resources[rsc].managed;
    let row = &mut t.actions[action];
    if row.node.is_some()
        && !row.pseudo
        && !managed
        && row.interval_ms == 0
        && (row.task != "monitor")
    {
        row.optional = true;
    } else if !optional {
        row.optional = false;
    }
    check_runnable(t, action);
}

fn describe(t: &mut Tables<'_>, action: ActionIdx, rsc: RscIdx) {
    let (task, interval_ms, node) = {
        let row = &t.actions[action];
        (row.task, row.interval_ms, row.node)
    };
    let meta = policy::meta(t, rsc, node, task, interval_ms);
    let extra = policy::extra(t, rsc, node, task, interval_ms);
    let (on_fail, fail_role) = policy::on_fail(t, rsc, task, interval_ms);
    let needs = if matches!(task, "start" | "promote") {
        t.resources[rsc].requires
    } else {
        Requires::Nothing
    };
    let row = &mut t.actions[action];
    row.config = policy::config_of(&t.resources[rsc], task, interval_ms);
    row.meta = meta;
    row.extra = extra;
    row.on_fail = on_fail;
    row.fail_role = fail_role;
    row.needs = needs;
}

/// Decides whether an action can be done where it is.
fn check_runnable(t: &mut Tables<'_>, action: ActionIdx) {
    let row = &t.actions[action];
    if row.pseudo {
        return;
    }
    let (task, on_dc, needs, rsc) = (row.task, row.on_dc, row.needs, row.rsc);
    let Some(node) = row.node else {
        t.actions[action].runnable = false;
        return;
    };
    let guest = t.is_guest(node);
    let state = &t.nodes[node];
    if !on_dc && !state.online && (!guest || state.remote_reset) {
        let unclean = state.unclean;
        t.actions[action].runnable = false;
        let managed = rsc.is_some_and(|rsc| t.resources[rsc].managed);
        if managed && task == "stop" && !unclean && t.actions[action].on_fail == OnFail::Fence {
            fence::demand(t, node, "resource actions are unrunnable");
        }
    } else if !on_dc && state.pending {
        t.actions[action].runnable = false;
    } else if needs == Requires::Nothing {
        if guest && !fence::possible(t, node) {
            t.actions[action].runnable = false;
        }
    } else if !t.options.quorate {
        // What is demoted only, and active, may stay so.
        let kept = task == "start"
            && rsc.is_some_and(|rsc| {
                t.resources[t.top_of(rsc, false)].promotable
                    && t.resources[rsc].role > Role::Stopped
            });
        match t.options.no_quorum {
            NoQuorum::Demote if kept => {}
            NoQuorum::Stop | NoQuorum::Demote => {
                t.actions[action].runnable = false;
                t.actions[action].reason = Some("no quorum".to_owned());
            }
            NoQuorum::Freeze => {
                let Some(rsc) = rsc else { return };
                let row = &t.resources[rsc];
                let active = is_active(t, rsc, true);
                if !active || row.next_role > row.role {
                    t.actions[action].runnable = false;
                    t.actions[action].reason = Some("quorum freeze".to_owned());
                }
            }
            NoQuorum::Ignore | NoQuorum::Fence => {}
        }
    }
}

/// Tells whether a resource (all of it, or any) is active on a node that works.
pub(crate) fn is_active(t: &Tables<'_>, rsc: RscIdx, all: bool) -> bool {
    let row = &t.resources[rsc];
    if row.is_primitive() {
        return row.active_on.iter().any(|&node| {
            let state = &t.nodes[node];
            state.unclean || state.online || !row.managed
        });
    }
    let mut children = row.children.iter();
    if all && !row.is_collective() {
        children.all(|&child| is_active(t, child, all))
    } else {
        children.any(|&child| is_active(t, child, all))
    }
}

/// Finds the actions of a resource with this task, once, on a node or anywhere.
pub(crate) fn find_all(
    t: &Tables<'_>,
    rsc: RscIdx,
    task: &str,
    node: Option<NodeIdx>,
) -> Vec<ActionIdx> {
    let all = t.resources[rsc].actions.iter().copied();
    all.filter(|&action| {
        let row = &t.actions[action];
        row.task == task && row.interval_ms == 0 && (node.is_none() || row.node == node)
    })
    .collect()
}

/// Finds the first action of a resource with this task, once.
pub(crate) fn find(
    t: &Tables<'_>,
    rsc: RscIdx,
    task: &str,
    node: Option<NodeIdx>,
) -> Option<ActionIdx> {
    t.resources[rsc].actions.iter().copied().find(|&action| {
        let row = &t.actions[action];
        row.task == task && row.interval_ms == 0 && (node.is_none() || row.node == node)
    })
}

/// Makes a stop.
pub(crate) fn stop(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, optional: bool) -> ActionIdx {
    resource(t, rsc, "stop", 0, Some(node), optional)
}

/// Makes a step of a collection: executed by nobody.
pub(crate) fn pseudo<'c>(
    t: &mut Tables<'c>,
    rsc: RscIdx,
    task: &'c str,
    optional: bool,
    runnable: bool,
) -> ActionIdx {
    let action = resource(t, rsc, task, 0, None, optional);
    let row = &mut t.actions[action];
    row.pseudo = true;
    if runnable {
        row.runnable = true;
    }
    action
}

/// Makes an action of no resource.
pub(crate) fn singleton<'c>(
    t: &mut Tables<'c>,
    task: &'c str,
    key: String,
    node: Option<NodeIdx>,
    optional: bool,
) -> ActionIdx {
    let action = match t.singletons.get(&key) {
        Some(&action) => action,
        None => {
            let action = blank(t, task, key.clone());
            t.actions[action].node = node;
            t.singletons.insert(key, action);
            action
        }
    };
    if !optional {
        t.actions[action].optional = false;
    }
    action
}

/// Makes the action that resets a failure count.
pub(crate) fn clear_failcount(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    node: NodeIdx,
    reason: &str,
) -> ActionIdx {
    let action = resource(t, rsc, "clear_failcount", 0, Some(node), false);
    let row = &mut t.actions[action];
    row.meta.insert("op_no_wait", "true");
    row.reason = Some(reason.to_owned());
    action
}

/// Makes the action that forgets an expired shutdown lock.
pub(crate) fn clear_lock(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) {
    let action = resource(t, rsc, "lrm_delete", 0, Some(node), false);
    let row = &mut t.actions[action];
    row.meta.insert("on-fail", "ignore");
    row.on_dc = true;
    row.runnable = true;
}
