//! Clones: options and instances (*Pacemaker Explained*, "Clones").

use super::duration::is_true;
use super::resources::{clone_data_mut, clone_number, unpack_one};
use crate::model::{CloneData, RscIdx, Tables, Variant};
use diarch_cib::xml::Element;
use std::borrow::Cow;

/// A clone of which nothing is known.
pub(crate) const fn blank() -> CloneData {
    CloneData {
        ordered: false,
        interleave: false,
        promotable: false,
        promotion_applied: false,
        max: 0,
        node_max: 1,
        promoted_max: 0,
        promoted_node_max: 0,
        promoted_count: 0,
        total: 0,
        child_id: String::new(),
    }
}

/// Reads a clone's options and makes its instances.
pub(crate) fn unpack(t: &mut Tables<'_>, rsc: RscIdx) -> Option<()> {
    let row = &t.resources[rsc];
    let element = row.xml;
    let promotable = element.name() == "master" || is_true(row.meta("promotable"));
    let ordered = is_true(row.meta("ordered"));
    let interleave = is_true(row.meta("interleave"));
    let unique = row.meta("globally-unique").map(|text| is_true(Some(text)));
    let nodes = i32::try_from(t.nodes.len()).unwrap_or(1).max(1);
    let node_max = clone_number(t, rsc, &["clone-node-max"]).unwrap_or(1);
    let unique = unique.unwrap_or(node_max > 1) && !only_one(element);
    let node_max = if unique { node_max } else { node_max.min(1) };
    let max = clone_number(t, rsc, &["clone-max"]).unwrap_or(nodes);
    let max = bounded(t, rsc, "clone-max", max);
    let promoted_max = clone_number(t, rsc, &["promoted-max", "master-max"]).unwrap_or(1);
    let promoted_node_max =
        clone_number(t, rsc, &["promoted-node-max", "master-node-max"]).unwrap_or(1);
    let mut children = element.children().filter(|c| matches!(c.name(), "primitive" | "group"));
    let Some(child) = children.next() else {
        let id = t.resources[rsc].id.clone();
        t.error(format!("{id} has nothing to clone"));
        return None;
    };
    t.resources[rsc].variant = Variant::Clone(CloneData {
        ordered,
        interleave,
        promotable,
        max,
        node_max,
        promoted_max: if promotable { promoted_max } else { 0 },
        promoted_node_max: if promotable { promoted_node_max } else { 0 },
        child_id: child.attribute("id").unwrap_or("").to_owned(),
        ..blank()
    });
    t.resources[rsc].promotable = promotable;
    t.resources[rsc].unique = unique;
    let row = &mut t.resources[rsc];
    if !row.meta.contains_key("resource-stickiness") {
        row.meta.insert(Cow::Borrowed("resource-stickiness"), Cow::Borrowed("1"));
    }
    row.meta.insert(
        Cow::Borrowed("globally-unique"),
        Cow::Borrowed(if unique { "true" } else { "false" }),
    );
    row.meta.insert(
        Cow::Borrowed("promotable"),
        Cow::Borrowed(if promotable { "true" } else { "false" }),
    );
    for _ in 0..max.max(1) {
        add_instance(t, rsc)?;
    }
    Some(())
}

/// The most instances that one clone or bundle may have. What asks for more is a slip of the pen
/// that would cost a machine its memory, and with it its node.
const INSTANCES_MAX: i32 = 1000;

/// A number of instances within bounds; the administrator is told when it was not.
pub(super) fn bounded(t: &mut Tables<'_>, rsc: RscIdx, option: &str, wanted: i32) -> i32 {
    if wanted > INSTANCES_MAX {
        let id = t.resources[rsc].id.clone();
        t.error(format!(
            "{option}={wanted} of {id} is more than {INSTANCES_MAX} instances: \
             {INSTANCES_MAX} are used"
        ));
    }
    wanted.min(INSTANCES_MAX)
}

/// Tells whether a clone has an agent in it that can run only once on a node.
fn only_one(element: Element<'_>) -> bool {
    element.children().any(|child| match child.name() {
        "group" => only_one(child),
        "primitive" => matches!(child.attribute("class"), Some("lsb" | "systemd" | "service")),
        _ => false,
    })
}

/// Makes one more instance of a clone.
pub(crate) fn add_instance(t: &mut Tables<'_>, rsc: RscIdx) -> Option<RscIdx> {
    let data = t.resources[rsc].clone_data()?;
    let (number, limit) = (data.total, data.max);
    let element = t.resources[rsc].xml;
    let child = element.children().find(|c| matches!(c.name(), "primitive" | "group"))?;
    let instance = unpack_one(t, child, Some(rsc), Some(number))?;
    t.resources[rsc].children.push(instance);
    let (unique, notify) = (t.resources[rsc].unique, t.resources[rsc].notify);
    let (promotable, removed) = (t.resources[rsc].promotable, number >= limit);
    for inner in t.subtree(instance) {
        let row = &mut t.resources[inner];
        row.unique = unique;
        row.notify |= notify;
        row.promotable = promotable;
        row.surplus = removed;
        row.removed = removed;
        row.sort_index = number;
    }
    if let Some(data) = clone_data_mut(t, rsc) {
        data.total = number + 1;
    }
    Some(instance)
}
