//! What agents are told: which instances are active where and in which role, and what is done.

use super::Notice;
use crate::assign::place;
use crate::model::{Discovery, NodeIdx, Placed, Role, RscIdx, Tables};
use std::collections::BTreeMap;

/// The meta-attributes of a notification, by name.
pub(super) type Environment = BTreeMap<String, String>;

/// Collects what all instances of a clone are told.
pub(super) fn collect(t: &Tables<'_>, notice: &Notice) -> Environment {
    let top = t.top_of(notice.rsc, false);
    let mut lists: BTreeMap<&str, Vec<(RscIdx, Option<NodeIdx>)>> = BTreeMap::new();
    for inner in t.primitives(top) {
        let row = &t.resources[inner];
        let node = row.active_on.first().copied();
        let kinds: &[&str] = match row.role {
            Role::Unknown => &[],
            Role::Stopped => &["inactive"],
            Role::Started => &["active"],
            Role::Unpromoted => &["active", "unpromoted"],
            Role::Promoted => &["active", "promoted"],
        };
        for kind in kinds {
            lists.entry(kind).or_default().push((inner, node));
        }
        for &action in &row.actions {
            let action = &t.actions[action];
            let told = matches!(action.task, "start" | "stop" | "promote" | "demote");
            if told && !action.optional && action.runnable && action.node.is_some() {
                lists.entry(action.task).or_default().push((inner, action.node));
            }
        }
    }
    let mut out = Environment::new();
    for (kind, old) in [
        ("active", None),
        ("inactive", None),
        ("start", None),
        ("stop", None),
        ("promote", None),
        ("demote", None),
        ("promoted", Some("master")),
        ("unpromoted", Some("slave")),
    ] {
        let list = lists.remove(kind).unwrap_or_default();
        for name in [Some(kind), old].into_iter().flatten() {
            put(t, &mut out, name, list.clone());
        }
    }
    let names =
        |nodes: &mut dyn Iterator<Item = NodeIdx>| joined(nodes.map(|node| t.nodes[node].name));
    // Where it is not even looked for, it is not available; who is offline is not asked.
    let row = &t.resources[top];
    let open = |placed: &&Placed| {
        !row.exclusive_discovery
            || placed.discovery == Discovery::Exclusive
            || !t.nodes[placed.node].online
    };
    let mut allowed: Vec<NodeIdx> =
        row.allowed.iter().filter(open).map(|placed| placed.node).collect();
    allowed.sort_by_key(|&node| t.nodes[node].name);
    out.insert("notify_available_uname".to_owned(), names(&mut allowed.into_iter()));
    out.insert("notify_all_uname".to_owned(), names(&mut t.node_order.iter().copied()));
    if place::reads_host(t, notice.rsc) {
        let host = |&node: &NodeIdx| {
            let container = t.guest_container(node);
            container.and_then(|at| t.resources[at].active_on.first().copied()).unwrap_or(node)
        };
        let mut hosts = t.node_order.iter().map(host);
        out.insert("notify_all_hosts".to_owned(), names(&mut hosts));
    }
    out
}

fn put(
    t: &Tables<'_>,
    out: &mut Environment,
    name: &str,
    mut list: Vec<(RscIdx, Option<NodeIdx>)>,
) {
    list.sort_by(|a, b| {
        let name = |node: Option<NodeIdx>| node.map(|node| t.nodes[node].name);
        t.resources[a.0].id.cmp(&t.resources[b.0].id).then_with(|| name(a.1).cmp(&name(b.1)))
    });
    let resources = joined(list.iter().map(|&(rsc, _)| t.resources[rsc].id.as_str()));
    out.insert(format!("notify_{name}_resource"), resources);
    if name != "inactive" {
        let nodes = joined(list.iter().filter_map(|&(_, node)| Some(t.nodes[node?].name)));
        out.insert(format!("notify_{name}_uname"), nodes);
    }
}

/// Joins names; nothing is a blank.
fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.collect();
    if all.is_empty() { " ".to_owned() } else { all.join(" ") }
}
