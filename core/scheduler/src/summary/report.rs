//! The whole status as text, section by section, as `crm_mon -1` shows it.

use super::outline::Outline;
use super::{Section, Show, failure, history, node, resource, time};
use crate::model::{Role, RscIdx, Tables};

/// How far a fencing action has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FencingState {
    /// It has not ended yet.
    Pending,
    /// The node was fenced.
    Succeeded,
    /// The node could not be fenced.
    Failed,
}

/// A fencing action, as the history of fencing has it.
#[derive(Clone, Debug)]
pub struct FencingEvent {
    /// How far it has come.
    pub state: FencingState,
    /// `reboot`, `off` or `on`.
    pub action: String,
    /// Whom.
    pub target: String,
    /// Which program asked for it.
    pub client: String,
    /// On which node.
    pub origin: String,
    /// Who carried it out.
    pub delegate: Option<String>,
    /// When it ended.
    pub completed: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
}

/// What is not in the CIB.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// When this is asked (epoch seconds).
    pub now: i64,
    /// The node that answers, if one does.
    pub origin: Option<String>,
    /// The history of fencing, newest first.
    pub fencing: Vec<FencingEvent>,
}

/// How many primitives there are, how many shall not run, how many may not be touched.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) all: usize,
    pub(super) disabled: usize,
    pub(super) blocked: usize,
}

/// Counts the primitives that are configured or active.
pub(super) fn counts(t: &Tables<'_>) -> Counts {
    let mut counts = Counts::default();
    for &top in &t.top {
        for rsc in t.primitives(top) {
            let row = &t.resources[rsc];
            if row.removed && row.role <= Role::Stopped {
                continue;
            }
            counts.all += 1;
            counts.disabled += usize::from(resource::limited_to(t, rsc).is_some());
            counts.blocked += usize::from(row.blocked);
        }
    }
    counts
}

/// Gives the nodes and resources as a what-if run shows them, under a heading.
#[must_use]
pub fn status(t: &Tables<'_>, title: &str, show: &Show) -> String {
    let mut out = Outline::default();
    out.open(title);
    node::list(t, show, &mut out);
    out.separate();
    resources(t, show, &mut out);
    attributes(t, show, &mut out);
    if show.has(Section::FailCounts) {
        history::list(t, show, false, &mut out);
    }
    out.finish()
}

/// Says what the cluster will leave alone, one paragraph each; empty where it is nothing.
#[must_use]
pub fn untouchable(t: &Tables<'_>) -> String {
    let mut out = Outline::default();
    if t.options.maintenance {
        disabled(&mut out);
        out.plain("");
    }
    let found = counts(t);
    if found.disabled > 0 || found.blocked > 0 {
        out.plain(&format!(
            "{} of {} resource instances DISABLED and {} BLOCKED \
             from further action due to failure",
            found.disabled, found.all, found.blocked
        ));
        out.plain("");
    }
    out.finish()
}

/// Gives the whole status as text.
#[must_use]
pub fn report(t: &Tables<'_>, facts: &Facts, show: &Show) -> String {
    let mut out = Outline::default();
    summary(t, facts, show, &mut out);
    if show.has(Section::Nodes) {
        out.separate();
        node::list(t, show, &mut out);
    }
    if show.has(Section::Resources) {
        out.separate();
        resources(t, show, &mut out);
    }
    attributes(t, show, &mut out);
    if show.has(Section::Operations) || show.has(Section::FailCounts) {
        history::list(t, show, show.has(Section::Operations), &mut out);
    }
    if show.has(Section::Failures) {
        failure::list(t, show, &mut out);
    }
    fencing(facts, show, &mut out);
    tickets(t, show, &mut out);
    bans(t, show, &mut out);
    out.finish()
}

/// Gives the name of the node that leads.
pub(super) fn leader<'t>(t: &'t Tables<'_>) -> Option<&'t crate::model::Node<'t>> {
    t.nodes.iter().map(|(_, node)| node).find(|node| node.is_dc)
}

fn summary(t: &Tables<'_>, facts: &Facts, show: &Show, out: &mut Outline) {
    use Section::{Counts as Numbers, Leader, Maintenance, Stack, Times};
    if ![Stack, Leader, Times, Numbers, Maintenance].iter().any(|part| show.has(*part)) {
        return;
    }
    let option = |name: &str| t.options.raw.get(name).copied().unwrap_or("unknown");
    out.open("Cluster Summary");
    if show.has(Stack) {
        let running = if facts.origin.is_some() { " (Pacemaker is running)" } else { "" };
        out.item(&format!("Stack: {}{running}", option("cluster-infrastructure")));
    }
    if show.has(Leader) {
        let quorum =
            if t.options.quorate { "partition with quorum" } else { "partition WITHOUT quorum" };
        match leader(t) {
            Some(node) => out.item(&format!(
                "Current DC: {} (version {}) - {quorum}",
                node.name,
                option("dc-version")
            )),
            None => out.item("Current DC: NONE"),
        }
    }
    if show.has(Times) {
        let from = facts.origin.iter().map(|node| format!(" on {node}")).collect::<String>();
        out.item(&format!("Last updated: {}{from}", time::text(facts.now)));
        out.item(&format!("Last change:  {}", last_change(t)));
    }
    if show.has(Numbers) {
        numbers(t, out);
    }
    out.close();
    if show.has(Maintenance) && t.options.maintenance {
        disabled(out);
    }
}

/// Says that the cluster leaves everything alone.
fn disabled(out: &mut Outline) {
    out.plain("");
    out.plain("              *** Resource management is DISABLED ***");
    out.plain("  The cluster will not attempt to start, stop or recover services");
}

fn numbers(t: &Tables<'_>, out: &mut Outline) {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let nodes = t.nodes.len();
    out.item(&format!("{nodes} node{} configured", plural(nodes)));
    let found = counts(t);
    let mut unusual = Vec::new();
    if found.disabled > 0 {
        unusual.push(format!("{} DISABLED", found.disabled));
    }
    if found.blocked > 0 {
        unusual.push(format!("{} BLOCKED from further action due to failure", found.blocked));
    }
    let unusual =
        if unusual.is_empty() { String::new() } else { format!(" ({})", unusual.join(", ")) };
    out.item(&format!("{} resource instance{} configured{unusual}", found.all, plural(found.all)));
}

/// Says when, by whom and how the configuration was changed last.
fn last_change(t: &Tables<'_>) -> String {
    let mut text = t.cib.attribute("cib-last-written").unwrap_or_default().to_owned();
    let parts = [("by", "update-user"), ("via", "update-client"), ("on", "update-origin")];
    for (word, name) in parts {
        if let Some(value) = t.cib.attribute(name).filter(|value| !value.is_empty()) {
            text.push_str(&format!(" {word} {value}"));
        }
    }
    text
}

fn resources(t: &Tables<'_>, show: &Show, out: &mut Outline) {
    let title = match (show.by_node, show.inactive) {
        (true, true) => "Inactive Resources",
        (true, false) => return,
        (false, true) => "Full List of Resources",
        (false, false) => "Active Resources",
    };
    out.open(title);
    let mut any = false;
    for rsc in resource::shown(t, show) {
        let active = resource::is_active(t, rsc, false);
        let wanted = match (show.by_node, t.resources[rsc].removed) {
            (true, _) => !active,
            (false, true) => active,
            (false, false) => active || show.inactive,
        };
        if wanted {
            any = true;
            resource::write(t, rsc, show, out);
        }
    }
    if !any {
        out.item(if show.inactive { "No resources" } else { "No active resources" });
    }
    out.close();
}

/// Tells whether an attribute is for people, and not for the cluster's own use.
pub(super) fn is_public(name: &str) -> bool {
    let own = ["fail-count", "last-failure", "shutdown", "terminate", "standby", "#"];
    !own.iter().any(|prefix| name.starts_with(prefix))
}

fn attributes(t: &Tables<'_>, show: &Show, out: &mut Outline) {
    if !show.has(Section::Attributes) {
        return;
    }
    let mut any = false;
    for node in node::in_order(t).into_iter().filter(|&node| show.node(t, node)) {
        let row = &t.nodes[node];
        let found: Vec<_> =
            row.attributes.iter().filter(|(name, _)| row.online && is_public(name)).collect();
        if found.is_empty() {
            continue;
        }
        if !any {
            out.separate();
            out.open("Node Attributes");
            any = true;
        }
        out.open(&format!("Node: {}", row.name));
        for (name, value) in found {
            out.item(&format!("{name:<32}\t: {value:<10}"));
        }
        out.close();
    }
    if any {
        out.close();
    }
}

fn fencing(facts: &Facts, show: &Show, out: &mut Outline) {
    let groups = [
        (Section::FencingFailed, FencingState::Failed, "Failed Fencing Actions"),
        (Section::FencingPending, FencingState::Pending, "Pending Fencing Actions"),
        (Section::FencingSucceeded, FencingState::Succeeded, "Fencing History"),
    ];
    for (section, state, title) in groups {
        let events: Vec<_> = facts.fencing.iter().filter(|event| event.state == state).collect();
        if events.is_empty() || !show.has(section) {
            continue;
        }
        out.separate();
        out.open(title);
        for event in events {
            out.item(&fencing_line(event));
        }
        out.close();
    }
}

fn fencing_line(event: &FencingEvent) -> String {
    let what = format!("{} of {}", event.action, event.target);
    let who = format!("client={}, origin={}", event.client, event.origin);
    let completed = event.completed.as_deref().unwrap_or_default();
    let delegate = event.delegate.iter().map(|node| format!("delegate={node}, "));
    let delegate: String = delegate.collect();
    match event.state {
        FencingState::Pending => format!("{what} pending: {who}"),
        FencingState::Succeeded => {
            format!("{what} successful: {delegate}{who}, completed='{completed}'")
        }
        FencingState::Failed => {
            let why = event.reason.iter().map(|text| format!(" ({text})")).collect::<String>();
            format!("{what} failed{why}: {delegate}{who}, last-failed='{completed}'")
        }
    }
}

fn tickets(t: &Tables<'_>, show: &Show, out: &mut Outline) {
    if !show.has(Section::Tickets) || t.tickets.is_empty() {
        return;
    }
    out.separate();
    out.open("Tickets");
    for (id, ticket) in &t.tickets {
        let mut line = format!("{id}\t{}", if ticket.granted { "granted" } else { "revoked" });
        if ticket.standby {
            line.push_str(" [standby]");
        }
        if let Some(when) = ticket.last_granted {
            line.push_str(&format!(" last-granted='{}'", time::text(when)));
        }
        out.item(&line);
    }
    out.close();
}

/// A node where a resource may not run, and how much it shall not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ban<'t> {
    pub(super) id: &'t str,
    pub(super) rsc: RscIdx,
    pub(super) node: crate::model::NodeIdx,
    pub(super) score: i32,
    pub(super) promoted_only: bool,
}

/// Lists the locations that keep a resource away from a node.
pub(super) fn all_bans<'t>(t: &'t Tables<'_>, show: &Show) -> Vec<Ban<'t>> {
    let mut found = Vec::new();
    for location in &t.locations {
        if !location.id.starts_with(&show.ban_prefix) || !show.resource(t, location.rsc) {
            continue;
        }
        for &(node, score) in &location.nodes {
            if score < 0 && show.node(t, node) {
                let promoted_only = location.role == Role::Promoted;
                found.push(Ban { id: location.id, rsc: location.rsc, node, score, promoted_only });
            }
        }
    }
    found
}

fn bans(t: &Tables<'_>, show: &Show, out: &mut Outline) {
    if !show.has(Section::Bans) {
        return;
    }
    let found = all_bans(t, show);
    if found.is_empty() {
        return;
    }
    out.separate();
    out.open("Negative Location Constraints");
    for ban in found {
        let role = if ban.promoted_only { "as Promoted " } else { "" };
        out.item(&format!(
            "{}\tprevents {} from running {role}on {}",
            ban.id, t.resources[ban.rsc].id, t.nodes[ban.node].name
        ));
    }
    out.close();
}
