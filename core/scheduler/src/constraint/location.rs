//! Location constraints: by node, by rule, by pattern, for sets (*Pacemaker Explained*,
//! "Deciding Which Nodes a Resource Can Run On").

use crate::model::{Discovery, Location, NodeIdx, Placed, Role, RscIdx, Tables, Variant, score};
use crate::unpack::nvpairs::resolve as follow;
use crate::unpack::rule::{self, Context};
use diarch_cib::rules::expanded;
use diarch_cib::xml::Element;
use regex_lite::Regex;

/// Reads a `rsc_location`.
pub(crate) fn unpack<'c>(t: &mut Tables<'c>, element: Element<'c>) {
    let role = element.attribute("role").and_then(Role::parse);
    if let Some(pattern) = element.attribute("rsc-pattern") {
        by_pattern(t, element, pattern, role);
    } else if let Some(id) = element.attribute("rsc") {
        for rsc in super::resolve(t, element, id) {
            one(t, element, rsc, role, None, &[]);
        }
    }
    for set in element.children_named("resource_set") {
        let set = follow(t, set);
        let role = set.attribute("role").and_then(Role::parse).or(role);
        for member in set.children_named("resource_ref") {
            let id = member.attribute("id").unwrap_or("");
            for rsc in super::resolve(t, element, id) {
                one(t, element, rsc, role, set.attribute("score"), &[]);
            }
        }
    }
}

/// What a pattern is compared with is the id; what its parts match may be named in rules.
fn by_pattern<'c>(t: &mut Tables<'c>, element: Element<'c>, pattern: &str, role: Option<Role>) {
    let (pattern, invert) = match pattern.strip_prefix('!') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let compiled = match Regex::new(pattern) {
        Ok(compiled) => compiled,
        Err(error) => {
            let id = element.attribute("id").unwrap_or_default();
            t.error(format!("ignoring location {id}: rsc-pattern '{pattern}': {error}"));
            return;
        }
    };
    for rsc in t.top.clone() {
        let id = t.resources[rsc].id.clone();
        match (compiled.captures(&id), invert) {
            (Some(found), false) => {
                let parts = found.iter().map(|part| part.map_or("", |part| part.as_str()));
                one(t, element, rsc, role, None, &parts.collect::<Vec<_>>());
            }
            (None, true) => one(t, element, rsc, role, None, &[]),
            (Some(_), true) | (None, false) => {}
        }
    }
}

fn one<'c>(
    t: &mut Tables<'c>,
    element: Element<'c>,
    rsc: RscIdx,
    role: Option<Role>,
    set_score: Option<&str>,
    submatches: &[&str],
) {
    let discovery = match element.attribute("resource-discovery") {
        Some("never") => Discovery::Never,
        Some("exclusive") => Discovery::Exclusive,
        _ => Discovery::Always,
    };
    if let Some(name) = element.attribute("node") {
        let value = set_score.or_else(|| element.attribute("score"));
        let value = value.and_then(score::parse).unwrap_or(0);
        if let Some(node) = t.node_by_id(name).or_else(|| t.node_by_name(name)) {
            push(t, element, rsc, role, vec![(node, value)], discovery);
        }
        return;
    }
    for rule in element.children_named("rule") {
        by_rule(t, element, rsc, role, (follow(t, rule), submatches), discovery);
    }
}

fn push<'c>(
    t: &mut Tables<'c>,
    element: Element<'c>,
    rsc: RscIdx,
    role: Option<Role>,
    nodes: Vec<(NodeIdx, i32)>,
    discovery: Discovery,
) {
    // A role that everything active has is no condition.
    let role = role.filter(|role| *role > Role::Unpromoted).unwrap_or(Role::Unknown);
    if role == Role::Promoted {
        t.resources[rsc].promoted_by_location = true;
    }
    let id = element.attribute("id").unwrap_or("");
    t.locations.push(Location { id, rsc, role, nodes, discovery });
    let index = t.locations.len() - 1;
    t.resources[rsc].locations.push(index);
}

fn by_rule<'c>(
    t: &mut Tables<'c>,
    element: Element<'c>,
    rsc: RscIdx,
    role: Option<Role>,
    (rule, submatches): (Element<'c>, &[&str]),
    discovery: Discovery,
) {
    let role = rule.attribute("role").and_then(Role::parse).or(role);
    let attribute = rule.attribute("score-attribute").map(|name| expanded(name, submatches));
    let fixed = rule.attribute("score").and_then(score::parse).unwrap_or(0);
    let mut nodes = Vec::new();
    let row = &t.resources[rsc];
    let meta = row.meta.iter().map(|(k, v)| (k.as_ref(), v.as_ref())).collect();

    let mut change = None;
    for node in t.nodes.ids() {
        // A parameter may itself depend on the node.
        let parameters = crate::unpack::resources::parameters(t, rsc, Some(node));
        let parameters = parameters.iter().map(|(k, v)| (k.as_ref(), v.as_ref())).collect();
        let context = Context {
            node: Some(&t.nodes[node].attributes),
            params: Some(&parameters),
            meta: Some(&meta),
            submatches,
            ..Context::default()
        };
        if !rule::passes(t, rule, &context, &mut change) {
            continue;
        }
        let value = match &attribute {
            None => fixed,
            Some(name) => match t.nodes[node].attributes.get(name.as_str()) {
                None => -score::INFINITY,
                Some(text) => score::parse(text).unwrap_or(0),
            },
        };
        nodes.push((node, value));
    }
    drop(meta);
    if let Some(at) = change {
        t.recheck_at(at);
    }
    push(t, element, rsc, role, nodes, discovery);
}

/// Applies every location constraint to the scores of what it is about.
pub(crate) fn apply_all(t: &mut Tables<'_>) {
    for index in 0..t.locations.len() {
        let location = t.locations[index].clone();
        apply(t, location.rsc, &location);
    }
}

fn apply<'c>(t: &mut Tables<'c>, rsc: RscIdx, location: &Location<'c>) {
    apply_one(t, rsc, location);
    match &t.resources[rsc].variant {
        Variant::Primitive => {}
        Variant::Group(data) => {
            let colocated = data.colocated;
            let mut location = location.clone();
            for child in t.resources[rsc].children.clone() {
                apply(t, child, &location);
                if colocated {
                    for (_, value) in &mut location.nodes {
                        *value = 0;
                    }
                }
            }
        }
        Variant::Clone(_) => {
            for child in t.resources[rsc].children.clone() {
                apply(t, child, location);
            }
        }
        Variant::Bundle(data) => {
            let child = data.child;
            let outer: Vec<_> = data
                .replicas
                .iter()
                .flat_map(|replica| [Some(replica.container), replica.ip])
                .flatten()
                .collect();
            for part in outer {
                apply(t, part, location);
            }
            if let Some(child) = child.filter(|_| location.role > Role::Started) {
                apply(t, child, location);
                let mut copy = location.clone();
                copy.rsc = child;
                t.locations.push(copy);
                let index = t.locations.len() - 1;
                t.resources[child].locations.push(index);
            }
        }
    }
}

fn apply_one(t: &mut Tables<'_>, rsc: RscIdx, location: &Location<'_>) {
    let row = &mut t.resources[rsc];
    if location.role > Role::Unknown && location.role != row.next_role {
        return;
    }
    for &(node, value) in &location.nodes {
        match row.allowed.find_mut(node) {
            Some(placed) => placed.score = score::add(placed.score, value),
            None => row.allowed.put(Placed {
                node,
                score: value,
                count: 0,
                discovery: Discovery::Always,
            }),
        }
        if location.discovery != Discovery::Always {
            if location.discovery == Discovery::Exclusive {
                row.exclusive_discovery = true;
            }
            if let Some(placed) = row.allowed.find_mut(node)
                && placed.discovery != Discovery::Exclusive
            {
                placed.discovery = location.discovery;
            }
        }
    }
}
