//! Live migration (*Pacemaker Explained*, "Migrating Resources").

use super::create;
use crate::constraint::ordering::{add, by_action, by_task};
use crate::model::{NodeIdx, Ordering, Relation, RscIdx, Tables};

/// Tells whether a resource may be migrated live off a node.
pub(super) fn possible(t: &Tables<'_>, rsc: RscIdx, from: NodeIdx) -> bool {
    let row = &t.resources[rsc];
    // A guest's connection goes on living only where the guest does.
    let carried = row.container.is_none_or(|container| t.resources[container].allow_migrate);
    row.allow_migrate
        && carried
        && row.managed
        && !row.failed
        && !row.start_pending
        && t.nodes[from].online
        && !t.nodes[from].unclean
}

/// Makes the actions of a migration; start and stop become steps of it.
pub(super) fn create(t: &mut Tables<'_>, rsc: RscIdx, source: NodeIdx, target: NodeIdx) {
    let start = create::resource(t, rsc, "start", 0, Some(target), true);
    let partial = t.resources[rsc].partial_target.is_some();
    t.actions[start].migratable = true;
    if t.actions[start].optional {
        return;
    }
    let to = (!partial).then(|| create::resource(t, rsc, "migrate_to", 0, Some(source), false));
    let from = create::resource(t, rsc, "migrate_from", 0, Some(target), false);
    t.actions[from].migratable = true;
    let chain = Relation::ORDERED.with(Relation::UNMIGRATABLE_THEN_BLOCKS);
    if let Some(to) = to {
        t.actions[to].migratable = true;
        // What may not start before fencing may not set out for its new place either.
        t.actions[to].needs = t.actions[start].needs;
        // A target that is lost half-way has to be known from the history; where a connection
        // was on its way to does not matter to its node.
        if !t.resources[rsc].remote_connection {
            t.actions[to].meta.insert("record-pending", "true");
        }
        probe_first(t, rsc, "migrate_to");
        add(t, rsc, "migrate_to", rsc, "migrate_from", chain);
        describe(t, to, source, target);
    } else {
        probe_first(t, rsc, "migrate_from");
    }
    add(t, rsc, "migrate_from", rsc, "stop", chain);
    t.orderings.push(Ordering {
        first: by_action(from),
        then: by_task(rsc, "start"),
        relation: chain,
    });
    for stop in create::find_all(t, rsc, "stop", Some(source)) {
        t.actions[stop].migratable = true;
    }
    describe(t, from, source, target);
}

fn probe_first(t: &mut Tables<'_>, rsc: RscIdx, task: &'static str) {
    add(t, rsc, "monitor", rsc, task, Relation::ORDERED);
}

fn describe(t: &mut Tables<'_>, action: crate::model::ActionIdx, source: NodeIdx, target: NodeIdx) {
    let (source, target) = (t.nodes[source].name, t.nodes[target].name);
    let meta = &mut t.actions[action].meta;
    meta.insert("migrate_source", source);
    meta.insert("migrate_target", target);
}

/// After all orderings, each migration either happens, with a start that is none, or gives way to
/// a stop and a start.
pub(crate) fn settle(t: &mut Tables<'_>) {
    for rsc in t.resources.ids().collect::<Vec<_>>() {
        let Some(from) = create::find(t, rsc, "migrate_from", None) else { continue };
        if t.actions[from].optional {
            continue;
        }
        let target = t.actions[from].node;
        let start = create::find(t, rsc, "start", target);
        let happens = t.actions[from].runnable
            && start.is_some_and(|start| t.actions[start].migratable)
            && create::find(t, rsc, "migrate_to", None).is_none_or(|to| t.actions[to].runnable);
        if happens {
            if let Some(start) = start {
                t.actions[start].pseudo = true;
            }
            continue;
        }
        for task in ["migrate_to", "migrate_from"] {
            for action in create::find_all(t, rsc, task, None) {
                t.actions[action].runnable = false;
            }
        }
    }
}
