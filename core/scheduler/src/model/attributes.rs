//! Attributes of an action: few names, sorted, texts borrowed where the document has them.

use std::borrow::Cow;

/// Names and values, sorted by name.
#[derive(Clone, Debug, Default)]
pub struct Attributes<'c> {
    rows: Vec<(Cow<'c, str>, Cow<'c, str>)>,
}

impl<'c> Attributes<'c> {
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.rows.binary_search_by(|(other, _)| other.as_ref().cmp(name))
    }

    /// Gives the value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.place(name).ok().map(|at| self.rows[at].1.as_ref())
    }

    /// Gives the value of a name where it is the document's.
    pub(crate) fn borrowed(&self, name: &str) -> Option<&'c str> {
        match self.rows[self.place(name).ok()?].1 {
            Cow::Borrowed(value) => Some(value),
            Cow::Owned(_) => None,
        }
    }

    /// Tells whether a name is there.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// Puts a value in, replacing any of the same name.
    pub(crate) fn insert(&mut self, name: impl Into<Cow<'c, str>>, value: impl Into<Cow<'c, str>>) {
        let name = name.into();
        match self.place(&name) {
            Ok(at) => self.rows[at].1 = value.into(),
            Err(at) => self.rows.insert(at, (name, value.into())),
        }
    }

    /// Puts a value in where there is none of that name.
    pub(crate) fn insert_new(&mut self, name: &'c str, value: &'c str) {
        if let Err(at) = self.place(name) {
            self.rows.insert(at, (Cow::Borrowed(name), Cow::Borrowed(value)));
        }
    }

    /// Takes a name out.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Ok(at) = self.place(name) {
            self.rows.remove(at);
        }
    }

    /// Tells whether nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Counts the names.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Iterates over names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rows.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}
