//! Chance from a seed: SplitMix64. The same seed gives the same world, whatever the machine.

use core::time::Duration;

/// A source of chance.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A source that depends on `seed` only.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }

    /// Whether something with a probability of `permille` happens.
    pub const fn happens(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// A duration between the two, in whole microseconds.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = most.saturating_sub(least).as_micros();
        let span = u64::try_from(span).unwrap_or(u64::MAX - 1);
        least + Duration::from_micros(self.below(span + 1))
    }
}
