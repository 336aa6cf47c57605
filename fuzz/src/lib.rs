//! What the fuzz targets share: a run of choices made by the fuzzer's bytes.

#![forbid(unsafe_code)]

use diarch_cib::xml::{Document, Element};

/// The fuzzer's bytes, read as choices. When they are used up every choice is the first one.
#[derive(Clone, Debug)]
pub struct Choices<'b> {
    bytes: &'b [u8],
}

impl<'b> Choices<'b> {
    /// The choices that `bytes` make.
    #[must_use]
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    /// Whether there are bytes left.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.bytes.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    /// A number below `bound`, which is at least 1; two bytes are used for large bounds.
    pub fn below(&mut self, bound: usize) -> usize {
        let mut number = usize::from(self.byte());
        if bound > 256 {
            number = number << 8 | usize::from(self.byte());
        }
        number % bound.max(1)
    }

    /// The next bytes, whose number is the first choice; at most `most`.
    pub fn some(&mut self, most: usize) -> &'b [u8] {
        let length = self.below(most + 1).min(self.bytes.len());
        let (taken, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        taken
    }

    /// The next bytes as text.
    pub fn text(&mut self, most: usize) -> String {
        String::from_utf8_lossy(self.some(most)).into_owned()
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'b [u8] {
        core::mem::take(&mut self.bytes)
    }

    /// One of the elements of `document`.
    pub fn element<'d>(&mut self, document: &'d Document) -> Element<'d> {
        let number = document.root().descendants().count();
        let chosen = self.below(number);
        document.root().descendants().nth(chosen).unwrap_or_else(|| document.root())
    }
}
