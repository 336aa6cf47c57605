//! The joint decision: who may go on when the peer is out of sight.
//!
//! - [`block`] is what a node writes into its own sectors of the shared disks.
//! - [`claim`] is the consensus over those sectors: of two writers exactly one wins a generation.
//! - [`disk`] drives one shared disk: SBD's header, slots and mailboxes, and the claim's sectors.
//! - [`verdict`] is the table from all evidence to what a node may do.

pub mod block;
pub mod claim;
pub mod disk;
pub mod verdict;
