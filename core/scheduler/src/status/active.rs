//! What a resource's state on a node means: where it is active, what has to stop, who is fenced.

use super::find::locate;
use crate::action::create;
use crate::fence;
use crate::model::{MultiplyActive, NodeIdx, OnFail, Role, RscIdx, Tables, score};

/// Concludes a resource's history on a node.
pub(super) fn process(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, on_fail: OnFail) {
    if t.resources[rsc].role != Role::Unknown {
        note_known(t, rsc, node);
    }
    let role = t.resources[rsc].role;
    let active = role > Role::Stopped;
    if active && !t.nodes[node].online && !t.nodes[node].maintenance && t.resources[rsc].managed {
        fence_lost(t, rsc, node);
    }
    let effect = if t.nodes[node].unclean { OnFail::Ignore } else { on_fail };
    apply(t, rsc, node, effect);
    if t.resources[rsc].remote_connection
        && t.resources[rsc].failed
        && let Some(remote) = t.resources[rsc].remote_node
    {
        t.nodes[remote].unseen = false;
    }
    let role = t.resources[rsc].role;
    if role > Role::Stopped {
        add_running(t, rsc, node, on_fail != OnFail::Ignore);
        if effect != OnFail::Ignore {
            t.resources[rsc].failed = true;
        }
    } else {
        let row = &mut t.resources[rsc];
        if row.history_id.as_deref().is_some_and(|id| id.contains(':')) {
            row.history_id = None;
        } else {
            for action in create::find_all(t, rsc, "stop", Some(node)) {
                t.actions[action].optional = true;
            }
        }
    }
    let row = &mut t.resources[rsc];
    if row.role == Role::Stopped
        && row.partial_source == Some(node)
        && row.partial_target.is_some_and(|target| row.active_on.contains(&target))
    {
        row.role = Role::Started;
    }
}

fn note_known(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) {
    let mut at = Some(rsc);
    while let Some(rsc) = at {
        let row = &mut t.resources[rsc];
        if !row.known_on.contains(&node) {
            row.known_on.push(node);
        }
        at = if row.unique { None } else { row.parent };
    }
}

fn fence_lost(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) {
    let mut wanted = false;
    if t.is_guest(node) {
        t.resources[rsc].failed = true;
        wanted = true;
    } else if t.options.fencing_enabled {
        let remote_ok = t.is_plain_remote(node)
            && t.nodes[node].connection.is_some_and(|at| !t.resources[at].failed);
        if remote_ok {
            t.nodes[node].unseen = true;
        }
        wanted = true;
    }
    if wanted {
        let id = &t.resources[rsc].id;
        let reason = if t.is_plain_remote(node) {
            // A connection that is made elsewhere shows that the node lives.
            format!(
                "{id} is active there (fencing will be revoked if remote connection can be \
                 re-established elsewhere)"
            )
        } else {
            format!("{id} is thought to be active there")
        };
        fence::demand(t, node, &reason);
    }
}

fn apply(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, on_fail: OnFail) {
    let running = t.resources[rsc].role > Role::Stopped;
    match on_fail {
        OnFail::Ignore => {}
        OnFail::Demote => {
            t.resources[rsc].failed = true;
            create::resource(t, rsc, "demote", 0, Some(node), false);
        }
        OnFail::Fence => {
            let reason = format!("{} failed there", t.resources[rsc].id);
            fence::demand(t, node, &reason);
        }
        OnFail::Standby => {
            t.nodes[node].standby = true;
            t.nodes[node].standby_on_fail = true;
        }
        OnFail::Block => {
            t.resources[rsc].managed = false;
            t.resources[rsc].blocked = true;
        }
        OnFail::Ban => locate(t, rsc, node, -score::INFINITY),
        OnFail::Stop => t.resources[rsc].next_role = Role::Stopped,
        OnFail::Restart => {
            if running {
                t.resources[rsc].failed = true;
                create::stop(t, rsc, node, false);
            }
        }
        OnFail::RestartContainer => {
            t.resources[rsc].failed = true;
            match t.resources[rsc].container {
                Some(container) if t.is_bundled(rsc) => t.stop_needed.insert(0, container),
                Some(container) => {
                    create::stop(t, container, node, false);
                }
                None if running => {
                    create::stop(t, rsc, node, false);
                }
                None => {}
            }
        }
        OnFail::ResetRemote => reset_remote(t, rsc, node),
    }
}

fn reset_remote(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx) {
    t.resources[rsc].failed = true;
    if t.options.fencing_enabled
        && let Some(remote) = t.resources[rsc].remote_node
        && t.is_plain_remote(remote)
        && !t.nodes[remote].remote_was_fenced
    {
        fence::demand(t, remote, "remote connection is unrecoverable");
    }
    if t.resources[rsc].role > Role::Stopped {
        create::stop(t, rsc, node, false);
    }
    if t.resources[rsc].reconnect_interval_ms > 0 {
        t.resources[rsc].next_role = Role::Stopped;
    }
}

/// Notes that a resource is active on a node, and what follows from that.
pub(super) fn add_running(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, failed: bool) {
    if t.resources[rsc].active_on.contains(&node) {
        return;
    }
    t.resources[rsc].active_on.push(node);
    if t.resources[rsc].is_primitive() {
        t.nodes[node].running.push(rsc);
        node_priority(t, rsc, node, failed);
        if t.nodes[node].maintenance {
            t.resources[rsc].managed = false;
            t.resources[rsc].maintenance = true;
        }
    }
    if !t.resources[rsc].managed {
        // Behind a connection that is left alone, everything is.
        let behind = t.nodes.ids().find(|&at| t.nodes[at].connection == Some(rsc));
        if let Some(behind) = behind {
            t.nodes[behind].maintenance = true;
        }
        locate(t, rsc, node, score::INFINITY);
        let mut parent = t.resources[rsc].parent;
        while let Some(at) = parent {
            if !t.nodes[node].online {
                break;
            }
            if !t.resources[at].active_on.contains(&node) {
                t.resources[at].active_on.push(node);
            }
            parent = t.resources[at].parent;
        }
        return;
    }
    if t.resources[rsc].is_primitive() && active_count(t, rsc) > 1 {
        multiply(t, rsc);
    }
    if let Some(parent) = t.resources[rsc].parent {
        add_running(t, parent, node, false);
    }
}

/// Counts where a resource is active by right: a finished migration's source does not count.
pub(crate) fn active_count(t: &Tables<'_>, rsc: RscIdx) -> usize {
    let row = &t.resources[rsc];
    let mut count = row.active_on.len();
    if let (Some(source), Some(target)) = (row.partial_source, row.partial_target)
        && row.active_on.contains(&source)
        && row.active_on.contains(&target)
    {
        count -= 1;
    }
    count.saturating_sub(row.dangling_sources.len())
}

fn multiply(t: &mut Tables<'_>, rsc: RscIdx) {
    match t.resources[rsc].multiply_active {
        MultiplyActive::StopOnly => {
            let nodes: Vec<_> = t.nodes.ids().collect();
            for node in nodes {
                t.resources[rsc].allowed.put_score(node, -score::INFINITY);
            }
        }
        MultiplyActive::Block => {
            t.resources[rsc].managed = false;
            t.resources[rsc].blocked = true;
            let parent = t.resources[rsc].parent.filter(|&at| {
                let row = &t.resources[at];
                (row.is_group() || row.is_bundle()) && row.multiply_active == MultiplyActive::Block
            });
            for child in parent.map(|at| t.resources[at].children.clone()).unwrap_or_default() {
                t.resources[child].managed = false;
                t.resources[child].blocked = true;
            }
        }
        MultiplyActive::StopStart | MultiplyActive::StopUnexpected => {}
    }
}

fn node_priority(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, failed: bool) {
    let row = &t.resources[rsc];
    if row.priority == 0 || failed {
        return;
    }
    let bonus = i32::from(row.role == Role::Promoted);
    let value = score::add(row.priority, bonus);
    t.nodes[node].priority = score::add(t.nodes[node].priority, value);
    if let Some(host) = t.guest_container(node) {
        for at in t.resources[host].active_on.clone() {
            t.nodes[at].priority = score::add(t.nodes[at].priority, value);
        }
    }
}
