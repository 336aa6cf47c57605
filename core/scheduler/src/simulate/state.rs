//! The `status` section as something that a what-if run changes.

use diarch_cib::xml::{Document, Element, NodeId};

/// The result of an operation, as it is recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) rsc: &'a str,
    pub(super) agent: [&'a str; 3],
    pub(super) task: &'a str,
    pub(super) interval_ms: u64,
    pub(super) rc: i32,
    pub(super) expected: i32,
    pub(super) action: u32,
    pub(super) now: i64,
}

/// Finds a node's state, or begins one.
pub(super) fn node_state(cib: &mut Document, id: &str, name: &str) -> NodeId {
    let found = cib.root().child("status").and_then(|status| {
        let mut all = status.children_named("node_state");
        all.find(|at| at.attribute("id") == Some(id) || at.attribute("uname") == Some(name))
            .map(Element::id)
    });
    if let Some(found) = found {
        return found;
    }
    let root = cib.root().id();
    let status = child(cib, root, "status");
    let state = cib.append_new(status, "node_state");
    cib.set_attribute(state, "id", id);
    cib.set_attribute(state, "uname", name);
    state
}

/// Makes a node a member, or takes it out.
pub(super) fn set_member(cib: &mut Document, state: NodeId, member: bool) {
    let words = if member {
        ["true", "online", "member", "member"]
    } else {
        ["false", "offline", "down", "down"]
    };
    for (name, word) in ["in_ccm", "crmd", "join", "expected"].into_iter().zip(words) {
        cib.set_attribute(state, name, word);
    }
}

/// Forgets a node's history and transient attributes.
pub(super) fn forget(cib: &mut Document, state: NodeId) {
    for name in ["lrm", "transient_attributes"] {
        let found: Vec<NodeId> = cib.element(state).children_named(name).map(Element::id).collect();
        for at in found {
            cib.detach(at);
        }
    }
}

/// Records a result on a node.
pub(super) fn record(cib: &mut Document, state: NodeId, record: &Record<'_>) {
    let lrm = child(cib, state, "lrm");
    let list = child(cib, lrm, "lrm_resources");
    let found = cib
        .element(list)
        .children_named("lrm_resource")
        // Where a history names a resource twice, what comes last counts.
        .filter(|at| at.attribute("id") == Some(record.rsc))
        .last()
        .map(Element::id);
    let resource = found.unwrap_or_else(|| {
        let resource = cib.append_new(list, "lrm_resource");
        cib.set_attribute(resource, "id", record.rsc);
        for (name, value) in ["class", "provider", "type"].into_iter().zip(record.agent) {
            if !value.is_empty() {
                cib.set_attribute(resource, name, value);
            }
        }
        resource
    });
    let call = cib
        .element(resource)
        .children_named("lrm_rsc_op")
        .filter_map(|op| op.attribute("call-id")?.parse::<i64>().ok())
        .fold(0, i64::max)
        + 1;
    let Record { rsc, task, interval_ms, .. } = *record;
    let usual = if interval_ms > 0 {
        format!("{rsc}_{task}_{interval_ms}")
    } else {
        format!("{rsc}_last_0")
    };
    entry(cib, resource, &usual, call, record);
    if record.rc != record.expected {
        entry(cib, resource, &format!("{rsc}_last_failure_0"), call, record);
    }
}

/// Writes one entry, in place of any of its name.
fn entry(cib: &mut Document, resource: NodeId, id: &str, call: i64, record: &Record<'_>) {
    let found = cib
        .element(resource)
        .children_named("lrm_rsc_op")
        .find(|at| at.attribute("id") == Some(id))
        .map(Element::id);
    let at = found.unwrap_or_else(|| cib.append_new(resource, "lrm_rsc_op"));
    let stale: Vec<String> =
        cib.element(at).attributes().map(|(name, _)| name.to_owned()).collect();
    for name in &stale {
        cib.remove_attribute(at, name);
    }
    let Record { rsc, task, interval_ms, rc, expected, action, now, .. } = *record;
    let key = format!("{action}:-1:{expected}:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    let values = [
        ("id", id.to_owned()),
        ("operation_key", format!("{rsc}_{task}_{interval_ms}")),
        ("operation", task.to_owned()),
        ("crm-debug-origin", "simulate".to_owned()),
        ("transition-magic", format!("0:{rc};{key}")),
        ("transition-key", key),
        ("call-id", call.to_string()),
        ("rc-code", rc.to_string()),
        ("op-status", "0".to_owned()),
        ("interval", interval_ms.to_string()),
        ("last-rc-change", now.to_string()),
        ("exec-time", "0".to_owned()),
        ("queue-time", "0".to_owned()),
    ];
    for (name, value) in values {
        cib.set_attribute(at, name, &value);
    }
}

/// Finds a child of this name, or adds it.
pub(super) fn child(cib: &mut Document, parent: NodeId, name: &str) -> NodeId {
    match cib.element(parent).child(name).map(Element::id) {
        Some(found) => found,
        None => cib.append_new(parent, name),
    }
}
