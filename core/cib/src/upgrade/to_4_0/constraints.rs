//! Constraints: ping nodes become one, lifetimes become rules, and several rules several.

use super::{PREFIX, add_node_expression, first_rule};
use crate::upgrade::Effect;
use crate::upgrade::work::Work;
use crate::xml::{Document, Element, NodeId};
use std::collections::BTreeMap;

/// What belongs to a rule only where it is not part of another.
const OF_TOP_RULES: [&str; 3] = ["score", "score-attribute", "role"];

/// A node that only answers pings becomes a member on which nothing runs and nothing is probed.
pub(super) fn ping_nodes(work: &mut Work) {
    for node in work.find(|e| e.name() == "node" && e.attribute("type") == Some("ping")) {
        work.document.set_attribute(node, "type", "member");
        let name = work.text(node, "uname");
        let Some(section) = work.section_or_new("constraints") else {
            return;
        };
        let wanted = format!("{PREFIX}ping-node-{}", work.text(node, "id"));
        let location = work.new_set(section, "rsc_location", &wanted);
        work.document.set_attribute(location, "rsc-pattern", ".*");
        work.document.set_attribute(location, "resource-discovery", "never");
        let id = work.text(location, "id");
        let rule = work.new_set(location, "rule", &format!("{id}-rule"));
        work.document.set_attribute(rule, "score", "-INFINITY");
        work.document.set_attribute(rule, "boolean-op", "or");
        add_node_expression(work, rule, &name);
        let what = "a ping node is a member now, and a constraint keeps everything from it";
        work.hint(Effect::Changed, node, what);
    }
}

/// A lifetime limits a location as a rule does; other constraints cannot be limited any more.
pub(super) fn lifetimes(work: &mut Work) {
    for lifetime in work.find(|element| element.name() == "lifetime") {
        let Some(constraint) = work.element(lifetime).parent().map(Element::id) else {
            continue;
        };
        if work.element(constraint).name() == "rsc_location" {
            limit(work, constraint, lifetime);
        } else {
            work.hint(Effect::Widened, constraint, "its lifetime is gone: it holds always now");
        }
        work.document.detach(lifetime);
    }
}

/// Joins a location's lifetime to each of its rules.
fn limit(work: &mut Work, location: NodeId, lifetime: NodeId) {
    let times = work.children(lifetime, |element| element.name() == "rule");
    for time in &times {
        for name in OF_TOP_RULES {
            work.document.remove_attribute(*time, name);
        }
    }
    let id = work.text(location, "id");
    let time = match times.as_slice() {
        [] => return,
        [one] => *one,
        several => {
            let any = first_rule(work, lifetime, &format!("{id}-lifetime"), "or");
            several.iter().for_each(|time| work.document.move_into(*time, any));
            any
        }
    };
    let mut owned = work.children(location, |element| element.name() == "rule");
    if owned.is_empty() {
        owned.push(rule_of_node(work, location));
    }
    let mut limit = Some(time);
    for rule in owned {
        let around = first_rule(work, location, &format!("{id}-rule"), "and");
        for name in OF_TOP_RULES {
            if let Some(value) = work.element(rule).attribute(name).map(ToOwned::to_owned) {
                work.document.set_attribute(around, name, &value);
                work.document.remove_attribute(rule, name);
            }
        }
        let position = work.element(location).nodes().position(|node| node.id() == rule);
        work.document.move_to(around, position.unwrap_or_default().saturating_sub(1));
        work.document.move_into(rule, around);
        if let Some(time) = limit.take() {
            work.document.move_into(time, around);
        } else {
            work.append_twin(around, time, PREFIX);
        }
    }
}

/// The rule that says what `node` and `score` say.
fn rule_of_node(work: &mut Work, location: NodeId) -> NodeId {
    let id = work.text(location, "id");
    let rule = first_rule(work, location, &format!("{id}-node"), "and");
    if let Some(score) = work.element(location).attribute("score").map(ToOwned::to_owned) {
        work.document.set_attribute(rule, "score", &score);
        work.document.remove_attribute(location, "score");
    }
    let node = work.text(location, "node");
    work.document.remove_attribute(location, "node");
    add_node_expression(work, rule, &node);
    rule
}

/// Splits locations with several rules; the ids that each has come to be.
pub(super) fn split(work: &mut Work) -> BTreeMap<String, Vec<String>> {
    let mut splits = BTreeMap::new();
    for location in work.find(|element| element.name() == "rsc_location") {
        let rules = work.children(location, |element| element.name() == "rule");
        if rules.len() < 2 {
            continue;
        }
        let id = work.text(location, "id");
        let mut ids = vec![id.clone()];
        let mut previous = location;
        for rule in rules.into_iter().skip(1) {
            work.document.detach(rule);
            ids.push(work.free_id(&format!("{PREFIX}{id}")));
            let Some(twin) = twin(work, location, previous, ids.last().map_or("", |id| id)) else {
                continue;
            };
            work.document.move_into(rule, twin);
            previous = twin;
        }
        tag_all(work, &id, &ids);
        splits.insert(id, ids);
    }
    splits
}

/// A location like another, after `previous`, and without its rules.
fn twin(work: &mut Work, of: NodeId, previous: NodeId, id: &str) -> Option<NodeId> {
    let section = work.element(of).parent()?.id();
    let position = work.element(section).nodes().position(|node| node.id() == previous)?;
    let twin = work.document.insert_new(section, position + 1, "rsc_location");
    let attributes = Document::from_element(work.element(of));
    for (name, value) in attributes.root().attributes() {
        work.document.set_attribute(twin, name, if name == "id" { id } else { value });
    }
    for set in work.children(of, |element| element.name() == "resource_set") {
        work.append_twin(twin, set, PREFIX);
    }
    Some(twin)
}

/// A tag of a location is one of all its parts.
fn tag_all(work: &mut Work, id: &str, ids: &[String]) {
    let tagged = work.find(|e| e.name() == "obj_ref" && e.attribute("id") == Some(id));
    for reference in tagged {
        let Some(tag) = work.element(reference).parent().map(Element::id) else {
            continue;
        };
        for part in ids.iter().skip(1) {
            let added = work.document.append_new(tag, "obj_ref");
            work.document.set_attribute(added, "id", part);
        }
    }
}
