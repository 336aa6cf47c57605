//! Validation: what may stand where in a CIB, with errors that name line, element, attribute and
//! what was expected.
//!
//! One table ([`schema`]) describes the union of the dialects from `pacemaker-2.0` to
//! `pacemaker-4.0`; what only some of them know is marked there. `validate-with="none"` turns the
//! table off, but never the checks without which a CIB means nothing: unique ids and references
//! that lead somewhere.

mod schema;

use crate::xml::{Document, Element};
use core::fmt;
pub use schema::Dialect;
use schema::{Rule, Value};
use std::collections::BTreeMap;

/// The most findings that are gathered: a document wrong in every line need not be listed whole.
const FINDINGS_MAX: usize = 100;

/// Something that is wrong with a CIB.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The line, from 1; 0 where an edit has made the element.
    pub line: u32,
    /// Where: the element's path.
    pub path: String,
    /// What is wrong and what was expected: a sentence.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// Everything that is wrong with a CIB, in the document's order; empty for a valid one.
#[must_use]
pub fn check(document: &Document) -> Vec<Finding> {
    let mut checker = Checker { findings: Vec::new(), dialect: None };
    let root = document.root();
    if root.name() != "cib" {
        checker.find(root, "the root element has to be <cib>".to_owned());
        return checker.findings;
    }
    match root.attribute("validate-with") {
        None => checker.find(root, "the attribute validate-with is missing".to_owned()),
        Some("none") => {}
        Some(name) => match Dialect::parse(name) {
            Some(dialect) => checker.dialect = Some(dialect),
            None => checker.find(root, unknown_dialect(name)),
        },
    }
    if let Some(dialect) = checker.dialect {
        checker.element(root, &schema::CIB, dialect);
    }
    checker.identities(root);
    checker.findings
}

fn unknown_dialect(name: &str) -> String {
    format!("validate-with=\"{name}\": a schema from pacemaker-1.0 to pacemaker-4.0 is expected")
}

struct Checker {
    findings: Vec<Finding>,
    dialect: Option<Dialect>,
}

impl Checker {
    fn find(&mut self, element: Element<'_>, what: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { line: element.line(), path: element.path(), what });
        }
    }

    fn element(&mut self, element: Element<'_>, rule: &'static Rule, dialect: Dialect) {
        if rule.open {
            return;
        }
        for (name, value) in element.attributes() {
            let mut named = rule.attributes.iter().chain(schema::COMMON);
            let known = named.find(|a| a.name == name && dialect.knows(a.until));
            match known {
                None if rule.any_attribute || name.starts_with("xml:") => {}
                None => self.find(element, format!("<{}> has no attribute {name}", rule.name)),
                Some(attribute) if !attribute.value.admits(value) => {
                    let expected = attribute.value;
                    self.find(element, format!("{name}=\"{value}\": {expected} is expected"));
                }
                Some(_) => {}
            }
        }
        let refers = element.attribute("id-ref").is_some();
        for attribute in rule.attributes.iter().filter(|a| a.required && !refers) {
            if element.attribute(attribute.name).is_none() {
                let (owner, name) = (rule.name, attribute.name);
                self.find(element, format!("<{owner}> needs the attribute {name}"));
            }
        }
        for child in element.children() {
            match rule.child(child.name()) {
                None => {
                    let (owner, name) = (rule.name, child.name());
                    let expected = rule.children_text();
                    let what = format!("<{name}> may not stand in <{owner}>: {expected}");
                    self.find(child, what);
                }
                Some(below) if !dialect.knows(below.until) => {
                    let (name, dialect) = (child.name(), dialect.text());
                    self.find(child, format!("<{name}> does not exist in {dialect}"));
                }
                Some(below) => self.element(child, below, dialect),
            }
        }
    }

    fn identities(&mut self, root: Element<'_>) {
        let Some(configuration) = root.child("configuration") else {
            self.find(root, "<configuration> is missing in <cib>".to_owned());
            return;
        };
        let mut seen: BTreeMap<&str, Element<'_>> = BTreeMap::new();
        for element in configuration.descendants() {
            let Some(id) = element.attribute("id") else {
                continue;
            };
            // A reference to an object is not a second object.
            let in_acls = element.parent().is_some_and(|parent| parent.name() == "acls");
            let refers = matches!(element.name(), "obj_ref" | "role" | "resource_ref");
            // A node's id is the membership's, and may be anything.
            if element.name() == "node" || (refers && !in_acls) {
                continue;
            }
            if let Some(first) = seen.get(id) {
                let place = first.path();
                self.find(element, format!("the id \"{id}\" is already that of {place}"));
            } else {
                seen.insert(id, element);
            }
        }
        for element in configuration.descendants() {
            self.references(element, &seen);
        }
    }

    fn references(&mut self, element: Element<'_>, seen: &BTreeMap<&str, Element<'_>>) {
        let names: &[&str] = match element.name() {
            "rsc_colocation" => &["rsc", "with-rsc"],
            "rsc_order" => &["first", "then"],
            "rsc_location" | "rsc_ticket" => &["rsc"],
            "primitive" => &["template"],
            "resource_ref" => &["id"],
            _ => &[],
        };
        for name in names.iter().chain(&["id-ref"]) {
            if let Some(id) = element.attribute(name)
                && !seen.contains_key(id)
            {
                self.find(element, format!("{name}=\"{id}\" names nothing in this configuration"));
            }
        }
    }
}

impl Value {
    fn admits(self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Id => {
                let mut characters = text.chars();
                let first = characters.next();
                first.is_some_and(|c| c.is_alphabetic() || c == '_')
                    && characters.all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
            }
            Self::Number => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
            Self::Score => text.parse::<crate::score::Score>().is_ok(),
            Self::Boolean => crate::time::truth(text).is_some(),
            Self::OneOf(words) => words.contains(&text),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any text"),
            Self::Id => f.write_str(
                "a name that begins with a letter or _ and goes on with letters, digits, - _ or .",
            ),
            Self::Number => f.write_str("a number without sign"),
            Self::Score => f.write_str("an integer, INFINITY or -INFINITY"),
            Self::Boolean => f.write_str("true or false"),
            Self::OneOf(words) => write!(f, "one of {}", words.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests;
