//! What `cibadmin` and everything above it can do to a CIB, as functions on a document.
//!
//! A change is all or nothing: a refused one leaves the document as it was. A change of the
//! configuration raises `epoch` and sets `num_updates` to 0; a change of the status alone raises
//! `num_updates`; a change that changes nothing raises nothing.

mod merge;

use crate::patch::{self, PatchError};
use crate::upgrade::{self, Dialect, UpgradeError};
use crate::validate;
use crate::xml::{Document, Element, NodeId};
use crate::xpath;
use core::fmt;

/// What can be done; the names are `cibadmin`'s.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Read.
    Query,
    /// Add what must not exist yet.
    Create,
    /// Merge into what exists (and create it, if allowed).
    Modify,
    /// Put in the place of what exists.
    Replace,
    /// Remove what matches, the first one where an `XPath` is given.
    Delete,
    /// Remove everything that an `XPath` selects.
    DeleteAll,
    /// Apply a patch.
    Patch,
    /// Remove everything.
    Erase,
    /// Raise the epoch.
    Bump,
    /// Move to a newer schema: the one that the input's `validate-with` names, or the newest.
    Upgrade,
}

/// One operation. `section`, `xpath` and the flags mean what `cibadmin`'s options mean.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// What to do.
    pub kind: Kind,
    /// `--scope`: a section's name.
    pub section: Option<&'a str>,
    /// `--xpath`.
    pub xpath: Option<&'a str>,
    /// The element to work with, as XML text.
    pub input: Option<&'a str>,
    /// `--allow-create`.
    pub allow_create: bool,
    /// `--score`: evaluate `++` and `+=` in values.
    pub score: bool,
    /// `--no-children`.
    pub no_children: bool,
}

/// Why an operation was not carried out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The exit status that a tool ends with.
    pub rc: i32,
    /// What the tool says.
    pub message: String,
    /// A `<failed>` document for some refusals; empty for the others.
    pub details: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Refusal {}

impl Refusal {
    fn new(rc: i32, message: impl Into<String>) -> Self {
        Self { rc, message: message.into(), details: String::new() }
    }

    fn nothing() -> Self {
        Self::new(EXIT_NOSUCH, "No such device or address")
    }
}

/// What a change came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Applied {
    /// Whether anything is different.
    pub changed: bool,
    /// Whether the configuration is different, and so has to be made durable.
    pub configuration: bool,
}

/// Exit status: a value is not valid.
const EXIT_INVALID: i32 = 65;
/// Exit status: a patch does not fit.
const EXIT_PROTOCOL: i32 = 76;
/// Exit status: the configuration would not be valid.
const EXIT_CONFIG: i32 = 78;
/// Exit status: the new CIB is older than the one that stands.
const EXIT_OLD: i32 = 103;
/// Exit status: no such object.
const EXIT_NOSUCH: i32 = 105;
/// Exit status: it exists already.
const EXIT_EXISTS: i32 = 108;
/// Exit status: there is nothing to do.
const EXIT_ERROR: i32 = 1;

/// What a query selects. Several matches of an `XPath` come inside one `<xpath-query>`.
///
/// # Errors
///
/// If nothing matches, or the `XPath` is malformed.
pub fn query(document: &Document, operation: &Operation<'_>) -> Result<Document, Refusal> {
    let mut found = match operation.xpath {
        None => {
            let id = section(document, operation.section).ok_or_else(Refusal::nothing)?;
            Document::from_element(document.element(id))
        }
        Some(path) => match selected(document, path)?.as_slice() {
            [] => return Err(Refusal::nothing()),
            [one] => Document::from_element(document.element(*one)),
            several => {
                let mut all = Document::new("xpath-query");
                let root = all.root().id();
                for id in several {
                    all.append_copy(root, document.element(*id));
                }
                all
            }
        },
    };
    if operation.no_children {
        let root = found.root();
        let inside: Vec<NodeId> = if root.name() == "xpath-query" {
            root.children().flat_map(Element::nodes).map(Element::id).collect()
        } else {
            root.nodes().map(Element::id).collect()
        };
        inside.into_iter().for_each(|id| found.detach(id));
    }
    Ok(found)
}

/// Carries a change out and stamps the version; see the head of this file.
///
/// # Errors
///
/// If it is refused; the document is then as it was.
pub fn apply(document: &mut Document, operation: &Operation<'_>) -> Result<Applied, Refusal> {
    let mut work = document.clone();
    carry_out(&mut work, operation)?;
    let applied = stamp(document, &mut work, operation.kind);
    if applied.changed {
        let wasteful = work.garbage() > 64 * 1024;
        *document = if wasteful { work.compacted() } else { work };
    }
    Ok(applied)
}

/// Refuses a change after which more is wrong with the configuration than before. Whoever carries
/// out one operation or several asks this at the end.
///
/// # Errors
///
/// More is wrong than before; the message names it, one line each.
pub fn not_less_valid(before: &Document, after: &Document) -> Result<(), Refusal> {
    let found = validate::check(after);
    if found.is_empty() || found.len() <= validate::check(before).len() {
        return Ok(());
    }
    let mut message = "Update does not conform to the configured schema".to_owned();
    for finding in found {
        message.push('\n');
        message.push_str(&finding.to_string());
    }
    Err(Refusal::new(EXIT_CONFIG, message))
}

/// Compares a changed CIB with what it was and raises its version accordingly.
pub fn stamp(before: &Document, after: &mut Document, kind: Kind) -> Applied {
    let part = |document: &Document, name| {
        document.root().child(name).map(|element| Document::from_element(element).write_compact())
    };
    let same = |name| part(before, name) == part(after, name);
    let root_same = {
        let counted = |name: &str| matches!(name, "epoch" | "num_updates" | "admin_epoch");
        let rest = |d: &Document| -> Vec<(String, String)> {
            let all = d.root().attributes().filter(|(name, _)| !counted(name));
            all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        rest(before) == rest(after)
    };
    let number = |document: &Document, name: &str| -> u64 {
        document.root().attribute(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    };
    let configuration = !same("configuration") || !root_same || kind == Kind::Bump;
    let versions = |d: &Document| ["admin_epoch", "epoch", "num_updates"].map(|n| number(d, n));
    let renumbered = versions(before) != versions(after);
    let changed = configuration || renumbered || !same("status");
    // A document that came with a higher version of its own keeps it.
    let newer = versions(after)[..2] > versions(before)[..2];
    let root = after.root().id();
    if configuration && !newer {
        let epoch = number(before, "epoch").saturating_add(1);
        after.set_attribute(root, "epoch", &epoch.to_string());
        after.set_attribute(root, "num_updates", "0");
    } else if changed && !newer {
        let updates = number(before, "num_updates").saturating_add(1);
        after.set_attribute(root, "num_updates", &updates.to_string());
    }
    Applied { changed, configuration: configuration || newer }
}

/// The element of a section: `None` is the whole CIB.
#[must_use]
pub fn section(document: &Document, name: Option<&str>) -> Option<NodeId> {
    let root = document.root();
    let found = match name {
        None | Some("cib" | "all") => Some(root),
        Some(name @ ("configuration" | "status")) => root.child(name),
        Some(name) => root.child("configuration").and_then(|inside| inside.child(name)),
    };
    found.map(Element::id)
}

fn selected(document: &Document, path: &str) -> Result<Vec<NodeId>, Refusal> {
    xpath::select(document, path)
        .map_err(|error| Refusal::new(EXIT_INVALID, format!("XPath {path}: {error}")))
}

fn carry_out(work: &mut Document, operation: &Operation<'_>) -> Result<(), Refusal> {
    match operation.kind {
        Kind::Query | Kind::Bump => Ok(()),
        Kind::Patch => patched(work, operation),
        Kind::Upgrade => upgraded(work, operation),
        Kind::Erase => {
            for name in ["configuration", "status"] {
                empty(work, name);
            }
            Ok(())
        }
        Kind::Delete | Kind::DeleteAll => delete(work, operation),
        Kind::Create | Kind::Modify | Kind::Replace => {
            let text = operation.input.unwrap_or_default();
            let input = Document::parse(text)
                .map_err(|error| Refusal::new(EXIT_INVALID, format!("the input: {error}")))?;
            match operation.xpath {
                Some(path) => at_path(work, operation, path, &input),
                None => in_section(work, operation, &input),
            }
        }
    }
}

fn empty(work: &mut Document, name: &str) {
    let Some(part) = work.root().child(name) else {
        return;
    };
    let sections: Vec<(NodeId, bool)> = part
        .nodes()
        .map(|node| (node.id(), name == "configuration" && !node.is_comment()))
        .collect();
    for (id, keep) in sections {
        if keep {
            let inside: Vec<NodeId> = work.element(id).nodes().map(Element::id).collect();
            inside.into_iter().for_each(|id| work.detach(id));
        } else {
            work.detach(id);
        }
    }
}

fn delete(work: &mut Document, operation: &Operation<'_>) -> Result<(), Refusal> {
    if let Some(path) = operation.xpath {
        let found = selected(work, path)?;
        let most = if operation.kind == Kind::DeleteAll { found.len() } else { 1 };
        found.into_iter().take(most).for_each(|id| work.detach(id));
        return Ok(());
    }
    let text = operation.input.unwrap_or_default();
    let input = Document::parse(text)
        .map_err(|error| Refusal::new(EXIT_INVALID, format!("the input: {error}")))?;
    let within = section(work, operation.section).ok_or_else(Refusal::nothing)?;
    let matches = |element: &Element<'_>| {
        element.name() == input.root().name()
            && input.root().attributes().all(|(n, value)| element.attribute(n) == Some(value))
    };
    let found = work.element(within).descendants().find(matches).map(Element::id);
    if let Some(id) = found {
        work.detach(id);
    }
    Ok(())
}

fn at_path(
    work: &mut Document,
    operation: &Operation<'_>,
    path: &str,
    input: &Document,
) -> Result<(), Refusal> {
    let Some(id) = selected(work, path)?.first().copied() else {
        return Err(Refusal::nothing());
    };
    match operation.kind {
        Kind::Create => {
            work.append_copy(id, input.root());
        }
        Kind::Modify => merge::into(work, id, input.root(), operation.score),
        Kind::Replace => merge::replace(work, id, input.root()),
        Kind::Query
        | Kind::Delete
        | Kind::DeleteAll
        | Kind::Patch
        | Kind::Erase
        | Kind::Bump
        | Kind::Upgrade => {}
    }
    Ok(())
}

/// Rewrites the configuration in a newer dialect. It is a new one: `admin_epoch` is raised, and the
/// other counters begin again.
fn upgraded(work: &mut Document, operation: &Operation<'_>) -> Result<(), Refusal> {
    let target = match operation.input {
        None => None,
        Some(text) => {
            let input = Document::parse(text)
                .map_err(|error| Refusal::new(EXIT_INVALID, format!("the input: {error}")))?;
            let name = input.root().attribute("validate-with").unwrap_or_default();
            let unknown = || Refusal::new(EXIT_CONFIG, format!("the schema {name} is not known"));
            Some(Dialect::parse(name).ok_or_else(unknown)?)
        }
    };
    upgrade::upgrade(work, target).map_err(|error| {
        let rc = match error {
            UpgradeError::Unchanged => EXIT_ERROR,
            UpgradeError::NoDialect | UpgradeError::UnknownDialect(_) | UpgradeError::TooLarge => {
                EXIT_CONFIG
            }
        };
        Refusal::new(rc, error.to_string())
    })?;
    let root = work.root();
    let old = root.attribute("admin_epoch").and_then(|text| text.parse::<u64>().ok());
    let (root, admin_epoch) = (root.id(), old.unwrap_or(0).saturating_add(1));
    work.set_attribute(root, "admin_epoch", &admin_epoch.to_string());
    work.set_attribute(root, "epoch", "1");
    work.set_attribute(root, "num_updates", "0");
    Ok(())
}

/// Applies a patch, which has to start from the version that stands, if it names one.
fn patched(work: &mut Document, operation: &Operation<'_>) -> Result<(), Refusal> {
    let text = operation.input.unwrap_or_default();
    let input =
        Document::parse(text).map_err(|error| Refusal::new(EXIT_INVALID, error.to_string()))?;
    patch::apply(work, input.root(), true).map_err(|error| match error {
        PatchError::TooOld => {
            Refusal::new(EXIT_OLD, "Update was older than existing configuration")
        }
        PatchError::TooNew | PatchError::NoSuchPath(_) | PatchError::Format => {
            Refusal::new(EXIT_PROTOCOL, format!("Application of update diff failed: {error}"))
        }
    })
}

fn in_section(
    work: &mut Document,
    operation: &Operation<'_>,
    input: &Document,
) -> Result<(), Refusal> {
    // A whole CIB given for one section stands for that section of it.
    let mut given = input.root();
    if given.name() == "cib" && operation.section.is_some_and(|name| name != "cib" && name != "all")
    {
        let id = section(input, operation.section).ok_or_else(Refusal::nothing)?;
        given = input.element(id);
    }
    let within = match (section(work, operation.section), operation.section) {
        (Some(id), _) => id,
        (None, Some(name)) if operation.kind != Kind::Replace || operation.allow_create => {
            let configuration = work.root().child("configuration").map(Element::id);
            work.append_new(configuration.ok_or_else(Refusal::nothing)?, name)
        }
        (None, _) => return Err(Refusal::nothing()),
    };
    match operation.kind {
        Kind::Create => create(work, within, given),
        Kind::Modify => modify(work, within, given, operation),
        Kind::Replace => replace(work, within, given),
        Kind::Query
        | Kind::Delete
        | Kind::DeleteAll
        | Kind::Patch
        | Kind::Erase
        | Kind::Bump
        | Kind::Upgrade => Ok(()),
    }
}

fn create(work: &mut Document, within: NodeId, given: Element<'_>) -> Result<(), Refusal> {
    if work.element(within).name() == given.name() && given.attribute("id").is_none() {
        for (name, value) in given.attributes() {
            work.set_attribute(within, name, value);
        }
        return given.children().try_for_each(|child| create_one(work, within, child));
    }
    let parent = home(work, within, given).unwrap_or(within);
    create_one(work, parent, given)
}

fn create_one(work: &mut Document, parent: NodeId, given: Element<'_>) -> Result<(), Refusal> {
    let id = given.attribute("id");
    let twin = work
        .element(parent)
        .children()
        .find(|child| child.name() == given.name() && child.attribute("id") == id)
        .map(Element::id);
    match (twin, id) {
        (Some(_), Some(id)) => Err(exists(given, id)),
        (Some(twin), None) => given.children().try_for_each(|child| create_one(work, twin, child)),
        (None, _) => {
            work.append_copy(parent, given);
            Ok(())
        }
    }
}

fn exists(given: Element<'_>, id: &str) -> Refusal {
    let mut failed = Document::new("failed");
    let root = failed.root().id();
    let update = failed.append_new(root, "failed_update");
    for (name, value) in [
        ("id", id),
        ("object_type", given.name()),
        ("operation", "cib_create"),
        ("reason", "File exists"),
    ] {
        failed.set_attribute(update, name, value);
    }
    failed.append_copy(update, given);
    Refusal { rc: EXIT_EXISTS, message: "File exists".to_owned(), details: failed.write() }
}

/// Where an element given without a section belongs: `<primitive>` into `<resources>`, and so on.
fn home(work: &Document, within: NodeId, given: Element<'_>) -> Option<NodeId> {
    let name = match given.name() {
        "node" => "nodes",
        "primitive" | "group" | "clone" | "master" | "bundle" | "template" => "resources",
        "rsc_location" | "rsc_colocation" | "rsc_order" | "rsc_ticket" => "constraints",
        "cluster_property_set" => "crm_config",
        "node_state" | "tickets" => "status",
        "crm_config" | "rsc_defaults" | "op_defaults" | "nodes" | "resources" | "constraints"
        | "acls" | "fencing-topology" | "tags" | "alerts" => "configuration",
        _ => return None,
    };
    (work.element(within).name() == "cib").then(|| section(work, Some(name))).flatten()
}

fn modify(
    work: &mut Document,
    within: NodeId,
    given: Element<'_>,
    operation: &Operation<'_>,
) -> Result<(), Refusal> {
    let target = same_object(work.element(within), given).map(Element::id);
    match target {
        Some(id) => merge::into(work, id, given, operation.score),
        None if operation.allow_create => {
            let parent = home(work, within, given).unwrap_or(within);
            let id = work.append_new(parent, given.name());
            merge::into(work, id, given, operation.score);
        }
        None => return Err(Refusal::nothing()),
    }
    Ok(())
}

fn replace(work: &mut Document, within: NodeId, given: Element<'_>) -> Result<(), Refusal> {
    if given.name() == "cib" && work.element(within).name() == "cib" {
        let version = |element: Element<'_>| {
            ["admin_epoch", "epoch", "num_updates"].map(|name| {
                element.attribute(name).and_then(|v| v.parse::<u64>().ok()).unwrap_or(0)
            })
        };
        if version(given) < version(work.root()) {
            return Err(Refusal::new(EXIT_OLD, "Update was older than existing configuration"));
        }
    }
    let target = same_object(work.element(within), given).map(Element::id);
    merge::replace(work, target.ok_or_else(Refusal::nothing)?, given);
    Ok(())
}

/// The element itself or one below it that is the same object: same name, same id.
fn same_object<'d>(within: Element<'d>, given: Element<'_>) -> Option<Element<'d>> {
    let id = given.attribute("id");
    within
        .descendants()
        .find(|e| e.name() == given.name() && (id.is_none() || e.attribute("id") == id))
}

#[cfg(test)]
mod tests;
