//! What ran on each node, and how often what failed there.

use super::outline::Outline;
use super::{Show, failure, time};
use crate::model::{NodeIdx, RscIdx, Tables, score};
use crate::status::failcount;
use diarch_cib::xml::Element;

/// The history of one resource on one node.
#[derive(Debug)]
pub(super) struct Entry<'c> {
    /// The id that the history uses.
    pub(super) id: &'c str,
    /// The resource, if it is known.
    pub(super) rsc: Option<RscIdx>,
    /// Its operations, oldest first.
    pub(super) operations: Vec<Element<'c>>,
}

/// Names an operation; a monitor that ran once is a probe.
pub(super) fn task(entry: Element<'_>) -> &str {
    let name = entry.attribute("operation").unwrap_or_default();
    let once = matches!(entry.attribute("interval"), None | Some("0"));
    if name == "monitor" && once { "probe" } else { name }
}

/// Lists a node's history.
pub(super) fn of<'c>(t: &Tables<'c>, node: NodeIdx, show: &Show) -> Vec<Entry<'c>> {
    let Some(state) = t.cib.child("status").and_then(|status| {
        status.children_named("node_state").find(|at| at.attribute("id") == Some(t.nodes[node].id))
    }) else {
        return Vec::new();
    };
    let list = state.child("lrm").and_then(|lrm| lrm.child("lrm_resources"));
    let resources = list.iter().flat_map(|list| list.children_named("lrm_resource"));
    let mut entries = Vec::new();
    for resource in resources {
        let Some(id) = resource.attribute("id") else { continue };
        let rsc = find(t, id);
        if rsc.is_some_and(|rsc| !show.resource(t, rsc)) {
            continue;
        }
        let mut operations: Vec<_> =
            resource.children_named("lrm_rsc_op").filter(|op| is_shown(*op)).collect();
        operations.sort_by_key(|op| {
            op.attribute("call-id").and_then(|text| text.parse::<i64>().ok()).unwrap_or(0)
        });
        if !operations.is_empty() {
            entries.push(Entry { id, rsc, operations });
        }
    }
    entries
}

/// A probe that found nothing, and a notification, are of no interest.
fn is_shown(operation: Element<'_>) -> bool {
    let name = task(operation);
    name != "notify" && !(name == "probe" && operation.attribute("rc-code") == Some("7"))
}

fn find(t: &Tables<'_>, id: &str) -> Option<RscIdx> {
    t.resource(id).or_else(|| {
        let mut all = t.resources.iter();
        all.find(|(_, rsc)| rsc.is_primitive() && (rsc.base_id == id || rsc.history_name() == id))
            .map(|(index, _)| index)
    })
}

/// What a resource's failures on a node come to, as name and value pairs.
pub(super) fn failures(t: &Tables<'_>, rsc: RscIdx, node: NodeIdx) -> Vec<(&'static str, String)> {
    let row = &t.resources[rsc];
    let mut pairs = Vec::new();
    if row.migration_threshold > 0 {
        pairs.push(("migration-threshold", row.migration_threshold.to_string()));
    }
    let found = failcount::of(t, rsc, node, true);
    if found.count > 0 {
        pairs.push(("fail-count", score::text(found.count)));
        if found.last > 0 {
            pairs.push(("last-failure", time::text(found.last)));
        }
    }
    pairs
}

/// Writes what ran on each node, or only how often what failed.
pub(super) fn list(t: &Tables<'_>, show: &Show, operations: bool, out: &mut Outline) -> bool {
    let mut any = false;
    for node in super::node::in_order(t) {
        if !t.nodes[node].online || !show.node(t, node) {
            continue;
        }
        let mut entries = of(t, node, show);
        if !operations {
            entries.retain(|entry| {
                entry.rsc.is_some_and(|rsc| failcount::of(t, rsc, node, true).count > 0)
            });
        }
        if entries.is_empty() && !operations {
            continue;
        }
        if !any {
            out.separate();
            out.open(if operations { "Operations" } else { "Migration Summary" });
            any = true;
        }
        out.open(&format!("Node: {}", t.nodes[node].name));
        for entry in &entries {
            resource(t, entry, node, operations, show, out);
        }
        out.close();
    }
    if any {
        out.close();
    }
    any
}

fn resource(
    t: &Tables<'_>,
    entry: &Entry<'_>,
    node: NodeIdx,
    operations: bool,
    show: &Show,
    out: &mut Outline,
) {
    let mut line = format!("{}:", entry.id);
    for (name, value) in entry.rsc.iter().flat_map(|&rsc| failures(t, rsc, node)) {
        line.push_str(&match name {
            "last-failure" => format!(" {name}='{value}'"),
            _ => format!(" {name}={value}"),
        });
    }
    if !operations {
        out.item(&line);
        return;
    }
    out.open(&line);
    for &operation in &entry.operations {
        out.item(&operation_line(operation, show));
    }
    out.close();
}

fn operation_line(operation: Element<'_>, show: &Show) -> String {
    let get = |name| operation.attribute(name).unwrap_or_default();
    let mut text = format!("({}) {}", get("call-id"), task(operation));
    let mut details = String::new();
    if !matches!(get("interval"), "" | "0") {
        details.push_str(&format!(" interval=\"{}ms\"", get("interval")));
    }
    if show.timing {
        if let Ok(when) = get("last-rc-change").parse::<i64>() {
            details.push_str(&format!(" last-rc-change=\"{}\"", time::text(when)));
        }
        for name in ["exec-time", "queue-time"] {
            if !get(name).is_empty() {
                details.push_str(&format!(" {name}=\"{}ms\"", get(name)));
            }
        }
        let code = get("rc-code");
        details.push_str(&format!(" rc={code} ({})", failure::meaning(code)));
    }
    if !details.is_empty() {
        text.push(':');
        text.push_str(&details);
    }
    text
}
