//! Node names as SBD keeps them: at most 63 bytes, compared without regard to ASCII case.

use core::fmt;
use heapless::Vec;

/// The longest name, in bytes; a NUL follows it on the disk.
pub const NAME_MAX: usize = 63;

/// A node's name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Name {
    bytes: Vec<u8, NAME_MAX>,
}

/// Why a text cannot be a node's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NameFault {
    /// It is empty.
    Empty,
    /// It is longer than 63 bytes: two such names could share a slot.
    TooLong,
    /// It contains a NUL.
    Nul,
}

impl Name {
    /// The name `text`.
    ///
    /// # Errors
    ///
    /// An empty text, one longer than 63 bytes, or one that contains a NUL.
    pub fn new(text: &str) -> Result<Self, NameFault> {
        if text.is_empty() {
            return Err(NameFault::Empty);
        }
        if text.contains('\0') {
            return Err(NameFault::Nul);
        }
        let bytes = Vec::from_slice(text.as_bytes()).map_err(|_| NameFault::TooLong)?;
        Ok(Self { bytes })
    }

    /// The name that sbd's `allocate` would use for `text`: its first 63 bytes.
    #[must_use]
    pub fn truncated(text: &str) -> Self {
        Self::from_disk(text.as_bytes())
    }

    /// The name in a field of a sector: up to the first NUL, at most 63 bytes.
    #[must_use]
    pub fn from_disk(field: &[u8]) -> Self {
        let bytes = field.iter().copied().take_while(|&byte| byte != 0).take(NAME_MAX);
        Self { bytes: bytes.collect() }
    }

    /// The name's bytes, without the NUL.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether both names mean the same node: equal but for ASCII case.
    #[must_use]
    pub fn same_node(&self, other: &Self) -> bool {
        self.bytes.eq_ignore_ascii_case(&other.bytes)
    }

    /// Puts the name at the start of a zeroed field of 64 bytes.
    pub(super) fn emit(&self, field: &mut [u8]) {
        field[..self.bytes.len()].copy_from_slice(&self.bytes);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.bytes.utf8_chunks() {
            formatter.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                formatter.write_str("\u{fffd}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for NameFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("a node's name is empty"),
            Self::TooLong => formatter.write_str("a node's name is longer than 63 bytes"),
            Self::Nul => formatter.write_str("a node's name contains a NUL"),
        }
    }
}
