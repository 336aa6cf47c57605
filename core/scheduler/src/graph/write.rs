//! The graph as XML, in the form that Pacemaker writes it.

use super::{ActionKind, Graph, GraphAction};
use core::fmt::Write;

/// Writes a graph.
#[must_use]
pub fn write(graph: &Graph) -> String {
    let mut out = String::from("<transition_graph");
    for (name, value) in &graph.attributes {
        attribute(&mut out, name, value);
    }
    if graph.synapses.is_empty() {
        out.push_str("/>\n");
        return out;
    }
    out.push_str(">\n");
    let mut by_id: Vec<&GraphAction> = graph.synapses.iter().map(|step| &step.action).collect();
    by_id.sort_by_key(|action| action.id);
    for synapse in &graph.synapses {
        append(&mut out, format_args!("  <synapse id=\"{}\"", synapse.id));
        if synapse.priority > 0 {
            append(&mut out, format_args!(" priority=\"{}\"", synapse.priority));
        }
        out.push_str(">\n    <action_set>\n");
        action(&mut out, &synapse.action);
        out.push_str("    </action_set>\n");
        if synapse.inputs.is_empty() {
            out.push_str("    <inputs/>\n");
        } else {
            out.push_str("    <inputs>\n");
            let found = |id: &u32| by_id.binary_search_by_key(id, |action| action.id);
            for input in synapse.inputs.iter().filter_map(|id| Some(by_id[found(id).ok()?])) {
                out.push_str("      <trigger>\n");
                trigger(&mut out, input);
                out.push_str("      </trigger>\n");
            }
            out.push_str("    </inputs>\n");
        }
        out.push_str("  </synapse>\n");
    }
    out.push_str("</transition_graph>\n");
    out
}

fn append(out: &mut String, text: core::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    out.write_fmt(text).unwrap_or_default();
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
    out
}

/// Whether XML knows `text` as the name of an attribute, and as one without a namespace. A
/// configuration may call a parameter as it likes, `#port` or `2nd` for instance.
fn is_name(text: &str) -> bool {
    let begins = |c: char| c.is_alphabetic() || c == '_';
    let goes_on = |c: char| begins(c) || c.is_ascii_digit() || c == '.' || c == '-';
    text.starts_with(begins) && text.chars().all(goes_on)
}

fn attribute(out: &mut String, name: &str, value: &str) {
    append(out, format_args!(" {name}=\"{}\"", escape(value)));
}

const fn tag(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Resource => "rsc_op",
        ActionKind::Pseudo => "pseudo_event",
        ActionKind::Cluster => "crm_event",
    }
}

fn action(out: &mut String, action: &GraphAction) {
    let tag = tag(action.kind);
    append(out, format_args!("      <{tag} id=\"{}\"", action.id));
    attribute(out, "operation", &action.operation);
    attribute(out, "operation_key", &action.key);
    for (name, value) in [
        ("internal_operation_key", &action.internal_key),
        ("on_node", &action.node),
        ("on_node_uuid", &action.node_id),
        ("router_node", &action.router),
    ] {
        if let Some(value) = value {
            attribute(out, name, value);
        }
    }
    if let Some(since) = action.shutdown_lock {
        attribute(out, "shutdown-lock", &since.to_string());
    }
    if let Some(mode) = action.mode {
        attribute(out, "mode", mode);
    }
    out.push_str(">\n");
    if let Some(primitive) = &action.primitive {
        out.push_str("        <primitive");
        attribute(out, "id", &primitive.id);
        if let Some(long) = &primitive.long_id {
            attribute(out, "long-id", long);
        }
        attribute(out, "class", &primitive.class);
        if !primitive.provider.is_empty() {
            attribute(out, "provider", &primitive.provider);
        }
        attribute(out, "type", &primitive.kind);
        out.push_str("/>\n");
    }
    out.push_str("        <attributes");
    // What is no name of an attribute stands in an element of its own.
    let (named, params): (Vec<_>, Vec<_>) =
        action.attributes.iter().partition(|(name, _)| is_name(name));
    for (name, value) in named {
        attribute(out, name, value);
    }
    if params.is_empty() {
        out.push_str(" />\n");
    } else {
        out.push_str(" >\n");
        for (name, value) in params {
            append(
                out,
                format_args!(
                    "          <param name=\"{}\" value=\"{}\"/>\n",
                    escape(name),
                    escape(value)
                ),
            );
        }
        out.push_str("        </attributes>\n");
    }
    for (list, nodes) in [("downed", &action.downed), ("maintenance", &action.maintenance)] {
        if nodes.is_empty() {
            continue;
        }
        append(out, format_args!("        <{list}>\n"));
        for node in nodes {
            append(out, format_args!("          <node id=\"{}\"/>\n", escape(node)));
        }
        append(out, format_args!("        </{list}>\n"));
    }
    append(out, format_args!("      </{tag}>\n"));
}

fn trigger(out: &mut String, input: &GraphAction) {
    append(out, format_args!("        <{} id=\"{}\"", tag(input.kind), input.id));
    attribute(out, "operation", &input.operation);
    attribute(out, "operation_key", &input.key);
    for (name, value) in [
        ("internal_operation_key", &input.internal_key),
        ("on_node", &input.node),
        ("on_node_uuid", &input.node_id),
        ("router_node", &input.router),
    ] {
        if let Some(value) = value {
            attribute(out, name, value);
        }
    }
    out.push_str("/>\n");
}
