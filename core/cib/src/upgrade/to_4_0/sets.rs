//! Sets of name and value: stronger ones first, every name once, one rule at most.

use super::first_rule;
use crate::score::Score;
use crate::upgrade::work::Work;
use crate::xml::{Element, NodeId};
use core::cmp::Reverse;
use std::collections::BTreeSet;

const SETS: [&str; 4] =
    ["cluster_property_set", "instance_attributes", "meta_attributes", "utilization"];

/// The value that takes back what was said of a name before.
const DEFAULT: &str = "#default";

/// Rewrites every set.
pub(super) fn rewrite(work: &mut Work) {
    let mut owners = BTreeSet::new();
    for set in work.find(|element| SETS.contains(&element.name())) {
        valueless(work, set);
        duplicates(work, set);
        one_rule(work, set);
        owners.extend(work.element(set).parent().map(Element::id));
    }
    for owner in owners {
        for name in SETS {
            sort(work, owner, name);
        }
    }
}

/// The pairs of a set that are no references.
fn pairs(work: &Work, set: NodeId) -> Vec<NodeId> {
    work.children(set, |e| e.name() == "nvpair" && e.attribute("id-ref").is_none())
}

fn valueless(work: &mut Work, set: NodeId) {
    for pair in pairs(work, set) {
        if work.element(pair).attribute("value").is_none() {
            let name = work.text(pair, "name");
            work.drop_element(pair, format!("{name} had no value"));
        }
    }
}

fn duplicates(work: &mut Work, set: NodeId) {
    let mut kept: Vec<(String, NodeId)> = Vec::new();
    for pair in pairs(work, set) {
        let (name, value) = (work.text(pair, "name"), work.text(pair, "value"));
        let earlier = kept.iter().position(|(other, _)| *other == name);
        if value == DEFAULT {
            if let Some(at) = earlier {
                let (_, before) = kept.remove(at);
                work.drop_element(before, format!("{name} is taken back in the same set"));
            }
        } else if earlier.is_some() {
            work.drop_element(pair, format!("{name} stands in the same set before"));
        } else {
            kept.push((name, pair));
        }
    }
}

/// Several rules held when one of them did.
fn one_rule(work: &mut Work, set: NodeId) {
    let rules = work.children(set, |element| element.name() == "rule");
    if rules.len() < 2 {
        return;
    }
    let wanted = format!("{}-rule", work.text(set, "id"));
    let around = first_rule(work, set, &wanted, "or");
    for rule in rules {
        work.document.remove_attribute(rule, "score");
        work.document.remove_attribute(rule, "score-attribute");
        work.document.move_into(rule, around);
    }
}

/// Puts the sets of one name in the order in which they count, in the places that they have.
fn sort(work: &mut Work, owner: NodeId, name: &str) {
    let is_set = |element: &Element<'_>| !element.is_comment() && element.name() == name;
    let before: Vec<NodeId> = work.element(owner).children_named(name).map(Element::id).collect();
    let mut sorted = before.clone();
    sorted.sort_by_key(|set| strength(work.element(*set)));
    if sorted == before {
        return;
    }
    let mut next = sorted.into_iter();
    let all: Vec<NodeId> = work
        .element(owner)
        .nodes()
        .filter_map(|node| if is_set(&node) { next.next() } else { Some(node.id()) })
        .collect();
    for (position, node) in all.into_iter().enumerate() {
        work.document.move_to(node, position);
    }
}

/// Less is stronger.
fn strength(set: Element<'_>) -> (Reverse<bool>, Reverse<Score>) {
    let is_bootstrap = set.name() == "cluster_property_set"
        && set.attribute("id") == Some("cib-bootstrap-options");
    let score = set.attribute("score").and_then(|text| text.parse().ok());
    (Reverse(is_bootstrap), Reverse(score.unwrap_or(Score::ZERO)))
}
