//! What a transition does, one line for each node to fence and each resource that changes.

use crate::model::{Action, ActionIdx, NodeIdx, Requires, Role, RscIdx, Tables};

/// One line: what happens to a resource, between which places, and why.
#[derive(Clone, Debug)]
struct Line {
    change: &'static str,
    id: String,
    places: String,
    reason: String,
}

/// What is known of a resource's change.
#[derive(Clone, Copy, Debug)]
struct Change {
    rsc: RscIdx,
    from: Option<NodeIdx>,
    to: Option<NodeIdx>,
    role: Role,
    next_role: Role,
}

/// Gives the lines of the summary, without indentation.
#[must_use]
pub fn transition(t: &Tables<'_>) -> Vec<String> {
    let mut lines: Vec<String> = t
        .actions
        .iter()
        .rev()
        .filter(|(_, action)| action.task == "stonith" && !action.optional)
        .filter_map(|(_, action)| fencing(t, action))
        .collect();
    let mut changes = Vec::new();
    for &rsc in &t.top {
        of_tree(t, rsc, &mut changes);
    }
    let (mut ids, mut places) = (5, 5);
    for line in &changes {
        let length = line.id.chars().count();
        ids = if length > ids { length + 2 } else { ids };
        places = places.max(line.places.chars().count());
    }
    lines.extend(changes.iter().map(|line| {
        format!(
            "{:<8}   {:<ids$}   ( {:>places$} ){}",
            line.change, line.id, line.places, line.reason
        )
    }));
    lines
}

fn fencing(t: &Tables<'_>, action: &Action<'_>) -> Option<String> {
    let node = action.node?;
    let kind = action.meta.get("stonith_action").unwrap_or("reboot");
    let mut text = format!("Fence ({kind}) {}", t.nodes[node].name);
    if let Some(container) = t.guest_container(node) {
        text.push_str(&format!(" (resource: {})", t.resources[container].id));
    }
    if let Some(reason) = &action.reason {
        text.push_str(&format!(" '{reason}'"));
    }
    Some(text)
}

fn of_tree(t: &Tables<'_>, rsc: RscIdx, lines: &mut Vec<Line>) {
    let row = &t.resources[rsc];
    if let Some(bundle) = row.bundle_data() {
        for replica in &bundle.replicas {
            let parts = [replica.ip, Some(replica.container), replica.remote, replica.child];
            for part in parts.into_iter().flatten() {
                of_tree(t, part, lines);
            }
        }
    } else if row.is_primitive() {
        of_primitive(t, rsc, lines);
    } else {
        for &child in &row.children {
            of_tree(t, child, lines);
        }
    }
}

/// Finds a resource's action, on one node if it is given.
fn find(t: &Tables<'_>, rsc: RscIdx, node: Option<NodeIdx>, task: &str) -> Option<ActionIdx> {
    t.resources[rsc].actions.iter().copied().find(|&at| {
        let action = &t.actions[at];
        action.task == task && node.is_none_or(|node| action.node == Some(node))
    })
}

/// Finds a resource's action on a node; none where there is no node.
fn on(t: &Tables<'_>, rsc: RscIdx, node: Option<NodeIdx>, task: &str) -> Option<ActionIdx> {
    find(t, rsc, Some(node?), task)
}

/// The node where a resource counts as being.
fn current(t: &Tables<'_>, rsc: RscIdx) -> Option<NodeIdx> {
    let row = &t.resources[rsc];
    let source = row.partial_source.filter(|node| row.active_on.contains(node));
    let well = |node: &&NodeIdx| t.nodes[**node].online && !t.nodes[**node].unclean;
    let preferred = match row.requires {
        Requires::Nothing | Requires::Quorum => row.active_on.iter().find(well),
        Requires::Fencing | Requires::Unfencing => None,
    };
    source.or_else(|| preferred.copied()).or_else(|| row.active_on.first().copied())
}

fn of_primitive(t: &Tables<'_>, rsc: RscIdx, lines: &mut Vec<Line>) {
    let row = &t.resources[rsc];
    let (from, to) = (current(t, rsc), row.assigned_to);
    let is = |at: Option<ActionIdx>, test: fn(&Action<'_>) -> bool| {
        at.is_some_and(|at| test(&t.actions[at]))
    };
    if !row.managed || from.is_none() && (to.is_none() || row.removed) {
        return;
    }
    let stopped = matches!(row.role, Role::Unknown | Role::Stopped);
    let role = match (from.is_some() && stopped, stopped) {
        (true, _) => Role::Started,
        (false, true) => Role::Stopped,
        (false, false) => row.role,
    };
    let next_role = if row.next_role == Role::Unknown { Role::Stopped } else { row.next_role };
    let change = Change { rsc, from, to, role, next_role };
    let moving = from.is_some() && to.is_some() && from != to;
    let start = on(t, rsc, to, "start");
    let start_node = if is(start, |at| at.runnable) { from } else { None };
    let stop = find(t, rsc, start_node, "stop").or_else(|| find(t, rsc, None, "stop"));
    let promote = on(t, rsc, to, "promote");
    let demote = on(t, rsc, to, "demote");
    if role == next_role {
        let migrate = on(t, rsc, to, "migrate_from");
        let optional_start = start.is_none() || is(start, |at| at.optional);
        if is(migrate, |at| at.runnable) {
            lines.push(line(t, "Migrate", change, start, None));
        } else if row.reload {
            lines.push(line(t, "Reload", change, start, None));
        } else if optional_start {
            let both = [demote, promote].iter().all(|&at| is(at, |at| !at.optional));
            if both {
                lines.push(line(t, "Re-promote", change, promote, demote));
            }
        } else if is(start, |at| !at.runnable) {
            let why = if is(stop, |at| at.reason.is_some()) { stop } else { start };
            lines.push(line(t, "Stop", Change { to: None, ..change }, stop, why));
        } else if moving {
            let word = if row.failed { "Recover" } else { "Move" };
            lines.push(line(t, word, change, stop, None));
        } else if row.failed {
            lines.push(line(t, "Recover", Change { to: None, ..change }, stop, None));
        } else {
            lines.push(line(t, "Restart", change, start, None));
        }
        return;
    }
    if stop.is_some() && (next_role == Role::Stopped || is(start, |at| !at.runnable)) {
        for &node in &row.active_on {
            let stop = find(t, rsc, Some(node), "stop");
            let why = if is(stop, |at| at.reason.is_some()) { stop } else { start };
            let change = Change { from: Some(node), to: None, ..change };
            lines.push(line(t, "Stop", change, stop, why));
        }
    } else if row.failed && is(stop, |at| !at.optional) {
        lines.push(line(t, "Recover", change, stop, start));
    } else if moving {
        lines.push(line(t, "Move", change, stop, None));
    } else if row.reload {
        lines.push(line(t, "Reload", change, start, None));
    } else if is(stop, |at| !at.optional) {
        lines.push(line(t, "Restart", change, start, None));
    } else if role == Role::Promoted {
        lines.push(line(t, "Demote", change, demote, None));
    } else if next_role == Role::Promoted {
        let promote = promote.or_else(|| crate::action::create::find(t, rsc, "promote", None));
        lines.push(line(t, "Promote", change, promote, None));
    } else if role == Role::Stopped && next_role > Role::Stopped {
        lines.push(line(t, "Start", change, start, None));
    }
}

fn line(
    t: &Tables<'_>,
    word: &'static str,
    change: Change,
    action: Option<ActionIdx>,
    why: Option<ActionIdx>,
) -> Line {
    let blocked = action.is_some_and(|at| !t.actions[at].runnable);
    let reason = why.or(action).and_then(|at| t.actions[at].reason.as_deref());
    let reason = match (reason, blocked) {
        (Some(reason), true) => format!("  due to {reason} (blocked)"),
        (Some(reason), false) => format!("  due to {reason}"),
        (None, true) => "  blocked".to_owned(),
        (None, false) => String::new(),
    };
    let id = t.resources[change.rsc].id.clone();
    Line { change: word, id, places: places(t, change), reason }
}

/// Says between which roles and nodes a resource changes; roles only where they matter.
fn places(t: &Tables<'_>, change: Change) -> String {
    let Change { from, to, role, next_role, .. } = change;
    let name = |node: NodeIdx| t.nodes[node].name;
    let roles = role > Role::Started || next_role > Role::Unpromoted;
    let (was, will) = (role.text(), next_role.text());
    match (from, to) {
        (None, None) => String::new(),
        (None, Some(to)) if roles => format!("{was} -> {will} {}", name(to)),
        (None, Some(to)) => name(to).to_owned(),
        (Some(from), None) if roles => format!("{was} {}", name(from)),
        (Some(from), None) => name(from).to_owned(),
        (Some(from), Some(to)) => match (role == next_role, from == to) {
            (true, true) if roles => format!("{was} {}", name(from)),
            (true, true) => name(from).to_owned(),
            (true, false) if roles => format!("{} -> {} {was}", name(from), name(to)),
            (true, false) => format!("{} -> {}", name(from), name(to)),
            (false, true) => format!("{was} -> {will} {}", name(from)),
            (false, false) => format!("{was} {} -> {will} {}", name(from), name(to)),
        },
    }
}
