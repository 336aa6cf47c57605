//! Rules over node attributes, resources and operations (*Pacemaker Explained*, "Rules").

use super::duration::is_true;
use crate::model::{NodeIdx, Tables};
use core::cell::Cell;
use diarch_cib::rules;
use diarch_cib::time::DateTime;
use diarch_cib::xml::Element;
use std::collections::BTreeMap;

/// What a rule may look at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context<'a> {
    /// The attributes of a node, among them `#uname`.
    pub(crate) node: Option<&'a BTreeMap<&'a str, &'a str>>,
    /// Class, provider and agent of a resource.
    pub(crate) agent: Option<(&'a str, &'a str, &'a str)>,
    /// Name and interval of an operation.
    pub(crate) op: Option<(&'a str, u32)>,
    /// The instance parameters that `value-source=param` refers to.
    pub(crate) params: Option<&'a BTreeMap<&'a str, &'a str>>,
    /// The meta-attributes that `value-source=meta` refers to.
    pub(crate) meta: Option<&'a BTreeMap<&'a str, &'a str>>,
    /// What the parts of a `rsc-pattern` matched, the whole first.
    pub(crate) submatches: &'a [&'a str],
}

impl<'a> Context<'a> {
    /// Looks at a node's attributes.
    pub(crate) fn of_node(t: &'a Tables<'_>, node: Option<NodeIdx>) -> Self {
        Self { node: node.map(|node| &t.nodes[node].attributes), ..Self::default() }
    }
}

/// Tells whether a rule passes; `change` becomes the earliest time when that may change.
pub(crate) fn passes<'c>(
    t: &Tables<'c>,
    rule: Element<'c>,
    context: &Context<'_>,
    change: &mut Option<i64>,
) -> bool {
    let next = Cell::new(None);
    let node = |name: &str| context.node.and_then(|all| all.get(name).copied());
    let params = |name: &str| context.params.and_then(|all| all.get(name).copied());
    let meta = |name: &str| context.meta.and_then(|all| all.get(name).copied());
    let inner = rules::Context {
        now: DateTime::from_epoch(t.now),
        node: if context.node.is_some() { Some(&node) } else { None },
        parameters: if context.params.is_some() { Some(&params) } else { None },
        meta: if context.meta.is_some() { Some(&meta) } else { None },
        resource: context.agent.map(|(class, provider, kind)| [class, provider, kind]),
        operation: context.op.map(|(name, interval)| (name, u64::from(interval))),
        submatches: context.submatches,
        next_change: Some(&next),
    };
    let holds = rules::holds(rule, &inner);
    if let Some(at) = next.get() {
        let at = at.epoch();
        *change = Some(change.map_or(at, |before| before.min(at)));
    }
    holds
}

/// Tells whether an element is enabled, as `enabled` says.
pub(crate) fn enabled(element: Element<'_>) -> bool {
    element.attribute("enabled").is_none_or(|text| is_true(Some(text)))
}
