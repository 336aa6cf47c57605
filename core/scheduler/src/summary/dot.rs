//! The transition as a drawing for `dot`: actions as nodes, orderings as arrows.

use crate::graph::Graph;
use crate::model::{Action, Relation, Tables};
use std::collections::BTreeSet;

/// Draws what is done; with `all`, what need not or cannot be done too.
#[must_use]
pub fn drawing(t: &Tables<'_>, graph: &Graph, all: bool) -> String {
    let mut text = String::from(" digraph \"g\" {\n");
    let mut drawn = BTreeSet::new();
    for (index, action) in t.actions.iter() {
        let unmanaged = action.rsc.is_some_and(|rsc| !t.resources[rsc].managed);
        let font = if action.pseudo { "orange" } else { "black" };
        let (style, colour, font) = if action.dumped {
            ("bold", "green", font)
        } else if unmanaged {
            ("dashed", "red", "purple")
        } else if action.optional {
            ("dashed", "blue", font)
        } else {
            ("dashed", "red", font)
        };
        if action.dumped || all || !(unmanaged || action.optional) {
            drawn.insert(index);
            text.push_str(&format!(
                "\"{}\" [ style={style} color=\"{colour}\" fontcolor=\"{font}\"]\n",
                name(t, action)
            ));
        }
    }
    let waits: BTreeSet<(u32, u32)> = graph
        .synapses
        .iter()
        .flat_map(|step| step.inputs.iter().map(|&input| (input, step.action.id)))
        .collect();
    for (index, action) in t.actions.iter() {
        for before in &action.before {
            let first = &t.actions[before.action];
            let waited_for = waits.contains(&(first.number, action.number));
            let both = drawn.contains(&before.action) && drawn.contains(&index);
            if !waited_for && before.relation == Relation::NONE {
                continue;
            }
            if waited_for || both || all {
                let style = if waited_for { "bold" } else { "dashed" };
                text.push_str(&format!(
                    "\"{}\" -> \"{}\" [ style = {style}]\n",
                    name(t, first),
                    name(t, action)
                ));
            }
        }
    }
    text.push_str("}\n");
    text
}

/// Names an action: what, how often, on which node.
fn name(t: &Tables<'_>, action: &Action<'_>) -> String {
    let node = action.node.map(|node| t.nodes[node].name);
    let nowhere = if action.pseudo { "" } else { " <none>" };
    let at = node.map_or_else(|| nowhere.to_owned(), |node| format!(" {node}"));
    let prefix = if action.task == "cancel" { "Cancel " } else { "" };
    if action.task == "stonith" && action.rsc.is_none() {
        let kind = action.meta.get("stonith_action").unwrap_or("reboot");
        return format!("stonith '{kind}'{at}");
    }
    let Some(rsc) = action.rsc else {
        let name = if action.task == "do_shutdown" { action.task } else { &action.key };
        return format!("{prefix}{name}{at}");
    };
    let Some(history) = &t.resources[rsc].history_id else {
        return format!("{prefix}{}{at}", action.key);
    };
    let key = match action.task {
        "notify" | "notified" => {
            let meta = |name: &str| action.meta.get(name).unwrap_or("");
            let (kind, operation) = (meta("notify_key_type"), meta("notify_key_operation"));
            format!("{history}_{kind}_notify_{operation}_0")
        }
        task => {
            let task = action.cancel_task.unwrap_or(task);
            format!("{history}_{task}_{}", action.interval_ms)
        }
    };
    format!("{prefix}{key}{at}")
}
