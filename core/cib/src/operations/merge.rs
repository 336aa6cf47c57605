//! Merging one element into another, and putting one in the place of another.

use crate::score::Score;
use crate::xml::{Document, Element, NodeId};

/// Merges attributes and children of `given` into the element `target`: what is the same object
/// (same name, same id) is merged in turn, what is not there is added.
pub(super) fn into(work: &mut Document, target: NodeId, given: Element<'_>, score: bool) {
    for (name, value) in given.attributes() {
        let old = work.element(target).attribute(name);
        match score.then(|| expand(old, name, value)).flatten() {
            Some(value) => work.set_attribute(target, name, &value),
            None => work.set_attribute(target, name, value),
        }
    }
    if !given.text().is_empty() {
        work.set_text(target, given.text());
    }
    for child in given.children() {
        let id = child.attribute("id");
        let twin = work
            .element(target)
            .children()
            .find(|other| other.name() == child.name() && other.attribute("id") == id)
            .map(Element::id);
        let twin = twin.unwrap_or_else(|| work.append_new(target, child.name()));
        into(work, twin, child, score);
    }
}

/// What `value` means for an attribute `name` that has the value `old`: `NAME++` and `NAME+=N`
/// count up in score arithmetic, everything else is itself.
fn expand(old: Option<&str>, name: &str, value: &str) -> Option<String> {
    let rest = value.strip_prefix(name)?;
    let step = match rest {
        "++" => Score::from(1),
        _ => rest.strip_prefix("+=")?.parse().ok()?,
    };
    let old = old.and_then(|old| old.parse().ok()).unwrap_or(Score::ZERO);
    Some((old + step).to_string())
}

/// Puts a copy of `given` in the place of `target`.
pub(super) fn replace(work: &mut Document, target: NodeId, given: Element<'_>) {
    let Some(parent) = work.element(target).parent() else {
        // The root cannot be taken out: it gets the new attributes and children instead.
        *work = Document::from_element(given);
        return;
    };
    let position = parent.nodes().take_while(|node| node.id() != target).count();
    let parent = parent.id();
    work.detach(target);
    work.insert_copy(parent, position, given);
}
