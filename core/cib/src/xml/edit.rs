//! Changing a document. Ids stay valid; what is detached stays in the arenas until
//! [`Document::compacted`].

use super::{Document, Element, Kind, NodeId};
use std::borrow::Cow;

impl Document {
    /// Sets an attribute: in its place if the element has it, otherwise after its last one.
    ///
    /// What XML 1.0 has no character for (an agent's colours, say) becomes U+FFFD: whatever stands
    /// in a document can be written, and read again as the same.
    pub fn set_attribute(&mut self, id: NodeId, name: &str, value: &str) {
        let value = &*writable(value);
        let mut next = self.nodes[id.at()].first_attribute;
        while let Some(at) = next {
            let attribute = self.attributes[at as usize];
            if self.text(attribute.name) == name {
                if self.text(attribute.value) != value {
                    self.garbage += attribute.value.length as usize;
                    self.attributes[at as usize].value = self.keep(value);
                }
                return;
            }
            next = attribute.next;
        }
        self.add_attribute(id, name, value);
    }

    /// Removes an attribute; whether it was there.
    pub fn remove_attribute(&mut self, id: NodeId, name: &str) -> bool {
        let mut previous = None;
        let mut next = self.nodes[id.at()].first_attribute;
        while let Some(at) = next {
            let attribute = self.attributes[at as usize];
            if self.text(attribute.name) == name {
                match previous {
                    Some(before) => self.attributes[before as usize].next = attribute.next,
                    None => self.nodes[id.at()].first_attribute = attribute.next,
                }
                if attribute.next.is_none() {
                    self.nodes[id.at()].last_attribute = previous;
                }
                self.garbage += (attribute.name.length + attribute.value.length) as usize;
                return true;
            }
            previous = Some(at);
            next = attribute.next;
        }
        false
    }

    /// Sets the character data directly inside an element; as for [`Document::set_attribute`].
    pub fn set_text(&mut self, id: NodeId, text: &str) {
        let text = &*writable(text);
        self.garbage += self.nodes[id.at()].text.length as usize;
        self.nodes[id.at()].text = self.keep(text);
    }

    /// Adds an empty element as the last child of `parent`.
    pub fn append_new(&mut self, parent: NodeId, name: &str) -> NodeId {
        let id = self.add_node(Kind::Element, name, 0);
        self.link_last(parent, id);
        id
    }

    /// Adds an empty element so that `position` nodes stand before it; last, if there are fewer.
    pub fn insert_new(&mut self, parent: NodeId, position: usize, name: &str) -> NodeId {
        let id = self.add_node(Kind::Element, name, 0);
        self.link_at(parent, position, id);
        id
    }

    /// Adds a deep copy of an element of any document as the last child of `parent`.
    pub fn append_copy(&mut self, parent: NodeId, from: Element<'_>) -> NodeId {
        let id = self.copy_in(from, 0);
        self.link_last(parent, id);
        id
    }

    /// Adds a deep copy so that `position` nodes stand before it; last, if there are fewer.
    pub fn insert_copy(&mut self, parent: NodeId, position: usize, from: Element<'_>) -> NodeId {
        let id = self.copy_in(from, 0);
        self.link_at(parent, position, id);
        id
    }

    /// Takes a node out of the tree. The root stays.
    pub fn detach(&mut self, id: NodeId) {
        let node = &self.nodes[id.at()];
        let (Some(parent), previous, next) = (node.parent, node.previous, node.next) else {
            return;
        };
        match previous {
            Some(previous) => self.nodes[previous.at()].next = next,
            None => self.nodes[parent.at()].first_child = next,
        }
        match next {
            Some(next) => self.nodes[next.at()].previous = previous,
            None => self.nodes[parent.at()].last_child = previous,
        }
        let node = &mut self.nodes[id.at()];
        (node.parent, node.previous, node.next) = (None, None, None);
        let size: usize = self.element(id).descendants().map(size_of_text).sum();
        self.garbage += size;
    }

    /// Moves a node among its siblings so that `position` nodes stand before it.
    pub fn move_to(&mut self, id: NodeId, position: usize) {
        if let Some(parent) = self.nodes[id.at()].parent {
            let garbage = self.garbage;
            self.detach(id);
            self.garbage = garbage;
            self.link_at(parent, position, id);
        }
    }

    /// Moves a node with everything below it to the end of another element, which must not be
    /// below it; then nothing happens.
    pub fn move_into(&mut self, id: NodeId, parent: NodeId) {
        let mut above = Some(self.element(parent));
        while let Some(element) = above {
            if element.id() == id {
                return;
            }
            above = element.parent();
        }
        let garbage = self.garbage;
        self.detach(id);
        self.garbage = garbage;
        self.link_last(parent, id);
    }

    /// Gives an element another name.
    pub fn rename(&mut self, id: NodeId, name: &str) {
        self.garbage += self.nodes[id.at()].name.length as usize;
        self.nodes[id.at()].name = self.keep(name);
    }

    fn link_at(&mut self, parent: NodeId, position: usize, child: NodeId) {
        let Some(next) = self.element(parent).nodes().nth(position).map(Element::id) else {
            self.link_last(parent, child);
            return;
        };
        let previous = self.nodes[next.at()].previous;
        let node = &mut self.nodes[child.at()];
        (node.parent, node.previous, node.next) = (Some(parent), previous, Some(next));
        self.nodes[next.at()].previous = Some(child);
        match previous {
            Some(previous) => self.nodes[previous.at()].next = Some(child),
            None => self.nodes[parent.at()].first_child = Some(child),
        }
    }
}

fn size_of_text(element: Element<'_>) -> usize {
    let attributes = element.attributes().map(|(name, value)| name.len() + value.len());
    element.name().len() + element.text().len() + attributes.sum::<usize>()
}

/// Whether XML 1.0 (2.2, production 2) has the character.
const fn is_writable(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'
    )
}

/// The text with U+FFFD in the place of what cannot be written.
fn writable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_writable) {
        return Cow::Borrowed(text);
    }
    let replaced = |c| if is_writable(c) { c } else { char::REPLACEMENT_CHARACTER };
    Cow::Owned(text.chars().map(replaced).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, edit: impl FnOnce(&mut Document, NodeId)) -> String {
        let mut document = Document::parse(text).unwrap();
        let root = document.root().id();
        edit(&mut document, root);
        let compacted = document.compacted();
        assert_eq!(compacted.write_compact(), document.write_compact());
        document.write_compact()
    }

    #[test]
    fn attributes_are_set_in_place_and_removed_anywhere() {
        let set = edited("<a x=\"1\" y=\"2\"/>", |d, root| {
            d.set_attribute(root, "x", "3");
            d.set_attribute(root, "z", "4");
        });
        assert_eq!(set, "<a x=\"3\" y=\"2\" z=\"4\"/>");
        for (name, rest) in [("x", "<a y=\"2\"/>"), ("y", "<a x=\"1\"/>")] {
            let removed = edited("<a x=\"1\" y=\"2\"/>", |d, root| {
                assert!(d.remove_attribute(root, name));
                assert!(!d.remove_attribute(root, name));
            });
            assert_eq!(removed, rest);
        }
    }

    #[test]
    fn what_xml_has_no_character_for_is_replaced() {
        let coloured = "\u{1b}[31mno such device\u{1b}[0m\tat\u{fffe} 3\0";
        let mut document = Document::parse("<a/>").unwrap();
        let root = document.root().id();
        document.set_attribute(root, "reason", coloured);
        document.set_text(root, coloured);
        let again = Document::parse(&document.write()).unwrap();
        let kept = "\u{fffd}[31mno such device\u{fffd}[0m\tat\u{fffd} 3\u{fffd}";
        assert_eq!(document.root().attribute("reason"), Some(kept));
        assert_eq!(again.root().attribute("reason"), Some(kept));
        assert_eq!(again.root().text(), kept);
    }

    #[test]
    fn an_attribute_set_after_the_last_was_removed_is_last() {
        let text = edited("<a x=\"1\" y=\"2\"/>", |d, root| {
            assert!(d.remove_attribute(root, "y"));
            d.set_attribute(root, "w", "3");
        });
        assert_eq!(text, "<a x=\"1\" w=\"3\"/>");
    }

    #[test]
    fn nodes_are_inserted_moved_and_detached_at_every_place() {
        let all = "<a><b/><c/><d/></a>";
        for (position, expected) in
            ["<a><n/><b/><c/><d/></a>", "<a><b/><n/><c/><d/></a>", "<a><b/><c/><n/><d/></a>"]
                .iter()
                .enumerate()
        {
            let text = edited(all, |d, root| {
                d.insert_new(root, position, "n");
            });
            assert_eq!(text, *expected);
        }
        for (name, expected) in
            [("b", "<a><c/><d/></a>"), ("c", "<a><b/><d/></a>"), ("d", "<a><b/><c/></a>")]
        {
            let text = edited(all, |d, root| {
                let id = d.element(root).child(name).unwrap().id();
                d.detach(id);
            });
            assert_eq!(text, expected);
        }
        let moved = edited(all, |d, root| {
            let id = d.element(root).child("d").unwrap().id();
            d.move_to(id, 0);
        });
        assert_eq!(moved, "<a><d/><b/><c/></a>");
    }

    #[test]
    fn a_node_moves_under_another_but_never_under_itself() {
        let text = edited("<a><b><e/></b><c/></a>", |d, root| {
            let [b, c] = ["b", "c"].map(|name| d.element(root).child(name).unwrap().id());
            let e = d.element(b).child("e").unwrap().id();
            d.move_into(b, e);
            d.move_into(b, c);
            d.rename(b, "n");
        });
        assert_eq!(text, "<a><c><n><e/></n></c></a>");
    }
}
