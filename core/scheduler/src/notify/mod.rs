//! Notifications: a clone's instances are told what is done with the others, before and after
//! (*Pacemaker Administration*, "Clone Resource Agent Requirements").
//!
//! Four steps stand around each of a clone's own: `pre_notify`, its confirmation, `post_notify`,
//! its confirmation. They are made with the clone's steps, so that orderings see them; the agents'
//! `notify` actions between them are made at the end, when it is known what happens.

mod environment;
mod send;

pub(crate) use send::all as send_all;

use crate::action::create;
use crate::model::{ActionIdx, Relation, RscIdx, Tables, score};

/// The steps around one of a clone's own.
#[derive(Clone, Copy, Debug)]
pub struct Notice {
    /// Whose instances are told.
    pub rsc: RscIdx,
    /// What they are told of: `start`, `stop`, `promote` or `demote`.
    pub task: &'static str,
    /// What the first two steps wait for nothing but: the clone's step.
    pub action: Option<ActionIdx>,
    /// That step's completion, or the fencing that is as good.
    pub complete: ActionIdx,
    /// Before, and its confirmation.
    pub pre: Option<[ActionIdx; 2]>,
    /// After, and its confirmation.
    pub post: [ActionIdx; 2],
}

/// Gives the key of a notification.
pub(crate) fn key(id: &str, kind: &str, task: &str) -> String {
    format!("{id}_{kind}_notify_{task}_0")
}

/// Makes the steps around one of a clone's own, where its instances want to be told.
pub(crate) fn boundaries(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    (task, action): (&'static str, ActionIdx),
    complete: ActionIdx,
) {
    if t.resources[rsc].notify {
        let notice = around(t, rsc, task, action, complete);
        t.notices.push(notice);
    }
}

/// Orders the steps around a clone's own with each other.
pub(crate) fn sequence(t: &mut Tables<'_>, rsc: RscIdx) {
    for (first, then) in [
        ("stop", "start"),
        ("stop", "promote"),
        ("start", "promote"),
        ("demote", "promote"),
        ("demote", "start"),
        ("demote", "stop"),
    ] {
        let find = |task: &str| t.notices.iter().find(|at| at.rsc == rsc && at.task == task);
        if let (Some(first), Some(then)) = (find(first), find(then))
            && let Some([pre, _]) = then.pre
        {
            let post = first.post[1];
            crate::order::link(t, post, pre, Relation::ORDERED);
        }
    }
}

fn around(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    task: &'static str,
    action: ActionIdx,
    complete: ActionIdx,
) -> Notice {
    let pre = ["pre", "confirmed-pre"].map(|kind| step(t, rsc, kind, task, task));
    for at in pre {
        t.actions[at].optional = t.actions[action].optional;
        t.actions[at].runnable = t.actions[action].runnable;
    }
    let done = t.actions[complete].task;
    let post = after(t, rsc, task, done, complete);
    crate::order::link(t, pre[0], pre[1], Relation::ORDERED);
    crate::order::link(t, pre[1], action, Relation::ORDERED);
    crate::order::link(t, pre[1], post[0], Relation::ORDERED);
    Notice { rsc, task, action: Some(action), complete, pre: Some(pre), post }
}

/// Makes the two steps after the completion of what is told.
fn after<'c>(
    t: &mut Tables<'c>,
    rsc: RscIdx,
    task: &'static str,
    done: &'c str,
    complete: ActionIdx,
) -> [ActionIdx; 2] {
    let post = ["post", "confirmed-post"].map(|kind| step(t, rsc, kind, task, done));
    for at in post {
        t.actions[at].priority = score::INFINITY;
        t.actions[at].optional = t.actions[complete].optional;
        t.actions[at].runnable = t.actions[complete].runnable;
    }
    crate::order::link(t, complete, post[0], Relation::FIRST_IMPLIES_THEN);
    crate::order::link(t, post[0], post[1], Relation::FIRST_IMPLIES_THEN);
    post
}

fn step<'c>(
    t: &mut Tables<'c>,
    rsc: RscIdx,
    kind: &'static str,
    task: &'static str,
    key_task: &'c str,
) -> ActionIdx {
    let name = if kind.starts_with("confirmed") { "notified" } else { "notify" };
    let key = key(&t.resources[rsc].id, kind, key_task);
    let action = create::keyed(t, rsc, name, key, 0, None, true);
    let row = &mut t.actions[action];
    row.pseudo = true;
    row.runnable = true;
    for (name, value) in [
        ("notify_type", kind.trim_start_matches("confirmed-")),
        ("notify_operation", task),
        ("notify_key_type", kind),
        ("notify_key_operation", key_task),
    ] {
        row.meta.insert(name, value);
    }
    action
}

/// Tells the survivors of an instance that it was stopped by the fencing of its node.
pub(crate) fn after_fencing(t: &mut Tables<'_>, rsc: RscIdx, fencing: ActionIdx) {
    if !t.resources[rsc].notify || t.notices.iter().any(|at| at.rsc == rsc) {
        return;
    }
    let post = after(t, rsc, "stop", "stonith", fencing);
    t.notices.push(Notice { rsc, task: "stop", action: None, complete: fencing, pre: None, post });
}
