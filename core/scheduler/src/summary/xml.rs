//! The whole status as XML (`crm_mon --output-as=xml`): current and former names side by side.
//!
//! Booleans are `true` and `false`. What consumers read of it: nodes and their states, resources
//! with roles and nodes, attributes, histories, failures.

use super::report::{self, FencingEvent};
use super::xml_resource::resource;
use super::{Facts, FencingState, Section, Show, failure, history, node, time};
use crate::model::{NoQuorum, NodeIdx, NodeKind, Tables, score};
use diarch_cib::xml::{Document, NodeId};

/// Writes a truth value.
pub(super) const fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// An XML document that grows at an open element.
#[derive(Debug)]
pub(super) struct Writer {
    document: Document,
    open: Vec<NodeId>,
}

impl Writer {
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let at = self.open.last().copied().unwrap_or_else(|| self.document.root().id());
        let node = self.document.append_new(at, name);
        for (name, value) in attributes {
            self.document.set_attribute(node, name, value);
        }
        self.open.push(node);
    }

    pub(super) fn close(&mut self) {
        self.open.pop();
    }

    pub(super) fn element(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.open(name, attributes);
        self.close();
    }
}

/// Gives the whole status below a root element of this name.
#[must_use]
pub fn document(t: &Tables<'_>, facts: &Facts, show: &Show, root: &str) -> Document {
    let mut out = Writer { document: Document::new(root), open: Vec::new() };
    summary(t, facts, show, &mut out);
    if show.has(Section::Nodes) {
        nodes(t, show, &mut out);
    }
    if show.has(Section::Resources) {
        resources(t, show, &mut out);
    }
    if show.has(Section::Attributes) {
        attributes(t, show, &mut out);
    }
    if show.has(Section::Operations) || show.has(Section::FailCounts) {
        histories(t, show, &mut out);
    }
    if show.has(Section::Failures) {
        failures(t, show, &mut out);
    }
    fencing(facts, show, &mut out);
    if show.has(Section::Tickets) {
        tickets(t, &mut out);
    }
    if show.has(Section::Bans) {
        bans(t, show, &mut out);
    }
    out.document
}

fn summary(t: &Tables<'_>, facts: &Facts, show: &Show, out: &mut Writer) {
    use Section::{Counts, Leader, Options, Stack, Times};
    if ![Stack, Leader, Times, Counts, Options].iter().any(|part| show.has(*part)) {
        return;
    }
    let option = |name: &str| t.options.raw.get(name).copied().unwrap_or("unknown");
    out.open("summary", &[]);
    if show.has(Stack) {
        let mut attributes = vec![("type", option("cluster-infrastructure"))];
        if facts.origin.is_some() {
            attributes.push(("pacemakerd-state", "running"));
        }
        out.element("stack", &attributes);
    }
    if show.has(Leader) {
        match report::leader(t) {
            Some(node) => out.element(
                "current_dc",
                &[
                    ("present", "true"),
                    ("version", option("dc-version")),
                    ("name", node.name),
                    ("id", node.id),
                    ("with_quorum", truth(t.options.quorate)),
                    ("mixed_version", "false"),
                ],
            ),
            None => out.element("current_dc", &[("present", "false")]),
        }
    }
    if show.has(Times) {
        let now = time::text(facts.now);
        let mut attributes = vec![("time", now.as_str())];
        attributes.extend(facts.origin.iter().map(|node| ("origin", node.as_str())));
        out.element("last_update", &attributes);
        let written = |name| t.cib.attribute(name).unwrap_or_default();
        out.element(
            "last_change",
            &[
                ("time", written("cib-last-written")),
                ("user", written("update-user")),
                ("client", written("update-client")),
                ("origin", written("update-origin")),
            ],
        );
    }
    if show.has(Counts) {
        let found = report::counts(t);
        out.element("nodes_configured", &[("number", &t.nodes.len().to_string())]);
        out.element(
            "resources_configured",
            &[
                ("number", &found.all.to_string()),
                ("disabled", &found.disabled.to_string()),
                ("blocked", &found.blocked.to_string()),
            ],
        );
    }
    if show.has(Options) {
        options(t, out);
    }
    out.close();
}

fn options(t: &Tables<'_>, out: &mut Writer) {
    let options = &t.options;
    let fencing = truth(options.fencing_enabled);
    let timeout = options.fencing_timeout_ms.to_string();
    let policy = match options.no_quorum {
        NoQuorum::Freeze => "freeze",
        NoQuorum::Stop => "stop",
        NoQuorum::Ignore => "ignore",
        NoQuorum::Fence => "fence",
        NoQuorum::Demote => "demote",
    };
    out.element(
        "cluster_options",
        &[
            ("fencing-enabled", fencing),
            ("stonith-enabled", fencing),
            ("symmetric-cluster", truth(options.symmetric)),
            ("no-quorum-policy", policy),
            ("maintenance-mode", truth(options.maintenance)),
            ("stop-all-resources", truth(options.stop_all)),
            ("fencing-timeout-ms", &timeout),
            ("stonith-timeout-ms", &timeout),
            ("priority-fencing-delay-ms", &options.priority_fencing_delay_ms.to_string()),
        ],
    );
}

fn nodes(t: &Tables<'_>, show: &Show, out: &mut Writer) {
    out.open("nodes", &[]);
    for at in node::in_order(t).into_iter().filter(|&at| show.node(t, at)) {
        one_node(t, at, out);
        if show.by_node {
            for &rsc in t.nodes[at].running.iter().filter(|&&rsc| show.resource(t, rsc)) {
                resource(t, rsc, show, out);
            }
        }
        out.close();
    }
    out.close();
}

fn one_node(t: &Tables<'_>, at: NodeIdx, out: &mut Writer) {
    let row = &t.nodes[at];
    let running = row.running.len().to_string();
    let feature_set = row.feature_set.or_else(|| row.attributes.get("#feature-set").copied());
    let mut attributes = vec![
        ("name", row.name),
        ("id", row.id),
        ("online", truth(row.online)),
        ("standby", truth(row.standby)),
        ("standby_onfail", truth(row.standby_on_fail)),
        ("maintenance", truth(row.maintenance)),
        ("pending", truth(row.pending)),
        ("unclean", truth(node::is_unclean(t, at))),
        ("health", node::health(t, at).unwrap_or("green")),
    ];
    attributes.extend(feature_set.map(|text| ("feature_set", text)));
    attributes.extend([
        ("shutdown", truth(row.shutdown)),
        ("expected_up", truth(row.expected_up)),
        ("is_dc", truth(row.is_dc)),
        ("resources_running", running.as_str()),
        (
            "type",
            match row.kind {
                NodeKind::Member => "member",
                NodeKind::Remote => "remote",
            },
        ),
    ]);
    if t.is_guest(at) {
        let container = t.guest_container(at).map(|rsc| ("id_as_resource", rsc));
        let named = container.map(|(name, rsc)| (name, t.resources[rsc].id.as_str()));
        attributes.extend(named);
    }
    out.open("node", &attributes);
}

fn resources(t: &Tables<'_>, show: &Show, out: &mut Writer) {
    out.open("resources", &[]);
    for rsc in super::resource::shown(t, show) {
        let active = super::resource::is_active(t, rsc, false);
        if !(t.resources[rsc].removed && !active || show.by_node && active) {
            resource(t, rsc, show, out);
        }
    }
    out.close();
}

fn attributes(t: &Tables<'_>, show: &Show, out: &mut Writer) {
    let shown: Vec<_> = node::in_order(t)
        .into_iter()
        .filter(|&at| t.nodes[at].online && show.node(t, at))
        .filter(|&at| t.nodes[at].attributes.keys().any(|name| report::is_public(name)))
        .collect();
    if shown.is_empty() {
        return;
    }
    out.open("node_attributes", &[]);
    for at in shown {
        out.open("node", &[("name", t.nodes[at].name)]);
        for (name, value) in &t.nodes[at].attributes {
            if report::is_public(name) {
                out.element("attribute", &[("name", name), ("value", value)]);
            }
        }
        out.close();
    }
    out.close();
}

fn histories(t: &Tables<'_>, show: &Show, out: &mut Writer) {
    let shown: Vec<_> = node::in_order(t)
        .into_iter()
        .filter(|&at| t.nodes[at].online && show.node(t, at))
        .map(|at| (at, history::of(t, at, show)))
        .filter(|(_, entries)| !entries.is_empty())
        .collect();
    if shown.is_empty() {
        return;
    }
    out.open("node_history", &[]);
    for (at, entries) in &shown {
        out.open("node", &[("name", t.nodes[*at].name)]);
        for entry in entries {
            history_of(t, *at, entry, out);
        }
        out.close();
    }
    out.close();
}

fn history_of(t: &Tables<'_>, at: NodeIdx, entry: &history::Entry<'_>, out: &mut Writer) {
    let removed = truth(entry.rsc.is_none_or(|rsc| t.resources[rsc].removed));
    let counted = entry.rsc.map(|rsc| history::failures(t, rsc, at)).unwrap_or_default();
    let mut attributes = vec![("id", entry.id), ("orphan", removed), ("removed", removed)];
    attributes.extend(counted.iter().map(|(name, value)| (*name, value.as_str())));
    out.open("resource_history", &attributes);
    for operation in &entry.operations {
        let get = |name| operation.attribute(name).unwrap_or_default();
        let with_unit = |name| match get(name) {
            "" => None,
            text => Some(format!("{text}ms")),
        };
        let interval = Some(format!("{}ms", get("interval")))
            .filter(|text| !matches!(text.as_str(), "ms" | "0ms"));
        let changed = get("last-rc-change").parse().ok().map(time::text);
        let (ran, queued) = (with_unit("exec-time"), with_unit("queue-time"));
        let mut attributes = vec![
            ("call", get("call-id")),
            ("task", history::task(*operation)),
            ("rc", get("rc-code")),
            ("rc_text", failure::meaning(get("rc-code"))),
        ];
        let optional = [
            ("interval", &interval),
            ("last-rc-change", &changed),
            ("exec-time", &ran),
            ("queue-time", &queued),
        ];
        attributes
            .extend(optional.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?))));
        out.element("operation_history", &attributes);
    }
    out.close();
}

fn failures(t: &Tables<'_>, show: &Show, out: &mut Writer) {
    let shown = failure::shown(t, show);
    if shown.is_empty() {
        return;
    }
    out.open("failures", &[]);
    for failed in shown {
        let get = |name| failed.entry.attribute(name).unwrap_or_default();
        let changed = get("last-rc-change").parse().ok().map(time::text);
        let key = match get("operation_key") {
            "" => ("id", get("id")),
            key => ("op_key", key),
        };
        let mut attributes = vec![
            key,
            ("node", t.nodes[failed.node].name),
            ("exitstatus", failure::meaning(get("rc-code"))),
            ("exitreason", get("exit-reason")),
            ("exitcode", get("rc-code")),
            ("call", get("call-id")),
            ("status", failure::ending(get("op-status"))),
        ];
        if let Some(changed) = &changed {
            attributes.extend([
                ("last-rc-change", changed.as_str()),
                ("queued", get("queue-time")),
                ("exec", get("exec-time")),
                ("interval", get("interval")),
                ("task", get("operation")),
            ]);
        }
        out.element("failure", &attributes);
    }
    out.close();
}

fn fencing(facts: &Facts, show: &Show, out: &mut Writer) {
    let shown: Vec<&FencingEvent> = facts
        .fencing
        .iter()
        .filter(|event| {
            show.has(match event.state {
                FencingState::Pending => Section::FencingPending,
                FencingState::Succeeded => Section::FencingSucceeded,
                FencingState::Failed => Section::FencingFailed,
            })
        })
        .collect();
    if shown.is_empty() {
        return;
    }
    out.open("fence_history", &[("status", "0")]);
    for event in shown {
        let status = match event.state {
            FencingState::Pending => "pending",
            FencingState::Succeeded => "success",
            FencingState::Failed => "failed",
        };
        let mut attributes = vec![("status", status)];
        attributes.extend(event.reason.iter().map(|text| ("exit-reason", text.as_str())));
        attributes.extend([
            ("action", event.action.as_str()),
            ("target", &event.target),
            ("client", &event.client),
            ("origin", &event.origin),
        ]);
        attributes.extend(event.delegate.iter().map(|text| ("delegate", text.as_str())));
        attributes.extend(event.completed.iter().map(|text| ("completed", text.as_str())));
        out.element("fence_event", &attributes);
    }
    out.close();
}

fn tickets(t: &Tables<'_>, out: &mut Writer) {
    if t.tickets.is_empty() {
        return;
    }
    out.open("tickets", &[]);
    for (id, ticket) in &t.tickets {
        let granted = ticket.last_granted.map(time::text);
        let mut attributes = vec![
            ("id", *id),
            ("status", if ticket.granted { "granted" } else { "revoked" }),
            ("standby", truth(ticket.standby)),
        ];
        attributes.extend(granted.iter().map(|text| ("last-granted", text.as_str())));
        out.element("ticket", &attributes);
    }
    out.close();
}

fn bans(t: &Tables<'_>, show: &Show, out: &mut Writer) {
    let found = report::all_bans(t, show);
    if found.is_empty() {
        return;
    }
    out.open("bans", &[]);
    for ban in &found {
        let promoted = truth(ban.promoted_only);
        out.element(
            "ban",
            &[
                ("id", ban.id),
                ("resource", &t.resources[ban.rsc].id),
                ("node", t.nodes[ban.node].name),
                ("weight", &score::text(ban.score)),
                ("promoted-only", promoted),
                ("master_only", promoted),
            ],
        );
    }
    out.close();
}
