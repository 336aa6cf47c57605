//! `id-ref`: written out before the step, and made again after it.

use super::PREFIX;
use crate::upgrade::UpgradeError;
use crate::upgrade::work::Work;
use crate::xml::{Document, Element, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// How many elements all references together may stand for.
const ELEMENTS_MAX: usize = 100_000;

/// The elements that were references, in the order in which they were written out.
pub(super) struct References(Vec<NodeId>);

/// Puts a copy in the place of every reference. One that leads nowhere, or into itself, stays.
pub(super) fn resolve(work: &mut Work) -> Result<References, UpgradeError> {
    let definitions = definitions(work);
    let mut waiting = work.find(|element| element.attribute("id-ref").is_some());
    let mut resolved = Vec::new();
    let mut size = 0;
    while let Some(node) = waiting.pop() {
        let key = (work.element(node).name().to_owned(), work.text(node, "id-ref"));
        let Some(definition) = definitions.get(&key) else {
            continue;
        };
        if is_inside(work.element(node), &key) {
            continue;
        }
        let copy = Document::from_element(work.element(*definition));
        size += copy.root().descendants().count();
        if size > ELEMENTS_MAX {
            return Err(UpgradeError::TooLarge);
        }
        fill(work, node, copy.root());
        let inside = work.element(node).descendants().skip(1);
        waiting.extend(inside.filter(|e| e.attribute("id-ref").is_some()).map(Element::id));
        resolved.push(node);
    }
    Ok(References(resolved))
}

/// The first element of each name and id.
fn definitions(work: &Work) -> BTreeMap<(String, String), NodeId> {
    let mut found = BTreeMap::new();
    for node in work.find(|element| element.attribute("id").is_some()) {
        let key = (work.element(node).name().to_owned(), work.text(node, "id"));
        found.entry(key).or_insert(node);
    }
    found
}

/// Whether an element of this name and id is around it.
fn is_inside(element: Element<'_>, key: &(String, String)) -> bool {
    let mut above = element.parent();
    while let Some(at) = above {
        if at.name() == key.0 && at.attribute("id") == Some(&key.1) {
            return true;
        }
        above = at.parent();
    }
    false
}

/// Makes a reference what it stands for; what it says itself comes first.
fn fill(work: &mut Work, node: NodeId, from: Element<'_>) {
    let own: Vec<(String, String)> = attributes(work.element(node));
    clear(work, node);
    for (name, value) in from.attributes() {
        work.document.set_attribute(node, name, value);
    }
    for (name, value) in own.iter().filter(|(name, _)| name != "id-ref") {
        work.document.set_attribute(node, name, value);
    }
    for child in from.nodes() {
        work.document.append_copy(node, child);
    }
}

fn attributes(element: Element<'_>) -> Vec<(String, String)> {
    element.attributes().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn clear(work: &mut Work, node: NodeId) {
    for (name, _) in attributes(work.element(node)) {
        work.document.remove_attribute(node, &name);
    }
    let inside: Vec<NodeId> = work.element(node).nodes().map(Element::id).collect();
    inside.into_iter().for_each(|child| work.document.detach(child));
}

/// Makes references of the copies again: the first that is left keeps the id, an equal one refers
/// to it, and one that has become different gets ids of its own.
pub(super) fn restore(work: &mut Work, references: &References) {
    let mut pending: BTreeSet<NodeId> = references.0.iter().copied().collect();
    let copies = work.find(|element| pending.contains(&element.id()));
    let texts = texts(work, &copies);
    for copy in copies {
        if !is_attached(work.element(copy)) || !pending.remove(&copy) {
            continue;
        }
        let owned = owners(work, &pending, copy);
        let key = (work.element(copy).name().to_owned(), work.text(copy, "id"));
        match owned.get(&key.1) {
            Some(owner) if texts.get(owner) == texts.get(&copy) => {
                clear(work, copy);
                work.document.set_attribute(copy, "id-ref", &key.1);
            }
            _ => free_ids(work, copy, &owned, &pending),
        }
    }
}

/// What elements with a copy's id say, before any of them refers to another.
fn texts(work: &Work, copies: &[NodeId]) -> BTreeMap<NodeId, String> {
    let ids: BTreeSet<String> = copies.iter().map(|copy| work.text(*copy, "id")).collect();
    let told = work.find(|e| e.attribute("id").is_some_and(|id| ids.contains(id)));
    let text = |node| Document::from_element(work.element(node)).write_compact();
    told.into_iter().map(|node| (node, text(node))).collect()
}

fn is_attached(element: Element<'_>) -> bool {
    let mut at = element;
    while let Some(above) = at.parent() {
        at = above;
    }
    at.id() == element.document().root().id()
}

/// Whose each id is, the copies that are still to be looked at and `but` left aside.
fn owners(work: &Work, pending: &BTreeSet<NodeId>, but: NodeId) -> BTreeMap<String, NodeId> {
    let mut owners = BTreeMap::new();
    let mut waiting: Vec<Element<'_>> = vec![work.document.root()];
    while let Some(element) = waiting.pop() {
        if element.id() == but || pending.contains(&element.id()) {
            continue;
        }
        if let Some(id) = element.attribute("id") {
            owners.entry(id.to_owned()).or_insert_with(|| element.id());
        }
        waiting.extend(element.children());
    }
    owners
}

/// Gives new ids to what is below `top` and has an id that is another's.
fn free_ids(
    work: &mut Work,
    top: NodeId,
    owned: &BTreeMap<String, NodeId>,
    pending: &BTreeSet<NodeId>,
) {
    let all: Vec<NodeId> = work.element(top).descendants().map(Element::id).collect();
    for node in all {
        let id = work.text(node, "id");
        // A reference within is looked at in its turn.
        let is_reference = pending.contains(&node);
        if !is_reference && owned.contains_key(&id) && work.has_own_id(node) {
            let id = work.free_id(&format!("{PREFIX}{id}"));
            work.document.set_attribute(node, "id", &id);
        }
    }
}
