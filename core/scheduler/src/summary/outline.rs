//! Nested lists as text: headings, items, and one blank line between what stands side by side.

/// A text of nested lists that grows at its end.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    text: String,
    depth: usize,
}

impl Outline {
    /// Begins an outline whose headings are items of a list already.
    #[must_use]
    pub const fn within_a_list() -> Self {
        Self { text: String::new(), depth: 1 }
    }

    /// Writes a heading; what follows is below it until [`Self::close`].
    pub fn open(&mut self, title: &str) {
        self.line(title, ":");
        self.depth += 1;
    }

    /// Ends what [`Self::open`] began.
    pub fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Writes an item.
    pub fn item(&mut self, text: &str) {
        self.line(text, "");
    }

    /// Writes an item that names several things; nothing where there are none.
    pub fn names<S: AsRef<str>>(&mut self, label: &str, names: &[S]) {
        if !names.is_empty() {
            self.item(&format!("{label}: [ {} ]", joined(names)));
        }
    }

    /// Sets what follows apart from what stands above, if anything does.
    pub fn separate(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Writes a line as it is.
    pub fn plain(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Gives the text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, text: &str, end: &str) {
        if self.depth > 0 {
            for _ in 0..self.depth {
                self.text.push_str("  ");
            }
            self.text.push_str("* ");
        }
        self.text.push_str(text);
        self.text.push_str(end);
        self.text.push('\n');
    }
}

/// Joins names with blanks.
pub(super) fn joined<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" ")
}

/// Writes flags in parentheses with a blank in front; nothing where there are none.
pub(super) fn flagged(flags: &[&str]) -> String {
    if flags.is_empty() { String::new() } else { format!(" ({})", flags.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::Outline;

    #[test]
    fn lists_are_indented_by_their_depth_and_only_the_outermost_heading_has_no_bullet() {
        let mut out = Outline::default();
        out.open("Node List");
        out.names("Online", &["a", "b"]);
        out.names("OFFLINE", &[""; 0]);
        out.close();
        out.separate();
        out.open("Active Resources");
        out.open("Resource Group: g");
        out.item("r");
        assert_eq!(
            out.finish(),
            "Node List:\n  * Online: [ a b ]\n\n\
             Active Resources:\n  * Resource Group: g:\n    * r\n"
        );
    }
}
