//! An exhaustive check of the claim: the real [`Claim`] of two nodes on one disk or three.
//!
//! Every order of beginning, writing, reading, outbidding, dying at any point and booting again is
//! tried, up to the bounds printed: boots, ballots and generations. A node may stop between any two
//! steps for any length of time, which is the same as the other taking all the steps. A write is
//! issued with the block as it is then and reaches the disk later, or never if the node dies.
//!
//! What stands for the guardian and the disk here: `Open` is `Guardian::open_contest` and
//! `try_record`; `Issue`, `Land` and `Read` are `arbitration::disk::Disk` with `Job::WriteBlock`
//! and
//! `Job::RoundCopy`; `Load` is its identification; `NextBallot` is `Guardian::arbitrate`.
#![expect(clippy::print_stdout, reason = "the size of the state space is part of the result")]
#![expect(clippy::unwrap_used, reason = "the bounds are small numbers")]

use diarch_cluster::Instant;
use diarch_cluster::arbitration::block::{Block, Owner};
use diarch_cluster::arbitration::claim::{Claim, Outcome};
use diarch_cluster::config::NodeIndex::{self, First, Second};
use diarch_cluster::view::BootId;
use stateright::{Checker, HasDiscoveries, Model, Property};

const BOTH: [NodeIndex; 2] = [First, Second];

/// A rule of the algorithm that is left out, so that the check has something to find.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Broken {
    Nothing,
    /// The peer's block is read before the own one is on the disk.
    ReadBeforeWrite,
    /// A node that booted does not read what it had written.
    BlockForgotten,
    /// Each node asks a disk of its own instead of a majority.
    NoMajority,
    /// A node that was outbid goes on with its ballot.
    OutbidIgnored,
}

#[derive(Clone, Debug)]
struct Contest {
    disks: usize,
    /// How often each node boots; both are up, having read blank disks, at the start.
    boots_max: u8,
    /// How many ballots both together begin.
    ballots_max: u8,
    generations_max: u64,
    /// Whether a write is issued and reaches the disk in two steps; one step where there are many
    /// disks, each of which may be as late as it likes anyway.
    late_writes: bool,
    broken: Broken,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Io {
    Idle,
    Issued(Block),
    /// The broken order: issued, and what the peer's block was before it landed.
    Peeked(Block, Block),
    Written(u64),
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Contender {
    claim: Option<Claim>,
    boots: u8,
    io: Vec<Io>,
    loaded: u8,
    outbid: bool,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct World {
    disks: Vec<[Block; 2]>,
    nodes: [Contender; 2],
    ballots: u8,
    /// What each generation was decided for, as far as anybody learnt.
    decided: Vec<Owner>,
    contradiction: bool,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Action {
    Boot(NodeIndex),
    Load(NodeIndex, u8),
    Open(NodeIndex, Owner),
    Issue(NodeIndex, u8),
    Land(NodeIndex, u8),
    Read(NodeIndex, u8),
    NextBallot(NodeIndex),
    Die(NodeIndex),
}

impl Contest {
    fn booted(&self, node: NodeIndex, boot: u8) -> Claim {
        let disks = if self.broken == Broken::NoMajority { 1 } else { self.disks };
        Claim::new(node, BootId(u64::from(boot)), disks)
    }

    fn disks_of(&self, node: NodeIndex) -> Vec<u8> {
        let own = u8::try_from(node.index()).unwrap();
        match (self.broken, self.disks) {
            (Broken::NoMajority, _) => vec![own],
            // Each reaches a majority of its own: they meet on one disk only.
            (_, 3) => vec![own, own + 1],
            (_, count) => (0..u8::try_from(count).unwrap()).collect(),
        }
    }

    fn io_actions(&self, node: NodeIndex, who: &Contender, actions: &mut Vec<Action>) {
        let Some(claim) = who.claim else { return };
        for disk in self.disks_of(node) {
            match who.io[usize::from(disk)] {
                Io::Idle if !claim.is_loaded() => {
                    if who.loaded & 1 << disk == 0 {
                        actions.push(Action::Load(node, disk));
                    }
                }
                Io::Idle if claim.is_open() && !who.outbid => {
                    if claim.wanted(disk).is_some() {
                        actions.push(Action::Issue(node, disk));
                    }
                }
                Io::Idle => {}
                Io::Issued(_) if self.broken == Broken::ReadBeforeWrite => {
                    actions.push(Action::Read(node, disk));
                }
                Io::Issued(_) | Io::Peeked(..) => actions.push(Action::Land(node, disk)),
                Io::Written(_) => actions.push(Action::Read(node, disk)),
            }
        }
    }

    fn read(&self, world: &mut World, node: NodeIndex, disk: u8) {
        let peer = world.disks[usize::from(disk)][node.other().index()];
        let who = &mut world.nodes[node.index()];
        let io = &mut who.io[usize::from(disk)];
        let (sequence, peer) = match *io {
            Io::Written(sequence) => (sequence, peer),
            Io::Issued(block) => {
                *io = Io::Peeked(block, peer);
                return;
            }
            Io::Peeked(block, earlier) => (block.sequence, earlier),
            Io::Idle => return,
        };
        *io = Io::Idle;
        let Some(claim) = &mut who.claim else { return };
        let seen = if self.broken == Broken::OutbidIgnored {
            Block { ballot: 0, decided: peer.decided, ..peer }
        } else {
            peer
        };
        match claim.round_done(disk, sequence, seen) {
            Outcome::Open | Outcome::Foreign => {}
            Outcome::Outbid => who.outbid = true,
            Outcome::Decided(decision) => {
                let at = usize::try_from(decision.generation).unwrap();
                if world.decided.len() <= at {
                    world.decided.resize(at + 1, Owner::Nobody);
                }
                let known = &mut world.decided[at];
                world.contradiction |= *known != Owner::Nobody && *known != decision.owner;
                *known = decision.owner;
            }
        }
    }
}

impl Model for Contest {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let disks = vec![[Block::default(); 2]; self.disks];
        let node = |node: NodeIndex| {
            let mut claim = self.booted(node, 1);
            for disk in self.disks_of(node) {
                claim.load(disk, Block::default(), Block::default());
            }
            let io = vec![Io::Idle; self.disks];
            Contender { claim: Some(claim), boots: 1, io, loaded: 0, outbid: false }
        };
        vec![World {
            nodes: BOTH.map(node),
            disks,
            ballots: 0,
            decided: vec![Owner::Nobody],
            contradiction: false,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.contradiction {
            return;
        }
        for node in BOTH {
            let who = &world.nodes[node.index()];
            let Some(claim) = who.claim else {
                if who.boots < self.boots_max {
                    actions.push(Action::Boot(node));
                }
                continue;
            };
            let next = claim.decided().generation + 1;
            let may_begin = world.ballots < self.ballots_max;
            if claim.is_loaded() && !claim.is_open() && next <= self.generations_max && may_begin {
                actions.push(Action::Open(node, Owner::Node(node)));
                actions.push(Action::Open(node, Owner::Pair));
            }
            self.io_actions(node, who, actions);
            if who.outbid && may_begin {
                actions.push(Action::NextBallot(node));
            }
            if who.boots < self.boots_max {
                actions.push(Action::Die(node));
            }
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Boot(node) => {
                let who = &mut world.nodes[node.index()];
                who.boots += 1;
                who.claim = Some(self.booted(node, who.boots));
            }
            Action::Load(node, disk) => {
                let blocks = world.disks[usize::from(disk)];
                let mut own = blocks[node.index()];
                if self.broken == Broken::BlockForgotten {
                    own = Block { sequence: own.sequence, ..Block::default() };
                }
                let who = &mut world.nodes[node.index()];
                who.loaded |= 1 << disk;
                who.claim.as_mut()?.load(disk, own, blocks[node.other().index()]);
            }
            Action::Open(node, owner) => {
                let who = &mut world.nodes[node.index()];
                who.claim.as_mut()?.open(Instant::default(), owner, BootId(0));
                world.ballots += 1;
            }
            Action::Issue(node, disk) => {
                let who = &mut world.nodes[node.index()];
                let block = *who.claim.as_ref()?.wanted(disk)?;
                if self.late_writes {
                    who.io[usize::from(disk)] = Io::Issued(block);
                } else {
                    who.io[usize::from(disk)] = Io::Written(block.sequence);
                    world.disks[usize::from(disk)][node.index()] = block;
                }
            }
            Action::Land(node, disk) => {
                let io = &mut world.nodes[node.index()].io[usize::from(disk)];
                let own = &mut world.disks[usize::from(disk)][node.index()];
                match *io {
                    Io::Issued(block) => {
                        *own = block;
                        *io = Io::Written(block.sequence);
                    }
                    Io::Peeked(block, _) => {
                        *own = block;
                        self.read(&mut world, node, disk);
                    }
                    Io::Idle | Io::Written(_) => {}
                }
            }
            Action::Read(node, disk) => self.read(&mut world, node, disk),
            Action::NextBallot(node) => {
                let who = &mut world.nodes[node.index()];
                who.outbid = false;
                who.claim.as_mut()?.next_ballot();
                world.ballots += 1;
            }
            Action::Die(node) => {
                let who = &mut world.nodes[node.index()];
                who.claim = None;
                who.loaded = 0;
                who.outbid = false;
                who.io.fill(Io::Idle);
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("one owner per generation", |_, world: &World| !world.contradiction),
            Property::sometimes("both decide", |_, world: &World| {
                world.nodes.iter().all(|node| {
                    node.claim.is_some_and(|claim| claim.is_loaded() && !claim.is_open())
                }) && world.decided.len() > 1
            }),
        ]
    }
}

const ONE_DISK: Contest = Contest {
    disks: 1,
    boots_max: 2,
    ballots_max: 5,
    generations_max: 1,
    late_writes: true,
    broken: Broken::Nothing,
};

fn check(contest: Contest) {
    let bounds = format!("{contest:?}");
    let checker = contest.checker().threads(2).spawn_bfs().join();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    println!("claim: {states} states, depth {depth}, {bounds}");
    checker.assert_properties();
}

fn finds(contest: Contest) {
    let broken = contest.broken;
    let found = HasDiscoveries::AnyOf(["one owner per generation"].into());
    let checker = contest.checker().threads(2).finish_when(found).spawn_bfs().join();
    let path = checker.discovery("one owner per generation");
    assert!(path.is_some(), "{broken:?} has no counter-example");
    let steps = path.map_or(0, |path| path.into_actions().len());
    println!("claim, {broken:?}: contradicted in {steps} steps");
}

#[test]
fn on_one_disk_a_generation_never_has_two_owners() {
    check(ONE_DISK);
}

#[test]
fn over_two_generations_on_one_disk_neither_has_two_owners() {
    check(Contest { boots_max: 2, ballots_max: 4, generations_max: 2, ..ONE_DISK });
}

#[test]
fn on_a_majority_of_three_disks_a_generation_never_has_two_owners() {
    check(Contest { disks: 3, boots_max: 1, ballots_max: 5, late_writes: true, ..ONE_DISK });
}

#[test]
fn reading_before_writing_is_found() {
    finds(Contest { broken: Broken::ReadBeforeWrite, ..ONE_DISK });
}

#[test]
fn forgetting_the_own_block_is_found() {
    finds(Contest { broken: Broken::BlockForgotten, ..ONE_DISK });
}

#[test]
fn asking_no_majority_is_found() {
    finds(Contest { broken: Broken::NoMajority, disks: 2, ..ONE_DISK });
}

#[test]
fn going_on_with_an_outbid_ballot_is_found() {
    finds(Contest { broken: Broken::OutbidIgnored, ..ONE_DISK });
}
