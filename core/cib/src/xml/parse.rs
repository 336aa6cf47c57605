//! Text to document, for text that may come from anywhere.

use super::{Document, Kind, NodeId};
use core::fmt;

/// The longest text that is parsed, in bytes.
pub const TEXT_MAX: usize = 256 << 20;
/// The deepest nesting of elements.
pub const DEPTH_MAX: usize = 200;
/// The most nodes of a document.
const NODES_MAX: u32 = 8 << 20;

/// Why a text is no document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.reason)
    }
}

impl core::error::Error for ParseError {}

impl Document {
    /// Parses a document. A document type declaration is refused, and with it every entity.
    ///
    /// # Errors
    ///
    /// If the text is not well-formed, too long, too deep, or has too many nodes.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > TEXT_MAX {
            return Err(whole(format!("longer than {TEXT_MAX} bytes")));
        }
        check_depth(text)?;
        let options = roxmltree::ParsingOptions {
            allow_dtd: false,
            nodes_limit: NODES_MAX,
            ..roxmltree::ParsingOptions::default()
        };
        let parsed = roxmltree::Document::parse_with_options(text, options).map_err(|error| {
            let at = error.pos();
            ParseError { line: at.row, column: at.col, reason: error.to_string() }
        })?;
        let mut document = Self::blank();
        document.buffer.reserve(text.len());
        let mut lines = Lines { text: text.as_bytes(), offset: 0, line: 1 };
        document.root = document.read_in(parsed.root_element(), &mut lines);
        Ok(document)
    }

    fn read_in(&mut self, from: roxmltree::Node<'_, '_>, lines: &mut Lines<'_>) -> NodeId {
        let line = lines.at(from.range().start);
        let name = from.tag_name().name();
        let id = self.add_node(Kind::Element, name, line);
        for attribute in from.attributes() {
            match attribute.namespace() {
                // `xml:id` and its like keep their prefix; others are not used in a CIB.
                Some("http://www.w3.org/XML/1998/namespace") => {
                    let name = format!("xml:{}", attribute.name());
                    self.add_attribute(id, &name, attribute.value());
                }
                _ => self.add_attribute(id, attribute.name(), attribute.value()),
            }
        }
        let mut words = String::new();
        for child in from.children() {
            if child.is_element() {
                let copy = self.read_in(child, lines);
                self.link_last(id, copy);
            } else if child.is_comment() {
                let line = lines.at(child.range().start);
                let text = child.text().unwrap_or_default();
                let comment = self.add_node(Kind::Comment, text, line);
                self.link_last(id, comment);
            } else if let Some(text) = child.text() {
                words.push_str(text);
            }
        }
        if !words.trim().is_empty() {
            self.nodes[id.at()].text = self.keep(words.trim());
        }
        id
    }
}

fn whole(reason: String) -> ParseError {
    ParseError { line: 1, column: 1, reason }
}

/// Counts lines while offsets only grow.
struct Lines<'t> {
    text: &'t [u8],
    offset: usize,
    line: u32,
}

impl Lines<'_> {
    fn at(&mut self, offset: usize) -> u32 {
        let passed = self.text.get(self.offset..offset).unwrap_or_default();
        let breaks = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        self.offset = self.offset.max(offset);
        self.line
    }
}

/// Refuses nesting that a recursive reader could not survive, before anything recurses. It counts
/// tags only as far as telling opening from closing ones; the parser judges the rest.
fn check_depth(text: &str) -> Result<(), ParseError> {
    let (mut depth, mut line, mut rest) = (0_usize, 1_u32, text);
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        line = line.saturating_add(breaks(before));
        let end = if tag.starts_with("<!--") {
            tag.find("-->").map(|at| at + 3)
        } else if tag.starts_with("<![CDATA[") {
            tag.find("]]>").map(|at| at + 3)
        } else {
            tag_end(tag)
        };
        let Some(end) = end else {
            return Ok(());
        };
        let (tag, after) = tag.split_at(end);
        line = line.saturating_add(breaks(tag));
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        } else if !tag.starts_with("<!") && !tag.starts_with("<?") && !tag.ends_with("/>") {
            depth += 1;
            if depth > DEPTH_MAX {
                let reason = format!("elements are nested deeper than {DEPTH_MAX}");
                return Err(ParseError { line, column: 1, reason });
            }
        }
        rest = after;
    }
    Ok(())
}

/// Where a tag ends: the first `>` outside quotes.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None | Some(_), _) => {}
        }
    }
    None
}

fn breaks(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        Document::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn order_attributes_comments_and_text_are_kept() {
        let text =
            "<a z=\"1\" b=\"&lt;&quot;\">\n  <!-- c -->\n  <b/>\n  <c>hi &amp; ho</c>\n</a>\n";
        let document = Document::parse(text).unwrap();
        assert_eq!(document.root().attribute("b"), Some("<\""));
        assert_eq!(document.root().child("c").unwrap().text(), "hi & ho");
        assert_eq!(document.root().child("c").unwrap().line(), 4);
        assert_eq!(document.write(), text);
    }

    #[test]
    fn errors_name_the_place() {
        assert!(reason("<a>\n<b></a>").starts_with("line 2, column"));
        assert!(reason("").starts_with("line 1"));
        assert!(reason("<a b='1' b='2'/>").starts_with("line 1"));
    }

    #[test]
    fn entity_bombs_and_deep_nesting_are_refused() {
        assert!(Document::parse("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").is_err());
        let deep = "<a>".repeat(100_000);
        assert!(reason(&deep).contains("nested deeper"));
        let fine = format!("{}{}", "<a>".repeat(DEPTH_MAX), "</a>".repeat(DEPTH_MAX));
        assert!(Document::parse(&fine).is_ok());
    }
}
