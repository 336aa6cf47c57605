//! Remote and guest nodes: the nodes that resources bring (*Pacemaker Remote*).

use super::duration::interval_ms;
use super::nvpairs::{self, Pairs};
use super::resources::{add, finish};
use super::rule::Context;
use crate::model::{NodeKind, OpConfig, Role, RscIdx, Tables, Variant};
use diarch_cib::xml::Element;
use std::borrow::Cow;
use std::collections::BTreeMap;

fn meta_of<'c>(t: &Tables<'c>, element: Element<'c>) -> Pairs<'c> {
    let mut found = Pairs::new();
    nvpairs::collect(t, &[element], "meta_attributes", None, &Context::default(), &mut found);
    found
}

fn is_connection(element: Element<'_>) -> bool {
    element.attribute("class") == Some("ocf")
        && element.attribute("provider") == Some("pacemaker")
        && element.attribute("type") == Some("remote")
}

/// Makes the nodes that the `resources` section brings, before any resource exists.
pub(crate) fn nodes<'c>(t: &mut Tables<'c>, section: Option<Element<'c>>) {
    let Some(section) = section else { return };
    for element in section.children() {
        if matches!(element.name(), "primitive" | "group") {
            let inner: Vec<_> = if element.name() == "group" {
                element.children_named("primitive").collect()
            } else {
                vec![element]
            };
            for primitive in inner {
                if is_connection(primitive) && element.name() == "primitive" {
                    if let Some(id) = primitive.attribute("id") {
                        add_node(t, id);
                    }
                } else if let Some(name) = meta_of(t, primitive).get("remote-node").copied()
                    && primitive.attribute("id") != Some(name)
                {
                    add_node(t, name);
                }
            }
        }
    }
}

fn add_node<'c>(t: &mut Tables<'c>, id: &'c str) {
    t.have_remote = true;
    if t.node_by_id(id).is_none() {
        super::nodes::add(t, id, id, NodeKind::Remote, None);
    }
}

/// Makes the connections of guest nodes, after the resources that contain them.
pub(crate) fn guests<'c>(t: &mut Tables<'c>, element: Element<'c>, parent: Option<RscIdx>) {
    let meta = meta_of(t, element);
    let Some(name) = meta.get("remote-node").copied() else { return };
    if t.node_by_id(name).is_none() || t.resource(name).is_some() {
        return;
    }
    let Some(container) = element.attribute("id") else { return };
    let rsc = add(t, name, None, element, None, parent, Variant::Primitive);
    let mut own: BTreeMap<Cow<'c, str>, Cow<'c, str>> = BTreeMap::new();
    own.insert("container".into(), container.into());
    for (from, to) in [("remote-allow-migrate", "allow-migrate"), ("is-managed", "is-managed")] {
        if let Some(value) = meta.get(from) {
            own.insert(to.into(), (*value).into());
        }
    }
    let row = &mut t.resources[rsc];
    row.class = "ocf";
    row.provider = "pacemaker";
    row.agent = "remote";
    row.implicit = true;
    for (from, to) in [("remote-addr", "addr"), ("remote-port", "port")] {
        if let Some(value) = meta.get(from) {
            row.extra_params.push((to, (*value).to_owned()));
        }
    }
    row.ops.push(op("monitor", "30s", Some("30s")));
    row.ops.push(op(
        "start",
        "0",
        Some(meta.get("remote-connect-timeout").copied().unwrap_or("60s")),
    ));
    if finish(t, rsc, own).is_some() {
        match parent {
            Some(parent) => t.resources[parent].children.push(rsc),
            None => t.top.push(rsc),
        }
    }
}

/// An operation of a resource that is made rather than configured.
pub(crate) fn op<'c>(name: &'c str, interval: &'c str, timeout: Option<&'c str>) -> OpConfig<'c> {
    let mut attributes = vec![("interval", interval), ("name", name)];
    if let Some(timeout) = timeout {
        attributes.push(("timeout", timeout));
    }
    OpConfig {
        id: "",
        name,
        interval_ms: interval_ms(Some(interval)),
        interval,
        role: Role::Unknown,
        enabled: true,
        attributes,
        element: None,
    }
}

/// Ties each connection to its node and its container.
pub(crate) fn link(t: &mut Tables<'_>) {
    for rsc in t.resources.ids() {
        if !t.resources[rsc].is_primitive() {
            continue;
        }
        let container = t.resources[rsc].meta("container").map(str::to_owned);
        if let Some(container) = container.and_then(|id| t.resource(&id))
            && container != rsc
            && t.resources[rsc].container.is_none()
        {
            t.resources[rsc].container = Some(container);
            t.resources[container].fillers.push(rsc);
        }
        if t.resources[rsc].remote_connection {
            tie(t, rsc);
        }
    }
    for rsc in t.resources.ids() {
        if !t.resources[rsc].fillers.is_empty() {
            t.resources[rsc].allow_remote_members = false;
        }
    }
}

fn tie(t: &mut Tables<'_>, rsc: RscIdx) {
    let Some(node) = t.node_by_id(&t.resources[rsc].id) else { return };
    t.have_remote = true;
    t.nodes[node].connection = Some(rsc);
    t.nodes[node].unclean = false;
    t.resources[rsc].remote_node = Some(node);
    if t.resources[rsc].container.is_some() {
        t.nodes[node].attributes.insert("#kind", "container");
    }
}
