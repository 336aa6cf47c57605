//! A cursor on one element: everything it returns lives as long as the document.

use super::{Document, Kind, NodeId};

/// One element of a document.
#[derive(Clone, Copy)]
pub struct Element<'d> {
    document: &'d Document,
    id: NodeId,
}

impl core::fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Element({})", self.path())
    }
}

impl<'d> Element<'d> {
    pub(super) const fn new(document: &'d Document, id: NodeId) -> Self {
        Self { document, id }
    }

    fn node(self) -> &'d super::Node {
        &self.document.nodes[self.id.at()]
    }

    pub(super) fn kind(self) -> Kind {
        self.node().kind
    }

    fn at(self, id: NodeId) -> Self {
        Self { document: self.document, id }
    }

    /// Its id in the document.
    #[must_use]
    pub const fn id(self) -> NodeId {
        self.id
    }

    /// The document that it belongs to.
    #[must_use]
    pub const fn document(self) -> &'d Document {
        self.document
    }

    /// Its name. A comment's is its text; comments are met only through [`Self::nodes`].
    #[must_use]
    pub fn name(self) -> &'d str {
        self.document.text(self.node().name)
    }

    /// Whether this is a comment and not an element.
    #[must_use]
    pub fn is_comment(self) -> bool {
        self.kind() == Kind::Comment
    }

    /// The line it began on when it was parsed, from 1; 0 if it was made by an edit.
    #[must_use]
    pub fn line(self) -> u32 {
        self.node().line
    }

    /// The character data directly inside, without the white space around it.
    #[must_use]
    pub fn text(self) -> &'d str {
        self.document.text(self.node().text)
    }

    /// The value of the attribute `name`.
    #[must_use]
    pub fn attribute(self, name: &str) -> Option<&'d str> {
        self.attributes().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Its attributes in order.
    #[must_use]
    pub fn attributes(self) -> Attributes<'d> {
        Attributes { document: self.document, next: self.node().first_attribute }
    }

    /// The element around it.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.node().parent.map(|id| self.at(id))
    }

    /// Its children in order, comments included.
    #[must_use]
    pub fn nodes(self) -> Children<'d> {
        Children { document: self.document, next: self.node().first_child }
    }

    /// Its child elements in order.
    pub fn children(self) -> impl Iterator<Item = Self> + use<'d> {
        self.nodes().filter(|child| !child.is_comment())
    }

    /// Its first child element called `name`.
    #[must_use]
    pub fn child(self, name: &str) -> Option<Self> {
        self.children().find(|child| child.name() == name)
    }

    /// Its child elements called `name`.
    pub fn children_named<'n>(self, name: &'n str) -> impl Iterator<Item = Self> + use<'d, 'n> {
        self.children().filter(move |child| child.name() == name)
    }

    /// Itself and every element below it, in document order.
    #[must_use]
    pub fn descendants(self) -> Descendants<'d> {
        Descendants { top: self, next: Some(self) }
    }

    /// Where it is: `/cib/configuration/resources/primitive[@id='x']`.
    #[must_use]
    pub fn path(self) -> String {
        let mut path = self.parent().map(Self::path).unwrap_or_default();
        path.push('/');
        path.push_str(if self.is_comment() { "comment()" } else { self.name() });
        if let Some(id) = self.attribute("id") {
            path.push_str("[@id='");
            path.push_str(id);
            path.push_str("']");
        }
        path
    }

    fn next_sibling(self) -> Option<Self> {
        self.node().next.map(|id| self.at(id))
    }
}

/// The attributes of one element.
#[derive(Clone, Debug)]
pub struct Attributes<'d> {
    document: &'d Document,
    next: Option<u32>,
}

impl<'d> Iterator for Attributes<'d> {
    type Item = (&'d str, &'d str);

    fn next(&mut self) -> Option<Self::Item> {
        let attribute = self.document.attributes[self.next? as usize];
        self.next = attribute.next;
        Some((self.document.text(attribute.name), self.document.text(attribute.value)))
    }
}

/// The children of one element.
#[derive(Clone, Debug)]
pub struct Children<'d> {
    document: &'d Document,
    next: Option<NodeId>,
}

impl<'d> Iterator for Children<'d> {
    type Item = Element<'d>;

    fn next(&mut self) -> Option<Self::Item> {
        let child = Element { document: self.document, id: self.next? };
        self.next = child.node().next;
        Some(child)
    }
}

/// An element and everything below it.
#[derive(Clone, Debug)]
pub struct Descendants<'d> {
    top: Element<'d>,
    next: Option<Element<'d>>,
}

impl<'d> Iterator for Descendants<'d> {
    type Item = Element<'d>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let here = self.next?;
            self.next = here.nodes().next().or_else(|| {
                let mut up = Some(here).filter(|e| e.id != self.top.id);
                while let Some(element) = up {
                    if let Some(next) = element.next_sibling() {
                        return Some(next);
                    }
                    up = element.parent().filter(|parent| parent.id != self.top.id);
                }
                None
            });
            if !here.is_comment() {
                return Some(here);
            }
        }
    }
}
