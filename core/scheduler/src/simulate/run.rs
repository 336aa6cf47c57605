//! A transition carried out on paper: every step succeeds at once, unless it is told to fail.

use super::state::{self, Record};
use crate::graph::{ActionKind, Graph, GraphAction, Primitive};
use crate::model::Tables;
use diarch_cib::xml::Document;
use std::collections::BTreeSet;

/// What a run on paper came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What was done, in order.
    pub lines: Vec<String>,
    /// Nothing was left undone.
    pub complete: bool,
}

/// Carries out a transition on a copy of the CIB that it was computed from.
///
/// `failing` names operations that fail, as `RESOURCE_TASK_INTERVAL@NODE=RC`.
pub fn run(t: &Tables<'_>, graph: &Graph, failing: &[String], cib: &mut Document) -> Outcome {
    let mut confirmed: BTreeSet<u32> = BTreeSet::new();
    let mut started: BTreeSet<u32> = BTreeSet::new();
    let mut outcome = Outcome::default();
    loop {
        let mut any = false;
        for synapse in &graph.synapses {
            let ready = synapse.inputs.iter().all(|input| confirmed.contains(input));
            if !ready || !started.insert(synapse.id) {
                continue;
            }
            any = true;
            if step(t, &synapse.action, failing, cib, &mut outcome.lines) {
                confirmed.insert(synapse.action.id);
            }
        }
        if !any {
            break;
        }
    }
    outcome.complete = confirmed.len() == graph.synapses.len();
    outcome
}

/// Does one step; tells whether it succeeded.
fn step(
    t: &Tables<'_>,
    action: &GraphAction,
    failing: &[String],
    cib: &mut Document,
    lines: &mut Vec<String>,
) -> bool {
    let node = action.node.as_deref().unwrap_or_default();
    match (action.kind, &action.primitive) {
        (ActionKind::Pseudo, _) => {
            let at = action.node.iter().map(|node| format!(" on {node}")).collect::<String>();
            lines.push(format!("Pseudo action:   {}{at}", action.key));
        }
        (ActionKind::Cluster, _) if action.operation == "stonith" => fence(action, cib, lines),
        (ActionKind::Cluster, primitive) => {
            let whose = primitive.iter().map(|of| format!(" for {}", of.id)).collect::<String>();
            let at = action.node.iter().map(|node| format!(" on {node}")).collect::<String>();
            lines.push(format!("Cluster action:  {}{whose}{at}", action.operation));
        }
        (ActionKind::Resource, Some(primitive)) => {
            return operate(t, action, primitive, node, failing, cib, lines);
        }
        (ActionKind::Resource, None) => {}
    }
    true
}

fn attribute<'a>(action: &'a GraphAction, name: &str) -> Option<&'a str> {
    action.attributes.iter().find(|(at, _)| at == name).map(|(_, value)| value.as_str())
}

fn fence(action: &GraphAction, cib: &mut Document, lines: &mut Vec<String>) {
    let how = attribute(action, "CRM_meta_stonith_action").unwrap_or("reboot");
    let name = action.node.as_deref().unwrap_or_default();
    lines.push(format!("Fencing {name} ({how})"));
    if how != "on" {
        let state = state::node_state(cib, action.node_id.as_deref().unwrap_or(name), name);
        state::set_member(cib, state, false);
        state::forget(cib, state);
    }
}

/// The id that a resource is shown by: that of the history, where the configuration knows it.
fn shown<'p>(t: &Tables<'_>, primitive: &'p Primitive) -> &'p str {
    let known = |id: &str| {
        let mut all = t.resources.iter();
        all.any(|(_, row)| row.id == id || row.history_id.as_deref() == Some(id))
    };
    match &primitive.long_id {
        Some(long) if !known(&primitive.id) => long,
        Some(_) | None => &primitive.id,
    }
}

fn operate(
    t: &Tables<'_>,
    action: &GraphAction,
    primitive: &Primitive,
    node: &str,
    failing: &[String],
    cib: &mut Document,
    lines: &mut Vec<String>,
) -> bool {
    let task = action.operation.as_str();
    let interval_ms: u64 =
        attribute(action, "CRM_meta_interval").and_then(|text| text.parse().ok()).unwrap_or(0);
    let id = shown(t, primitive);
    let what = if interval_ms > 0 { format!("{task}={interval_ms}") } else { task.to_owned() };
    lines.push(format!("Resource action: {id:<15} {what} on {node}"));
    if matches!(task, "delete" | "meta-data" | "cancel" | "notify") {
        return true;
    }
    let expected: i32 =
        attribute(action, "CRM_meta_op_target_rc").and_then(|text| text.parse().ok()).unwrap_or(0);
    let told = format!("{id}_{task}_{interval_ms}@{node}=");
    let told = failing.iter().find_map(|text| text.strip_prefix(&told)?.parse::<i32>().ok());
    if let Some(rc) = told {
        lines.push(format!("Pretending action {} failed with rc={rc}", action.id));
    }
    let state = state::node_state(cib, action.node_id.as_deref().unwrap_or(node), node);
    let rc = told.unwrap_or(expected);
    state::record(
        cib,
        state,
        &Record {
            rsc: id,
            agent: [&primitive.class, &primitive.provider, &primitive.kind],
            task: if task == "reload-agent" { "start" } else { task },
            interval_ms,
            rc,
            expected,
            action: action.id,
            now: t.now,
        },
    );
    rc == expected
}
