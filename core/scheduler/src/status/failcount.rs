//! Failure counts: attributes `fail-count-RSC#OP_INTERVAL` and `last-failure-…`.

use crate::model::{NodeIdx, RscIdx, Tables, score};
use crate::unpack::duration::integer;

/// How often something failed on a node, and when last (epoch seconds).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FailCount {
    pub(crate) count: i32,
    pub(crate) last: i64,
}

/// Sums the failures of a resource on a node; expired ones count only if asked for.
pub(crate) fn of(t: &Tables<'_>, rsc: RscIdx, node: NodeIdx, expired_too: bool) -> FailCount {
    let row = &t.resources[rsc];
    let name = if row.unique { row.history_name() } else { base(row.history_name()) };
    let mut found = FailCount::default();
    for (attribute, value) in &t.nodes[node].attributes {
        if is_for(attribute, "fail-count-", name, row.unique) {
            found.count = score::add(found.count, score::parse(value).unwrap_or(0));
        } else if is_for(attribute, "last-failure-", name, row.unique) {
            found.last = found.last.max(integer(value).unwrap_or(0));
        }
    }
    if !expired_too && found.count > 0 && row.failure_timeout_ms > 0 && found.last > 0 {
        let timeout = i64::try_from(row.failure_timeout_ms / 1000).unwrap_or(i64::MAX);
        if t.now > found.last.saturating_add(timeout) && !blocked_by_failure(t, rsc, node) {
            found.count = 0;
        }
    }
    found
}

/// As [`of`], with the failures of the connections that a container has inside.
pub(crate) fn with_fillers(t: &Tables<'_>, rsc: RscIdx, node: NodeIdx) -> FailCount {
    let mut found = of(t, rsc, node, false);
    for &filler in &t.resources[rsc].fillers {
        let inner = of(t, filler, node, false);
        found.count = score::add(found.count, inner.count);
        found.last = found.last.max(inner.last);
    }
    found
}

/// Takes an instance number off.
pub(crate) fn base(id: &str) -> &str {
    match id.rsplit_once(':') {
        Some((base, number))
            if !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()) =>
        {
            base
        }
        _ => id,
    }
}

fn is_for(attribute: &str, prefix: &str, name: &str, unique: bool) -> bool {
    let Some(rest) = attribute.strip_prefix(prefix) else { return false };
    let rest = rest.split('#').next().unwrap_or(rest);
    rest == name || !unique && base(rest) == name
}

/// Tells whether a failure on the node was configured to block the resource: it never expires.
fn blocked_by_failure(t: &Tables<'_>, rsc: RscIdx, node: NodeIdx) -> bool {
    let row = &t.resources[rsc];
    let blocks: Vec<_> = row
        .ops
        .iter()
        .filter(|op| {
            op.attributes.iter().any(|(name, value)| *name == "on-fail" && *value == "block")
        })
        .collect();
    if blocks.is_empty() {
        return false;
    }
    let name = if row.unique { row.history_name() } else { base(row.history_name()) };
    t.failures.iter().any(|failure| {
        failure.node == node
            && failure.rsc.is_some_and(|other| {
                let other = &t.resources[other];
                base(other.history_name()) == base(name)
            })
            && blocks.iter().any(|op| {
                failure.entry.attribute("operation") == Some(op.name)
                    && crate::unpack::duration::small(failure.entry.attribute("interval"))
                        .is_some_and(|ms| i64::from(ms) == i64::from(op.interval_ms))
            })
    })
}
