//! Sets of name-value pairs: blocks by score, rules, references (*Pacemaker Explained*, "Rules").

use super::rule::{self, Context};
use crate::model::{Tables, score};
use diarch_cib::xml::Element;
use std::collections::BTreeMap;

/// Pairs, the first value of each name winning.
pub(crate) type Pairs<'c> = BTreeMap<&'c str, &'c str>;

/// Follows an `id-ref`.
pub(crate) fn resolve<'c>(t: &Tables<'c>, element: Element<'c>) -> Element<'c> {
    element
        .attribute("id-ref")
        .and_then(|id| t.ids.get(id).copied())
        .filter(|target| target.name() == element.name())
        .unwrap_or(element)
}

/// Reads all blocks named `set` of the parents, those of earlier parents winning where scores are
/// equal; names that are already there stay.
pub(crate) fn collect<'c>(
    t: &Tables<'c>,
    parents: &[Element<'c>],
    set: &str,
    first_id: Option<&str>,
    context: &Context<'_>,
    into: &mut Pairs<'c>,
) {
    let mut blocks: Vec<(bool, i32, Element<'c>)> = Vec::new();
    for parent in parents.iter().rev() {
        for child in parent.children_named(set) {
            let block = resolve(t, child);
            let special = first_id.is_some_and(|id| block.attribute("id") == Some(id));
            let value = block.attribute("score").and_then(score::parse).unwrap_or(0);
            blocks.push((!special, -value, block));
        }
    }
    // Of blocks with equal scores the later one wins, and what is own wins over a template's.
    blocks.reverse();
    blocks.sort_by_key(|&(special, value, _)| (special, value));
    for (_, _, block) in blocks {
        let mut change = None;
        let passes = block
            .children_named("rule")
            .next()
            .is_none_or(|rule| rule::passes(t, resolve(t, rule), context, &mut change));
        if let Some(at) = change {
            t.recheck_at(at);
        }
        if passes {
            add_block(t, block, into);
        }
    }
}

fn add_block<'c>(t: &Tables<'c>, block: Element<'c>, into: &mut Pairs<'c>) {
    // Old configurations have the pairs in an `attributes` element.
    let inner = block.child("attributes").unwrap_or(block);
    for child in inner.children_named("nvpair") {
        let pair = resolve(t, child);
        let name = child.attribute("name").or_else(|| pair.attribute("name"));
        let (Some(name), Some(value)) = (name, pair.attribute("value")) else { continue };
        if value != "#default" {
            into.entry(name).or_insert(value);
        }
    }
}
