//! Second stage: what the `status` section says of nodes, resources and tickets.

mod active;
pub(crate) mod failcount;
pub(crate) mod find;
mod history;
mod migration;
pub(crate) mod node_state;
mod operation;
mod tickets;

pub(crate) use history::{active_range, by_call, interval_of};

use crate::model::{Role, Tables};
use diarch_cib::xml::Element;

/// Reads the `status` section into the tables.
pub(crate) fn unpack(t: &mut Tables<'_>) {
    for rsc in t.resources.ids() {
        if t.resources[rsc].is_primitive()
            && let Some(role) = history::target_role(t, rsc)
        {
            t.resources[rsc].next_role = role;
        }
    }
    let Some(status) = t.cib.child("status") else {
        remote_nodes(t);
        return;
    };
    tickets::unpack(t, status);
    for state in status.children_named("node_state") {
        node_state::unpack(t, state);
    }
    while histories(t, status, false) {}
    // Those that nothing is known of are looked at only to be fenced.
    histories(t, status, t.options.fencing_enabled);
    removed_fillers(t);
    stop_containers(t);
    remote_nodes(t);
}

/// What is left of removed guests is inside what is left of their containers.
fn removed_fillers(t: &mut Tables<'_>) {
    for rsc in t.resources.ids() {
        let row = &t.resources[rsc];
        if !row.removed || row.container.is_some() {
            continue;
        }
        let container = row.meta("container").and_then(|id| t.resource(id));
        if let Some(container) = container.filter(|&at| at != rsc) {
            t.resources[rsc].container = Some(container);
            t.resources[rsc].removed_filler = true;
            t.resources[container].fillers.push(rsc);
        }
    }
}

/// Reads the histories of nodes that are ready for it; tells whether there was any.
fn histories<'c>(t: &mut Tables<'c>, status: Element<'c>, fence: bool) -> bool {
    let mut any = false;
    for state in status.children_named("node_state") {
        let id = state.attribute("id").unwrap_or("");
        let name = state.attribute("uname").unwrap_or(id);
        let found = t.node_by_id(id).or_else(|| t.node_by_name(name));
        let Some(node) = found else { continue };
        if t.nodes[node].unpacked {
            continue;
        }
        let remote = t.nodes[node].is_remote();
        if remote && !fence {
            let Some(rsc) = t.nodes[node].connection else { continue };
            let container = t.resources[rsc].container;
            let started = t.resources[rsc].role == Role::Started;
            let inside = container.is_none_or(|at| t.resources[at].role == Role::Started);
            if !started || !inside {
                continue;
            }
        }
        if remote {
            node_state::determine_remote(t, node);
        }
        let early = t.nodes[node].online || t.options.fencing_enabled || t.options.shutdown_lock;
        // Without fencing, what a lost node ran counts as stopped.
        if !early && !remote {
            continue;
        }
        t.nodes[node].unpacked = true;
        any = true;
        history::unpack_node(t, node, state);
    }
    any
}

/// Containers of failed connections stop wherever they turned out to be.
fn stop_containers(t: &mut Tables<'_>) {
    for container in core::mem::take(&mut t.stop_needed) {
        for node in t.resources[container].active_on.clone() {
            crate::action::create::stop(t, container, node, false);
        }
    }
}

fn remote_nodes(t: &mut Tables<'_>) {
    for node in t.nodes.ids() {
        if t.nodes[node].is_remote() {
            if !t.nodes[node].unpacked {
                node_state::common_attributes(t, node);
            }
            node_state::determine_remote(t, node);
        }
    }
}
