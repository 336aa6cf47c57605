//! Patches, format 2: what changed between two CIBs, and how to make the same change again.
//!
//! ```xml
//! <diff format="2">
//!   <version><source admin_epoch="0" epoch="5" num_updates="0"/><target …/></version>
//!   <change operation="create" path="/cib/configuration" position="0"><nodes/></change>
//!   <change operation="modify" path="/cib"><change-list>…</change-list><change-result>…
//!   <change operation="move" path="/cib/…/x[@id='y']" position="1"/>
//!   <change operation="delete" path="/cib/…/x[@id='y']"/>
//! </diff>
//! ```
//!
//! Elements are the same object if name and id are. Deletions come first; what is created or moved
//! names the position that it has in the result, in ascending order below each parent.

use crate::xml::{Document, Element, NodeId};
use core::fmt;

/// The attributes that make up a CIB's version.
const VERSION: [&str; 3] = ["admin_epoch", "epoch", "num_updates"];

/// Why a patch does not apply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PatchError {
    /// It is not a `<diff format="2">`.
    Format,
    /// It starts from an older version than the CIB has.
    TooOld,
    /// It starts from a newer version than the CIB has: the whole CIB is needed.
    TooNew,
    /// It names a place that is not there.
    NoSuchPath(String),
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str("this is no patch of format 2"),
            Self::TooOld => f.write_str("the patch starts from an older version"),
            Self::TooNew => f.write_str("the patch starts from a newer version"),
            Self::NoSuchPath(path) => write!(f, "the patch changes {path}, which is not there"),
        }
    }
}

impl core::error::Error for PatchError {}

/// The patch that turns `old` into `new`; nothing where they are the same.
#[must_use]
pub fn make(old: &Document, new: &Document) -> Option<Document> {
    let mut patch = Document::new("diff");
    let root = patch.root().id();
    patch.set_attribute(root, "format", "2");
    let version = patch.append_new(root, "version");
    for (name, document) in [("source", old), ("target", new)] {
        let side = patch.append_new(version, name);
        for part in VERSION {
            patch.set_attribute(side, part, document.root().attribute(part).unwrap_or("0"));
        }
    }
    let mut maker = Maker { patch, root };
    maker.deletions(old.root(), new.root());
    maker.changes(old.root(), new.root());
    (maker.patch.root().children().count() > 1).then_some(maker.patch)
}

struct Maker {
    patch: Document,
    root: NodeId,
}

/// Whether two elements stand for the same object.
fn same(a: Element<'_>, b: Element<'_>) -> bool {
    a.is_comment() == b.is_comment()
        && a.name() == b.name()
        && a.attribute("id") == b.attribute("id")
}

/// The child of `parent` that stands for the same object as `child`: the same one of several that
/// are alike.
fn twin<'d>(parent: Element<'d>, child: Element<'_>) -> Option<Element<'d>> {
    let before = child.parent().into_iter().flat_map(|own| {
        own.nodes().take_while(|other| other.id() != child.id()).filter(|other| same(*other, child))
    });
    let rank = before.count();
    parent.nodes().filter(|other| same(*other, child)).nth(rank)
}

impl Maker {
    fn change(&mut self, operation: &str, path: &str, position: Option<usize>) -> NodeId {
        let change = self.patch.append_new(self.root, "change");
        self.patch.set_attribute(change, "operation", operation);
        self.patch.set_attribute(change, "path", path);
        if let Some(position) = position {
            self.patch.set_attribute(change, "position", &position.to_string());
        }
        change
    }

    fn deletions(&mut self, old: Element<'_>, new: Element<'_>) {
        // From the last to the first, so that the ranks of what is alike stay true.
        let nodes: Vec<Element<'_>> = old.nodes().collect();
        for child in nodes.into_iter().rev() {
            match twin(new, child) {
                Some(kept) => self.deletions(child, kept),
                None => {
                    self.change("delete", &path_of(child), None);
                }
            }
        }
    }

    fn changes(&mut self, old: Element<'_>, new: Element<'_>) {
        self.attributes(old, new);
        // What is left of the old children, in their old order, decides who has moved.
        let mut order: Vec<NodeId> =
            old.nodes().filter_map(|child| twin(new, child)).map(Element::id).collect();
        for (position, child) in new.nodes().enumerate() {
            match twin(old, child) {
                None => {
                    let change = self.change("create", &path_of(new), Some(position));
                    self.patch.append_copy(change, child);
                    order.insert(position.min(order.len()), child.id());
                }
                Some(before) => {
                    if order.get(position) != Some(&child.id()) {
                        self.change("move", &path_of(child), Some(position));
                        order.retain(|id| *id != child.id());
                        order.insert(position.min(order.len()), child.id());
                    }
                    self.changes(before, child);
                }
            }
        }
    }

    fn attributes(&mut self, old: Element<'_>, new: Element<'_>) {
        let set = new.attributes().filter(|(name, value)| old.attribute(name) != Some(value));
        let set: Vec<(&str, Option<&str>)> = set.map(|(name, value)| (name, Some(value))).collect();
        let gone = old.attributes().filter(|(name, _)| new.attribute(name).is_none());
        let all: Vec<_> = gone.map(|(name, _)| (name, None)).chain(set).collect();
        // Another order of the same attributes is a change, too: copies are to be the same text.
        if all.is_empty() && old.attributes().eq(new.attributes()) {
            return;
        }
        let change = self.change("modify", &path_of(new), None);
        let list = self.patch.append_new(change, "change-list");
        for (name, value) in all {
            let item = self.patch.append_new(list, "change-attr");
            self.patch.set_attribute(item, "name", name);
            self.patch.set_attribute(item, "operation", value.map_or("unset", |_| "set"));
            if let Some(value) = value {
                self.patch.set_attribute(item, "value", value);
            }
        }
        let result = self.patch.append_new(change, "change-result");
        let whole = self.patch.append_new(result, new.name());
        for (name, value) in new.attributes() {
            self.patch.set_attribute(whole, name, value);
        }
    }
}

/// Where an element is; of several that are alike the rank is given, too.
fn path_of(element: Element<'_>) -> String {
    let mut path = element.parent().map(path_of).unwrap_or_default();
    path.push('/');
    path.push_str(if element.is_comment() { "comment()" } else { element.name() });
    if let Some(id) = element.attribute("id") {
        path.push_str("[@id='");
        path.push_str(id);
        path.push_str("']");
    } else if let Some(parent) = element.parent() {
        let alike = |other: &Element<'_>| same_kind(*other, element);
        let rank = parent.nodes().filter(alike).take_while(|e| e.id() != element.id()).count();
        if rank > 0 {
            path.push_str(&format!("[{}]", rank + 1));
        }
    }
    path
}

/// Whether two elements without id cannot be told apart in a path.
fn same_kind(other: Element<'_>, element: Element<'_>) -> bool {
    other.attribute("id").is_none()
        && other.is_comment() == element.is_comment()
        && (element.is_comment() || other.name() == element.name())
}

/// The node at a path of a patch.
fn find(document: &Document, path: &str) -> Option<NodeId> {
    let mut steps = split(path).into_iter();
    let first = steps.next()?;
    let mut here = document.root();
    if first.name != here.name() {
        return None;
    }
    for step in steps {
        here = match (step.id, step.name) {
            (Some(id), name) => {
                here.children().find(|e| e.name() == name && e.attribute("id") == Some(id))?
            }
            (None, "comment()") => here.nodes().filter(|e| e.is_comment()).nth(step.rank)?,
            (None, name) => {
                here.children()
                    .filter(|e| e.name() == name && e.attribute("id").is_none())
                    .nth(step.rank)
                    // A path may leave out the id of the only element of its name.
                    .or_else(|| here.children().filter(|e| e.name() == name).nth(step.rank))?
            }
        };
    }
    Some(here.id())
}

struct PathStep<'p> {
    name: &'p str,
    id: Option<&'p str>,
    rank: usize,
}

fn split(path: &str) -> Vec<PathStep<'_>> {
    let mut steps = Vec::new();
    let mut rest = path.trim_start_matches('/');
    while !rest.is_empty() {
        let name_end = rest.find(['/', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_end);
        let (mut id, mut rank, mut after) = (None, 0, after);
        if let Some(inside) = after.strip_prefix("[@id='") {
            let end = inside.find("']").unwrap_or(inside.len());
            id = Some(&inside[..end]);
            after = inside.get(end + 2..).unwrap_or_default();
        } else if let Some(inside) = after.strip_prefix('[') {
            let end = inside.find(']').unwrap_or(inside.len());
            rank = inside[..end].parse::<usize>().unwrap_or(1).saturating_sub(1);
            after = inside.get(end + 1..).unwrap_or_default();
        }
        steps.push(PathStep { name, id, rank });
        rest = after.trim_start_matches('/');
    }
    steps
}

/// Applies a patch. `check` demands that the CIB has just the version that the patch starts from.
///
/// # Errors
///
/// If it does not apply; the document is then as it was.
pub fn apply(document: &mut Document, patch: Element<'_>, check: bool) -> Result<(), PatchError> {
    if patch.name() != "diff" || patch.attribute("format") != Some("2") {
        return Err(PatchError::Format);
    }
    let version = |element: Element<'_>| {
        VERSION.map(|name| element.attribute(name).and_then(|v| v.parse::<u64>().ok()).unwrap_or(0))
    };
    if let Some(source) = patch.child("version").and_then(|version| version.child("source"))
        && check
    {
        match version(source).cmp(&version(document.root())) {
            core::cmp::Ordering::Less => return Err(PatchError::TooOld),
            core::cmp::Ordering::Greater => return Err(PatchError::TooNew),
            core::cmp::Ordering::Equal => {}
        }
    }
    let mut work = document.clone();
    let mut placed = Vec::new();
    for change in patch.children_named("change") {
        place(&mut work, change, &mut placed)?;
    }
    // Ascending positions, so that each finds its predecessors already there.
    placed.sort_by_key(|(position, ..)| *position);
    for (position, id, parent, new) in placed {
        match new {
            Some(element) => {
                work.insert_copy(parent, position, element);
            }
            None => work.move_to(id, position),
        }
    }
    *document = work;
    Ok(())
}

/// A node to be put at a position: which, below which parent, and the new element if it is new.
type Placed<'p> = (usize, NodeId, NodeId, Option<Element<'p>>);

fn place<'p>(
    work: &mut Document,
    change: Element<'p>,
    placed: &mut Vec<Placed<'p>>,
) -> Result<(), PatchError> {
    let path = change.attribute("path").ok_or(PatchError::Format)?;
    let id = find(work, path);
    let missing = || PatchError::NoSuchPath(path.to_owned());
    let position = change.attribute("position").and_then(|text| text.parse().ok());
    match change.attribute("operation") {
        // What is gone already has been deleted with an element around it.
        Some("delete") => {
            if let Some(id) = id {
                work.detach(id);
            }
        }
        Some("modify") => modify(work, id.ok_or_else(missing)?, change),
        Some("create") => {
            let parent = id.ok_or_else(missing)?;
            for element in change.nodes() {
                match position {
                    Some(position) => placed.push((position, parent, parent, Some(element))),
                    None => {
                        work.append_copy(parent, element);
                    }
                }
            }
        }
        Some("move") => {
            let id = id.ok_or_else(missing)?;
            placed.push((position.unwrap_or(usize::MAX), id, id, None));
        }
        Some(_) | None => return Err(PatchError::Format),
    }
    Ok(())
}

fn modify(work: &mut Document, id: NodeId, change: Element<'_>) {
    if let Some(result) = change.child("change-result").and_then(|result| result.children().next())
    {
        // The whole set of attributes in its order: the result is the same to the letter.
        let old: Vec<String> =
            work.element(id).attributes().map(|(name, _)| name.to_owned()).collect();
        old.iter().for_each(|name| {
            work.remove_attribute(id, name);
        });
        for (name, value) in result.attributes() {
            work.set_attribute(id, name, value);
        }
        return;
    }
    for item in change.child("change-list").into_iter().flat_map(Element::children) {
        match (item.attribute("name"), item.attribute("operation"), item.attribute("value")) {
            (Some(name), Some("unset"), _) => {
                work.remove_attribute(id, name);
            }
            (Some(name), _, Some(value)) => work.set_attribute(id, name, value),
            (_, _, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "<cib epoch=\"1\"><configuration><nodes><node id=\"1\"/><node id=\"2\"/>\
        <node id=\"3\"/></nodes><resources><primitive id=\"x\" a=\"1\" b=\"2\"/></resources>\
        </configuration><status/></cib>";

    fn round_trip(new: &str) -> String {
        let (mut document, new) = (Document::parse(OLD).unwrap(), Document::parse(new).unwrap());
        let patch = make(&document, &new).unwrap();
        let patch = Document::parse(&patch.write()).unwrap();
        apply(&mut document, patch.root(), true).unwrap();
        assert_eq!(document.write(), new.write(), "{}", patch.write());
        let changes = patch.root().children_named("change");
        changes.map(|change| change.attribute("operation").unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_kind_of_change_is_made_again() {
        for (from, to, expected) in [
            ("epoch=\"1\"", "epoch=\"2\"", "modify"),
            ("<node id=\"2\"/>", "", "delete"),
            ("<node id=\"2\"/>", "<node id=\"2\"/><node id=\"4\"/>", "create"),
            ("<node id=\"1\"/>", "<node id=\"0\"/><node id=\"1\"/>", "create"),
            ("<node id=\"1\"/><node id=\"2\"/>", "<node id=\"2\"/><node id=\"1\"/>", "move"),
            ("a=\"1\" b=\"2\"", "b=\"3\" c=\"4\"", "modify"),
            ("<status/>", "<status><!-- a --><!-- b --><x/><x y=\"1\"/></status>", ""),
        ] {
            let operations = round_trip(&OLD.replace(from, to));
            assert!(operations.starts_with(expected), "{operations} for {to}");
        }
    }

    #[test]
    fn every_order_of_three_nodes_is_reached() {
        let all = "<node id=\"1\"/><node id=\"2\"/><node id=\"3\"/>";
        for order in ["132", "213", "231", "312", "321", "31", "2", "1423", "4321", "35241"] {
            let nodes: String = order.chars().map(|id| format!("<node id=\"{id}\"/>")).collect();
            round_trip(&OLD.replace(all, &nodes));
        }
    }

    #[test]
    fn equal_documents_have_no_patch() {
        let document = Document::parse(OLD).unwrap();
        assert!(make(&document, &document).is_none());
    }

    #[test]
    fn a_patch_from_another_version_changes_nothing() {
        let old = Document::parse(OLD).unwrap();
        let new = Document::parse(&OLD.replace("epoch=\"1\"", "epoch=\"2\"")).unwrap();
        let patch = make(&old, &new).unwrap();
        let mut later = new.clone();
        assert_eq!(apply(&mut later, patch.root(), true), Err(PatchError::TooOld));
        assert_eq!(later.write(), new.write());
        let back = make(&new, &old).unwrap();
        let mut earlier = old.clone();
        assert_eq!(apply(&mut earlier, back.root(), true), Err(PatchError::TooNew));
        assert!(apply(&mut earlier, back.root(), false).is_ok() || earlier.write() == old.write());
    }

    #[test]
    fn nonsense_does_not_apply() {
        for text in [
            "<diff/>",
            "<diff format='2'><change operation='modify' path='/cib/none'/></diff>",
            "<diff format='2'><change operation='what' path='/cib'/></diff>",
            "<diff format='2'><change operation='create'/></diff>",
        ] {
            let mut document = Document::parse(OLD).unwrap();
            let patch = Document::parse(text).unwrap();
            assert!(apply(&mut document, patch.root(), true).is_err(), "{text}");
        }
    }
}
