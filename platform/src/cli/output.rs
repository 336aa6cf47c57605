//! What an applet prints: plain text, or one `<pacemaker-result>` document.
//!
//! Text goes to standard output as it is produced, messages to standard error with the applet's
//! name in front. With `--output-as=xml` both end up in the document, whose last element is the
//! `<status>` with the exit code.

use super::exit::Exit;
use diarch_cib::xml::{Document, Element, NodeId};

/// The version of the result document, which is Pacemaker's.
const API_VERSION: &str = "2.42";

/// How results are shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    /// Lines for people and scripts.
    Text,
    /// One `<pacemaker-result>`.
    Xml,
    /// Nothing.
    None,
}

/// Where an applet's results gather.
#[derive(Debug)]
pub(super) struct Console {
    name: &'static str,
    format: Format,
    text: String,
    messages: Vec<String>,
    result: Document,
    open: Vec<NodeId>,
}

/// What an applet printed.
#[derive(Debug, Default)]
pub(super) struct Printed {
    /// Standard output.
    pub(super) stdout: String,
    /// Standard error.
    pub(super) stderr: String,
}

impl Console {
    /// A console for one call of an applet.
    pub(super) fn new(name: &'static str, format: Format, arguments: &[String]) -> Self {
        let mut result = Document::new("pacemaker-result");
        let root = result.root().id();
        result.set_attribute(root, "api-version", API_VERSION);
        result.set_attribute(root, "request", &request(name, arguments));
        Self { name, format, text: String::new(), messages: Vec::new(), result, open: vec![root] }
    }

    /// Whether the result is a document.
    pub(super) fn is_xml(&self) -> bool {
        self.format == Format::Xml
    }

    /// One line of text; nothing in a document.
    pub(super) fn line(&mut self, line: &str) {
        if self.format == Format::Text {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// Text as it is; nothing in a document.
    pub(super) fn raw(&mut self, text: &str) {
        if self.format == Format::Text {
            self.text.push_str(text);
        }
    }

    /// A message for people, on standard error or among the document's errors.
    pub(super) fn message(&mut self, text: &str) {
        self.messages.push(text.to_owned());
    }

    /// A message with the applet's name in front.
    pub(super) fn complain(&mut self, text: &str) {
        self.messages.push(format!("{}: {text}", self.name));
    }

    /// An element in the document, with these attributes; nothing in text.
    pub(super) fn element(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.open(name, attributes);
        self.close();
    }

    /// An element with text in it.
    pub(super) fn element_with_text(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        text: &str,
    ) {
        self.open(name, attributes);
        let here = self.here();
        self.result.set_text(here, text);
        self.close();
    }

    /// Opens an element, in which further ones appear until [`Self::close`].
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let node = self.result.append_new(self.here(), name);
        for (name, value) in attributes {
            self.result.set_attribute(node, name, value);
        }
        self.open.push(node);
    }

    /// Closes what was opened last.
    pub(super) fn close(&mut self) {
        if self.open.len() > 1 {
            self.open.pop();
        }
    }

    /// A copy of an element of another document: in the document as it is, in text as XML.
    pub(super) fn xml(&mut self, element: Element<'_>) {
        match self.format {
            Format::Text => {
                let text = Document::from_element(element).write();
                self.text.push_str(text.trim_end());
                self.text.push('\n');
            }
            Format::Xml => {
                self.result.append_copy(self.here(), element);
            }
            Format::None => {}
        }
    }

    /// Ends the output with its status.
    pub(super) fn finish(mut self, code: Exit) -> Printed {
        let mut printed = Printed::default();
        match self.format {
            Format::Text => {
                printed.stdout = self.text;
                for message in &self.messages {
                    printed.stderr.push_str(message);
                    printed.stderr.push('\n');
                }
            }
            Format::Xml => {
                self.open.truncate(1);
                let code_text = code.code().to_string();
                self.open("status", &[("code", &code_text), ("message", code.description())]);
                if !self.messages.is_empty() {
                    self.open("errors", &[]);
                    for message in core::mem::take(&mut self.messages) {
                        self.element_with_text("error", &[], &message);
                    }
                }
                printed.stdout = self.result.write();
                if !printed.stdout.ends_with('\n') {
                    printed.stdout.push('\n');
                }
            }
            Format::None => {}
        }
        printed
    }

    fn here(&self) -> NodeId {
        self.open.last().copied().unwrap_or_else(|| self.result.root().id())
    }
}

/// The command line as one text, arguments with blanks or quotes in single quotes.
fn request(name: &str, arguments: &[String]) -> String {
    let mut text = name.to_owned();
    for argument in arguments {
        text.push(' ');
        if argument.contains([' ', '\'', '\t', '\n']) {
            text.push('\'');
            text.push_str(&argument.replace('\'', "'\\''"));
            text.push('\'');
        } else {
            text.push_str(argument);
        }
    }
    text
}
