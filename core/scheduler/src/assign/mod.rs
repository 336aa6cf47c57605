//! Fourth stage: where each resource goes.

pub(crate) mod clone;
pub(crate) mod colocate;
mod group;
mod health;
pub(crate) mod place;
mod primitive;
pub(crate) mod promotable;
mod scores;
pub(crate) mod utilization;

pub(crate) use health::apply as apply_health;
pub(crate) use scores::prepare;

use crate::model::{NodeIdx, Placement, RscIdx, Tables, Variant, score};
use core::cmp::Ordering;

/// Assigns every resource to a node, or to none.
pub(crate) fn all(t: &mut Tables<'_>) {
    if t.options.placement != Placement::Default {
        sort_for_placement(t);
        utilization::show(t, "Original");
    }
    for connections in [true, false] {
        for rsc in t.top.clone() {
            if t.resources[rsc].remote_connection == connections {
                let prefer = t.resources[rsc].partial_target.filter(|_| connections);
                one(t, rsc, prefer, true);
            }
        }
    }
    if t.options.placement != Placement::Default {
        utilization::show(t, "Remaining");
    }
}

/// Assigns one resource and all inside it.
pub(crate) fn one(
    t: &mut Tables<'_>,
    rsc: RscIdx,
    prefer: Option<NodeIdx>,
    stop_if_fail: bool,
) -> Option<NodeIdx> {
    match t.resources[rsc].variant {
        Variant::Primitive => primitive::assign(t, rsc, prefer, stop_if_fail),
        Variant::Group(_) => group::assign(t, rsc, prefer, stop_if_fail),
        Variant::Clone(_) => clone::assign(t, rsc, prefer, stop_if_fail),
        Variant::Bundle(_) => clone::assign_bundle(t, rsc, stop_if_fail),
    }
}

/// Where capacity matters, what matters more goes first, then what wants more to stay, then what
/// wants more to be on the roomiest nodes, or on those that come first.
fn sort_for_placement(t: &mut Tables<'_>) {
    let mut nodes = t.node_order.clone();
    let balanced = t.options.placement == Placement::Balanced;
    nodes.sort_by(|&a, &b| {
        let roomier = if balanced { utilization::compare(t, a, b) } else { Ordering::Equal };
        let open = place::available(t, b).cmp(&place::available(t, a));
        open.then(roomier).then_with(|| t.nodes[a].name.cmp(t.nodes[b].name))
    });
    let mut top = t.top.clone();
    let key = |rsc: RscIdx| {
        let table = colocate::with_primaries(t, rsc);
        let here = place::current(t, rsc);
        let here = here.map_or(-score::INFINITY, |node| table.score(node));
        let there: Vec<i32> = nodes.iter().map(|&node| -table.score(node)).collect();
        (-t.resources[rsc].priority, -here, there)
    };
    top.sort_by_cached_key(|&rsc| key(rsc));
    t.top = top;
}

/// Notes a resource's scores as they are printed, those of what is inside too.
pub(crate) fn show(t: &mut Tables<'_>, who: &str, rsc: RscIdx) {
    if t.resources[rsc].removed {
        return;
    }
    let mut nodes: Vec<_> = t.resources[rsc].allowed.iter().copied().collect();
    nodes.sort_by(|a, b| t.nodes[a.node].name.cmp(t.nodes[b.node].name));
    for placed in nodes {
        let line = format!(
            "{who}: {} allocation score on {}: {}",
            t.resources[rsc].id,
            t.nodes[placed.node].name,
            score::text(placed.score)
        );
        t.score_lines.push(line);
    }
    for child in t.resources[rsc].children.clone() {
        show(t, who, child);
    }
}
