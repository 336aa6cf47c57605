//! The document: an ordered tree that round-trips.
//!
//! Nodes and attributes live in two arenas and all text in one buffer, so that a document of a
//! thousand resources costs a handful of allocations and names can be borrowed from it for as long
//! as it lives. Order of attributes, order of children and comments are kept: they are behaviour
//! (the scheduler's order of creation) or the administrator's own words.

mod edit;
mod element;
mod parse;
mod write;

pub use element::{Attributes, Children, Descendants, Element};
pub use parse::{DEPTH_MAX, ParseError, TEXT_MAX};

use std::sync::OnceLock;

/// Names a node of one [`Document`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(u32);

impl NodeId {
    const fn at(self) -> usize {
        self.0 as usize
    }
}

/// A piece of the document's text buffer.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    length: u32,
}

/// What a node is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Element,
    Comment,
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    /// An element's name, or a comment's text.
    name: Span,
    /// Character data directly inside, whitespace around it removed.
    text: Span,
    line: u32,
    parent: Option<NodeId>,
    previous: Option<NodeId>,
    next: Option<NodeId>,
    first_child: Option<NodeId>,
    last_child: Option<NodeId>,
    first_attribute: Option<u32>,
    last_attribute: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Attribute {
    name: Span,
    value: Span,
    next: Option<u32>,
}

/// An XML document with one root element.
#[derive(Clone, Debug)]
pub struct Document {
    buffer: String,
    nodes: Vec<Node>,
    attributes: Vec<Attribute>,
    root: NodeId,
    /// Bytes of `buffer` that nothing refers to any more.
    garbage: usize,
    /// Names derived from the document that readers borrow with it.
    kept: OnceLock<Box<Kept>>,
}

/// One derived name, and those kept after it.
#[derive(Clone, Debug)]
struct Kept {
    text: String,
    next: OnceLock<Box<Self>>,
}

impl Document {
    /// A document that holds an empty element.
    #[must_use]
    pub fn new(root_name: &str) -> Self {
        let mut document = Self::blank();
        document.root = document.add_node(Kind::Element, root_name, 0);
        document
    }

    /// A document of its own that holds a copy of `element`.
    #[must_use]
    pub fn from_element(element: Element<'_>) -> Self {
        let mut document = Self::blank();
        document.root = document.copy_in(element, 0);
        document
    }

    /// The root element.
    #[must_use]
    pub const fn root(&self) -> Element<'_> {
        Element::new(self, self.root)
    }

    /// The element that `id` names.
    #[must_use]
    pub const fn element(&self, id: NodeId) -> Element<'_> {
        Element::new(self, id)
    }

    /// How many bytes of its text a document no longer needs, after edits.
    #[must_use]
    pub const fn garbage(&self) -> usize {
        self.garbage
    }

    /// The same document without what edits have left behind; all ids change.
    #[must_use]
    pub fn compacted(&self) -> Self {
        Self::from_element(self.root())
    }

    /// Keeps a name that was derived from the document for as long as the document lives.
    #[must_use]
    pub fn derived_name(&self, text: &str) -> &str {
        let mut at = &self.kept;
        loop {
            let entry =
                at.get_or_init(|| Box::new(Kept { text: text.to_owned(), next: OnceLock::new() }));
            if entry.text == text {
                return &entry.text;
            }
            at = &entry.next;
        }
    }

    const fn blank() -> Self {
        Self {
            buffer: String::new(),
            nodes: Vec::new(),
            attributes: Vec::new(),
            root: NodeId(0),
            garbage: 0,
            kept: OnceLock::new(),
        }
    }

    fn text(&self, span: Span) -> &str {
        let start = span.start as usize;
        self.buffer.get(start..start + span.length as usize).unwrap_or_default()
    }

    /// Appends text to the buffer. A document is bounded by [`TEXT_MAX`]; what edits add beyond the
    /// range of a span is cut off rather than wrapped.
    fn keep(&mut self, text: &str) -> Span {
        let (Ok(start), Ok(length)) = (u32::try_from(self.buffer.len()), u32::try_from(text.len()))
        else {
            return Span::default();
        };
        self.buffer.push_str(text);
        Span { start, length }
    }

    fn add_node(&mut self, kind: Kind, name: &str, line: u32) -> NodeId {
        let name = self.keep(name);
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node {
            kind,
            name,
            text: Span::default(),
            line,
            parent: None,
            previous: None,
            next: None,
            first_child: None,
            last_child: None,
            first_attribute: None,
            last_attribute: None,
        });
        id
    }

    fn add_attribute(&mut self, id: NodeId, name: &str, value: &str) {
        let (name, value) = (self.keep(name), self.keep(value));
        let at = u32::try_from(self.attributes.len()).unwrap_or(u32::MAX);
        self.attributes.push(Attribute { name, value, next: None });
        match self.nodes[id.at()].last_attribute {
            Some(last) => self.attributes[last as usize].next = Some(at),
            None => self.nodes[id.at()].first_attribute = Some(at),
        }
        self.nodes[id.at()].last_attribute = Some(at);
    }

    fn link_last(&mut self, parent: NodeId, child: NodeId) {
        let last = self.nodes[parent.at()].last_child;
        self.nodes[child.at()].parent = Some(parent);
        self.nodes[child.at()].previous = last;
        self.nodes[child.at()].next = None;
        match last {
            Some(last) => self.nodes[last.at()].next = Some(child),
            None => self.nodes[parent.at()].first_child = Some(child),
        }
        self.nodes[parent.at()].last_child = Some(child);
    }

    /// Copies an element of any document in, without a parent. `depth` bounds the recursion; a
    /// parsed document is never deeper than [`DEPTH_MAX`].
    fn copy_in(&mut self, from: Element<'_>, depth: usize) -> NodeId {
        let id = self.add_node(from.kind(), from.name(), from.line());
        for (name, value) in from.attributes() {
            self.add_attribute(id, name, value);
        }
        if !from.text().is_empty() {
            self.nodes[id.at()].text = self.keep(from.text());
        }
        if depth < DEPTH_MAX {
            for child in from.nodes() {
                let copy = self.copy_in(child, depth + 1);
                self.link_last(id, copy);
            }
        }
        id
    }
}
