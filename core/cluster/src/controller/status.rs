//! The status section: node states, histories and transient attributes.
//!
//! Each function says whether anything changed. Ids and nesting are those of *Pacemaker Explained*,
//! chapter on status.

use crate::executor::history::Record;
use diarch_cib::{Document, Element, NodeId};

/// A CIB with nothing in it.
#[must_use]
pub fn empty_cib() -> Document {
    let mut document = Document::new("cib");
    let root = document.root().id();
    for (name, value) in [
        ("crm_feature_set", crate::FEATURE_SET),
        ("validate-with", "pacemaker-3.9"),
        ("epoch", "0"),
        ("num_updates", "0"),
        ("admin_epoch", "0"),
    ] {
        document.set_attribute(root, name, value);
    }
    ensure_sections(&mut document);
    document
}

/// Makes sure that every section is there that everybody relies on.
pub fn ensure_sections(document: &mut Document) {
    let root = document.root().id();
    let configuration = child(document, root, "configuration");
    for name in ["crm_config", "nodes", "resources", "constraints"] {
        child(document, configuration, name);
    }
    child(document, root, "status");
}

/// Puts the status section of `from` in the place of the one that `document` has.
pub fn restore(document: &mut Document, from: &Document) {
    let root = document.root().id();
    if let Some(old) = document.root().child("status").map(Element::id) {
        document.detach(old);
    }
    if let Some(status) = from.root().child("status") {
        document.append_copy(root, status);
    }
}

/// The CIB as it is kept on disk: without its status.
#[must_use]
pub fn without_status(document: &Document) -> String {
    let mut copy = document.clone();
    let states: Vec<NodeId> = copy
        .root()
        .child("status")
        .into_iter()
        .flat_map(|status| status.nodes().map(Element::id))
        .collect();
    states.into_iter().for_each(|id| copy.detach(id));
    copy.write()
}

/// Sets attributes of a node's state.
pub fn set_node_state(
    document: &mut Document,
    id: &str,
    name: &str,
    attributes: &[(String, String)],
) -> bool {
    let state = node_state(document, id);
    let wanted = [("uname", name), ("crm-debug-origin", "diarch")].into_iter();
    let given = attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut changed = false;
    for (name, value) in wanted.chain(given) {
        if document.element(state).attribute(name) != Some(value) {
            document.set_attribute(state, name, value);
            changed = true;
        }
    }
    changed
}

/// Writes a result into the history.
pub fn record(document: &mut Document, id: &str, record: &Record) -> bool {
    let state = node_state(document, id);
    let lrm = with_id(document, state, "lrm", id);
    let list = child(document, lrm, "lrm_resources");
    let resource = with_id(document, list, "lrm_resource", &record.resource);
    document.set_attribute(resource, "class", &record.agent.class);
    if !record.agent.provider.is_empty() {
        document.set_attribute(resource, "provider", &record.agent.provider);
    }
    document.set_attribute(resource, "type", &record.agent.kind);
    for row_id in record.row_ids() {
        let row = with_id(document, resource, "lrm_rsc_op", &row_id);
        for (name, value) in record.row(&row_id) {
            document.set_attribute(row, &name, &value);
        }
    }
    true
}

/// Removes one row of a resource's history.
pub fn remove_row(document: &mut Document, id: &str, resource: &str, row: &str) -> bool {
    let found = resource_history(document, id, resource)
        .and_then(|history| find(history, "lrm_rsc_op", row))
        .map(Element::id);
    found.map(|found| document.detach(found)).is_some()
}

/// Removes a node's history: of one resource, or all of it.
pub fn erase_history(document: &mut Document, id: &str, resource: Option<&str>) -> bool {
    let found = match resource {
        Some(resource) => resource_history(document, id, resource).map(Element::id),
        None => find_state(document, id)
            .and_then(|state| state.child("lrm"))
            .and_then(|lrm| lrm.child("lrm_resources"))
            .filter(|list| list.children().next().is_some())
            .map(Element::id),
    };
    found.map(|found| document.detach(found)).is_some()
}

/// Sets or removes a transient attribute.
pub fn set_attribute(
    document: &mut Document,
    id: &str,
    set: Option<&str>,
    name: &str,
    value: Option<&str>,
) -> bool {
    let existing = attribute(document, id, name).map(|pair| (pair.id(), pair.attribute("value")));
    match (existing, value) {
        (Some((_, old)), Some(value)) if old == Some(value) => false,
        (Some((pair, _)), Some(value)) => {
            document.set_attribute(pair, "value", value);
            true
        }
        (Some((pair, _)), None) => {
            document.detach(pair);
            true
        }
        (None, None) => false,
        (None, Some(value)) => {
            let state = node_state(document, id);
            let transient = with_id(document, state, "transient_attributes", id);
            let set = set.map_or_else(|| format!("status-{id}"), str::to_owned);
            let list = with_id(document, transient, "instance_attributes", &set);
            let pair_id = format!("{set}-{}", xml_id(name));
            let pair = with_id(document, list, "nvpair", &pair_id);
            document.set_attribute(pair, "name", name);
            document.set_attribute(pair, "value", value);
            true
        }
    }
}

/// Removes all transient attributes of a node.
pub fn erase_attributes(document: &mut Document, id: &str) -> bool {
    let found = find_state(document, id)
        .and_then(|state| state.child("transient_attributes"))
        .map(Element::id);
    found.map(|found| document.detach(found)).is_some()
}

/// The `<nvpair>` of a transient attribute.
#[must_use]
pub fn attribute<'d>(document: &'d Document, id: &str, name: &str) -> Option<Element<'d>> {
    attributes(document, id).find(|pair| pair.attribute("name") == Some(name))
}

/// Every transient attribute of a node.
pub fn attributes<'d>(
    document: &'d Document,
    id: &str,
) -> impl Iterator<Item = Element<'d>> + use<'d> {
    find_state(document, id)
        .and_then(|state| state.child("transient_attributes"))
        .into_iter()
        .flat_map(|transient| transient.children_named("instance_attributes"))
        .flat_map(|set| set.children_named("nvpair"))
}

/// The histories of a node's resources.
pub fn histories<'d>(
    document: &'d Document,
    id: &str,
) -> impl Iterator<Item = Element<'d>> + use<'d> {
    find_state(document, id)
        .and_then(|state| state.child("lrm"))
        .and_then(|lrm| lrm.child("lrm_resources"))
        .into_iter()
        .flat_map(|list| list.children_named("lrm_resource"))
}

/// A node's state.
#[must_use]
pub fn find_state<'d>(document: &'d Document, id: &str) -> Option<Element<'d>> {
    find(document.root().child("status")?, "node_state", id)
}

fn resource_history<'d>(document: &'d Document, id: &str, resource: &str) -> Option<Element<'d>> {
    histories(document, id).find(|history| history.attribute("id") == Some(resource))
}

fn find<'d>(parent: Element<'d>, name: &str, id: &str) -> Option<Element<'d>> {
    parent.children_named(name).find(|child| child.attribute("id") == Some(id))
}

fn node_state(document: &mut Document, id: &str) -> NodeId {
    let root = document.root().id();
    let status = child(document, root, "status");
    with_id(document, status, "node_state", id)
}

fn child(document: &mut Document, parent: NodeId, name: &str) -> NodeId {
    let found = document.element(parent).child(name).map(Element::id);
    found.unwrap_or_else(|| document.append_new(parent, name))
}

fn with_id(document: &mut Document, parent: NodeId, name: &str, id: &str) -> NodeId {
    let found = find(document.element(parent), name, id).map(Element::id);
    found.unwrap_or_else(|| {
        let made = document.append_new(parent, name);
        document.set_attribute(made, "id", id);
        made
    })
}

/// A name with everything replaced that an XML id may not hold.
fn xml_id(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().map(|c| if fits(c) { c } else { '.' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_set_once_and_removed_once() {
        let mut cib = empty_cib();
        assert!(set_attribute(&mut cib, "1", None, "fail-count-r#monitor_10000", Some("1")));
        assert!(!set_attribute(&mut cib, "1", None, "fail-count-r#monitor_10000", Some("1")));
        let expected = concat!(
            r#"<transient_attributes id="1"><instance_attributes id="status-1">"#,
            r#"<nvpair id="status-1-fail-count-r.monitor_10000" "#,
            r#"name="fail-count-r#monitor_10000" value="1"/>"#,
        );
        assert!(cib.write_compact().contains(expected), "{}", cib.write());
        assert!(set_attribute(&mut cib, "1", None, "fail-count-r#monitor_10000", None));
        assert!(!set_attribute(&mut cib, "1", None, "fail-count-r#monitor_10000", None));
    }

    #[test]
    fn the_disk_gets_no_status() {
        let mut cib = empty_cib();
        set_node_state(&mut cib, "1", "a", &[]);
        assert!(cib.write().contains("node_state"));
        assert!(!without_status(&cib).contains("node_state"));
        assert!(without_status(&cib).contains("<status/>"));
    }
}
