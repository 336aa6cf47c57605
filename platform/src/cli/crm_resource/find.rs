//! Resources in the configuration: by name, with what contains them.

use super::super::exit::Exit;
use super::super::run::Failure;
use diarch_cib::xml::{Document, Element};

/// The elements that are resources.
const KINDS: &[&str] = &["primitive", "group", "clone", "master", "bundle"];

/// Whether an element is a resource.
pub(super) fn is_resource(element: Element<'_>) -> bool {
    KINDS.contains(&element.name())
}

/// The resources at the top of the configuration, in order.
pub(super) fn top(cib: &Document) -> Vec<Element<'_>> {
    cib.root()
        .child("configuration")
        .and_then(|configuration| configuration.child("resources"))
        .map(|resources| resources.children().filter(|e| is_resource(*e)).collect())
        .unwrap_or_default()
}

/// The resource with this name; a number after a colon names an instance of a clone.
pub(super) fn resource<'d>(cib: &'d Document, name: &str) -> Result<Element<'d>, Failure> {
    let base = without_instance(name);
    let found = all(cib).into_iter().find(|resource| {
        let id = resource.attribute("id");
        id == Some(name) || id == Some(base)
    });
    found.ok_or_else(|| no_resource(name))
}

/// All resources, containers before what they contain.
pub(super) fn all(cib: &Document) -> Vec<Element<'_>> {
    top(cib)
        .into_iter()
        .flat_map(|resource| resource.descendants().filter(|e| is_resource(*e)))
        .collect()
}

/// The message for a name that nothing has.
pub(super) fn no_resource(name: &str) -> Failure {
    Failure::new(
        Exit::NoSuch,
        format!("Resource '{name}' not found\nError performing operation: No such object"),
    )
}

/// A name without the number of an instance.
pub(super) fn without_instance(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((base, number)) if !number.is_empty() && is_number(number) => base,
        _ => name,
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A resource's name.
pub(super) fn id(resource: Element<'_>) -> &str {
    resource.attribute("id").unwrap_or_default()
}

/// Whether a resource has instances.
pub(super) fn is_clone(resource: Element<'_>) -> bool {
    matches!(resource.name(), "clone" | "master")
}

/// The clone that a resource is in, or that it is.
pub(super) fn clone_of(resource: Element<'_>) -> Option<Element<'_>> {
    let mut here = Some(resource);
    while let Some(element) = here {
        if is_clone(element) {
            return Some(element);
        }
        here = element.parent().filter(|parent| is_resource(*parent));
    }
    None
}

/// The resource at the top that contains this one, or this one itself.
pub(super) fn collective(resource: Element<'_>) -> Element<'_> {
    let mut here = resource;
    while let Some(parent) = here.parent().filter(|parent| is_resource(*parent)) {
        here = parent;
    }
    here
}

/// The primitives in a resource, or itself.
pub(super) fn primitives(resource: Element<'_>) -> Vec<Element<'_>> {
    resource.descendants().filter(|element| element.name() == "primitive").collect()
}

/// Whether instances of this clone (or of the clone it is in) can be promoted.
pub(super) fn is_promotable(resource: Element<'_>) -> bool {
    clone_of(resource).is_some_and(|clone| {
        clone.name() == "master" || is_true(meta(clone, "promotable").unwrap_or_default())
    })
}

/// A boolean as the CIB writes it.
pub(super) fn is_true(text: &str) -> bool {
    ["1", "true", "on", "yes", "y"].iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// A meta-attribute that a resource itself sets (rules aside).
pub(super) fn meta<'d>(resource: Element<'d>, name: &str) -> Option<&'d str> {
    pair(resource, "meta_attributes", name)
}

/// The value of a pair in one of an element's own sets.
pub(super) fn pair<'d>(holder: Element<'d>, set_type: &str, name: &str) -> Option<&'d str> {
    holder
        .children()
        .filter(|set| set.name() == set_type)
        .flat_map(Element::children)
        .find(|pair| pair.attribute("name") == Some(name))
        .and_then(|pair| pair.attribute("value"))
}

/// `class:provider:type`, as messages show an agent.
pub(super) fn agent_name(primitive: Element<'_>) -> String {
    let mut name = primitive.attribute("class").unwrap_or_default().to_owned();
    for part in ["provider", "type"] {
        if let Some(text) = primitive.attribute(part) {
            name.push(':');
            name.push_str(text);
        }
    }
    name
}

/// The names of all configured nodes, in order.
pub(super) fn nodes(cib: &Document) -> Vec<&str> {
    cib.root()
        .child("configuration")
        .and_then(|configuration| configuration.child("nodes"))
        .map(|nodes| {
            nodes.children_named("node").filter_map(|node| node.attribute("uname")).collect()
        })
        .unwrap_or_default()
}

/// Fails unless there is a node with this name.
pub(super) fn check_node(cib: &Document, name: &str) -> Result<(), Failure> {
    if nodes(cib).contains(&name) || all(cib).iter().any(|resource| id(*resource) == name) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::NoSuch,
        format!("Node '{name}' not found\nError performing operation: No such object"),
    ))
}
