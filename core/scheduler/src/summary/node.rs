//! Nodes in the status: one line for whatever is out of the ordinary, lists for the rest.

use super::outline::{Outline, joined};
use super::{Show, resource};
use crate::model::{NodeIdx, Tables};
use core::cmp::Ordering;

/// Whether a node shows as unclean: with start-up fencing a remote node that nothing is known of
/// does, too, although it is not fenced.
pub(super) fn is_unclean(t: &Tables<'_>, node: NodeIdx) -> bool {
    let row = &t.nodes[node];
    let startup = t.options.startup_fencing && t.options.fencing_enabled;
    let reachable = t.is_plain_remote(node) && row.connection.is_some();
    row.unclean || row.untold && startup && reachable
}

/// Says in words how a node is.
pub(super) fn state(t: &Tables<'_>, node: NodeIdx) -> &'static str {
    let row = &t.nodes[node];
    if is_unclean(t, node) {
        return match (row.online, row.pending) {
            (true, _) => "UNCLEAN (online)",
            (false, true) => "UNCLEAN (pending)",
            (false, false) => "UNCLEAN (offline)",
        };
    }
    if row.pending {
        return "pending";
    }
    if row.online && row.standby_on_fail {
        return "standby (on-fail)";
    }
    // While the whole cluster is in maintenance, no node stands out by it.
    let maintenance = row.maintenance && !t.options.maintenance;
    match (row.standby, maintenance, row.online) {
        (true, _, true) if !row.running.is_empty() => "standby (with active resources)",
        (true, _, true) => "standby",
        (true, _, false) => "OFFLINE (standby)",
        (false, true, true) => "maintenance",
        (false, true, false) => "OFFLINE (maintenance)",
        (false, false, true) => "online",
        (false, false, false) => "OFFLINE",
    }
}

/// Says how healthy a node is by its worst `#health` attribute, if that matters.
pub(super) fn health(t: &Tables<'_>, node: NodeIdx) -> Option<&'static str> {
    if matches!(t.options.health_strategy, "" | "none") {
        return None;
    }
    let of = |colour: &str| {
        let mut all = t.nodes[node].attributes.iter();
        all.any(|(name, value)| name.starts_with("#health") && value.eq_ignore_ascii_case(colour))
    };
    Some(match (of("red"), of("yellow")) {
        (true, _) => "red",
        (false, true) => "yellow",
        (false, false) => "green",
    })
}

/// Says which kind of machine a node is, as the text names it.
fn kind(t: &Tables<'_>, node: NodeIdx) -> &'static str {
    if t.is_guest(node) {
        "GuestNode"
    } else if t.nodes[node].is_remote() {
        "RemoteNode"
    } else {
        "Node"
    }
}

/// Names a node, with its id where details are wanted.
pub(super) fn name(t: &Tables<'_>, node: NodeIdx, show: &Show) -> String {
    let row = &t.nodes[node];
    if show.detail && row.name != row.id {
        format!("{} ({})", row.name, row.id)
    } else {
        row.name.to_owned()
    }
}

/// Writes the list of nodes.
pub(super) fn list(t: &Tables<'_>, show: &Show, out: &mut Outline) {
    out.open("Node List");
    let (mut online, mut offline) = (Vec::new(), Vec::new());
    let (mut remote_online, mut remote_offline) = (Vec::new(), Vec::new());
    let mut guest_online = Vec::new();
    for node in in_order(t).into_iter().filter(|&node| show.node(t, node)) {
        let row = &t.nodes[node];
        let ordinary = matches!(state(t, node), "online" | "OFFLINE")
            && health(t, node).is_none_or(|colour| colour == "green");
        if !ordinary || show.by_node {
            alone(t, node, show, out);
            continue;
        }
        let place = match (t.is_guest(node), row.is_remote(), row.online) {
            (true, _, true) => &mut guest_online,
            (true, _, false) => continue,
            (false, true, true) => &mut remote_online,
            (false, true, false) => &mut remote_offline,
            (false, false, true) => &mut online,
            (false, false, false) => &mut offline,
        };
        place.push(name(t, node, show));
    }
    out.names("Online", &online);
    out.names("OFFLINE", &offline);
    out.names("RemoteOnline", &remote_online);
    out.names("RemoteOFFLINE", &remote_offline);
    out.names("GuestOnline", &guest_online);
    out.close();
}

/// Writes a node on a line of its own, with what runs there where that is wanted.
fn alone(t: &Tables<'_>, node: NodeIdx, show: &Show, out: &mut Outline) {
    let unwell = match health(t, node) {
        Some("red") => " (health is RED)",
        Some("yellow") => " (health is YELLOW)",
        Some(_) | None => "",
    };
    let line = format!("{} {}: {}{unwell}", kind(t, node), name(t, node, show), state(t, node));
    let here: Vec<_> =
        t.nodes[node].running.iter().copied().filter(|&rsc| show.resource(t, rsc)).collect();
    if here.is_empty() || !show.by_node {
        out.item(&line);
        return;
    }
    out.open(&line);
    out.open("Resources");
    for rsc in here {
        out.item(&resource::line(t, rsc, resource::shown_id(t, rsc), Some(node)));
    }
    out.close();
    out.close();
}

/// Gives all nodes in the order in which people count: `node2` before `node10`.
pub(super) fn in_order(t: &Tables<'_>) -> Vec<NodeIdx> {
    let mut nodes: Vec<NodeIdx> = t.nodes.ids().collect();
    nodes.sort_by(|a, b| by_number(t.nodes[*a].name, t.nodes[*b].name));
    nodes
}

/// Compares names without regard to case, and the numbers in them by their values.
fn by_number(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (in_a, in_b) = (digits(a), digits(b));
        if in_a > 0 && in_b > 0 {
            let (left, right) = (&a[..in_a], &b[..in_b]);
            let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
            let order = left.len().cmp(&right.len()).then_with(|| left.cmp(right));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (&a[in_a..], &b[in_b..]);
            continue;
        }
        let (mut left, mut right) = (a.chars(), b.chars());
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase()) {
                Ordering::Equal => (a, b) = (left.as_str(), right.as_str()),
                order @ (Ordering::Less | Ordering::Greater) => return order,
            },
        }
    }
}

/// Names several nodes as one text.
pub(super) fn names(t: &Tables<'_>, nodes: &[NodeIdx]) -> String {
    joined(&nodes.iter().map(|&node| t.nodes[node].name).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::by_number;
    use core::cmp::Ordering::{Equal, Greater, Less};

    #[test]
    fn numbers_in_names_count_by_their_values() {
        assert_eq!(by_number("node2", "node10"), Less);
        assert_eq!(by_number("Node2", "node02"), Equal);
        assert_eq!(by_number("b1", "a2"), Greater);
        assert_eq!(by_number("a", "a1"), Less);
    }
}
