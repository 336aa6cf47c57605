//! `XPath` 1.0, as far as tools and agents use it on a CIB.
//!
//! Location paths over elements (`/`, `//`, `.`, `..`, `*`, the axes `self`, `child`, `parent`,
//! `ancestor`, `ancestor-or-self`, `descendant`, `descendant-or-self`, `following-sibling`,
//! `preceding-sibling` and `attribute`), unions, predicates with the operators of the standard and
//! its node-set, string and boolean functions. Variables, namespaces and node types other than
//! elements and attributes are refused with a reason. Work is bounded: an expression nests at most
//! [`DEPTH_MAX`] deep and visits at most [`VISITS_MAX`] nodes.

mod evaluate;
mod parse;

use crate::xml::{Document, NodeId};
use core::fmt;

/// How deep an expression may nest.
pub const DEPTH_MAX: usize = 32;
/// How many nodes one evaluation may visit.
pub const VISITS_MAX: usize = 20_000_000;

/// Why an expression cannot be evaluated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct XPathError {
    /// Where in the expression, in bytes from its start.
    pub at: usize,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for XPathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.at + 1, self.reason)
    }
}

impl core::error::Error for XPathError {}

/// The elements that an expression selects, in document order, each once. A path that ends in an
/// attribute selects the elements that have it.
///
/// # Errors
///
/// If the expression is malformed, is not a node set, or would cost too much.
pub fn select(document: &Document, expression: &str) -> Result<Vec<NodeId>, XPathError> {
    let parsed = parse::parse(expression)?;
    evaluate::select(document, &parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CIB: &str = "<cib><configuration><nodes><node id='1' uname='a'/><node id='2' uname='b'/>\
        </nodes><resources><group id='g'><primitive id='x' type='T'/><primitive id='y' type='U'>\
        <op id='o' name='monitor' interval='10'/></primitive></group><primitive id='z' type='T'/>\
        </resources></configuration><status/></cib>";

    fn ids(expression: &str) -> String {
        let document = Document::parse(CIB).unwrap();
        match select(&document, expression) {
            Ok(found) => {
                let name = |id: &NodeId| {
                    let element = document.element(*id);
                    element.attribute("id").unwrap_or_else(|| element.name()).to_owned()
                };
                found.iter().map(name).collect::<Vec<_>>().join(" ")
            }
            Err(error) => format!("error {error}"),
        }
    }

    #[test]
    fn paths_select_in_document_order_and_each_node_once() {
        for (expression, expected) in [
            ("/cib", "cib"),
            ("//primitive", "x y z"),
            ("/cib/configuration/resources/*", "g z"),
            ("//group/primitive[2]", "y"),
            ("//primitive[@type='T']", "x z"),
            ("//primitive[@type='T' and @id!='x']", "z"),
            ("//primitive[@type=\"U\" or @id='z']", "y z"),
            ("//primitive[not(op)]", "x z"),
            ("//primitive[starts-with(@id,'x')]|//node[@uname='b']", "2 x"),
            ("//*[@id='o']/..", "y"),
            ("//op[@name='monitor'][@interval='10']", "o"),
            ("//node[position()=last()]", "2"),
            ("//node/@uname", "1 2"),
            ("//primitive[count(op)=1]", "y"),
            ("//op/ancestor::group", "g"),
            ("//*[contains(@type,'T')]/following-sibling::*", "y"),
            ("/cib//resources//primitive[../self::group]", "x y"),
            ("//node[@id>1]", "2"),
            ("//nothing", ""),
            ("(//primitive)[1]", "x"),
        ] {
            assert_eq!(ids(expression), expected, "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_with_its_place() {
        for expression in
            ["", "//", "//a[", "//a[@b='c]", "$x", "//a[1", "a b", "f(", "1+1", "//a::b"]
        {
            assert!(ids(expression).starts_with("error at character"), "{expression}");
        }
        let deep = format!("//a[{}1{}]", "(".repeat(1000), ")".repeat(1000));
        assert!(ids(&deep).contains("nested"));
    }
}
