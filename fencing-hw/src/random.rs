//! Unpredictable bytes from a seed and a counter.

use sha2::{Digest, Sha256};

/// Bytes that come at a time.
const BLOCK: usize = 16;

/// A source of bytes that nobody who does not know its seed can predict.
#[derive(Clone)]
pub(crate) struct Random {
    seed: [u8; 32],
    count: u64,
}

impl core::fmt::Debug for Random {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Random(…)")
    }
}

impl Random {
    /// The source of this seed.
    pub(crate) const fn new(seed: [u8; 32]) -> Self {
        Self { seed, count: 0 }
    }

    /// The next bytes.
    pub(crate) fn block(&mut self) -> [u8; BLOCK] {
        self.count += 1;
        let hash = Sha256::new().chain_update(self.seed).chain_update(self.count.to_le_bytes());
        let mut block = [0; BLOCK];
        block.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        block
    }
}
