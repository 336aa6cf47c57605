//! The document that the steps work on, and what they have to say about it.

use super::{Effect, Hint};
use crate::xml::{Document, Element, NodeId};
use std::collections::BTreeSet;

/// A document under work.
pub(super) struct Work {
    pub(super) document: Document,
    pub(super) hints: Vec<Hint>,
    /// Every id that is or was in use.
    taken: BTreeSet<String>,
}

impl Work {
    pub(super) fn new(document: &Document) -> Self {
        let ids = document.root().descendants().filter_map(|element| element.attribute("id"));
        let taken = ids.map(ToOwned::to_owned).collect();
        Self { document: document.clone(), hints: Vec::new(), taken }
    }

    pub(super) fn element(&self, id: NodeId) -> Element<'_> {
        self.document.element(id)
    }

    /// Says what has happened to an element that is still in the document.
    pub(super) fn hint(&mut self, effect: Effect, node: NodeId, what: impl Into<String>) {
        let mut at = Some(self.element(node));
        while let Some(element) = at.filter(|element| element.attribute("id").is_none()) {
            at = element.parent();
        }
        let id = at.and_then(|element| element.attribute("id")).unwrap_or_default().to_owned();
        self.hints.push(Hint { effect, id, what: what.into() });
    }

    /// Removes an element, and says so.
    pub(super) fn drop_element(&mut self, node: NodeId, what: impl Into<String>) {
        self.hint(Effect::Dropped, node, what);
        self.document.detach(node);
    }

    /// An id that is free: the wanted one, or one with a number after it.
    pub(super) fn free_id(&mut self, wanted: &str) -> String {
        let mut id = wanted.to_owned();
        let mut number = 1_u32;
        while !self.taken.insert(id.clone()) {
            id = format!("{wanted}-{number}");
            number += 1;
        }
        id
    }

    /// Lets an id be used again, whose element has been removed.
    pub(super) fn release_id(&mut self, id: &str) {
        self.taken.remove(id);
    }

    /// Every element under `<configuration>` that is as asked, in the document's order.
    pub(super) fn find(&self, is_wanted: impl Fn(&Element<'_>) -> bool) -> Vec<NodeId> {
        let configuration = self.document.root().child("configuration");
        let all = configuration.into_iter().flat_map(Element::descendants);
        all.filter(is_wanted).map(Element::id).collect()
    }

    /// The element of a section, if there is one.
    pub(super) fn section(&self, name: &str) -> Option<NodeId> {
        let configuration = self.document.root().child("configuration")?;
        configuration.child(name).map(Element::id)
    }

    /// The element of a section, which is made if there is none.
    pub(super) fn section_or_new(&mut self, name: &str) -> Option<NodeId> {
        if let Some(section) = self.section(name) {
            return Some(section);
        }
        let configuration = self.document.root().child("configuration")?.id();
        Some(self.document.append_new(configuration, name))
    }

    /// The ids of the children that are as asked.
    pub(super) fn children(
        &self,
        node: NodeId,
        is_wanted: impl Fn(&Element<'_>) -> bool,
    ) -> Vec<NodeId> {
        self.element(node).children().filter(is_wanted).map(Element::id).collect()
    }

    /// Renames an attribute, in its place among the others.
    pub(super) fn rename_attribute(&mut self, node: NodeId, old: &str, new: &str) {
        let all: Vec<(String, String)> = self
            .element(node)
            .attributes()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if all.iter().all(|(name, _)| name != old) {
            return;
        }
        for (name, _) in &all {
            self.document.remove_attribute(node, name);
        }
        for (name, value) in &all {
            let name = if name == old { new } else { name };
            self.document.set_attribute(node, name, value);
        }
    }

    /// Adds a copy of an element as the last child of `owner`, every id in it a new one.
    pub(super) fn append_twin(&mut self, owner: NodeId, of: NodeId, prefix: &str) -> NodeId {
        let copy = Document::from_element(self.element(of));
        let twin = self.document.append_copy(owner, copy.root());
        let all: Vec<NodeId> = self.element(twin).descendants().map(Element::id).collect();
        for node in all {
            let own = self.element(node).attribute("id").filter(|_| self.has_own_id(node));
            if let Some(wanted) = own.map(|id| format!("{prefix}{id}")) {
                let id = self.free_id(&wanted);
                self.document.set_attribute(node, "id", &id);
            }
        }
        twin
    }

    /// Whether the id of an element is its own, and not that of what it refers to.
    pub(super) fn has_own_id(&self, node: NodeId) -> bool {
        !matches!(self.element(node).name(), "obj_ref" | "role" | "resource_ref")
    }

    /// Adds a pair with an id of its own.
    pub(super) fn add_pair(&mut self, set: NodeId, wanted_id: &str, name: &str, value: &str) {
        let id = self.free_id(wanted_id);
        let pair = self.document.append_new(set, "nvpair");
        for (attribute, value) in [("id", id.as_str()), ("name", name), ("value", value)] {
            self.document.set_attribute(pair, attribute, value);
        }
    }

    /// The first child called `name`, or a new one with an id like the wanted one.
    pub(super) fn set_or_new(&mut self, owner: NodeId, name: &str, wanted_id: &str) -> NodeId {
        if let Some(set) = self.element(owner).child(name) {
            return set.id();
        }
        self.new_set(owner, name, wanted_id)
    }

    /// A new last child with an id like the wanted one.
    pub(super) fn new_set(&mut self, owner: NodeId, name: &str, wanted_id: &str) -> NodeId {
        let id = self.free_id(wanted_id);
        let set = self.document.append_new(owner, name);
        self.document.set_attribute(set, "id", &id);
        set
    }

    /// Removes an element in which nothing stands any more.
    pub(super) fn drop_if_empty(&mut self, node: NodeId) {
        if self.element(node).nodes().next().is_none() {
            self.document.detach(node);
        }
    }

    /// An attribute's value, as text of its own.
    pub(super) fn text(&self, node: NodeId, attribute: &str) -> String {
        self.element(node).attribute(attribute).unwrap_or_default().to_owned()
    }
}
