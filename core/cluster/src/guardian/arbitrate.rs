//! From evidence to acts: joining, contesting, waiting for proof, ending.

use super::{Absent, Guardian, Mutation, Right, Small, Watch};
use crate::Instant;
use crate::arbitration::block::{Decision, Owner};
use crate::arbitration::claim::Outcome;
use crate::arbitration::verdict::{Evidence, Sighting, Standing, Step, Verdict, judge};
use crate::guardian_io::Event;
use crate::membership::contact::Sight;
use crate::membership::wire::{Heartbeat, State};
use crate::view::{BootId, Peer, Proof};
use core::time::Duration;

/// Between two attempts at something that is in no hurry.
const PAUSE: Duration = Duration::from_secs(1);
/// Set in a bid by the node that is acting.
const ACTING_BID: u64 = 1 << 63;

impl Guardian {
    /// Judges the evidence and acts on it, until nothing changes any more.
    pub(super) fn arbitrate(&mut self) {
        for _ in 0..4 {
            let verdict = judge(&self.evidence());
            if let Step::Fence(reason) = verdict.step
                && self.mutation != Mutation::FeedWithoutHealth
            {
                self.end(Small::Reset(reason));
                return;
            }
            self.acting = verdict.may_act && self.watchdog_ready();
            self.recall_stale_manager();
            self.feed(&verdict);
            let changed = match verdict.step {
                Step::Join => self.try_agree(),
                Step::Contest => self.try_contest(),
                Step::AwaitProof => self.try_prove_by_time(),
                Step::GoOn => self.try_record(),
                Step::Quarantine | Step::AskPower | Step::Fence(_) => false,
            };
            if !changed {
                break;
            }
        }
        if self.next_ballot_at.is_some_and(|at| self.now >= at) {
            self.next_ballot_at = None;
            if self.claim.is_open() {
                self.claim.next_ballot();
            }
        }
    }

    pub(super) fn evidence(&self) -> Evidence {
        let sighting = if !self.contact.mutual(self.now) {
            Sighting::Silent
        } else if self.pair {
            Sighting::Pair
        } else {
            Sighting::Hearing
        };
        let may_contest =
            self.entitled || self.proof.is_some() || self.mutation == Mutation::QuarantineSkipped;
        let standing = match self.right {
            _ if self.disks.is_empty() => Standing::NoDisks,
            Right::Held => Standing::Held,
            Right::Lost => Standing::Lost,
            Right::Open | Right::Contesting | Right::Recording
                if may_contest || !self.claim.is_loaded() =>
            {
                Standing::Contestable
            }
            Right::Open | Right::Contesting | Right::Recording => Standing::Barred,
        };
        let contest_max = self.config.timing.contest_max();
        Evidence {
            fatal: self.fatal,
            sighting,
            standing,
            proved: self.proof.is_some(),
            lasting: self.has_lasting_proof(),
            protected: self.protected,
            acting: self.acting,
            expired: self.now >= self.right_until.after(contest_max),
        }
    }

    /// Whether the peer is down for good, even without a claim that keeps its next boot out.
    pub(super) const fn has_lasting_proof(&self) -> bool {
        matches!(self.proof, Some(Proof::LeftCleanly | Proof::Operator))
    }

    fn feed(&mut self, verdict: &Verdict) {
        let feeding = verdict.feed || self.mutation == Mutation::FeedWithoutHealth;
        let armed = matches!(self.watch, Watch::Armed { .. });
        if feeding && armed && self.now >= self.next_feed {
            self.next_feed = self.now.after(self.config.timing.feed());
            let by_lease = self.protected
                && self.right != Right::Held
                && !self.has_lasting_proof()
                && !self.disks.is_empty();
            let bound = self.now.after(self.config.timing.watchdog);
            let lease = self.contact.lease_until().filter(|_| by_lease);
            self.push(Small::FeedWatchdog(lease.unwrap_or(bound).min(bound)));
        }
    }

    /// Follows the peer into and out of sight.
    pub(super) fn follow_contact(&mut self) {
        let mutual = self.contact.mutual(self.now);
        if mutual && self.contact.agreed_by_both() {
            let free = matches!(self.right, Right::Open | Right::Recording);
            if !self.pair && free && !self.leave.is_leaving() {
                self.begin_pair();
            }
        } else if mutual {
            self.pair = false;
            if self.right == Right::Recording {
                self.claim.close();
                self.right = Right::Open;
            }
            if matches!(self.right, Right::Open | Right::Lost) && self.proof.is_none() {
                self.absent = None;
            }
        } else if self.absent.is_none() && self.now >= self.drained_at {
            self.lose_peer();
        }
    }

    /// A disk that answers again may tell that the peer has won a generation meanwhile.
    pub(super) fn follow_record(&mut self) {
        let decided = self.claim.decided();
        let proved = self.proof.is_some();
        let known = self.pair_generation.max(if proved { self.proof_generation } else { 0 });
        let news =
            decided.generation > known && decided.owner == Owner::Node(self.config.local.other());
        let alone = !self.pair && !self.contact.mutual(self.now) && !self.has_lasting_proof();
        let skipped = self.mutation == Mutation::QuarantineSkipped;
        let may_contest = self.entitled || proved;
        if news && alone && may_contest && self.right != Right::Held && !skipped {
            // A proof that the peer was off says nothing of a boot that has won since.
            if let Some(boot) = self.absent.and_then(|absent| absent.boot).filter(|_| proved) {
                self.peer = Peer::Lost { boot, since: self.now };
            }
            self.claim.close();
            self.next_ballot_at = None;
            self.lose(decided.generation);
        }
    }

    fn begin_pair(&mut self) {
        let Some(sight) = self.contact.sight().copied() else {
            return;
        };
        self.pair = true;
        self.entitled = true;
        self.claim.record_return();
        self.absent = None;
        self.proof = None;
        self.peer = Peer::Member { boot: sight.boot };
        self.leads = match sight.bid.cmp(&sight.said.bid) {
            core::cmp::Ordering::Greater => true,
            core::cmp::Ordering::Less => false,
            core::cmp::Ordering::Equal => self.config.local.index() == 0,
        };
        self.pair_generation = sight.said.generation.max(self.claim.decided().generation);
        self.contest_after = self.now;
        self.event(Event::PeerJoined);
        self.send_now();
    }

    /// The peer is out of sight: what it may still do is bounded by what it was last granted.
    pub(super) fn lose_peer(&mut self) {
        let Some(sight) = self.contact.sight().copied() else {
            return;
        };
        let known = self.pair || sight.agreed || self.acting;
        self.absent = Some(self.absent_from(&sight));
        self.right_until = self.contact.lease_until().unwrap_or(self.started).min(self.now);
        self.pair = false;
        self.leads = false;
        self.acting = false;
        self.proof = None;
        if self.right == Right::Recording {
            self.claim.close();
            self.right = Right::Open;
        }
        self.generation = self.claim.configuration();
        let silent = self.now.since(sight.last_heard);
        self.manager_is_stale = known;
        if known {
            self.peer = Peer::Lost { boot: sight.boot, since: sight.last_heard };
            self.event(Event::PeerSilent { silent });
        }
        let opponent_is_first = sight.said.state == State::Contesting;
        let wait = match sight.said.state {
            State::Dying | State::Left => Duration::ZERO,
            State::Starting
            | State::Running
            | State::Contesting
            | State::Quarantined
            | State::Leaving => {
                if self.is_heavier(&sight) && !opponent_is_first {
                    Duration::ZERO
                } else {
                    self.config.timing.yield_to_heavier()
                }
            }
        };
        self.contest_after = self.now.after(wait);
        self.send_now();
    }

    fn absent_from(&self, sight: &Sight) -> Absent {
        Absent {
            boot: Some(sight.boot),
            since: sight.last_heard,
            granted_at: sight.granted_at,
            watchdog: Duration::from_millis(u64::from(sight.said.watchdog_ms)),
        }
    }

    /// Who goes first: what is protected, then what it weighs, then the first node.
    fn is_heavier(&self, sight: &Sight) -> bool {
        let own = (self.protected, self.weight);
        let theirs = (sight.said.protected, sight.said.weight);
        match own.cmp(&theirs) {
            core::cmp::Ordering::Greater => true,
            core::cmp::Ordering::Less => false,
            core::cmp::Ordering::Equal => self.config.local.index() == 0,
        }
    }

    /// Until when a peer that is out of sight may still be feeding, or not yet reset.
    pub(super) fn death_at(&self, absent: &Absent) -> Instant {
        let sight = self.contact.sight().filter(|sight| Some(sight.boot) == absent.boot);
        let granted_at =
            sight.map_or(absent.granted_at, |sight| sight.granted_at.max(absent.granted_at));
        let timing = &self.config.timing;
        if self.mutation == Mutation::LeaseForgotten {
            return granted_at.after(timing.watchdog / 2);
        }
        granted_at.after(timing.death_wait(absent.watchdog))
    }

    /// Agrees to be a pair; any claim held is given up first.
    fn try_agree(&mut self) -> bool {
        let Some(sight) = self.contact.sight().copied() else {
            return false;
        };
        let willing = match sight.said.state {
            State::Starting | State::Running | State::Quarantined => true,
            State::Contesting | State::Leaving | State::Left | State::Dying => false,
        };
        let read_by = self.started.after(self.config.timing.disk_io * 2);
        let read = self.claim.is_loaded() || self.disks.is_empty() || self.now >= read_by;
        if sight.agreed || !willing || !read || self.claim.is_open() || self.leave.is_leaving() {
            return false;
        }
        if self.mutation != Mutation::ClaimKeptWhenJoining {
            self.right = Right::Open;
            self.absent = None;
            self.proof = None;
            self.unshot = 0;
        }
        let acting = if self.acting { ACTING_BID } else { 0 };
        self.contact.agree(acting | self.generation);
        self.send_now();
        true
    }

    fn try_contest(&mut self) -> bool {
        if self.leave.is_leaving() {
            return false;
        }
        if self.mutation == Mutation::ClaimSkipped && self.right != Right::Contesting {
            if self.now < self.contest_after {
                return false;
            }
            self.contact.freeze();
            self.win(self.claim.decided().generation + 1);
            return true;
        }
        if self.right == Right::Contesting {
            return self.try_abandon();
        }
        let ready = self.now >= self.contest_after && self.now >= self.drained_at;
        if !ready || !self.claim.is_loaded() || !self.claim.majority(self.disks_up()) {
            return false;
        }
        if self.mutation != Mutation::LeaseNotFrozen {
            self.contact.freeze();
        }
        self.open_contest();
        false
    }

    fn open_contest(&mut self) {
        let loser = self.absent.and_then(|absent| absent.boot);
        self.right = Right::Contesting;
        self.claim.open(self.now, self.own_value(), loser.unwrap_or_default());
        self.event(Event::ClaimOpened { generation: self.claim.contested() });
        self.send_now();
    }

    /// Nothing runs here and the disks do not answer: listen again instead of contesting for ever.
    fn try_abandon(&mut self) -> bool {
        let until = self.claim.opened_at().after(self.config.timing.contest_max() * 2);
        if self.protected || self.proof.is_some() || self.now < until {
            return false;
        }
        self.claim.close();
        self.next_ballot_at = None;
        self.right = Right::Open;
        self.contact.thaw();
        self.contest_after = self.now.after(PAUSE);
        self.send_now();
        true
    }

    /// Records on the disks that both nodes are a pair, so that either may start alone later.
    fn try_record(&mut self) -> bool {
        let Some(sight) = self.contact.sight().filter(|_| self.pair) else {
            return false;
        };
        let known = self.claim.decided();
        let recorder = match sight.said.generation.cmp(&known.generation) {
            core::cmp::Ordering::Greater => false,
            core::cmp::Ordering::Less => true,
            core::cmp::Ordering::Equal => self.leads,
        };
        let ready = self.right == Right::Open
            && self.now >= self.contest_after
            && self.claim.is_loaded()
            && self.claim.majority(self.disks_up())
            && !self.leave.is_leaving()
            && sight.said.state == State::Running;
        // A proposal that was broken off would be met in the next contest, and win it.
        let unfinished = self.claim.has_open_proposal();
        let recorded = known.owner == Owner::Pair && !unfinished;
        if recorded || !ready || !(recorder || unfinished) {
            return false;
        }
        self.right = Right::Recording;
        self.contest_after = self.now.after(PAUSE);
        self.claim.open(self.now, Owner::Pair, BootId(0));
        false
    }

    /// A round of the claim has ended on one disk.
    pub(super) fn follow_claim(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Open => {}
            Outcome::Foreign => self.right = Right::Open,
            Outcome::Outbid => {
                let sight = self.contact.sight().copied();
                let heavier = sight.is_none_or(|sight| self.is_heavier(&sight));
                let wait = if heavier {
                    Duration::ZERO
                } else {
                    self.config.timing.yield_to_heavier() / 2
                };
                self.next_ballot_at = Some(self.now.after(wait));
            }
            Outcome::Decided(decision) => self.follow_decision(decision),
        }
    }

    fn follow_decision(&mut self, decision: Decision) {
        self.next_ballot_at = None;
        match (self.right, decision.owner) {
            (Right::Contesting, owner) if owner == self.own_value() => {
                self.win(decision.generation);
            }
            (Right::Contesting, Owner::Pair | Owner::Nobody) => self.open_contest(),
            (Right::Recording, owner) if owner == self.own_value() => self.right = Right::Open,
            (Right::Recording, Owner::Pair | Owner::Nobody) => {
                self.right = Right::Open;
                self.send_now();
            }
            (Right::Contesting | Right::Recording, Owner::Node(_)) => {
                self.lose(decision.generation);
            }
            (Right::Open | Right::Held | Right::Lost, _) => {}
        }
    }

    fn win(&mut self, generation: u64) {
        self.right = Right::Held;
        self.entitled = true;
        self.generation = generation;
        self.event(Event::ClaimWon { generation, took: self.now.since(self.claim.opened_at()) });
        let boot = self.absent.and_then(|absent| absent.boot);
        if boot.is_some() && self.proof.is_none() {
            self.unshot = (0..self.disks.len()).fold(0, |mask, disk| mask | 1 << disk);
        }
        if self.mutation == Mutation::ProofSkipped && self.proof.is_none() {
            let last_heard = self.now;
            let waited = Duration::ZERO;
            self.prove(Proof::WatchdogExpired { last_heard, waited });
        }
        self.send_now();
    }

    fn lose(&mut self, generation: u64) {
        self.right = Right::Lost;
        self.entitled = false;
        self.proof = None;
        self.contact.thaw();
        self.event(Event::ClaimLost { generation });
        self.end_stale_manager();
        self.send_now();
    }

    /// The peer will soon act alone; a manager that has not yet read that its view is over must not
    /// start anything on the strength of it.
    fn recall_stale_manager(&mut self) {
        let over = self.right_until.after(self.config.timing.contest_max());
        if self.acting {
            self.manager_is_stale = false;
        } else if self.manager_is_stale && !self.disks.is_empty() && self.now >= over {
            self.end_stale_manager();
        }
    }

    fn end_stale_manager(&mut self) {
        self.manager_is_stale = false;
        if !self.protected && self.supervisor.is_running() {
            self.supervisor.recall();
            self.push(Small::KillManager);
        }
    }

    fn try_prove_by_time(&mut self) -> bool {
        let Some(absent) = self.absent else {
            return false;
        };
        if !self.config.watchdog || self.now < self.death_at(&absent) {
            return false;
        }
        let waited = self.now.since(absent.since);
        self.prove(if absent.boot.is_none() && self.was_last_owner {
            Proof::LastOwner
        } else {
            Proof::WatchdogExpired { last_heard: absent.since, waited }
        });
        true
    }

    /// The peer provably cannot touch shared data any more.
    pub(super) fn prove(&mut self, proof: Proof) {
        let boot = self.absent.and_then(|absent| absent.boot);
        self.proof = Some(proof);
        self.proof_generation = self.claim.decided().generation;
        self.peer = Peer::Down { boot, proof };
        self.unshot = 0;
        if self.right == Right::Lost {
            self.right = Right::Open;
        }
        self.event(Event::PeerDown(proof));
        self.send_now();
    }

    /// The boot in sight said that it has left, or that it is dying.
    pub(super) fn follow_last_words(&mut self, said: &Heartbeat) {
        let known = self.pair || self.right == Right::Held || self.entitled;
        match said.state {
            State::Left if known && self.proof.is_none() => {
                if let Some(sight) = self.contact.sight().copied() {
                    self.absent = Some(self.absent_from(&sight));
                }
                self.pair = false;
                self.contact.freeze();
                self.contest_after = self.now;
                if self.right == Right::Recording {
                    self.claim.close();
                    self.right = Right::Open;
                }
                self.prove(Proof::LeftCleanly);
            }
            State::Dying if self.pair => {
                // A promise is a reason to begin, not a proof: until its watchdog must have fired
                // it may be stopped between saying and doing, or its reset may hang.
                self.event(Event::PeerDying { reason: said.reason });
                self.contact.freeze();
                self.lose_peer();
                if self.mutation == Mutation::PromiseBelieved {
                    self.prove(Proof::PowerOff);
                }
            }
            State::Left
            | State::Dying
            | State::Starting
            | State::Running
            | State::Contesting
            | State::Quarantined
            | State::Leaving => {}
        }
    }

    /// A boot of the peer runs that was not in sight before; the one before it is gone.
    pub(super) fn follow_new_boot(&mut self, boot: BootId, gone: Option<BootId>) {
        self.pair = false;
        self.next_ballot_at = None;
        if matches!(self.right, Right::Contesting | Right::Recording) {
            self.claim.close();
            self.right = Right::Open;
        }
        let Some(gone) = gone else {
            if self.right != Right::Held {
                self.absent = None;
            }
            return;
        };
        let proof = Proof::Rebooted { boot };
        let absent_is_gone = self.absent.is_some_and(|absent| absent.boot == Some(gone));
        if self.right == Right::Held && absent_is_gone && self.proof.is_none() {
            self.prove(proof);
        } else if self.right != Right::Held {
            self.absent = None;
            self.proof = None;
            self.peer = Peer::Down { boot: Some(gone), proof };
            self.event(Event::PeerDown(proof));
        }
        self.send_now();
    }
}
