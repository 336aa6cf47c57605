//! Configured nodes, and their permanent attributes.

use super::duration::small;
use super::nvpairs::{self, Pairs};
use super::rule::Context;
use crate::model::{Node, NodeIdx, NodeKind, Tables, score};
use diarch_cib::xml::Element;

/// Makes a node that nothing is known of.
pub(crate) fn add<'c>(
    t: &mut Tables<'c>,
    id: &'c str,
    name: &'c str,
    kind: NodeKind,
    base_score: Option<&str>,
) -> NodeIdx {
    let unclean =
        kind == NodeKind::Member && t.options.startup_fencing && t.options.fencing_enabled;
    let mut attributes = Pairs::new();
    attributes.insert("#uname", name);
    attributes.insert("#id", id);
    attributes.insert("#kind", if kind == NodeKind::Remote { "remote" } else { "cluster" });
    if let Some(dc) = t.cib.attribute("dc-uuid") {
        attributes.insert("#is_dc", if dc == id { "true" } else { "false" });
    }
    if let Some(cluster) = t.options.raw.get("cluster-name").copied() {
        attributes.insert("#cluster-name", cluster);
    }
    let index = t.nodes.push(Node {
        id,
        name,
        kind,
        online: false,
        unclean,
        unseen: kind == NodeKind::Member,
        pending: false,
        standby: false,
        standby_on_fail: false,
        shutdown: false,
        expected_up: false,
        maintenance: false,
        is_dc: t.cib.attribute("dc-uuid") == Some(id),
        discovery: true,
        untold: kind == NodeKind::Remote,
        unpacked: false,
        remote_reset: false,
        remote_was_fenced: false,
        remote_maintenance: false,
        configured: true,
        connection: None,
        attributes,
        utilization: std::collections::BTreeMap::new(),
        running: Vec::new(),
        assigned: Vec::new(),
        resource_count: 0,
        priority: 0,
        fence_reason: None,
        lost: false,
        health: 0,
        base_score: base_score.and_then(score::parse).unwrap_or(0),
        feature_set: None,
    });
    let order = &mut t.node_order;
    let at = order.iter().position(|&other| t.nodes[other].name > name).unwrap_or(order.len());
    order.insert(at, index);
    index
}

/// Reads the `nodes` section.
pub(crate) fn unpack<'c>(t: &mut Tables<'c>, section: Option<Element<'c>>) {
    let Some(section) = section else { return };
    for element in section.children_named("node") {
        let Some(id) = element.attribute("id") else {
            t.error("ignoring <node> without id".to_owned());
            continue;
        };
        let name = element.attribute("uname").unwrap_or(id);
        let kind = match element.attribute("type") {
            None | Some("member" | "normal") => NodeKind::Member,
            Some("remote") => NodeKind::Remote,
            Some(_) => continue,
        };
        if t.node_by_id(id).is_some() {
            continue;
        }
        let index = add(t, id, name, kind, element.attribute("score"));
        add_attributes(t, index, element);
    }
}

/// Adds the permanent attributes and the utilization that a `<node>` or the like gives.
pub(crate) fn add_attributes<'c>(t: &mut Tables<'c>, node: NodeIdx, element: Element<'c>) {
    let mut found = Pairs::new();
    let context = Context::of_node(t, Some(node));
    nvpairs::collect(t, &[element], "instance_attributes", None, &context, &mut found);
    let mut utilization = Pairs::new();
    nvpairs::collect(t, &[element], "utilization", None, &context, &mut utilization);
    if !t.nodes[node].attributes.contains_key("#site-name") {
        let site = found.get("site-name").copied();
        let site = site.or_else(|| t.options.raw.get("cluster-name").copied());
        if let Some(site) = site {
            t.nodes[node].attributes.insert("#site-name", site);
        }
    }
    for (name, value) in found {
        t.nodes[node].attributes.entry(name).or_insert(value);
    }
    for (name, value) in utilization {
        let value = i64::from(small(Some(value)).unwrap_or(0));
        t.nodes[node].utilization.entry(name).or_insert(value);
    }
}
