//! Bundles in the status: one line for each replica.

use super::outline::{Outline, flagged};
use super::{Show, resource};
use crate::model::{BundleData, Replica, RscIdx, Tables};

/// Writes a bundle and its replicas.
pub(super) fn write(
    t: &Tables<'_>,
    rsc: RscIdx,
    data: &BundleData,
    show: &Show,
    out: &mut Outline,
) {
    let row = &t.resources[rsc];
    let kind = if data.replicas.len() > 1 { "Container bundle set" } else { "Container bundle" };
    let mut flags = Vec::new();
    if row.unique {
        flags.push("unique");
    }
    if resource::is_disabled(t, rsc) {
        flags.push("disabled");
    }
    flags.extend(resource::hands_off(t, rsc));
    out.open(&format!("{kind}: {} [{}]{}", row.id, data.image, flagged(&flags)));
    for replica in &data.replicas {
        if show.detail {
            in_full(t, replica, data.replicas.len() > 1, show, out);
        } else if show.inactive || resource::is_active(t, replica.container, false) {
            out.item(&line(t, replica));
        }
    }
    out.close();
}

/// Writes a replica in one line: what is inside, or the container where nothing is.
fn line(t: &Tables<'_>, replica: &Replica) -> String {
    let inside = replica.child.unwrap_or(replica.container);
    let named_by = replica.remote.unwrap_or(replica.container);
    let mut name = t.resources[named_by].id.clone();
    if let Some(address) = &replica.address {
        name.push_str(&format!(" ({address})"));
    }
    let node = t.resources[replica.container].active_on.first().copied();
    resource::line(t, inside, &name, node)
}

/// Writes everything that a replica consists of.
fn in_full(t: &Tables<'_>, replica: &Replica, several: bool, show: &Show, out: &mut Outline) {
    if several {
        out.open(&format!("Replica[{}]", replica.offset));
    }
    let parts = [replica.ip, replica.child, Some(replica.container), replica.remote];
    for part in parts.into_iter().flatten() {
        if show.inactive || resource::is_active(t, part, false) {
            resource::write(t, part, show, out);
        }
    }
    if several {
        out.close();
    }
}
