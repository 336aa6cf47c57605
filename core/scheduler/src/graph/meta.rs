//! The attributes of a graph's action: parameters as they are, meta-attributes with a prefix.

use super::ActionKind;
use crate::model::{ActionIdx, NodeIdx, RscIdx, Tables, Variant};

/// Lists the attributes of an action, sorted by name.
pub(super) fn attributes(
    t: &Tables<'_>,
    action: ActionIdx,
    kind: ActionKind,
) -> Vec<(String, String)> {
    let row = &t.actions[action];
    // Of equal names the later one counts.
    let mut all: Vec<(String, String)> = Vec::with_capacity(row.extra.len() + row.meta.len() + 4);
    if let Some(rsc) = row.rsc
        && t.resources[rsc].is_primitive()
    {
        for (name, value) in crate::unpack::resources::parameters(t, rsc, row.node) {
            if value == "#uname" && name == "addr" && t.resources[rsc].remote_connection {
                if let Some(host) = host_of(t, rsc) {
                    all.push((name.into_owned(), t.nodes[host].name.to_owned()));
                }
            } else if is_name(&name) {
                all.push((name.into_owned(), value.into_owned()));
            }
        }
    }
    for (name, value) in row.extra.iter() {
        all.push((name.to_owned(), value.to_owned()));
    }
    let mut put = |name: &str, value: &str| {
        all.push((meta_name(name), value.to_owned()));
    };
    if let Some(rsc) = row.rsc {
        let mut above = t.resources[rsc].parent;
        while let Some(parent) = above {
            collection(t, parent, &mut put);
            above = t.resources[parent].parent;
        }
        collection(t, rsc, &mut put);
        instance(t, rsc, &mut put);
    }
    for (name, value) in row.meta.iter() {
        if name != "requires" {
            put(name, value);
        }
    }
    let cancel = row.cancel_task.is_some();
    if let Some(node) = row.node.filter(|_| !cancel)
        && let Some(host) = physical_host(t, row.rsc, node, row.task)
    {
        put("physical_host", t.nodes[host].name);
        let target = row.rsc.and_then(|rsc| t.resources[rsc].meta("container-attribute-target"));
        if let Some(target) = target {
            put("container_attribute_target", target);
        }
    }
    if let Some(node) = row.node.filter(|_| kind != ActionKind::Pseudo || row.task == "stonith") {
        put("on_node", t.nodes[node].name);
        put("on_node_uuid", t.nodes[node].id);
    }
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            core::mem::swap(&mut first.1, &mut later.1);
        }
        same
    });
    all
}

/// Gives the name that a meta-attribute has among a step's attributes.
fn meta_name(name: &str) -> String {
    const PREFIX: &str = "CRM_meta_";
    let mut text = String::with_capacity(PREFIX.len() + name.len());
    text.push_str(PREFIX);
    text.extend(name.chars().map(|c| if c == '-' { '_' } else { c }));
    text
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains([' ', '=', '<', '>', '"'])
}

fn collection(t: &Tables<'_>, rsc: RscIdx, put: &mut impl FnMut(&str, &str)) {
    let row = &t.resources[rsc];
    let text = |value: bool| if value { "true" } else { "false" };
    match &row.variant {
        Variant::Clone(data) => {
            put("globally-unique", text(row.unique));
            put("notify", text(row.notify));
            put("clone-max", &data.max.to_string());
            put("clone-node-max", &data.node_max.to_string());
            if data.promotable {
                for prefix in ["promoted", "master"] {
                    put(&format!("{prefix}-max"), &data.promoted_max.to_string());
                    put(&format!("{prefix}-node-max"), &data.promoted_node_max.to_string());
                }
            }
        }
        Variant::Primitive | Variant::Group(_) | Variant::Bundle(_) => {}
    }
}

/// Gives the node that a guest node is on when an action is done there.
fn physical_host(
    t: &Tables<'_>,
    rsc: Option<RscIdx>,
    node: NodeIdx,
    task: &str,
) -> Option<NodeIdx> {
    rsc?;
    let container = &t.resources[t.guest_container(node)?];
    let now = container.active_on.first().copied();
    if matches!(task, "stop" | "demote") { now } else { container.assigned_to.or(now) }
}

/// Gives the node whose address a connection without one of its own has.
fn host_of(t: &Tables<'_>, rsc: RscIdx) -> Option<NodeIdx> {
    let container = &t.resources[t.resources[rsc].container?];
    container.assigned_to.or_else(|| container.active_on.first().copied())
}

fn instance(t: &Tables<'_>, rsc: RscIdx, put: &mut impl FnMut(&str, &str)) {
    let row = &t.resources[rsc];
    if row.parent.is_some()
        && row.is_primitive()
        && t.in_collective(rsc)
        && let Some((_, number)) = row.id.rsplit_once(':')
    {
        put("clone", number);
    }
    if let Some(name) = row.meta("remote-node") {
        put("remote-node", name);
    }
    let mut at = Some(rsc);
    while let Some(inner) = at {
        let row = &t.resources[inner];
        if let Some(container) = row.container {
            put("container", &t.resources[container].id);
        }
        at = row.parent;
    }
}
