//! From actions and links to the graph: what is in it, and what each step waits for.

use super::{ActionKind, Graph, GraphAction, Primitive, Synapse};
use crate::model::{ActionIdx, Link, Relation, RscIdx, Tables};
use crate::status::failcount::base;
use std::collections::BTreeSet;

/// Makes the graph of everything that has to be done.
pub(crate) fn build(t: &mut Tables<'_>) -> Graph {
    let mut graph = Graph { attributes: attributes(t), synapses: Vec::new() };
    let mut order = Vec::new();
    for &rsc in &t.top {
        of_tree(t, rsc, &mut order);
    }
    let of_no_tree = |action: &ActionIdx| match t.actions[*action].rsc {
        Some(rsc) => t.resources[rsc].bundle_data().is_some(),
        None => true,
    };
    order.extend(t.actions.ids().rev().filter(of_no_tree));
    for action in t.actions.ids().collect::<Vec<_>>() {
        merge(t, action);
    }
    for &action in &order {
        if wanted(t, action) {
            settle_places(t, action, &mut Vec::new());
        }
    }
    for &action in &order {
        add(t, action);
    }
    order.retain(|&action| t.actions[action].dumped);
    graph.synapses.reserve_exact(order.len());
    for (id, action) in (0..).zip(order) {
        graph.synapses.push(finish(t, id, action));
    }
    graph
}

/// Lists a resource's actions, the newest first: a group's before those of its members, a clone's
/// after those of all inside, of a bundle the primitive in the containers first. A bundle's own
/// come at the end, with what belongs to no resource.
fn of_tree(t: &Tables<'_>, rsc: RscIdx, order: &mut Vec<ActionIdx>) {
    let row = &t.resources[rsc];
    if !row.is_collective() {
        order.extend(row.actions.iter().rev());
    }
    let child = row.bundle_data().and_then(|data| data.child);
    let others = row.children.iter().copied().filter(|&other| Some(other) != child);
    for inner in child.into_iter().chain(others) {
        of_tree(t, inner, order);
    }
    if row.is_collective() && row.bundle_data().is_none() {
        order.extend(row.actions.iter().rev());
    }
}

fn attributes(t: &Tables<'_>) -> Vec<(&'static str, String)> {
    let option = |name: &str| t.options.raw.get(name).map(|value| (*value).to_owned());
    let mut all = vec![
        ("cluster-delay", t.options.cluster_delay.to_owned()),
        ("fencing-timeout", t.options.fencing_timeout.to_owned()),
        ("failed-stop-offset", "INFINITY".to_owned()),
        (
            "failed-start-offset",
            if t.options.start_failure_fatal { "INFINITY" } else { "1" }.to_owned(),
        ),
        ("batch-limit", option("batch-limit").unwrap_or_else(|| "0".to_owned())),
        ("transition_id", "1".to_owned()),
    ];
    let limit = option("migration-limit");
    if let Some(limit) = limit.filter(|limit| limit.parse::<i64>().is_ok_and(|n| n > 0)) {
        all.push(("migration-limit", limit));
    }
    if let Some(at) = t.recheck_by.get() {
        all.push(("recheck-by", at.to_string()));
    }
    all
}

fn wanted(t: &Tables<'_>, action: ActionIdx) -> bool {
    let row = &t.actions[action];
    if !row.runnable || row.optional && !row.print_always {
        return false;
    }
    if let Some(rsc) = row.rsc
        && !t.resources[rsc].managed
        && !matches!(row.task, "monitor" | "cancel")
    {
        return false;
    }
    if row.pseudo || matches!(row.task, "stonith" | "do_shutdown") {
        return true;
    }
    let Some(node) = row.node else { return false };
    if row.on_dc {
        return true;
    }
    let state = &t.nodes[node];
    if t.is_guest(node) && !state.remote_reset {
        return true;
    }
    state.online && !state.unclean
}

fn input_wanted(t: &Tables<'_>, action: ActionIdx, input: &Link) -> bool {
    let first = &t.actions[input.action];
    let then = &t.actions[action];
    if input.relation == Relation::NONE || !first.runnable {
        return false;
    }
    if first.optional && !first.print_always {
        return false;
    }
    if input.relation.has(Relation::MIN_RUNNABLE) && first.optional {
        return false;
    }
    if input.relation.has(Relation::IF_ON_SAME_NODE_OR_TARGET) && !load_related(t, action, input) {
        return false;
    }
    if input.relation.has(Relation::IF_FIRST_UNMIGRATABLE) && first.migratable {
        return false;
    }
    // What only prefers to be later does not wait for a migration to end.
    if input.relation == Relation::ORDERED
        && first.migratable
        && first.task == "stop"
        && first.rsc != then.rsc
    {
        return false;
    }
    if input.relation.has(Relation::IF_REQUIRED_ON_SAME_NODE)
        && (first.optional
            || first.node.is_some() && then.node.is_some() && first.node != then.node)
    {
        return false;
    }
    if input.relation.has(Relation::IF_ON_SAME_NODE)
        && first.node.is_some()
        && then.node.is_some()
        && first.node != then.node
    {
        return false;
    }
    if let (Some(a), Some(b)) = (then.rsc, first.rsc) {
        let other = &t.resources[b];
        if a != b && !other.managed && !other.failed && first.task == "stop" {
            return false;
        }
    }
    first.dumped || wanted(t, input.action)
}

/// Waiting for capacity counts only for the node where the resource goes.
fn load_related(t: &Tables<'_>, action: ActionIdx, input: &Link) -> bool {
    let then = &t.actions[action];
    let first = &t.actions[input.action];
    if first.task == "load_stopped" {
        return first.node == then.rsc.and_then(|rsc| t.resources[rsc].assigned_to);
    }
    first.node == then.node
}

/// Merges links to the same action.
fn merge(t: &mut Tables<'_>, action: ActionIdx) {
    let links = &mut t.actions[action].before;
    links.sort_by_key(|link| link.action);
    links.dedup_by(|later, first| {
        let same = later.action == first.action;
        if same {
            first.relation = first.relation.with(later.relation);
        }
        same
    });
}

/// Waiting for room counts only where a resource goes; and of those that change places, the last
/// does not wait for the first one's.
fn settle_places(t: &mut Tables<'_>, action: ActionIdx, above: &mut Vec<ActionIdx>) {
    above.push(action);
    for at in 0..t.actions[action].before.len() {
        let link = t.actions[action].before[at];
        if !link.relation.has(Relation::IF_ON_SAME_NODE_OR_TARGET) {
            continue;
        }
        let mut stuck = false;
        if load_related(t, action, &link) && t.actions[action].task == "migrate_to" {
            for other in awaited(t, link.action) {
                if t.actions[other].task == "migrate_to" && !above.contains(&other) {
                    settle_places(t, other, above);
                }
            }
            stuck = awaited(t, link.action).contains(&action);
        }
        if stuck || !load_related(t, action, &link) {
            t.actions[action].before[at].relation = Relation::NONE;
        }
    }
    above.pop();
}

/// Marks an action as part of the graph, and all that it waits for.
fn add(t: &mut Tables<'_>, start: ActionIdx) {
    // An explicit stack: chains of actions may be longer than the thread's stack allows.
    let mut stack = vec![start];
    while let Some(action) = stack.pop() {
        if t.actions[action].dumped || !wanted(t, action) {
            continue;
        }
        t.actions[action].dumped = true;
        for link in &t.actions[action].before {
            if input_wanted(t, action, link) && !t.actions[link.action].dumped {
                stack.push(link.action);
            }
        }
    }
}

/// Gives all that an action waits for, directly or not, and itself.
fn awaited(t: &Tables<'_>, action: ActionIdx) -> BTreeSet<ActionIdx> {
    let mut seen = BTreeSet::new();
    let mut stack = vec![action];
    while let Some(at) = stack.pop() {
        if seen.insert(at) {
            let wanted = t.actions[at].before.iter().filter(|link| input_wanted(t, at, link));
            stack.extend(wanted.map(|link| link.action));
        }
    }
    seen
}

fn finish(t: &Tables<'_>, id: u32, action: ActionIdx) -> Synapse {
    let mut inputs: Vec<u32> = t.actions[action]
        .before
        .iter()
        .filter(|link| input_wanted(t, action, link))
        .filter(|link| !in_loop(t, action, link))
        .map(|link| t.actions[link.action].number)
        .collect();
    inputs.sort_unstable();
    let rsc = t.actions[action].rsc;
    Synapse {
        id,
        priority: rsc
            .map_or(0, |rsc| t.resources[rsc].priority)
            .max(t.actions[action].priority)
            .max(0),
        action: describe(t, action),
        inputs,
    }
}

fn in_loop(t: &Tables<'_>, action: ActionIdx, link: &Link) -> bool {
    link.action == action || !t.actions[link.action].dumped
}

fn kind(t: &Tables<'_>, action: ActionIdx) -> ActionKind {
    let row = &t.actions[action];
    if row.pseudo {
        return ActionKind::Pseudo;
    }
    match row.task {
        "stonith" | "do_shutdown" | "clear_failcount" | "lrm_delete" => ActionKind::Cluster,
        _ => ActionKind::Resource,
    }
}

/// An anonymous instance goes by its name without number.
fn common_name<'t>(t: &'t Tables<'_>, rsc: RscIdx) -> Option<&'t str> {
    let row = &t.resources[rsc];
    if row.unique || !row.is_primitive() || !t.in_collective(rsc) {
        return None;
    }
    let name = row.history_id.as_deref()?;
    (name != row.id).then_some(name)
}

/// A gate's operation is its key.
pub(crate) fn operation(row: &crate::model::Action<'_>) -> String {
    match row.task {
        "load_stopped" | "one-or-more" | "clone-one-or-more" => row.key.clone(),
        other => other.to_owned(),
    }
}

fn keys(t: &Tables<'_>, action: ActionIdx) -> (String, Option<String>) {
    let row = &t.actions[action];
    let common = row.rsc.and_then(|rsc| Some((rsc, common_name(t, rsc)?)));
    match common {
        Some((_, name)) if row.task == "notify" => {
            let meta = |name: &str| row.meta.get(name).unwrap_or("");
            let told = (meta("notify_type"), meta("notify_operation"));
            (crate::notify::key(name, told.0, told.1), Some(row.key.clone()))
        }
        Some((_, name)) if row.task == "notified" => {
            (crate::action::create::key(name, row.task, 0), Some(row.key.clone()))
        }
        Some((rsc, name)) if !row.pseudo || row.key.starts_with(&t.resources[rsc].id) => {
            let rest = row.key.strip_prefix(t.resources[rsc].id.as_str()).unwrap_or(&row.key);
            (format!("{name}{rest}"), Some(row.key.clone()))
        }
        _ => (row.key.clone(), None),
    }
}

fn router(t: &Tables<'_>, action: ActionIdx) -> Option<String> {
    let row = &t.actions[action];
    let node = row.node?;
    if row.pseudo || !t.nodes[node].is_remote() || row.task == "stonith" {
        return None;
    }
    let connection = t.nodes[node].connection?;
    let rsc = &t.resources[connection];
    let before = matches!(row.task, "stop" | "demote" | "migrate_to" | "cancel");
    let now = rsc.active_on.first().copied();
    let then = rsc.assigned_to;
    let host = if before { now.or(then) } else { then.or(now) };
    host.map(|host| t.nodes[host].name.to_owned())
}

fn describe(t: &Tables<'_>, action: ActionIdx) -> GraphAction {
    let row = &t.actions[action];
    let (key, internal_key) = keys(t, action);
    let node = row.node.filter(|_| !row.pseudo || row.task == "stonith");
    let kind = kind(t, action);
    GraphAction {
        id: row.number,
        kind,
        operation: operation(row),
        key,
        internal_key,
        node: node.map(|node| t.nodes[node].name.to_owned()),
        node_id: node.map(|node| t.nodes[node].id.to_owned()),
        router: router(t, action),
        shutdown_lock: row.shutdown_lock,
        mode: (row.task == "lrm_delete").then_some("cib"),
        primitive: row
            .rsc
            .filter(|_| kind == ActionKind::Resource || kind == ActionKind::Cluster)
            .map(|rsc| primitive(t, rsc)),
        attributes: super::meta::attributes(t, action, kind),
        downed: downed(t, action),
        maintenance: Vec::new(),
    }
}

fn primitive(t: &Tables<'_>, rsc: RscIdx) -> Primitive {
    let row = &t.resources[rsc];
    let anonymous = !row.unique && t.in_collective(rsc) && base(&row.id) != row.id;
    let recorded = row.history_id.as_deref().filter(|id| id.contains(':'));
    // What is beyond the configured number goes by the name that the history has.
    let (common, long) = match recorded {
        Some(recorded) if row.removed => (recorded, row.id.as_str()),
        _ => (base(&row.id), recorded.unwrap_or(&row.id)),
    };
    let common = anonymous.then_some(common);
    Primitive {
        id: common.unwrap_or(&row.id).to_owned(),
        long_id: common.map(|_| long.to_owned()),
        class: row.class.to_owned(),
        provider: row.provider.to_owned(),
        kind: row.agent.to_owned(),
    }
}

fn downed(t: &Tables<'_>, action: ActionIdx) -> Vec<String> {
    let row = &t.actions[action];
    let Some(node) = row.node else { return Vec::new() };
    match row.task {
        "do_shutdown" => vec![t.nodes[node].id.to_owned()],
        "stonith" if row.pseudo => vec![t.nodes[node].id.to_owned()],
        "stonith" => {
            let operation = row.meta.get("stonith_action");
            if !matches!(operation, Some("off" | "reboot")) {
                return Vec::new();
            }
            let mut all = vec![t.nodes[node].id.to_owned()];
            for (guest, guest_row) in t.nodes.iter() {
                let Some(container) = t.guest_container(guest) else { continue };
                if t.resources[container].active_on.contains(&node) {
                    all.push(guest_row.id.to_owned());
                }
            }
            all
        }
        "stop" if !row.pseudo => {
            let connection = row.rsc.filter(|&rsc| t.resources[rsc].remote_connection);
            let Some(rsc) = connection else { return Vec::new() };
            let migrating = t.resources[rsc].actions.iter().any(|&other| {
                let other = &t.actions[other];
                matches!(other.task, "migrate_to" | "migrate_from")
                    && !other.optional
                    && other.runnable
            });
            if migrating { Vec::new() } else { vec![t.resources[rsc].id.clone()] }
        }
        _ => Vec::new(),
    }
}
