//! Upstart, Nagios and rkt are gone, and with them everything that stands on them.

use crate::upgrade::work::Work;
use crate::xml::{Element, NodeId};
use std::collections::BTreeSet;

/// The attributes of constraints that name a resource.
const RESOURCES: [&str; 4] = ["rsc", "with-rsc", "first", "then"];

/// Removes what cannot run any more, then what speaks of nothing else.
pub(super) fn remove(work: &mut Work) {
    let mut gone = BTreeSet::new();
    for template in work.find(|element| element.name() == "template" && is_gone(*element)) {
        take(work, &mut gone, template, "agents of its class cannot be run any more");
    }
    let lost = work.find(|element| match element.name() {
        "primitive" => {
            is_gone(*element) || element.attribute("template").is_some_and(|id| gone.contains(id))
        }
        "bundle" => element.child("rkt").is_some(),
        _ => false,
    });
    for resource in lost {
        let what = if work.element(resource).name() == "bundle" {
            "containers of rkt cannot be run any more"
        } else {
            "agents of its class cannot be run any more"
        };
        take(work, &mut gone, resource, what);
    }
    if gone.is_empty() {
        return;
    }
    for kind in [&["group"][..], &["clone", "master"]] {
        let empty = work.find(|element| {
            let holds = |child: Element<'_>| matches!(child.name(), "primitive" | "group");
            kind.contains(&element.name()) && !element.children().any(holds)
        });
        for owner in empty {
            take(work, &mut gone, owner, "nothing is left in it");
        }
    }
    while speakers(work, &mut gone) {}
}

/// Whether an agent's class is gone.
fn is_gone(element: Element<'_>) -> bool {
    matches!(element.attribute("class"), Some("upstart" | "nagios"))
}

/// Removes an element; its id and those of everything in it are gone.
fn take(work: &mut Work, gone: &mut BTreeSet<String>, node: NodeId, what: &str) {
    let inside = work.element(node).descendants().filter(|element| work.has_own_id(element.id()));
    gone.extend(inside.filter_map(|element| element.attribute("id")).map(ToOwned::to_owned));
    work.drop_element(node, what);
}

/// Removes constraints, sets and tags that speak of nothing that is left; whether there were any.
fn speakers(work: &mut Work, gone: &mut BTreeSet<String>) -> bool {
    let names = |element: &Element<'_>, attribute: &str| {
        element.attribute(attribute).is_some_and(|id| gone.contains(id))
    };
    let references = work.find(|element| {
        matches!(element.name(), "resource_ref" | "obj_ref") && names(element, "id")
    });
    let constraints = work.find(|element| {
        element.parent().is_some_and(|parent| parent.name() == "constraints")
            && RESOURCES.iter().any(|attribute| names(element, attribute))
    });
    let any = !references.is_empty() || !constraints.is_empty();
    for reference in references {
        let around = work.element(reference).parent().map(Element::id);
        work.document.detach(reference);
        if let Some(around) = around.filter(|at| work.element(*at).children().next().is_none()) {
            empty(work, gone, around);
        }
    }
    for constraint in constraints {
        take(work, gone, constraint, "what it constrains is gone");
    }
    any
}

/// Removes a tag or a set in which nothing is left, and a constraint without any set.
fn empty(work: &mut Work, gone: &mut BTreeSet<String>, node: NodeId) {
    let around = work.element(node).parent().map(Element::id);
    take(work, gone, node, "what it names is gone");
    let Some(around) = around.filter(|at| work.element(*at).name().starts_with("rsc_")) else {
        return;
    };
    if work.element(around).child("resource_set").is_none() {
        take(work, gone, around, "what it constrains is gone");
    }
}
