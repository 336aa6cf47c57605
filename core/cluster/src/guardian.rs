//! The lower half of a node: who is alive, who may act, and whether the watchdog is fed.
//!
//! One machine, composed of [`crate::membership`] and [`crate::arbitration`]. What always holds:
//!
//! - `may_act` is true only while the peer is a member, or the peer is provably unable to touch
//!   shared data and the claim is this node's (or is being recorded on the strength of that proof).
//! - With protected resources active the watchdog is fed only within the lease that the peer has
//!   given, or with the claim held, or on proof; so the peer can compute when this node is dead.
//! - Nobody is condemned before the claim is won.
//! - Nothing is allocated: outputs are queued as small values, frames and sectors are built when
//!   they are fetched.
//!
//! [`arbitration::verdict`](crate::arbitration::verdict) holds the table that decides.

mod arbitrate;
mod inputs;
mod keys;
mod leave;
mod meters;
mod report;
mod supervise;

use crate::Instant;
use crate::arbitration::block::Owner;
use crate::arbitration::claim::Claim;
use crate::arbitration::disk::{Disk, Identity, Operation, Want};
use crate::config::{DISKS_MAX, LINKS_MAX, PairConfig};
use crate::guardian_io::{Event, Input, LinkIndex, Output, SelfFence};
use crate::membership::contact::Contact;
use crate::membership::link::{LinkChange, LinkHealth};
use crate::membership::wire::{Header, Kind, Seal, State, fingerprint};
use crate::view::{BootId, Dropped, Notice, Peer, Proof, View};
use core::time::Duration;
use diarch_watchdog::sbd::name::Name;
use heapless::{Deque, Vec};

/// Small outputs that can wait to be fetched; only reports for people are ever dropped.
const QUEUE_MAX: usize = 64;
/// Fencing requests that can be open at once: the scheduler asks for one at a time.
const REQUESTS_MAX: usize = 4;

/// A broken rule, for the simulator's check that it notices. Never anything but `None` elsewhere.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mutation {
    /// The guardian as it is.
    #[default]
    None,
    /// The claim counts as won without asking the disks.
    ClaimSkipped,
    /// The peer counts as dead as soon as the claim is won.
    ProofSkipped,
    /// The watchdog is fed whatever the verdict says, and no node ends itself.
    FeedWithoutHealth,
    /// A boot is believed without a fresh echo.
    StaleBootAccepted,
    /// A node that just booted may contest although the peer was the last owner.
    QuarantineSkipped,
    /// The lease is not frozen while the claim is contested.
    LeaseNotFrozen,
    /// The wait for the peer's watchdog forgets the lease.
    LeaseForgotten,
    /// A claim that is held is kept while the node becomes part of the pair again.
    ClaimKeptWhenJoining,
    /// A peer that says that it will reset itself counts as dead.
    PromiseBelieved,
}

/// How the right to act alone stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Right {
    /// Not contested.
    Open,
    /// Being contested to act alone.
    Contesting,
    /// Being contested only to record that the pair is complete.
    Recording,
    /// This node's.
    Held,
    /// The peer's.
    Lost,
}

/// A peer that is out of sight.
#[derive(Clone, Copy, Debug)]
struct Absent {
    /// Which boot, if one was ever seen.
    boot: Option<BootId>,
    /// When it was last heard; this node's own start if never.
    since: Instant,
    /// The newest moment at which it may have been given a lease.
    granted_at: Instant,
    /// Its watchdog's effective timeout.
    watchdog: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Watch {
    Unwanted,
    Arming,
    Armed { effective: Duration },
    Failed,
}

#[derive(Clone, Copy, Debug)]
enum Small {
    ArmWatchdog(Duration),
    FeedWatchdog(Instant),
    DisarmWatchdog,
    StartManager,
    KillManager,
    Manager(Notice),
    Reset(SelfFence),
    PowerOff(SelfFence),
    Crash(SelfFence),
    Exit,
    Event(Event),
}

#[derive(Clone, Copy, Debug)]
struct Request {
    number: u32,
    target: Option<BootId>,
}

/// The guardian of one node.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each with its own source")]
pub struct Guardian {
    config: PairConfig,
    boot: BootId,
    seal: Seal,
    mutation: Mutation,
    now: Instant,
    started: Instant,
    /// Nothing is held against the peer before this: our own input has to be drained first.
    drained_at: Instant,

    contact: Contact,
    links: [LinkHealth; LINKS_MAX],
    meters: meters::Meters,
    keys: keys::Keys,
    sequence: u64,
    /// Links on which a heartbeat is waiting to be fetched.
    unsent: u8,
    next_heartbeat: Instant,
    last_fault: Option<Instant>,
    /// Frames dropped so far.
    dropped_count: u32,
    /// What was last said of them.
    dropped: Option<Dropped>,

    disks: Vec<Disk, DISKS_MAX>,
    disks_reported: u8,
    claim: Claim,
    right: Right,
    /// Whether this node may contest the claim: it was a member, or was the last owner.
    entitled: bool,
    /// Whether the mailbox held a reset for an earlier boot of this node.
    was_fenced: bool,
    /// Whether the disks said at the start that this node was the last owner.
    was_last_owner: bool,
    /// The generation whose configuration this node has, as the manager is told.
    generation: u64,
    /// The newest generation that was decided while this node was a member.
    pair_generation: u64,
    contest_after: Instant,
    next_ballot_at: Option<Instant>,
    /// Disks whose mailbox of the peer still has to be given a reset.
    unshot: u8,

    peer: Peer,
    absent: Option<Absent>,
    proof: Option<Proof>,
    /// The newest generation that was known to be decided when it was found.
    proof_generation: u64,
    pair: bool,
    acting: bool,
    leads: bool,
    /// Until when the watchdog could last be fed by right.
    right_until: Instant,
    fatal: Option<SelfFence>,

    watch: Watch,
    next_feed: Instant,
    protected: bool,
    weight: u32,
    supervisor: supervise::Supervisor,
    requests: Vec<Request, REQUESTS_MAX>,
    leave: leave::Leave,
    /// What is done once the last words are said.
    last: Option<Small>,
    ended: bool,

    view: View,
    /// Whether the manager was told the newest view, or is being told.
    view_is_sent: bool,
    /// Whether the manager may still act on a view that is over.
    manager_is_stale: bool,
    queue: Deque<Small, QUEUE_MAX>,
}

impl Guardian {
    /// A guardian that has just started on a machine that has just booted.
    ///
    /// `boot` is random and new at every start; a guardian is started once per boot of the machine.
    #[must_use]
    pub fn new(config: PairConfig, boot: BootId, seed: u64, now: Instant) -> Self {
        Self::with_mutation(config, boot, seed, now, Mutation::None)
    }

    /// A guardian with one rule broken.
    #[doc(hidden)]
    #[must_use]
    pub fn with_mutation(
        config: PairConfig,
        boot: BootId,
        seed: u64,
        now: Instant,
        mutation: Mutation,
    ) -> Self {
        let timing = config.timing;
        let disks = disks(&config, boot, now);
        // The first heartbeat comes at a moment of its own, so that two nodes do not beat as one.
        let jitter = Duration::from_micros(seed % 1000);
        let trusting = mutation == Mutation::StaleBootAccepted;
        let mut seal = Seal::new(&config.key, &config.cluster_name, config.local);
        seal.set_keys(&config.key, config.next_key.as_ref());
        let mut guardian = Self {
            seal,
            keys: keys::Keys::default(),
            boot,
            mutation,
            now,
            started: now,
            drained_at: now,
            contact: Contact::new(boot, timing.detection, timing.heartbeat, trusting),
            links: [LinkHealth::default(); LINKS_MAX],
            meters: meters::Meters::new(now),
            sequence: 0,
            unsent: 0,
            next_heartbeat: now.after(jitter),
            last_fault: None,
            dropped_count: 0,
            dropped: None,
            claim: Claim::new(config.local, boot, disks.len()),
            disks,
            disks_reported: 0,
            right: Right::Open,
            entitled: false,
            was_fenced: false,
            was_last_owner: false,
            generation: 0,
            pair_generation: 0,
            contest_after: now.after(timing.listen()),
            next_ballot_at: None,
            unshot: 0,
            peer: Peer::Unknown,
            absent: Some(Absent {
                boot: None,
                since: now,
                granted_at: now,
                watchdog: timing.watchdog,
            }),
            proof: None,
            proof_generation: 0,
            pair: false,
            acting: false,
            leads: false,
            right_until: now,
            fatal: None,
            watch: if config.watchdog { Watch::Arming } else { Watch::Unwanted },
            next_feed: now,
            protected: false,
            weight: 0,
            supervisor: supervise::Supervisor::new(now, timing.manager_progress),
            requests: Vec::new(),
            leave: leave::Leave::No,
            last: None,
            ended: false,
            view: report::first_view(boot),
            view_is_sent: true,
            manager_is_stale: false,
            queue: Deque::new(),
            config,
        };
        if guardian.config.watchdog {
            guardian.push(Small::ArmWatchdog(timing.watchdog));
        }
        guardian.decide();
        guardian
    }

    /// Something happened.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        if self.ended {
            return;
        }
        self.tick(now);
        self.take_input(input);
        self.decide();
    }

    /// Time has passed. Early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.ended {
            return;
        }
        self.tick(now);
        self.decide();
    }

    /// When [`Self::handle_timeout`] is next due; changes with every call of a `handle_` function.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.ended {
            return None;
        }
        let mut next = self.next_heartbeat;
        let mut consider = |at: Option<Instant>| {
            if let Some(at) = at.filter(|at| *at > self.now) {
                next = next.min(at);
            }
        };
        if matches!(self.watch, Watch::Armed { .. }) {
            consider(Some(self.next_feed));
        }
        consider(self.contact.mutual_until());
        consider(Some(self.contest_after));
        consider(Some(self.drained_at));
        consider(self.next_ballot_at);
        consider(self.absent.map(|absent| self.death_at(&absent)));
        consider(self.supervisor.due());
        consider(self.leave.due());
        for disk in &self.disks {
            consider(disk.due());
        }
        Some(next)
    }

    /// What to do next, in order; drain after each call of a `handle_` function.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(small) = self.queue.pop_front() {
            return Some(small.into());
        }
        if self.ended {
            return self.next_frame().or_else(|| self.last.take().map(Output::from));
        }
        self.next_frame().or_else(|| self.next_operation())
    }

    /// Notices how much time has passed since the last call; a gap is our own delay.
    fn tick(&mut self, now: Instant) {
        let gap = now.since(self.now);
        self.now = self.now.max(now);
        self.meters.slept(self.now, gap);
        if gap <= self.config.timing.heartbeat * 2 {
            return;
        }
        self.event(Event::OwnDelay(gap));
        // What was sent to us meanwhile is still in the sockets: take it in before judging.
        self.drained_at = self.now.after(self.config.timing.heartbeat / 2);
        self.supervisor.excuse(self.now);
        let right_ended = self.contact.lease_until().unwrap_or(self.started);
        let by_lease =
            self.right != Right::Held && !self.has_lasting_proof() && !self.disks.is_empty();
        let too_late = self.now >= right_ended.after(self.config.timing.watchdog);
        if self.protected && by_lease && too_late {
            self.condemn(SelfFence::Overslept);
        }
    }

    /// One step: everything that follows from what is known now.
    fn decide(&mut self) {
        self.contact.expire(self.now);
        self.judge_links();
        self.report_disks();
        self.follow_contact();
        self.follow_record();
        self.supervise();
        self.arbitrate();
        self.follow_leave();
        self.answer_requests();
        self.tell_figures();
        self.beat();
        self.publish();
    }

    fn judge_links(&mut self) {
        let silence_max = self.config.timing.link_silence();
        if self.now < self.drained_at {
            return;
        }
        for link in 0..self.config.links.min(LINKS_MAX) {
            let change = self.links[link].judge(self.now, silence_max);
            let link = link_index(link);
            match change {
                Some(LinkChange::Up) => self.event(Event::LinkUp(link)),
                Some(LinkChange::Down { silent }) => self.event(Event::LinkDown { link, silent }),
                Some(LinkChange::OneWay { comes_in }) => {
                    self.event(Event::LinkOneWay { link, comes_in });
                }
                None => {}
            }
        }
    }

    fn report_disks(&mut self) {
        let up = self.disks_up();
        for disk in 0..self.disks.len() {
            let bit = 1 << disk;
            if (up ^ self.disks_reported) & bit != 0 {
                let disk = link_index(disk);
                let up = up & bit != 0;
                self.event(Event::Disk { disk, up });
            }
        }
        self.disks_reported = up;
    }

    fn supervise(&mut self) {
        match self.supervisor.next(self.now) {
            Some(supervise::Order::Start) => self.push(Small::StartManager),
            Some(supervise::Order::Restart) => {
                self.push(Small::StartManager);
                self.event(Event::ManagerRestarted);
            }
            Some(supervise::Order::Kill) => self.push(Small::KillManager),
            None => {}
        }
        if self.supervisor.is_lost() && self.protected {
            self.condemn(SelfFence::ManagerLost);
        }
    }

    /// Sends heartbeats at their time, and four times as often while an answer is overdue on either
    /// side, so that a lossy network is not mistaken for a dead peer.
    fn beat(&mut self) {
        let heartbeat = self.config.timing.heartbeat;
        let hurry = self.contact.is_overdue(self.now, heartbeat)
            || self.contact.is_asked_to_hurry(self.now);
        let every = if hurry { heartbeat / 4 } else { heartbeat };
        if self.now >= self.next_heartbeat {
            self.next_heartbeat = self.now.after(every);
            self.try_other_key();
            self.send_now();
        } else {
            self.next_heartbeat = self.next_heartbeat.min(self.now.after(every));
        }
    }

    /// Something changed that the peer has to know before the next heartbeat.
    fn send_now(&mut self) {
        self.unsent = self.all_links();
    }

    fn all_links(&self) -> u8 {
        (0..self.config.links.min(LINKS_MAX)).fold(0, |mask, link| mask | 1 << link)
    }

    fn next_frame(&mut self) -> Option<Output> {
        while self.unsent != 0 {
            let link = self.unsent.trailing_zeros();
            self.unsent &= self.unsent - 1;
            let link = u8::try_from(link).ok()?;
            self.sequence += 1;
            let header = Header {
                kind: Kind::Heartbeat,
                sender: self.config.local,
                link,
                boot: self.boot,
                sequence: self.sequence,
            };
            if let Ok(frame) = self.seal.seal(header, &self.heartbeat().encode()) {
                return Some(Output::SendFrame { link, frame });
            }
        }
        None
    }

    fn next_operation(&mut self) -> Option<Output> {
        for index in 0..self.disks.len() {
            let disk = link_index(index);
            let want =
                Want { block: self.claim.wanted(disk), reset_peer: self.unshot & 1 << index != 0 };
            match self.disks[index].next(self.now, want) {
                Some(Operation::Read(sector)) => return Some(Output::ReadSector { disk, sector }),
                Some(Operation::Write(sector, data)) => {
                    return Some(Output::WriteSector { disk, sector, data });
                }
                None => {}
            }
        }
        None
    }

    /// Ends this node: at once, and for good.
    fn condemn(&mut self, reason: SelfFence) {
        if self.mutation == Mutation::FeedWithoutHealth {
            return;
        }
        self.fatal.get_or_insert(reason);
    }

    fn push(&mut self, small: Small) {
        if let Err(small) = self.queue.push_back(small) {
            // Reports for people and views that are over make room for orders.
            let kept = self.queue.len();
            for _ in 0..kept {
                match self.queue.pop_front() {
                    Some(Small::Event(_) | Small::Manager(Notice::View(_))) | None => {}
                    Some(order) => {
                        let pushed = self.queue.push_back(order);
                        debug_assert!(pushed.is_ok(), "as many as were taken out");
                    }
                }
            }
            let pushed = self.queue.push_back(small);
            assert!(pushed.is_ok(), "orders are drained after each call");
            self.view_is_sent = false;
        }
    }

    fn event(&mut self, event: Event) {
        // A report that finds no room is dropped: it is for people only.
        if !self.queue.is_full() {
            self.push(Small::Event(event));
        }
    }

    fn disks_up(&self) -> u8 {
        let up = |mask, (at, disk): (usize, &Disk)| mask | u8::from(disk.is_up()) << at;
        self.disks.iter().enumerate().fold(0, up)
    }

    fn watchdog_ready(&self) -> bool {
        match self.watch {
            Watch::Unwanted => true,
            Watch::Arming | Watch::Failed => false,
            Watch::Armed { effective } => {
                effective <= self.config.timing.watchdog + self.config.timing.margin / 2
            }
        }
    }

    fn state(&self) -> State {
        if self.leave.is_dying() {
            State::Dying
        } else if self.leave.has_left() {
            State::Left
        } else if self.leave.is_leaving() {
            State::Leaving
        } else {
            match self.right {
                Right::Contesting => State::Contesting,
                Right::Lost => State::Quarantined,
                Right::Held => State::Running,
                Right::Open | Right::Recording if self.pair => State::Running,
                Right::Open | Right::Recording => State::Starting,
            }
        }
    }

    fn own_value(&self) -> Owner {
        Owner::Node(self.config.local)
    }
}

impl From<Small> for Output {
    fn from(small: Small) -> Self {
        match small {
            Small::ArmWatchdog(timeout) => Self::ArmWatchdog { timeout },
            Small::FeedWatchdog(until) => Self::FeedWatchdog { until },
            Small::DisarmWatchdog => Self::DisarmWatchdog,
            Small::StartManager => Self::StartManager,
            Small::KillManager => Self::KillManager,
            Small::Manager(notice) => Self::Manager(notice),
            Small::Reset(reason) => Self::Reset(reason),
            Small::PowerOff(reason) => Self::PowerOff(reason),
            Small::Crash(reason) => Self::Crash(reason),
            Small::Exit => Self::Exit,
            Small::Event(event) => Self::Event(event),
        }
    }
}

fn disks(config: &PairConfig, boot: BootId, now: Instant) -> Vec<Disk, DISKS_MAX> {
    let identity = Identity {
        cluster: fingerprint(config.cluster_name.as_bytes()),
        local: config.local,
        boot,
        names: [Name::truncated(&config.nodes[0]), Name::truncated(&config.nodes[1])],
    };
    let mut disks = Vec::new();
    for index in 0..config.disks.min(DISKS_MAX) {
        let sector_bytes = config.sector_bytes.get(index).copied().unwrap_or(512);
        let disk = Disk::new(identity.clone(), sector_bytes, config.timing.disk_poll, now);
        if disks.push(disk).is_err() {
            break;
        }
    }
    disks
}

/// An index below [`LINKS_MAX`] or [`DISKS_MAX`] as it is named to the outside.
fn link_index(index: usize) -> LinkIndex {
    u8::try_from(index).unwrap_or(u8::MAX)
}
