//! A node's claim block: one sector, in two copies per node that are written in turn.
//!
//! The claim's area begins behind SBD's last slot: sector 512 + 2·node + copy. A write that tears
//! destroys only the copy that nobody had been told of yet; the other one still holds the block
//! before it. A copy without our magic was never written and reads as blank.

use crate::config::NodeIndex;
use crate::guardian_io::{SECTOR_MAX, Sector};
use crate::membership::wire::{fingerprint, read_u64};
use crate::view::BootId;

/// The first sector of the claim's area: SBD uses 0 to 510.
pub const AREA_FIRST: u64 = 512;
/// Sectors in the claim's area.
pub const AREA_LEN: u64 = 4;

const MAGIC: [u8; 8] = *b"DiarchC1";
const LEN: usize = 104;

/// Where a copy of a node's block is.
#[must_use]
pub const fn sector_of(node: NodeIndex, copy: u64) -> u64 {
    AREA_FIRST + 2 * node.index() as u64 + (copy & 1)
}

/// What a generation of the claim can decide.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Owner {
    /// Nothing was ever decided.
    #[default]
    Nobody,
    /// One node alone.
    Node(NodeIndex),
    /// Both, as a pair.
    Pair,
}

impl Owner {
    const fn byte(self) -> u8 {
        match self {
            Self::Nobody => 0,
            Self::Node(NodeIndex::First) => 1,
            Self::Node(NodeIndex::Second) => 2,
            Self::Pair => 3,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Nobody),
            1 => Some(Self::Node(NodeIndex::First)),
            2 => Some(Self::Node(NodeIndex::Second)),
            3 => Some(Self::Pair),
            _ => None,
        }
    }
}

/// Which owner a generation was decided for.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Decision {
    /// Grows by one with each decision; zero before the first.
    pub generation: u64,
    /// For whom.
    pub owner: Owner,
}

/// One node's block.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Block {
    /// Counts this node's writes, over all its boots.
    pub sequence: u64,
    /// The boot that wrote it.
    pub boot: BootId,
    /// The generation that this node contests or last contested.
    pub generation: u64,
    /// The highest ballot that it has begun in that generation.
    pub ballot: u64,
    /// The ballot in which it last proposed a value; zero if none.
    pub proposed: u64,
    /// The value that it proposed then.
    pub value: Owner,
    /// The last decision that it knows of.
    pub decided: Decision,
    /// The peer's boot that lost that decision.
    pub loser: BootId,
    /// The generation whose configuration this node has.
    pub configuration: u64,
    /// Whether this node has left cleanly and has not been part of the pair since.
    pub left: bool,
}

/// Why a copy says nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BlockFault {
    /// It was never written by a node of any pair.
    Blank,
    /// It was written, but not completely, or by another pair, or for another node.
    Torn,
}

impl Block {
    /// The sector that holds it.
    #[must_use]
    pub fn encode(&self, cluster: u64, node: NodeIndex, sector_bytes: u32) -> Sector {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        let words = [
            cluster,
            self.sequence,
            self.boot.0,
            self.generation,
            self.ballot,
            self.proposed,
            self.decided.generation,
            self.loser.0,
            self.configuration,
        ];
        for (at, word) in words.iter().enumerate() {
            bytes[8 + at * 8..16 + at * 8].copy_from_slice(&word.to_be_bytes());
        }
        bytes[80] = if matches!(node, NodeIndex::First) { 0 } else { 1 };
        bytes[81] = self.value.byte();
        bytes[82] = self.decided.owner.byte();
        bytes[83] = u8::from(self.left);
        let sum = fingerprint(&bytes[..96]);
        bytes[96..104].copy_from_slice(&sum.to_be_bytes());
        let mut sector = Sector::new();
        let len = usize::try_from(sector_bytes).unwrap_or(SECTOR_MAX);
        let fits = sector.resize(len.clamp(LEN, SECTOR_MAX), 0);
        debug_assert!(fits.is_ok(), "clamped to the capacity");
        sector[..LEN].copy_from_slice(&bytes);
        sector
    }

    /// What a copy says.
    ///
    /// # Errors
    /// [`BlockFault`] if it says nothing.
    pub fn decode(bytes: &[u8], cluster: u64, node: NodeIndex) -> Result<Self, BlockFault> {
        let Some(bytes) = bytes.get(..LEN) else {
            return Err(BlockFault::Torn);
        };
        if bytes[..8] != MAGIC {
            return Err(BlockFault::Blank);
        }
        let whole = read_u64(bytes, 96) == fingerprint(&bytes[..96]);
        let own = read_u64(bytes, 8) == cluster && usize::from(bytes[80]) == node.index();
        if !whole || !own {
            return Err(BlockFault::Torn);
        }
        let owner = |at: usize| Owner::from_byte(bytes[at]).ok_or(BlockFault::Torn);
        Ok(Self {
            sequence: read_u64(bytes, 16),
            boot: BootId(read_u64(bytes, 24)),
            generation: read_u64(bytes, 32),
            ballot: read_u64(bytes, 40),
            proposed: read_u64(bytes, 48),
            value: owner(81)?,
            decided: Decision { generation: read_u64(bytes, 56), owner: owner(82)? },
            loser: BootId(read_u64(bytes, 64)),
            configuration: read_u64(bytes, 72),
            left: bytes[83] & 1 != 0,
        })
    }

    /// The newer of two copies; a torn one counts as not yet written as long as the other is sound.
    ///
    /// # Errors
    /// [`BlockFault::Torn`] if nothing can be said about what the node last wrote.
    pub fn newer_of(
        first: Result<Self, BlockFault>,
        second: Result<Self, BlockFault>,
    ) -> Result<Self, BlockFault> {
        match (first, second) {
            (Ok(one), Ok(two)) if one.sequence >= two.sequence => Ok(one),
            (_, Ok(sound)) | (Ok(sound), Err(_)) => Ok(sound),
            (Err(BlockFault::Torn), Err(BlockFault::Torn)) => Err(BlockFault::Torn),
            (Err(_), Err(_)) => Ok(Self::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Block {
        Block {
            sequence: 1,
            boot: BootId(2),
            generation: 3,
            ballot: 4,
            proposed: 5,
            value: Owner::Node(NodeIndex::Second),
            decided: Decision { generation: 6, owner: Owner::Pair },
            loser: BootId(7),
            configuration: 8,
            left: true,
        }
    }

    #[test]
    fn a_block_survives_its_sector_at_both_sizes() {
        for size in [512, 4096] {
            let sector = block().encode(9, NodeIndex::Second, size);
            assert_eq!(sector.len(), size as usize);
            assert_eq!(Block::decode(&sector, 9, NodeIndex::Second), Ok(block()));
        }
    }

    #[test]
    fn another_pairs_or_nodes_block_is_not_ours() {
        let sector = block().encode(9, NodeIndex::Second, 512);
        let torn = Err(BlockFault::Torn);
        assert_eq!(Block::decode(&sector, 8, NodeIndex::Second), torn);
        assert_eq!(Block::decode(&sector, 9, NodeIndex::First), torn);
        assert_eq!(Block::decode(&[0; 512], 9, NodeIndex::First), Err(BlockFault::Blank));
    }

    #[test]
    fn a_torn_copy_leaves_the_one_before_it() {
        let old = block();
        let new = Block { sequence: 2, ballot: 0x1234_5678, ..old };
        let (old_bytes, new_bytes) =
            (old.encode(9, NodeIndex::First, 512), new.encode(9, NodeIndex::First, 512));
        for cut in 17..100 {
            let mut torn = old_bytes.clone();
            torn[..cut].copy_from_slice(&new_bytes[..cut]);
            let read = Block::decode(&torn, 9, NodeIndex::First);
            let last = Block::newer_of(read, Ok(old)).unwrap();
            assert!(last == old || last == new, "cut at {cut}: {last:?}");
        }
        assert_eq!(
            Block::newer_of(Err(BlockFault::Torn), Err(BlockFault::Torn)),
            Err(BlockFault::Torn)
        );
        assert_eq!(
            Block::newer_of(Err(BlockFault::Torn), Err(BlockFault::Blank)),
            Ok(Block::default())
        );
    }
}
