//! Resources in the XML status.

use super::xml::{Writer, truth};
use super::{Show, resource};
use crate::model::{BundleData, CloneData, Resource, Role, RscIdx, Tables, Variant};

/// Writes a resource and what is in it.
pub(super) fn resource(t: &Tables<'_>, rsc: RscIdx, show: &Show, out: &mut Writer) {
    match &t.resources[rsc].variant {
        Variant::Primitive => primitive(t, rsc, out),
        Variant::Group(_) => group(t, rsc, show, out),
        Variant::Clone(data) => clone(t, rsc, data, show, out),
        Variant::Bundle(data) => bundle(t, rsc, data, show, out),
    }
}

/// The configured `target-role`, in current words.
fn target(row: &Resource<'_>) -> Option<(&'static str, &'static str)> {
    let role = row.meta("target-role").and_then(Role::parse)?;
    Some(("target_role", role.text()))
}

fn primitive(t: &Tables<'_>, rsc: RscIdx, out: &mut Writer) {
    let row = &t.resources[rsc];
    let agent = resource::agent(t, rsc);
    let running = row.active_on.len().to_string();
    let removed = truth(row.removed);
    let mut attributes = vec![
        ("id", resource::shown_id(t, rsc)),
        ("resource_agent", agent.as_str()),
        ("role", resource::role(t, rsc).text()),
    ];
    attributes.extend(target(row));
    attributes.extend([
        ("active", truth(resource::is_active(t, rsc, true))),
        ("removed", removed),
        ("orphaned", removed),
        ("blocked", truth(row.blocked)),
        ("maintenance", truth(row.maintenance)),
        ("managed", truth(row.managed)),
        ("failed", truth(row.failed)),
        ("failure_ignored", truth(row.failure_ignored)),
        ("nodes_running_on", running.as_str()),
    ]);
    attributes.extend(resource::pending(t, rsc).map(|text| ("pending", text)));
    attributes.extend(row.lock.map(|(node, _)| ("locked_to", t.nodes[node].name)));
    out.open("resource", &attributes);
    for &node in &row.active_on {
        let at = &t.nodes[node];
        let cached = truth(at.online);
        out.element("node", &[("name", at.name), ("id", at.id), ("cached", cached)]);
    }
    out.close();
}

fn group(t: &Tables<'_>, rsc: RscIdx, show: &Show, out: &mut Writer) {
    let row = &t.resources[rsc];
    let members: Vec<RscIdx> =
        row.children.iter().copied().filter(|&member| show.resource(t, member)).collect();
    out.open(
        "group",
        &[
            ("id", &row.id),
            ("number_resources", &members.len().to_string()),
            ("maintenance", truth(row.maintenance)),
            ("managed", truth(row.managed)),
            ("disabled", truth(resource::is_disabled(t, rsc))),
        ],
    );
    for member in members {
        resource(t, member, show, out);
    }
    out.close();
}

fn clone(t: &Tables<'_>, rsc: RscIdx, data: &CloneData, show: &Show, out: &mut Writer) {
    let row = &t.resources[rsc];
    let mut attributes = vec![
        ("id", row.id.as_str()),
        ("multi_state", truth(data.promotable)),
        ("unique", truth(row.unique)),
        ("maintenance", truth(row.maintenance)),
        ("managed", truth(row.managed)),
        ("disabled", truth(resource::is_disabled(t, rsc))),
        ("failed", truth(row.failed)),
        ("failure_ignored", truth(row.failure_ignored)),
    ];
    attributes.extend(target(row));
    out.open("clone", &attributes);
    for &instance in &row.children {
        if !t.resources[instance].removed || resource::is_active(t, instance, false) {
            resource(t, instance, show, out);
        }
    }
    out.close();
}

fn bundle(t: &Tables<'_>, rsc: RscIdx, data: &BundleData, show: &Show, out: &mut Writer) {
    let row = &t.resources[rsc];
    out.open(
        "bundle",
        &[
            ("id", &row.id),
            ("type", data.agent),
            ("image", &data.image),
            ("unique", truth(row.unique)),
            ("maintenance", truth(row.maintenance)),
            ("managed", truth(row.managed)),
            ("failed", truth(row.failed)),
        ],
    );
    for replica in &data.replicas {
        out.open("replica", &[("id", &replica.offset.to_string())]);
        let parts = [replica.ip, replica.child, Some(replica.container), replica.remote];
        for part in parts.into_iter().flatten() {
            resource(t, part, show, out);
        }
        out.close();
    }
    out.close();
}
