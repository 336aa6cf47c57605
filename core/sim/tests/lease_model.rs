//! An exhaustive check of the lease: the real [`Contact`] of two nodes over a network that may do
//! anything to a frame but forge it.
//!
//! Every order of sending, delivering, overtaking, delaying, duplicating and losing frames, of
//! deaths and boots, and of freezing a contact is tried, within the bounds printed: time, frames
//! under way, boots. A pause of any length is a node that sends and takes in nothing meanwhile.
//! Clocks run at one speed here; what they differ by is what `Timing::margin` is for.
//!
//! What has to hold is the sentence that the winner's wait rests on (`Guardian::death_at`): the
//! lease of a node ends no later than `detection` after the moment that its peer noted as
//! [`Sight::granted_at`](diarch_cluster::membership::contact::Sight), or after the peer's own boot.
#![expect(clippy::print_stdout, reason = "the size of the state space is part of the result")]

use core::time::Duration;
use diarch_cluster::Instant;
use diarch_cluster::config::NodeIndex::{self, First, Second};
use diarch_cluster::membership::contact::{Contact, Heard};
use diarch_cluster::membership::wire::{Header, Heartbeat, Kind};
use diarch_cluster::view::BootId;
use stateright::{Checker, HasDiscoveries, Model, Property};

const BOTH: [NodeIndex; 2] = [First, Second];
/// A stamp of zero means that nothing was heard, so clocks start later.
const START: u64 = 10;
const DETECTION: Duration = Duration::from_micros(2);
const HEARTBEAT: Duration = Duration::from_micros(1);

/// A rule that is left out, so that the check has something to find.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Broken {
    Nothing,
    /// A boot is believed without a fresh echo.
    StaleBootAccepted,
    /// The lease runs from when the echo came in, not from the stamp.
    LeaseFromReception,
    /// A node that contests notes the moment, but goes on giving leases.
    LeaseNotFrozen,
    /// The peer is waited for from when it was last seen to hear, not from when it was heard.
    GrantedAtEcho,
}

#[derive(Clone, Debug)]
struct Links {
    ticks_max: u64,
    frames_max: usize,
    deaths_max: u8,
    freezes: bool,
    broken: Broken,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Side {
    contact: Contact,
    boot: BootId,
    booted_at: Instant,
    sequence: u64,
    /// It sends once a tick: more often adds nothing but numbers.
    has_sent: bool,
    /// What it noted when it began to contest, where that is not in the contact.
    noted: Option<Instant>,
    frozen: bool,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct World {
    now: u64,
    sides: [Side; 2],
    frames: Vec<(Header, Heartbeat)>,
    deaths: u8,
    /// Somebody took a boot for gone that was running.
    deceived: bool,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Action {
    Tick,
    Send(NodeIndex),
    Deliver { at: usize, twice: bool },
    Agree(NodeIndex),
    Freeze(NodeIndex),
    DieAndBoot(NodeIndex),
}

impl Links {
    fn side(&self, node: NodeIndex, boots: u64, now: u64) -> Side {
        let boot = BootId(1 + boots * 2 + node.index() as u64);
        let trusting = self.broken == Broken::StaleBootAccepted;
        Side {
            contact: Contact::new(boot, DETECTION, HEARTBEAT, trusting),
            boot,
            booted_at: Instant::from_micros(now),
            sequence: 0,
            has_sent: false,
            noted: None,
            frozen: false,
        }
    }

    fn deliver(&self, world: &mut World, header: Header, mut said: Heartbeat) {
        let sender = world.sides[header.sender.index()].boot;
        let side = &mut world.sides[header.sender.other().index()];
        if self.broken == Broken::LeaseFromReception && said.hears == side.boot {
            said.echo = world.now;
        }
        let heard = side.contact.hear(Instant::from_micros(world.now), header, said);
        if let Heard::NewBoot { gone: Some(gone) } = heard {
            world.deceived |= gone == sender;
        }
    }

    /// Whether what this node counts on is within what its peer waits for.
    fn is_bounded(&self, world: &World, node: NodeIndex) -> bool {
        let (side, peer) = (&world.sides[node.index()], &world.sides[node.other().index()]);
        let Some(lease) = side.contact.lease_until() else {
            return true;
        };
        let from = side.contact.sight().map(|sight| sight.boot);
        if from != Some(peer.boot) {
            return lease <= peer.booted_at.after(DETECTION);
        }
        match peer.contact.sight().filter(|sight| sight.boot == side.boot) {
            Some(sight) => {
                let granted = match self.broken {
                    Broken::GrantedAtEcho => Instant::from_micros(sight.said.echo),
                    Broken::Nothing
                    | Broken::StaleBootAccepted
                    | Broken::LeaseFromReception
                    | Broken::LeaseNotFrozen => peer.noted.unwrap_or(sight.granted_at),
                };
                lease <= granted.after(DETECTION)
            }
            // Only a look was had at this boot: it cannot have become a member.
            None => !side.contact.agreed_by_both(),
        }
    }
}

impl Model for Links {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let sides = BOTH.map(|node| self.side(node, 0, START));
        vec![World { now: START, sides, frames: Vec::new(), deaths: 0, deceived: false }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.now < START + self.ticks_max {
            actions.push(Action::Tick);
        }
        for node in BOTH {
            let side = &world.sides[node.index()];
            if !side.has_sent {
                actions.push(Action::Send(node));
            }
            let seen = side.contact.sight();
            if !side.frozen && seen.is_some_and(|sight| !sight.agreed) {
                actions.push(Action::Agree(node));
            }
            if self.freezes && !side.frozen && seen.is_some() {
                actions.push(Action::Freeze(node));
            }
            if world.deaths < self.deaths_max {
                actions.push(Action::DieAndBoot(node));
            }
        }
        for at in 0..world.frames.len() {
            actions.push(Action::Deliver { at, twice: false });
            if self.deaths_max > 0 {
                actions.push(Action::Deliver { at, twice: true });
            }
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        let now = Instant::from_micros(world.now);
        match action {
            Action::Tick => {
                world.now += 1;
                for side in &mut world.sides {
                    side.has_sent = false;
                }
            }
            Action::Send(node) => {
                let side = &mut world.sides[node.index()];
                side.sequence += 1;
                side.has_sent = true;
                let (boot, sequence) = (side.boot, side.sequence);
                // A frame that is not delivered is lost; the oldest makes room.
                let own = |(h, _): &(Header, Heartbeat)| h.sender == node;
                if world.frames.iter().filter(|frame| own(frame)).count() == self.frames_max {
                    let oldest = world.frames.iter().position(own)?;
                    world.frames.remove(oldest);
                }
                let kind = Kind::Heartbeat;
                let header = Header { kind, sender: node, link: 0, boot, sequence };
                let mut said = Heartbeat { stamp: now.as_micros(), ..Heartbeat::default() };
                side.contact.address(&mut said);
                world.frames.push((header, said));
                world.frames.sort_unstable_by_key(|(h, _)| (h.sender, h.boot, h.sequence));
            }
            Action::Deliver { at, twice } => {
                let (header, said) = world.frames[at];
                if !twice {
                    world.frames.remove(at);
                }
                self.deliver(&mut world, header, said);
            }
            Action::Agree(node) => world.sides[node.index()].contact.agree(0),
            Action::Freeze(node) => {
                let side = &mut world.sides[node.index()];
                side.frozen = true;
                if self.broken == Broken::LeaseNotFrozen {
                    side.noted = side.contact.sight().map(|sight| sight.granted_at);
                } else {
                    side.contact.freeze();
                }
            }
            Action::DieAndBoot(node) => {
                world.deaths += 1;
                let boots = (world.sides[node.index()].boot.0 - 1) / 2 + 1;
                world.sides[node.index()] = self.side(node, boots, world.now);
            }
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("bounded", |model: &Self, world: &World| {
                BOTH.iter().all(|node| model.is_bounded(world, *node))
            }),
            Property::always("not deceived", |_, world: &World| !world.deceived),
            Property::sometimes("a pair", |_, world: &World| {
                world.sides.iter().all(|side| side.contact.agreed_by_both())
            }),
        ]
    }
}

const FROZEN: Links =
    Links { ticks_max: 3, frames_max: 2, deaths_max: 0, freezes: true, broken: Broken::Nothing };
const DYING: Links =
    Links { ticks_max: 2, frames_max: 1, deaths_max: 1, freezes: false, broken: Broken::Nothing };

fn check(links: Links) {
    let bounds = format!("{links:?}");
    let checker = links.checker().threads(2).spawn_bfs().join();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    println!("lease: {states} states, depth {depth}, {bounds}");
    checker.assert_properties();
}

fn finds(links: Links, property: &'static str) {
    let broken = links.broken;
    let found = HasDiscoveries::AnyOf([property].into());
    let checker = links.checker().threads(2).finish_when(found).spawn_bfs().join();
    let path = checker.discovery(property);
    assert!(path.is_some(), "{broken:?} has no counter-example");
    let steps = path.map_or(0, |path| path.into_actions().len());
    println!("lease, {broken:?}: not {property} in {steps} steps");
}

#[test]
fn a_lease_never_outlives_what_the_peer_waits_for_in_any_order_of_frames() {
    check(FROZEN);
}

#[test]
fn a_lease_of_a_dead_boot_never_outlives_what_the_next_boot_waits_for() {
    check(DYING);
}

#[test]
fn belief_in_a_stale_boot_is_found() {
    let stale = Broken::StaleBootAccepted;
    finds(Links { ticks_max: 1, frames_max: 2, broken: stale, ..DYING }, "not deceived");
}

#[test]
fn a_lease_that_runs_from_reception_is_found() {
    finds(Links { broken: Broken::LeaseFromReception, ..FROZEN }, "bounded");
}

#[test]
fn a_lease_given_while_contesting_is_found() {
    finds(Links { broken: Broken::LeaseNotFrozen, ..FROZEN }, "bounded");
}

#[test]
fn a_wait_that_runs_from_the_peers_own_hearing_is_found() {
    finds(Links { broken: Broken::GrantedAtEcho, ..FROZEN }, "bounded");
}
