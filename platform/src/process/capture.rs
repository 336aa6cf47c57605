//! The last part of what an agent says.

use std::collections::VecDeque;

/// Kept of meta-data, in bytes: all of it, as far as it makes sense.
pub(super) const METADATA_MAX: usize = 1 << 20;
/// Kept of any other output, in bytes.
pub(super) const OUTPUT_MAX: usize = 16 << 10;

/// The last bytes of an output.
#[derive(Debug)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    limit: usize,
}

impl Tail {
    /// Room for `limit` bytes.
    pub(super) const fn new(limit: usize) -> Self {
        Self { bytes: VecDeque::new(), limit }
    }

    /// Takes more, and forgets the oldest.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let excess = self.bytes.len().saturating_sub(self.limit);
        self.bytes.drain(..excess);
    }

    /// All of it as text; what is none is replaced.
    pub(super) fn into_text(mut self) -> String {
        String::from_utf8_lossy(self.bytes.make_contiguous()).into_owned()
    }
}
