//! Just enough of a scheduler: every resource runs on the first node that is there, and stays.

use crate::controller::policy::Planned;
use crate::controller::status;
use crate::manager_io::WallClock;
use diarch_cib::{Document, Element};
use diarch_scheduler::graph::{ActionKind, Graph, GraphAction, Primitive, Synapse};

const NAMES: [&str; 2] = ["a", "b"];

#[derive(Clone, Copy, PartialEq)]
enum Known {
    Nothing,
    Inactive,
    Active { monitored: bool, failed: bool },
}

#[derive(Default)]
struct Plan {
    graph: Graph,
}

impl Plan {
    fn add(
        &mut self,
        name: &str,
        interval: u32,
        on: (&str, usize),
        rc: &str,
        after: &[u32],
    ) -> u32 {
        let (resource, node) = on;
        let id = u32::try_from(self.graph.synapses.len()).unwrap() + 1;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let cluster = name == "do_shutdown";
        let action = GraphAction {
            id,
            kind: if cluster { ActionKind::Cluster } else { ActionKind::Resource },
            operation: name.to_owned(),
            key: format!("{resource}_{name}_{interval}"),
            internal_key: None,
            node: Some(NAMES[node].to_owned()),
            node_id: None,
            router: None,
            shutdown_lock: None,
            mode: None,
            primitive: Some(Primitive {
                id: resource.to_owned(),
                long_id: None,
                class: "ocf".to_owned(),
                provider: "test".to_owned(),
                kind: "agent".to_owned(),
            }),
            attributes: vec![
                pair("CRM_meta_interval", &interval.to_string()),
                pair("CRM_meta_op_target_rc", rc),
                pair("CRM_meta_timeout", "20000"),
                pair("crm_feature_set", crate::FEATURE_SET),
            ],
            downed: Vec::new(),
            maintenance: Vec::new(),
        };
        self.graph.synapses.push(Synapse { id, priority: 0, action, inputs: after.to_vec() });
        id
    }

    fn start(&mut self, resource: &str, node: usize, after: &[u32]) {
        let start = self.add("start", 0, (resource, node), "0", after);
        self.add("monitor", 10_000, (resource, node), "0", &[start]);
    }
}

/// Has the second node fenced, and then starts the resource `r` on the first one.
pub(super) fn fence_then_start(_cib: &Document, _wall: WallClock) -> Planned {
    let mut plan = Plan::default();
    let fencing = plan.add("stonith", 0, ("", 1), "0", &[]);
    if let Some(last) = plan.graph.synapses.last_mut() {
        last.action.kind = ActionKind::Cluster;
    }
    plan.start("r", 0, &[fencing]);
    Planned { graph: plan.graph, recheck_by: None, warnings: Vec::new() }
}

/// The same, with a delay that the graph hands over.
pub(super) fn fence_later(cib: &Document, wall: WallClock) -> Planned {
    let mut planned = fence_then_start(cib, wall);
    let delay = ("CRM_meta_priority_fencing_delay".to_owned(), "15".to_owned());
    planned.graph.synapses[0].action.attributes.push(delay);
    planned
}

/// Lets the second node in, until it is, and then starts a resource.
pub(super) fn unfence_then_start(cib: &Document, wall: WallClock) -> Planned {
    if status::attribute(cib, "2", "#node-unfenced").is_some() {
        return plan(cib, wall);
    }
    let mut planned = fence_then_start(cib, wall);
    let attributes = &mut planned.graph.synapses[0].action.attributes;
    for (name, value) in
        [("CRM_meta_stonith_action", "on"), ("CRM_meta_digests_all", "fabric:fence_test:d,")]
    {
        attributes.push((name.to_owned(), value.to_owned()));
    }
    planned
}

pub(super) fn plan(cib: &Document, _wall: WallClock) -> Planned {
    let mut plan = Plan::default();
    let leaving = |node: usize| status::attribute(cib, &id(node), "shutdown").is_some();
    let online: Vec<usize> = (0..2).filter(|node| is_online(cib, *node)).collect();
    let able: Vec<usize> = online.iter().copied().filter(|node| !leaving(*node)).collect();
    let mut stops = Vec::new();
    let inside = cib.root().child("configuration").and_then(|inside| inside.child("resources"));
    for primitive in inside.into_iter().flat_map(|list| list.children_named("primitive")) {
        let name = primitive.attribute("id").unwrap();
        let mut probes = Vec::new();
        let mut active = None;
        for node in online.iter().copied() {
            match known(cib, node, name) {
                Known::Nothing => probes.push(plan.add("monitor", 0, (name, node), "7", &[])),
                Known::Inactive => {}
                Known::Active { monitored, failed } => active = Some((node, monitored, failed)),
            }
        }
        match active {
            None => {
                if let Some(node) = able.first() {
                    plan.start(name, *node, &probes);
                }
            }
            Some((node, _, true)) => {
                let stop = plan.add("stop", 0, (name, node), "0", &[]);
                plan.start(name, node, &[stop]);
            }
            Some((node, _, _)) if leaving(node) => {
                let stop = plan.add("stop", 0, (name, node), "0", &probes);
                stops.push(stop);
                if let Some(other) = able.first() {
                    plan.start(name, *other, &[stop]);
                }
            }
            Some((node, false, false)) => {
                plan.add("monitor", 10_000, (name, node), "0", &[]);
            }
            Some((_, true, false)) => {}
        }
    }
    for node in online.iter().copied().filter(|node| leaving(*node)) {
        plan.add("do_shutdown", 0, ("", node), "0", &stops);
    }
    Planned { graph: plan.graph, recheck_by: None, warnings: Vec::new() }
}

fn id(node: usize) -> String {
    (node + 1).to_string()
}

fn is_online(cib: &Document, node: usize) -> bool {
    let state = status::find_state(cib, &id(node));
    state.is_some_and(|state| {
        state.attribute("crmd") == Some("online") && state.attribute("in_ccm") == Some("true")
    })
}

fn known(cib: &Document, node: usize, resource: &str) -> Known {
    let history =
        status::histories(cib, &id(node)).find(|history| history.attribute("id") == Some(resource));
    let Some(history) = history else { return Known::Nothing };
    let mut rows: Vec<Element<'_>> = history.children_named("lrm_rsc_op").collect();
    let number = |row: &Element<'_>, name| {
        row.attribute(name).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0)
    };
    rows.sort_by_key(|row| number(row, "call-id"));
    let mut known = Known::Nothing;
    for row in rows {
        let rc = number(&row, "rc-code");
        known = match (row.attribute("operation").unwrap(), number(&row, "interval"), rc) {
            ("monitor", 0, 7) | ("stop", _, 0) => Known::Inactive,
            ("monitor" | "start", 0, 0) => Known::Active { monitored: false, failed: false },
            ("monitor", _, 0) => Known::Active { monitored: true, failed: false },
            ("monitor", _, _) => Known::Active { monitored: true, failed: true },
            _ => known,
        };
    }
    known
}
