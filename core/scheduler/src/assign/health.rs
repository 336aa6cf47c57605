//! Node health (*Pacemaker Explained*, "Tracking Node Health").

use crate::model::{Discovery, Location, NodeIdx, Role, Tables, score};

/// Adds what nodes' health attributes mean to every resource's scores.
pub(crate) fn apply(t: &mut Tables<'_>) {
    let strategy = t.options.health_strategy;
    if !matches!(strategy, "migrate-on-red" | "only-green" | "progressive" | "custom") {
        return;
    }
    let option = |name: &str, default: i32| {
        t.options.raw.get(name).and_then(|text| score::parse(text)).unwrap_or(default)
    };
    let base = if strategy == "progressive" { option("node-health-base", 0) } else { 0 };
    let (red, yellow, green) = match strategy {
        "migrate-on-red" => (-score::INFINITY, 0, 0),
        "only-green" => (-score::INFINITY, -score::INFINITY, 0),
        _ => (
            option("node-health-red", -score::INFINITY),
            option("node-health-yellow", 0),
            option("node-health-green", 0),
        ),
    };
    for node in t.node_order.clone() {
        let mut sum = base;
        for (name, value) in &t.nodes[node].attributes {
            if name.starts_with("#health") {
                let value = match *value {
                    "red" => red,
                    "yellow" => yellow,
                    "green" => green,
                    other => score::parse(other).unwrap_or(0),
                };
                sum = score::add(sum, value);
            }
        }
        t.nodes[node].health = sum;
        if sum != 0 {
            add(t, node, sum, strategy);
        }
    }
}

fn add(t: &mut Tables<'_>, node: NodeIdx, value: i32, strategy: &str) {
    let allow = |t: &Tables<'_>, rsc| {
        let row: &crate::model::Resource<'_> = &t.resources[rsc];
        strategy == "none" || row.meta("allow-unhealthy-nodes") == Some("true")
    };
    for rsc in t.top.clone() {
        if allow(t, rsc) {
            continue;
        }
        t.locations.push(Location {
            id: "#health",
            rsc,
            role: Role::Unknown,
            nodes: vec![(node, value)],
            discovery: Discovery::Always,
        });
        let index = t.locations.len() - 1;
        t.resources[rsc].locations.push(index);
    }
}
