//! Small configurations, and what is decided for them.

use diarch_cib::digest::of_parameters;
use diarch_cib::time::DateTime;
use diarch_cib::validate;
use diarch_cib::xml::Document;
use diarch_scheduler::graph::{Graph, Synapse};
use diarch_scheduler::model::Role;
use diarch_scheduler::{Input, read, schedule, simulate, summary};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// When decisions are made if nothing else is said: a Tuesday evening.
const NOW: &str = "2023-11-14 22:13:20Z";

/// What a node's history has of one resource.
#[derive(Clone, Debug, Default)]
struct History {
    agent: String,
    entries: Vec<String>,
}

/// A configuration and a status, piece by piece.
#[derive(Clone, Debug)]
pub(crate) struct Cib {
    dialect: String,
    names: Vec<String>,
    nodes: BTreeMap<String, String>,
    options: BTreeMap<String, String>,
    crm_config: String,
    resources: String,
    constraints: String,
    sections: String,
    tickets: String,
    lost: Vec<String>,
    transient: BTreeMap<String, Vec<(String, String)>>,
    history: BTreeMap<String, BTreeMap<String, History>>,
    calls: u32,
}

/// A configuration with these nodes, all of them online and knowing of no resource.
pub(crate) fn nodes(names: &[&str]) -> Cib {
    let options = [("stonith-enabled", "false"), ("no-quorum-policy", "ignore")];
    Cib {
        dialect: "pacemaker-3.8".to_owned(),
        names: names.iter().map(|&name| name.to_owned()).collect(),
        nodes: BTreeMap::new(),
        options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        crm_config: String::new(),
        resources: String::new(),
        constraints: String::new(),
        sections: String::new(),
        tickets: String::new(),
        lost: Vec::new(),
        transient: BTreeMap::new(),
        history: BTreeMap::new(),
        calls: 0,
    }
}

/// A configuration of two nodes.
pub(crate) fn pair() -> Cib {
    nodes(&["amber", "birch"])
}

/// A primitive without anything.
pub(crate) fn dummy(id: &str) -> String {
    primitive(id, "")
}

/// A primitive with something in it.
pub(crate) fn primitive(id: &str, inside: &str) -> String {
    format!(
        "<primitive id='{id}' class='ocf' provider='pacemaker' type='Dummy'>{inside}</primitive>"
    )
}

/// Primitives without anything.
pub(crate) fn dummies(ids: &[&str]) -> String {
    ids.iter().map(|id| dummy(id)).collect()
}

/// A block of names and values.
pub(crate) fn block(kind: &str, id: &str, pairs: &[(&str, &str)]) -> String {
    let inside: String = pairs
        .iter()
        .map(|(name, value)| format!("<nvpair id='{id}-{name}' name='{name}' value='{value}'/>"))
        .collect();
    format!("<{kind} id='{id}'>{inside}</{kind}>")
}

impl Cib {
    pub(crate) fn dialect(mut self, version: &str) -> Self {
        self.dialect = format!("pacemaker-{version}");
        self
    }

    pub(crate) fn option(mut self, name: &str, value: &str) -> Self {
        self.options.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds a block to the cluster options.
    pub(crate) fn options_block(mut self, xml: &str) -> Self {
        self.crm_config.push_str(xml);
        self
    }

    /// Puts something into a node's element.
    pub(crate) fn in_node(mut self, node: &str, xml: &str) -> Self {
        self.nodes.entry(node.to_owned()).or_default().push_str(xml);
        self
    }

    /// Gives a node a permanent attribute.
    pub(crate) fn attribute(self, node: &str, name: &str, value: &str) -> Self {
        let id = format!("{node}-{name}");
        self.in_node(node, &block("instance_attributes", &id, &[(name, value)]))
    }

    /// Makes a node vanish without a word.
    pub(crate) fn lost(mut self, node: &str) -> Self {
        self.lost.push(node.to_owned());
        self
    }

    /// Gives a node an attribute until it leaves.
    pub(crate) fn transient(mut self, node: &str, name: &str, value: &str) -> Self {
        let all = self.transient.entry(node.to_owned()).or_default();
        all.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn resources(mut self, xml: &str) -> Self {
        self.resources.push_str(xml);
        self
    }

    pub(crate) fn constraints(mut self, xml: &str) -> Self {
        self.constraints.push_str(xml);
        self
    }

    /// Adds one of the sections that come after the constraints.
    pub(crate) fn section(mut self, xml: &str) -> Self {
        self.sections.push_str(xml);
        self
    }

    pub(crate) fn ticket(mut self, xml: &str) -> Self {
        self.tickets.push_str(xml);
        self
    }

    /// Records an operation: `op` with its interval in seconds after a blank, if any.
    pub(crate) fn ran(mut self, node: &str, rsc: &str, agent: &str, op: &str, rc: u8) -> Self {
        self.calls += 1;
        let call = self.calls;
        let (task, seconds) = op.split_once(' ').unwrap_or((op, "0"));
        let interval = format!("{seconds}{}", if seconds == "0" { "" } else { "000" });
        let key = format!("{rsc}_{task}_{interval}");
        // What a probe may find, and what anything else is asked for.
        let expected = if task == "monitor" && interval == "0" { 7 } else { 0 };
        let recurring = if interval == "0" { "" } else { "_recurring" };
        let digest = match recurring {
            "" => of_parameters([], false),
            _ => of_parameters([("CRM_meta_timeout", "20000")], true),
        };
        let entry = format!(
            "<lrm_rsc_op id='{rsc}_{task}{recurring}_{call}' operation_key='{key}' \
             operation='{task}' crm-debug-origin='test' crm_feature_set='3.15.0' \
             transition-key='{call}:1:{expected}:{UUID}' \
             transition-magic='0:{rc};{call}:1:{expected}:{UUID}' on_node='{node}' \
             call-id='{call}' rc-code='{rc}' op-status='0' interval='{interval}' \
             last-rc-change='1699990000' exec-time='10' queue-time='0' op-digest='{digest}'/>"
        );
        self.record(node, rsc, agent, &entry)
    }

    /// Records an operation as it is given.
    pub(crate) fn record(mut self, node: &str, rsc: &str, agent: &str, entry: &str) -> Self {
        let of_node = self.history.entry(node.to_owned()).or_default();
        let history = of_node.entry(rsc.to_owned()).or_default();
        agent.clone_into(&mut history.agent);
        history.entries.push(entry.to_owned());
        self
    }

    /// Records a start of a resource made by [`primitive`].
    pub(crate) fn active(self, rsc: &str, node: &str) -> Self {
        self.ran(node, rsc, DUMMY, "start", 0)
    }

    /// Records that probes have found it everywhere inactive but where it is known to be active.
    pub(crate) fn probed(mut self, rsc: &str) -> Self {
        for name in self.names.clone() {
            let known = self.history.get(&name).is_some_and(|of| of.contains_key(rsc));
            if !known {
                self = self.ran(&name, rsc, DUMMY, "monitor", 7);
            }
        }
        self
    }

    /// The whole document.
    pub(crate) fn text(&self) -> String {
        let options: Vec<(&str, &str)> =
            self.options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let options = block("cluster_property_set", "cib-bootstrap-options", &options);
        let (mut nodes, mut status) = (String::new(), String::new());
        for (number, name) in (1..).zip(&self.names) {
            let inside = self.nodes.get(name).map_or("", String::as_str);
            nodes.push_str(&format!("<node id='{number}' uname='{name}'>{inside}</node>"));
            status.push_str(&self.node_state(number, name));
        }
        format!(
            "<cib admin_epoch='1' epoch='1' num_updates='1' validate-with='{}' \
             crm_feature_set='3.15.0' have-quorum='1' dc-uuid='1'><configuration>\
             <crm_config>{options}{}</crm_config><nodes>{nodes}</nodes>\
             <resources>{}</resources><constraints>{}</constraints>{}</configuration>\
             <status>{status}<tickets>{}</tickets></status></cib>",
            self.dialect,
            self.crm_config,
            self.resources,
            self.constraints,
            self.sections,
            self.tickets
        )
    }

    fn node_state(&self, number: u32, name: &str) -> String {
        let transient = self.transient.get(name).map_or_else(String::new, |all| {
            let pairs: Vec<(&str, &str)> =
                all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let id = format!("status-{number}");
            let inside = block("instance_attributes", &id, &pairs);
            format!("<transient_attributes id='{number}'>{inside}</transient_attributes>")
        });
        let mut resources = String::new();
        for (rsc, history) in self.history.get(name).into_iter().flatten() {
            let mut parts: Vec<&str> = history.agent.split(':').collect();
            let kind = parts.pop().unwrap_or_default();
            let class = parts.first().copied().unwrap_or_default();
            let provider =
                parts.get(1).map_or_else(String::new, |name| format!(" provider='{name}'"));
            resources.push_str(&format!(
                "<lrm_resource id='{rsc}' class='{class}'{provider} type='{kind}'>{}\
                 </lrm_resource>",
                history.entries.concat()
            ));
        }
        let lost = self.lost.iter().any(|lost| lost == name);
        let (member, peer) = if lost { (false, "offline") } else { (true, "online") };
        format!(
            "<node_state id='{number}' uname='{name}' in_ccm='{member}' crmd='{peer}' \
             join='member' expected='member' crm-debug-origin='test'>{transient}<lrm id='{number}'>\
             <lrm_resources>{resources}</lrm_resources></lrm></node_state>"
        )
    }

    /// What validation says against it.
    pub(crate) fn findings(&self) -> Vec<String> {
        findings(&self.text())
    }

    /// Decides at the usual time; the configuration has to be valid.
    pub(crate) fn decide(&self) -> Decision {
        self.decide_at(NOW)
    }

    /// Decides at a time; the configuration has to be valid.
    pub(crate) fn decide_at(&self, when: &str) -> Decision {
        let found = self.findings();
        assert!(found.is_empty(), "{found:#?}\n{}", self.text());
        decide(&self.text(), when)
    }
}

/// The agent that [`primitive`] makes.
pub(crate) const DUMMY: &str = "ocf:pacemaker:Dummy";

/// The transitioner that recorded operations belong to.
const UUID: &str = "3e1c9f5a-0000-4000-8000-000000000001";

/// What validation says against a document.
pub(crate) fn findings(text: &str) -> Vec<String> {
    let document = Document::parse(text).unwrap();
    validate::check(&document).iter().map(ToString::to_string).collect()
}

/// What was decided.
#[derive(Debug)]
pub(crate) struct Decision {
    /// The transition.
    pub(crate) graph: Graph,
    /// One line for each resource that changes, blanks made single.
    pub(crate) summary: Vec<String>,
    /// When to decide again (epoch seconds).
    pub(crate) recheck_by: Option<i64>,
    /// Where each resource is afterwards.
    places: BTreeMap<String, BTreeSet<String>>,
}

/// Decides for any document.
pub(crate) fn decide(text: &str, when: &str) -> Decision {
    let now = epoch(when);
    let document = Document::parse(text).unwrap();
    let input = Input { now };
    let (plan, _) = schedule(&document, &input);
    let mut after = document.clone();
    simulate::run(&plan.tables, &plan.graph, &[], &mut after);
    let tables = read(&after, &input);
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, rsc) in tables.resources.iter().filter(|(_, rsc)| rsc.is_primitive()) {
        for &node in &rsc.active_on {
            let role = if rsc.role == Role::Promoted { " promoted" } else { "" };
            let place = format!("{}{role}", tables.nodes[node].name);
            places.entry(rsc.base_id.clone()).or_default().insert(place.clone());
            places.entry(rsc.id.clone()).or_default().insert(place);
        }
    }
    let drawing = summary::drawing(&plan.tables, &plan.graph, false);
    keep(text, &drawing, when);
    let lines = summary::transition(&plan.tables);
    Decision {
        recheck_by: plan.tables.recheck_by.get(),
        graph: plan.graph,
        summary: lines
            .iter()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect(),
        places,
    }
}

/// A point in time (epoch seconds).
pub(crate) fn epoch(text: &str) -> i64 {
    text.parse::<DateTime>().unwrap().epoch()
}

fn keep(text: &str, drawing: &str, when: &str) {
    let Some(folder) = std::env::var_os("MANUAL_KEEP") else { return };
    let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
    let folder = Path::new(&folder);
    let number = (1..).find(|at| !folder.join(format!("{test}-{at}.xml")).exists()).unwrap();
    std::fs::write(folder.join(format!("{test}-{number}.xml")), text).unwrap();
    std::fs::write(folder.join(format!("{test}-{number}.dot")), drawing).unwrap();
    std::fs::write(folder.join(format!("{test}-{number}.when")), when).unwrap();
}

impl Decision {
    /// Where a resource or its instances are afterwards, nodes sorted and joined by commas.
    pub(crate) fn place(&self, rsc: &str) -> String {
        let places = self.places.get(rsc).into_iter().flatten();
        places.map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// The steps, each as `KEY NODE`, or `KEY` where it has no node.
    pub(crate) fn steps(&self) -> Vec<String> {
        self.graph.synapses.iter().map(name).collect()
    }

    /// The steps that are no probes and no pseudo events.
    pub(crate) fn work(&self) -> Vec<String> {
        let probe = |step: &Synapse| step.action.key.ends_with("_monitor_0");
        let all = self.graph.synapses.iter();
        all.filter(|step| step.action.node.is_some() && !probe(step)).map(name).collect()
    }

    fn find(&self, step: &str) -> Option<&Synapse> {
        self.graph.synapses.iter().find(|at| name(at) == step)
    }

    pub(crate) fn does(&self, step: &str) -> bool {
        self.find(step).is_some()
    }

    /// The attribute of a step.
    pub(crate) fn attribute(&self, step: &str, attribute: &str) -> Option<&str> {
        let step = self.find(step).unwrap_or_else(|| panic!("{step}: {:#?}", self.steps()));
        let mut all = step.action.attributes.iter();
        all.find(|(name, _)| name == attribute).map(|(_, value)| value.as_str())
    }

    /// Whether a step waits for another, directly or by others.
    pub(crate) fn waits(&self, later: &str, earlier: &str) -> bool {
        let of = |step: &str| {
            let found = self.find(step).unwrap_or_else(|| panic!("{step}: {:#?}", self.steps()));
            found.action.id
        };
        let (later, earlier) = (of(later), of(earlier));
        let (mut seen, mut open) = (BTreeSet::new(), vec![later]);
        while let Some(id) = open.pop() {
            let step = self.graph.synapses.iter().find(|at| at.action.id == id);
            for input in step.into_iter().flat_map(|step| &step.inputs) {
                if seen.insert(*input) {
                    open.push(*input);
                }
            }
        }
        seen.contains(&earlier)
    }

    /// Claims that each step waits for the one before it.
    pub(crate) fn assert_order(&self, steps: &[&str]) {
        for two in steps.windows(2) {
            assert!(self.waits(two[1], two[0]), "{} is not before {}", two[0], two[1]);
        }
    }

    /// Claims that neither step waits for the other.
    pub(crate) fn assert_free(&self, one: &str, other: &str) {
        assert!(!self.waits(one, other), "{one} waits for {other}");
        assert!(!self.waits(other, one), "{other} waits for {one}");
    }
}

/// A step as `KEY NODE`, without the number of a clone's instance.
fn name(step: &Synapse) -> String {
    let Some(node) = &step.action.node else { return step.action.key.clone() };
    let mut key = String::new();
    for part in step.action.key.split(':') {
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        key.push_str(&part[if key.is_empty() { 0 } else { digits }..]);
    }
    format!("{key} {node}")
}
