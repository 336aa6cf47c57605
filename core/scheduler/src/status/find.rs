//! Which resource a history entry belongs to: instances of anonymous clones share one name.

use super::failcount::base;
use crate::model::{NodeIdx, Requires, RscIdx, Tables, Variant, score};
use diarch_cib::xml::Element;
use std::collections::BTreeMap;

/// Finds the resource that `id` in a node's history means, making one for what is removed.
pub(super) fn resource<'c>(
    t: &mut Tables<'c>,
    id: &'c str,
    node: NodeIdx,
    entry: Element<'c>,
) -> Option<RscIdx> {
    let exact = t
        .resources
        .iter()
        .find(|(_, rsc)| rsc.id == id || rsc.history_id.as_deref() == Some(id))
        .map(|(rsc, _)| rsc);
    let mut found = match exact {
        Some(rsc) => Some(rsc),
        None => t
            .resource(&format!("{}:0", base(id)))
            .filter(|&rsc| !t.resources[rsc].unique && t.in_collective(rsc)),
    };
    if found.is_some_and(|rsc| !t.resources[rsc].is_primitive()) {
        found = None;
    }
    if let Some(rsc) = found {
        let parent = t.top_of(rsc, false);
        if t.is_bundled(rsc) && t.resources[parent].is_clone() {
            found = bundled(t, parent, node).or(found);
        } else if t.resources[parent].is_clone() && !t.resources[parent].unique {
            found = anonymous(t, parent, base(id), node);
        }
    }
    if let Some(rsc) = found {
        let row = &mut t.resources[rsc];
        if row.id != id && row.history_id.as_deref() != Some(id) {
            row.history_id = Some(id.to_owned());
        }
        return found;
    }
    entry.children_named("lrm_rsc_op").next()?;
    removed(t, id, entry)
}

fn bundled(t: &Tables<'_>, clone: RscIdx, node: NodeIdx) -> Option<RscIdx> {
    let bundle = t.resources[clone].parent?;
    let data = t.resources[bundle].bundle_data()?;
    let mut replicas = data.replicas.iter();
    replicas.find(|replica| replica.node == Some(node))?.child
}

fn anonymous<'c>(t: &mut Tables<'c>, clone: RscIdx, name: &str, node: NodeIdx) -> Option<RscIdx> {
    let mut inactive = None;
    let mut found = None;
    let mut multiple = false;
    for child in t.resources[clone].children.clone() {
        let inner = t.primitives(child).into_iter().find(|&rsc| t.resources[rsc].base_id == name);
        let Some(inner) = inner else { continue };
        let places = active_places(t, child);
        if places.contains(&node) {
            if t.resources[inner].active_on.is_empty() {
                found = Some(inner);
            } else {
                multiple = true;
            }
        } else if places.is_empty() && inactive.is_none() && !multiple {
            let blocked = t.resources[child].blocked;
            let elsewhere = t.resources[inner].pending.is_some_and(|(_, at)| at != node);
            if !blocked && !elsewhere {
                inactive = Some(inner);
            }
        }
        if found.is_some() {
            break;
        }
    }
    if found.is_none() && !multiple {
        found = inactive;
    }
    if let Some(rsc) = found {
        let row = &t.resources[rsc];
        let unfit = !t.nodes[node].online || t.nodes[node].unclean;
        let data = t.resources[clone].clone_data();
        let universal =
            data.is_some_and(|data| data.max >= i32::try_from(t.nodes.len()).unwrap_or(i32::MAX));
        if row.requires < Requires::Fencing && unfit && !t.is_guest(node) && !universal {
            found = None;
        }
    }
    match found {
        Some(rsc) => Some(rsc),
        None => surplus(t, clone, name),
    }
}

/// Where any primitive of an instance is active.
fn active_places(t: &Tables<'_>, child: RscIdx) -> Vec<NodeIdx> {
    let mut places = Vec::new();
    for rsc in t.primitives(child) {
        for &node in &t.resources[rsc].active_on {
            if !places.contains(&node) {
                places.push(node);
            }
        }
    }
    places
}

/// Makes an instance beyond the configured ones for what is active all the same.
fn surplus(t: &mut Tables<'_>, clone: RscIdx, name: &str) -> Option<RscIdx> {
    let instance = crate::unpack::clone::add_instance(t, clone)?;
    for inner in t.subtree(instance) {
        t.resources[inner].removed = true;
        t.resources[inner].surplus = true;
    }
    let mut all = t.primitives(instance).into_iter();
    all.find(|&rsc| t.resources[rsc].base_id == name)
}

/// Makes a resource for history whose configuration is gone.
fn removed<'c>(t: &mut Tables<'c>, id: &'c str, entry: Element<'c>) -> Option<RscIdx> {
    let rsc = crate::unpack::resources::add(t, id, None, entry, None, None, Variant::Primitive);
    t.resources[rsc].implicit = true;
    crate::unpack::resources::finish(t, rsc, BTreeMap::new())?;
    t.top.push(rsc);
    let row = &mut t.resources[rsc];
    row.removed = true;
    if let Some(container) = entry.attribute("container") {
        row.meta.insert("container".into(), container.into());
    }
    if row.remote_connection {
        orphan_node(t, id, rsc);
    }
    if let Some(container) = entry.attribute("container")
        && let Some(container) = t.resource(container)
    {
        t.resources[rsc].container = Some(container);
        t.resources[rsc].removed_filler = true;
        t.resources[container].fillers.push(rsc);
    }
    if t.options.stop_removed {
        ban_everywhere(t, rsc);
    } else {
        t.resources[rsc].managed = false;
    }
    Some(rsc)
}

fn orphan_node<'c>(t: &mut Tables<'c>, id: &'c str, rsc: RscIdx) {
    let node = t.node_by_id(id).unwrap_or_else(|| {
        crate::unpack::nodes::add(t, id, id, crate::model::NodeKind::Remote, None)
    });
    t.have_remote = true;
    t.nodes[node].connection = Some(rsc);
    t.nodes[node].shutdown = true;
    t.resources[rsc].remote_node = Some(node);
}

/// Adds to a resource's score on one node, and to the scores of all inside it.
pub(crate) fn locate(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, value: i32) {
    for inner in t.subtree(rsc) {
        let table = &mut t.resources[inner].allowed;
        if table.contains(node) {
            table.add(node, value);
        } else {
            table.put_score(node, value);
        }
    }
}

/// Keeps a resource from every node.
pub(crate) fn ban_everywhere(t: &mut Tables<'_>, rsc: RscIdx) {
    for node in t.nodes.ids() {
        locate(t, rsc, node, -score::INFINITY);
    }
}
