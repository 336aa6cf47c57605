//! The claim: of two writers exactly one wins each generation (Disk Paxos for two).
//!
//! A generation is one instance of the consensus. A node begins a ballot by writing it into its
//! own block on each disk and *then* reading the peer's block there; when that is done on a
//! majority of the disks without meeting a higher ballot, it proposes (the value of the highest
//! earlier proposal that it met, else its own) in the same way. A majority for the proposal
//! decides it, and no other value can ever be decided for that generation, however slow, late or
//! restarted the other is.
//!
//! ```text
//!            load (majority)      open           majority           majority
//!  Loading ------------------> Idle ----> Prepare --------> Propose --------> Idle: decided
//!                               ^           |  ^              |
//!                               |   outbid  |  | next ballot  | outbid
//!                               +-- close --+--+--------------+
//! ```
//!
//! A node contests generation n+1 only knowing what was decided for n. See Gafni and Lamport,
//! *Disk Paxos*, Distributed Computing 16 (2003).

use super::block::{Block, Decision, Owner};
use crate::Instant;
use crate::config::{DISKS_MAX, NodeIndex};
use crate::guardian_io::DiskIndex;
use crate::view::BootId;

/// How a contest goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Not yet decided.
    Open,
    /// The peer has begun a higher ballot: call [`Claim::next_ballot`] when it is time.
    Outbid,
    /// The peer has proposed itself in this generation before, and the contest was opened only to
    /// record something: it is closed again, and the peer has to record it.
    Foreign,
    /// The generation is decided; for whom, is in it.
    Decided(Decision),
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Phase {
    Loading,
    Idle,
    Prepare,
    Propose,
    Outbid,
}

/// This node's part in the claim.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Claim {
    local: NodeIndex,
    boot: BootId,
    disks: usize,
    phase: Phase,
    own: Block,
    peer: Block,
    proposal: Owner,
    /// The highest earlier proposal met in this ballot, and its value.
    best: (u64, Owner),
    /// Disks that were read at the start, a bit per disk.
    loaded: u8,
    /// Disks that finished the phase at hand.
    done: u8,
    /// The newest own block that each disk is known to hold.
    written: [u64; DISKS_MAX],
    opened_at: Instant,
    /// Whether an earlier boot left cleanly while the peer stayed.
    left_peer: bool,
}

impl Claim {
    /// Nothing has been read yet.
    #[must_use]
    pub fn new(local: NodeIndex, boot: BootId, disks: usize) -> Self {
        Self {
            local,
            boot,
            disks,
            phase: Phase::Loading,
            own: Block::default(),
            peer: Block::default(),
            proposal: Owner::Nobody,
            best: (0, Owner::Nobody),
            loaded: 0,
            done: 0,
            written: [0; DISKS_MAX],
            opened_at: Instant::default(),
            left_peer: false,
        }
    }

    /// Whether `mask` is more than half of the configured disks.
    #[must_use]
    pub fn majority(&self, mask: u8) -> bool {
        2 * mask.count_ones() as usize > self.disks
    }

    /// Whether a majority has been read, so that what this node knows is the truth.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.phase != Phase::Loading
    }

    /// Whether a generation is being contested.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Prepare | Phase::Propose | Phase::Outbid)
    }

    /// When the contest at hand was opened.
    #[must_use]
    pub const fn opened_at(&self) -> Instant {
        self.opened_at
    }

    /// The newest decision that either block tells of.
    #[must_use]
    pub const fn decided(&self) -> Decision {
        if self.own.decided.generation >= self.peer.decided.generation {
            self.own.decided
        } else {
            self.peer.decided
        }
    }

    /// The generation whose configuration this node has.
    #[must_use]
    pub const fn configuration(&self) -> u64 {
        self.own.configuration
    }

    /// Whether an earlier boot of this node left cleanly while the peer stayed.
    #[must_use]
    pub const fn has_left_peer(&self) -> bool {
        self.left_peer
    }

    /// The generation being contested.
    #[must_use]
    pub const fn contested(&self) -> u64 {
        self.own.generation
    }

    /// Whether this node proposed itself in a generation that it does not know to be decided.
    #[must_use]
    pub fn has_open_proposal(&self) -> bool {
        self.own.generation > self.decided().generation
            && self.own.proposed > 0
            && self.own.value == Owner::Node(self.local)
    }

    /// The newest block read of the peer's.
    #[must_use]
    pub const fn peer(&self) -> &Block {
        &self.peer
    }

    /// Takes in what a disk holds, when it has been identified.
    pub fn load(&mut self, disk: DiskIndex, own: Block, peer: Block) {
        self.meet(peer);
        if let Some(written) = self.written.get_mut(usize::from(disk)) {
            *written = own.sequence;
        }
        if self.phase == Phase::Loading {
            self.loaded |= 1 << disk;
            if own.sequence > self.own.sequence {
                self.own = own;
            }
            if self.majority(self.loaded) {
                self.phase = Phase::Idle;
                self.left_peer = self.own.left && !self.peer.left;
                self.own.boot = self.boot;
            }
        } else if own.sequence > self.own.sequence
            || (own.sequence == self.own.sequence && own != self.own)
        {
            // A write of an earlier boot that never reached a majority: make ours the newer.
            self.own.sequence = own.sequence;
            self.touch();
        }
    }

    /// The block that `disk` has to be given, if it does not hold it yet.
    #[must_use]
    pub fn wanted(&self, disk: DiskIndex) -> Option<&Block> {
        let behind =
            self.written.get(usize::from(disk)).is_some_and(|written| *written < self.own.sequence);
        (self.is_loaded() && behind).then_some(&self.own)
    }

    /// Opens the next generation and proposes `proposal`; `loser` is recorded with the decision.
    pub fn open(&mut self, now: Instant, proposal: Owner, loser: BootId) {
        let generation = self.decided().generation + 1;
        if self.own.generation != generation {
            self.own.generation = generation;
            self.own.ballot = 0;
            self.own.proposed = 0;
            self.own.value = Owner::Nobody;
        }
        if self.peer.decided.generation > self.own.decided.generation {
            self.own.decided = self.peer.decided;
        }
        self.own.loser = loser;
        self.proposal = proposal;
        self.opened_at = now;
        // A contest's first ballot is far from any that an earlier boot may have begun unseen.
        self.begin_ballot(1 + (self.boot.0 & 0xffff));
    }

    /// Begins a ballot higher than all that were met.
    pub fn next_ballot(&mut self) {
        self.begin_ballot(1);
    }

    fn begin_ballot(&mut self, step: u64) {
        let met = if self.peer.generation == self.own.generation {
            self.peer.ballot.max(self.own.ballot)
        } else {
            self.own.ballot
        };
        self.own.ballot = (met / 2 + step) * 2 + self.local.index() as u64;
        self.best = (self.own.proposed, self.own.value);
        self.phase = Phase::Prepare;
        self.touch();
    }

    /// Gives the contest up without a decision; what was proposed stays proposed.
    pub fn close(&mut self) {
        if self.is_open() {
            self.phase = Phase::Idle;
            self.done = 0;
        }
    }

    /// Records that this node has the configuration of `generation`.
    pub fn record_configuration(&mut self, generation: u64) {
        if self.is_loaded() && generation > self.own.configuration {
            self.own.configuration = generation;
            self.touch();
        }
    }

    /// Records that this boot leaves cleanly; see [`Self::is_recorded`].
    pub fn record_leave(&mut self) {
        if self.is_loaded() && !self.own.left {
            self.own.left = true;
            self.touch();
        }
    }

    /// Records that this node is part of the pair again.
    pub fn record_return(&mut self) {
        self.left_peer = false;
        if self.is_loaded() && self.own.left {
            self.own.left = false;
            self.touch();
        }
    }

    /// Whether a majority holds the newest own block.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        let held = self.written[..self.disks]
            .iter()
            .filter(|written| **written >= self.own.sequence)
            .count();
        2 * held > self.disks
    }

    /// A disk holds the own block of this sequence, and the peer's block was read there after that.
    pub fn round_done(&mut self, disk: DiskIndex, sequence: u64, peer: Block) -> Outcome {
        if let Some(written) = self.written.get_mut(usize::from(disk)) {
            *written = sequence;
        }
        self.meet(peer);
        if !matches!(self.phase, Phase::Prepare | Phase::Propose) || sequence != self.own.sequence {
            return Outcome::Open;
        }
        if peer.decided.generation >= self.own.generation {
            return self.decide(peer.decided);
        }
        if peer.generation == self.own.generation {
            if peer.ballot > self.own.ballot {
                self.phase = Phase::Outbid;
                return Outcome::Outbid;
            }
            if self.phase == Phase::Prepare && peer.proposed > self.best.0 {
                self.best = (peer.proposed, peer.value);
            }
        }
        self.done |= 1 << disk;
        if !self.majority(self.done) {
            return Outcome::Open;
        }
        if self.phase == Phase::Prepare {
            let peer_value = Owner::Node(self.local.other());
            if self.proposal == Owner::Pair && self.best == (self.best.0.max(1), peer_value) {
                self.close();
                return Outcome::Foreign;
            }
            self.own.proposed = self.own.ballot;
            self.own.value = if self.best.0 > 0 { self.best.1 } else { self.proposal };
            self.phase = Phase::Propose;
            self.touch();
            return Outcome::Open;
        }
        self.decide(Decision { generation: self.own.generation, owner: self.own.value })
    }

    fn decide(&mut self, decision: Decision) -> Outcome {
        self.own.decided = decision;
        if decision.owner == Owner::Node(self.local) {
            self.own.configuration = decision.generation;
            self.own.left = false;
        }
        self.phase = Phase::Idle;
        self.touch();
        Outcome::Decided(decision)
    }

    fn meet(&mut self, peer: Block) {
        if peer.sequence > self.peer.sequence {
            self.peer = peer;
        }
    }

    /// The own block has changed: every disk is behind, and a phase under way starts over.
    fn touch(&mut self) {
        self.own.sequence += 1;
        self.own.boot = self.boot;
        self.done = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Disks as arrays of blocks: `[disk][node]`.
    struct Table {
        disks: Vec<[Block; 2]>,
    }

    impl Table {
        fn claim(&self, node: NodeIndex, boot: u64) -> Claim {
            let mut claim = Claim::new(node, BootId(boot), self.disks.len());
            for (disk, blocks) in self.disks.iter().enumerate() {
                let disk = u8::try_from(disk).unwrap();
                claim.load(disk, blocks[node.index()], blocks[node.other().index()]);
            }
            claim
        }

        fn write(&mut self, claim: &Claim, disk: u8) -> Option<u64> {
            let block = *claim.wanted(disk)?;
            self.disks[usize::from(disk)][claim.local.index()] = block;
            Some(block.sequence)
        }

        fn read(&self, claim: &mut Claim, disk: u8, sequence: u64) -> Outcome {
            let peer = self.disks[usize::from(disk)][claim.local.other().index()];
            claim.round_done(disk, sequence, peer)
        }
    }

    fn step(table: &mut Table, claim: &mut Claim, disk: u8) -> Outcome {
        match table.write(claim, disk) {
            Some(sequence) => table.read(claim, disk, sequence),
            None => Outcome::Open,
        }
    }

    #[test]
    fn a_contest_without_an_opponent_is_won_in_two_rounds() {
        for disks in 1..=3 {
            let mut table = Table { disks: vec![[Block::default(); 2]; disks] };
            let mut claim = table.claim(NodeIndex::First, 9);
            claim.open(Instant::default(), Owner::Node(NodeIndex::First), BootId(0));
            let mut outcome = Outcome::Open;
            for turn in 0..2 * disks {
                let disk = u8::try_from(turn % disks).unwrap();
                if let Outcome::Decided(_) = outcome {
                    continue;
                }
                outcome = step(&mut table, &mut claim, disk);
            }
            let won = Decision { generation: 1, owner: Owner::Node(NodeIndex::First) };
            assert_eq!(outcome, Outcome::Decided(won));
        }
    }

    #[test]
    fn two_writers_never_decide_differently_in_any_order() {
        // Every interleaving of writes and reads of two contenders on one disk, as a bit string.
        for schedule in 0..1_u32 << 16 {
            let mut table = Table { disks: vec![[Block::default(); 2]] };
            let mut claims = [table.claim(NodeIndex::First, 1), table.claim(NodeIndex::Second, 2)];
            for (node, claim) in [NodeIndex::First, NodeIndex::Second].iter().zip(&mut claims) {
                claim.open(Instant::default(), Owner::Node(*node), BootId(0));
            }
            let mut reading = [None, None];
            let mut decided = [None, None];
            for turn in 0..16 {
                let who = (schedule >> turn & 1) as usize;
                if decided[who].is_some() {
                    continue;
                }
                match reading[who].take() {
                    None => reading[who] = table.write(&claims[who], 0),
                    Some(sequence) => match table.read(&mut claims[who], 0, sequence) {
                        Outcome::Open | Outcome::Foreign => {}
                        Outcome::Outbid => claims[who].next_ballot(),
                        Outcome::Decided(decision) => decided[who] = Some(decision),
                    },
                }
            }
            if let [Some(one), Some(two)] = decided {
                assert_eq!(one, two, "schedule {schedule:#x}");
            }
        }
    }

    #[test]
    fn a_restarted_contender_adopts_what_it_had_proposed() {
        let mut table = Table { disks: vec![[Block::default(); 2]] };
        let mut first = table.claim(NodeIndex::First, 1);
        first.open(Instant::default(), Owner::Node(NodeIndex::First), BootId(0));
        step(&mut table, &mut first, 0);
        table.write(&first, 0);
        let mut second = table.claim(NodeIndex::Second, 2);
        second.open(Instant::default(), Owner::Node(NodeIndex::Second), BootId(0));
        step(&mut table, &mut second, 0);
        let outcome = step(&mut table, &mut second, 0);
        let lost = Decision { generation: 1, owner: Owner::Node(NodeIndex::First) };
        assert_eq!(outcome, Outcome::Decided(lost));
    }
}
