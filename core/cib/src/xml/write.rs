//! Document to text, in the layout of the field: two blanks a level, one element a line.

use super::{Document, Element};

impl Document {
    /// The document, indented, with a final newline.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = String::with_capacity(self.buffer.len() * 2);
        self.root().write_into(&mut text);
        text
    }

    /// The document on one line, without a final newline.
    #[must_use]
    pub fn write_compact(&self) -> String {
        let mut text = String::with_capacity(self.buffer.len() * 2);
        write_node(&mut text, self.root(), None);
        text
    }
}

impl Element<'_> {
    /// Appends this element, indented from the left margin, with a final newline.
    pub fn write_into(self, text: &mut String) {
        write_node(text, self, Some(0));
    }

    /// Appends this element, indented by `level` levels, with a final newline.
    pub fn write_indented(self, text: &mut String, level: usize) {
        write_node(text, self, Some(level));
    }
}

fn write_node(text: &mut String, element: Element<'_>, level: Option<usize>) {
    indent(text, level);
    if element.is_comment() {
        text.push_str("<!--");
        text.push_str(element.name());
        text.push_str("-->");
        end_line(text, level);
        return;
    }
    text.push('<');
    text.push_str(element.name());
    for (name, value) in element.attributes() {
        text.push(' ');
        text.push_str(name);
        text.push_str("=\"");
        escape(text, value);
        text.push('"');
    }
    let mut nodes = element.nodes().peekable();
    if nodes.peek().is_none() && element.text().is_empty() {
        text.push_str("/>");
        end_line(text, level);
        return;
    }
    text.push('>');
    escape(text, element.text());
    if nodes.peek().is_some() {
        end_line(text, level);
        for child in nodes {
            write_node(text, child, level.map(|level| level + 1));
        }
        indent(text, level);
    }
    text.push_str("</");
    text.push_str(element.name());
    text.push('>');
    end_line(text, level);
}

fn indent(text: &mut String, level: Option<usize>) {
    for _ in 0..level.unwrap_or(0) {
        text.push_str("  ");
    }
}

fn end_line(text: &mut String, level: Option<usize>) {
    if level.is_some() {
        text.push('\n');
    }
}

/// Appends `raw` so that it is the same again when parsed, as attribute value or character data.
fn escape(text: &mut String, raw: &str) {
    for character in raw.chars() {
        match character {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '"' => text.push_str("&quot;"),
            '\n' => text.push_str("&#10;"),
            '\t' => text.push_str("&#9;"),
            '\r' => text.push_str("&#13;"),
            other => text.push(other),
        }
    }
}
