//! First stage: the configuration sections become tables.

pub(crate) mod bundle;
pub(crate) mod clone;
pub(crate) mod duration;
pub(crate) mod nodes;
pub(crate) mod nvpairs;
pub(crate) mod options;
pub(crate) mod remote;
pub(crate) mod resources;
pub(crate) mod rule;

use crate::model::{Arena, Tables};
use core::cell::Cell;
use diarch_cib::xml::Element;
use std::collections::BTreeMap;

/// Reads options, nodes, resources and tags.
pub(crate) fn configuration(cib: Element<'_>, now: i64) -> Tables<'_> {
    let mut ids = BTreeMap::new();
    let configuration = cib.child("configuration");
    if let Some(configuration) = configuration {
        for element in configuration.descendants() {
            if let Some(id) = element.attribute("id") {
                ids.entry(id).or_insert(element);
            }
        }
    }
    let mut t = Tables {
        options: options::defaults(),
        cib,
        ids,
        now,
        recheck_by: Cell::new(None),
        walks_left: 0,
        nodes: Arena::default(),
        node_order: Vec::new(),
        resources: Arena::default(),
        top: Vec::new(),
        tags: BTreeMap::new(),
        locations: Vec::new(),
        colocations: Vec::new(),
        orderings: Vec::new(),
        ticket_constraints: Vec::new(),
        tickets: BTreeMap::new(),
        actions: Arena::default(),
        notices: Vec::new(),
        singletons: BTreeMap::new(),
        failures: Vec::new(),
        stop_needed: Vec::new(),
        parameter_checks: Vec::new(),
        have_fencing: false,
        have_remote: false,
        have_unfencing: false,
        probe_all: false,
        score_lines: Vec::new(),
        capacity_lines: Vec::new(),
        diagnostics: Vec::new(),
    };
    let section = |name| configuration.and_then(|at| at.child(name));
    options::unpack(&mut t, section("crm_config"));
    nodes::unpack(&mut t, section("nodes"));
    remote::nodes(&mut t, section("resources"));
    resources::unpack(&mut t, section("resources"));
    // What matters most comes first, in the order of configuration otherwise.
    let mut top = core::mem::take(&mut t.top);
    top.sort_by_key(|&rsc| core::cmp::Reverse(t.resources[rsc].priority));
    t.top = top;
    tags(&mut t, section("tags"));
    t
}

fn tags<'c>(t: &mut Tables<'c>, section: Option<Element<'c>>) {
    for tag in section.iter().flat_map(|at| at.children_named("tag")) {
        let Some(id) = tag.attribute("id") else { continue };
        let members = tag.children_named("obj_ref").filter_map(|at| at.attribute("id"));
        t.tags.entry(id).or_default().extend(members);
    }
    let templated: Vec<_> = t
        .resources
        .iter()
        .filter_map(|(_, rsc)| Some((rsc.template?.attribute("id")?, rsc.xml.attribute("id")?)))
        .collect();
    for (template, id) in templated {
        let members = t.tags.entry(template).or_default();
        if !members.contains(&id) {
            members.push(id);
        }
    }
}
