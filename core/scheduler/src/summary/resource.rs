//! A resource in the status: what it is, what it does, where, and what is wrong with it.

use super::outline::{Outline, flagged};
use super::{Show, bundle, collective, node};
use crate::model::{NodeIdx, Role, RscIdx, Tables, Variant};
use diarch_cib::xml::Element;

/// Tells whether a resource stands for another that is shown already, as a guest's connection.
fn is_made_up(t: &Tables<'_>, rsc: RscIdx) -> bool {
    t.resources[rsc].implicit && !t.resources[rsc].removed
}

/// Lists the outermost resources that are shown, most important first.
pub(super) fn shown(t: &Tables<'_>, show: &Show) -> Vec<RscIdx> {
    let mut all = t.top.clone();
    all.retain(|&rsc| !is_made_up(t, rsc) && show.resource(t, rsc));
    all
}

/// Writes a resource and what is in it.
pub(super) fn write(t: &Tables<'_>, rsc: RscIdx, show: &Show, out: &mut Outline) {
    match &t.resources[rsc].variant {
        Variant::Primitive => {
            let lone = t.resources[rsc].active_on.first().copied();
            out.item(&line(t, rsc, shown_id(t, rsc), lone));
        }
        Variant::Group(_) => collective::group(t, rsc, show, out),
        Variant::Clone(data) => collective::clone(t, rsc, data, show, out),
        Variant::Bundle(data) => bundle::write(t, rsc, data, show, out),
    }
}

/// Gives the id that is shown: instances that cannot be told apart have the configured one.
pub(super) fn shown_id<'t>(t: &'t Tables<'_>, rsc: RscIdx) -> &'t str {
    let row = &t.resources[rsc];
    let anonymous = row.is_primitive() && !row.unique && t.in_collective(rsc);
    if anonymous { &row.base_id } else { &row.id }
}

/// Tells whether something of a resource is active, or all of it.
pub(super) fn is_active(t: &Tables<'_>, rsc: RscIdx, all: bool) -> bool {
    let row = &t.resources[rsc];
    if row.is_primitive() {
        return row.active_on.iter().any(|&node| {
            let at = &t.nodes[node];
            at.online || at.unclean || !row.managed
        });
    }
    let mut children = row.children.iter();
    if all {
        children.all(|&child| is_active(t, child, true))
    } else {
        children.any(|&child| is_active(t, child, false))
    }
}

/// Gives the role that is shown: what can be promoted is unpromoted rather than started.
pub(super) fn role(t: &Tables<'_>, rsc: RscIdx) -> Role {
    let row = &t.resources[rsc];
    let promotable = t.resources[t.top_of(rsc, false)].promotable;
    match row.role {
        Role::Started if promotable => Role::Unpromoted,
        Role::Unknown => Role::Stopped,
        Role::Started | Role::Stopped | Role::Unpromoted | Role::Promoted => row.role,
    }
}

/// Says what a resource is doing: an operation in progress, or its role.
fn doing(t: &Tables<'_>, rsc: RscIdx) -> &'static str {
    let pending = t.resources[rsc].pending.map(|(task, _)| task);
    match pending {
        Some("start") => "Starting",
        Some("stop") => "Stopping",
        Some("migrate_to" | "migrate_from") => "Migrating",
        Some("promote") => "Promoting",
        Some("demote") => "Demoting",
        Some(_) | None => role(t, rsc).text(),
    }
}

/// Says which operation in progress does not change the role.
pub(super) fn busy(t: &Tables<'_>, rsc: RscIdx) -> Option<&'static str> {
    match t.resources[rsc].pending {
        Some(("monitor", _)) => Some("Monitoring"),
        Some(_) | None => None,
    }
}

/// Gives the operation in progress in one word.
pub(super) fn pending(t: &Tables<'_>, rsc: RscIdx) -> Option<&'static str> {
    t.resources[rsc].pending?;
    busy(t, rsc).or_else(|| match doing(t, rsc) {
        text @ ("Starting" | "Stopping" | "Migrating" | "Promoting" | "Demoting") => Some(text),
        _ => None,
    })
}

/// Gives the role that the configuration limits a resource to, where that is a limit.
pub(super) fn limited_to(t: &Tables<'_>, rsc: RscIdx) -> Option<Role> {
    let target = Role::parse(t.resources[rsc].meta("target-role")?)?;
    let promotable = t.resources[t.top_of(rsc, false)].promotable;
    (target == Role::Stopped || target == Role::Unpromoted && promotable).then_some(target)
}

/// Tells whether the administrator wants a resource stopped.
pub(super) fn is_disabled(t: &Tables<'_>, rsc: RscIdx) -> bool {
    limited_to(t, rsc) == Some(Role::Stopped)
}

/// Says what keeps the cluster's hands off a resource.
pub(super) fn hands_off(t: &Tables<'_>, rsc: RscIdx) -> Option<&'static str> {
    let row = &t.resources[rsc];
    if row.blocked && row.is_primitive() {
        Some("blocked")
    } else if row.maintenance {
        Some("maintenance")
    } else if !row.managed {
        Some("unmanaged")
    } else {
        None
    }
}

/// Names the agent, as `ocf:heartbeat:IPaddr2`.
pub(super) fn agent(t: &Tables<'_>, rsc: RscIdx) -> String {
    let row = &t.resources[rsc];
    if row.provider.is_empty() {
        format!("{}:{}", row.class, row.agent)
    } else {
        format!("{}:{}:{}", row.class, row.provider, row.agent)
    }
}

/// Writes one primitive in one line, as it is on a node.
pub(super) fn line(t: &Tables<'_>, rsc: RscIdx, name: &str, at: Option<NodeIdx>) -> String {
    let row = &t.resources[rsc];
    let several = row.active_on.len() > 1;
    let locked = row.lock.map(|(node, _)| node);
    let busy_at = row.pending.map(|(_, node)| node);
    let at = if several { None } else { at.or(busy_at).or(locked) };
    let mut text = format!("{name}\t({}):\t", agent(t, rsc));
    if row.removed {
        text.push_str(" ORPHANED");
    }
    if row.failed {
        text.push_str(" FAILED");
        if role(t, rsc) > Role::Unpromoted {
            text.push(' ');
            text.push_str(role(t, rsc).text());
        }
    } else {
        text.push(' ');
        text.push_str(doing(t, rsc));
    }
    if let Some(node) = at {
        text.push(' ');
        text.push_str(t.nodes[node].name);
    }
    let probe = if role(t, rsc) == Role::Stopped { failed_probe(t, rsc, at) } else { None };
    if let Some(reason) = probe {
        text.push_str(&format!(" ({reason})"));
    }
    text.push_str(&flagged(&flags(t, rsc, at)));
    if several {
        text.push_str(&format!(" [ {} ]", node::names(t, &row.active_on)));
    }
    text
}

/// Lists what is to be known of a primitive besides its state.
fn flags(t: &Tables<'_>, rsc: RscIdx, at: Option<NodeIdx>) -> Vec<&'static str> {
    let row = &t.resources[rsc];
    let mut flags = Vec::new();
    if at.is_some_and(|node| !t.nodes[node].online && t.nodes[node].unclean) {
        flags.push("UNCLEAN");
    }
    if at.is_some() && at == row.lock.map(|(node, _)| node) {
        flags.push("LOCKED");
    }
    flags.extend(busy(t, rsc));
    match limited_to(t, rsc) {
        Some(Role::Stopped) => flags.push("disabled"),
        Some(Role::Unpromoted) => flags.push("target-role:Unpromoted"),
        Some(Role::Unknown | Role::Started | Role::Promoted) | None => {}
    }
    flags.extend(hands_off(t, rsc));
    if row.failure_ignored {
        flags.push("failure ignored");
    }
    flags
}

/// Tells whether a stop has succeeded after what a history entry tells of.
fn stopped_since(entry: Element<'_>) -> bool {
    let call = |entry: Element<'_>| {
        entry.attribute("call-id").and_then(|id| id.parse::<i64>().ok()).unwrap_or(0)
    };
    entry.parent().is_some_and(|history| {
        history.children_named("lrm_rsc_op").any(|other| {
            other.attribute("operation") == Some("stop")
                && other.attribute("rc-code") == Some("0")
                && call(other) > call(entry)
        })
    })
}

/// Says why a probe of a resource failed, on a node or anywhere.
pub(super) fn failed_probe(
    t: &Tables<'_>,
    rsc: RscIdx,
    at: Option<NodeIdx>,
) -> Option<&'static str> {
    let found = t.failures.iter().rev().find(|failure| {
        let mut whose = failure.rsc;
        while let Some(inner) = whose.filter(|&inner| inner != rsc) {
            whose = t.resources[inner].parent;
        }
        whose.is_some()
            && at.is_none_or(|node| node == failure.node)
            && failure.entry.attribute("operation") == Some("monitor")
            && matches!(failure.entry.attribute("interval"), None | Some("0"))
            && !stopped_since(failure.entry)
    })?;
    Some(match found.entry.attribute("rc-code") {
        Some("2") => "Invalid parameter",
        Some("3") => "Unimplemented",
        Some("4") => "Insufficient privileges",
        Some("5") => "Not installed",
        Some("6") => "Not configured",
        Some(_) | None => "Error occurred",
    })
}
