//! What each input means.

use super::{Guardian, Request, Right, Small, Watch};
use crate::arbitration::block::Owner;
use crate::arbitration::disk::Progress;
use crate::guardian_io::{DiskFault, DiskIndex, Event, FrameFault, Input, LinkIndex, SelfFence};
use crate::membership::contact::Heard;
use crate::membership::wire::{Header, Heartbeat, KeyId, Kind};
use crate::view::{BootId, Dropped, FenceOutcome, Notice, Proof, Refusal, Report};
use core::time::Duration;
use diarch_watchdog::sbd::poll;

/// At most one dropped frame is reported in this time; all are counted.
const FAULT_PAUSE: Duration = Duration::from_secs(1);

impl Guardian {
    pub(super) fn take_input(&mut self, input: Input<'_>) {
        match input {
            Input::Frame { link, bytes } => self.take_frame(link, bytes),
            Input::LinkState { link, up } => {
                if let Some(health) = self.links.get_mut(usize::from(link)).filter(|_| !up) {
                    health.lose_carrier();
                }
            }
            Input::SectorRead { disk, result, .. } => self.take_sector(disk, result.map(Some)),
            Input::SectorWritten { disk, result, .. } => {
                self.take_sector(disk, result.map(|()| None));
            }
            Input::WatchdogArmed { effective } => {
                self.watch =
                    effective.map_or(Watch::Failed, |effective| Watch::Armed { effective });
                self.event(Event::Watchdog { armed: effective });
            }
            Input::ManagerStarted => {
                self.supervisor.started(self.now);
                self.push(Small::Manager(Notice::View(self.view)));
                self.tell_keys();
                self.remind_of_leave();
            }
            Input::Manager(report) => self.take_report(report),
            Input::ManagerExited { .. } => {
                self.supervisor.exited(self.now);
                self.leave_without_manager();
            }
            Input::ShutdownRequested => self.ask_to_leave(),
            Input::Dying => {
                self.leave.die();
                self.send_now();
            }
            Input::Keys { key, next } => self.take_keys(key, next),
        }
    }

    fn take_frame(&mut self, link: LinkIndex, bytes: &[u8]) {
        let opened = self.seal.open_any(bytes).and_then(|(header, body, key)| {
            if header.kind == Kind::Heartbeat {
                Ok((header, Heartbeat::decode(&body)?, key))
            } else {
                Err(FrameFault::Version)
            }
        });
        match opened {
            Ok((header, said, key)) => self.take_heartbeat(link, header, said, key),
            Err(reason) => self.drop_frame(link, reason),
        }
    }

    fn drop_frame(&mut self, link: LinkIndex, reason: FrameFault) {
        self.dropped_count = self.dropped_count.saturating_add(1);
        let quiet = self.last_fault.is_some_and(|last| self.now.since(last) < FAULT_PAUSE);
        if !quiet {
            let count = self.dropped_count;
            self.last_fault = Some(self.now);
            self.dropped = Some(Dropped { count, link, reason });
            self.event(Event::FrameDropped { link, reason, count });
        }
    }

    fn take_heartbeat(&mut self, link: LinkIndex, header: Header, said: Heartbeat, key: KeyId) {
        let overdue = self.contact.is_overdue(self.now, self.config.timing.heartbeat);
        let heard = self.contact.hear(self.now, header, said);
        if heard == Heard::Replayed {
            self.drop_frame(link, FrameFault::Replayed);
            return;
        }
        if let Some(health) = self.links.get_mut(usize::from(link)) {
            health.hear(self.now);
        }
        self.meter(link, header, said.stamp);
        match heard {
            // The first word after a gap is answered at once: the peer's lease may be short.
            Heard::Newest if overdue => self.send_now(),
            Heard::Newest => {}
            Heard::NewBoot { gone } => self.follow_new_boot(header.boot, gone),
            Heard::Late | Heard::Replayed => return,
        }
        for (at, health) in (0..).zip(&mut self.links) {
            health.be_told(self.now, said.heard_links & 1 << at != 0);
        }
        self.follow_key(key);
        if said.held && said.condemned == self.boot {
            self.condemn(SelfFence::PeerAsked);
        }
        // A node that woke up hears old words first: whoever no longer hears us is asked what is
        // new, and a boot that was condemned is told so whenever it speaks.
        let is_unheard = self.pair && said.hears != self.boot;
        let is_condemned = self.condemned() == Some(header.boot);
        if is_unheard || is_condemned {
            self.send_now();
        }
        if said.held && !self.pair && self.right != Right::Held {
            self.entitled = false;
        }
        if self.pair && said.agree == self.boot {
            let known = self.claim.decided().generation;
            self.pair_generation = said.generation.max(known);
            self.claim.record_configuration(said.generation);
        }
        self.follow_last_words(&said);
    }

    fn take_sector(&mut self, disk: DiskIndex, result: Result<Option<&[u8]>, DiskFault>) {
        let now = self.now;
        let Some(unit) = self.disks.get_mut(usize::from(disk)) else {
            return;
        };
        match unit.answered(now, result) {
            Progress::Nothing | Progress::Failed => {}
            Progress::Identified { own, peer, fenced } => {
                let first = !self.claim.is_loaded();
                self.claim.load(disk, own, peer);
                self.was_fenced |= fenced && first;
                if first && self.claim.is_loaded() {
                    self.judge_record();
                }
            }
            Progress::Mailbox(order) => self.take_order(order),
            Progress::Round { sequence, peer } => {
                let outcome = self.claim.round_done(disk, sequence, peer);
                self.follow_claim(outcome);
            }
            Progress::ResetDelivered => self.unshot &= !(1 << disk),
        }
    }

    /// What the disks tell a node that just booted: who may start alone.
    fn judge_record(&mut self) {
        let peer = Owner::Node(self.config.local.other());
        let owner = self.claim.decided().owner;
        self.was_last_owner = owner == self.own_value();
        if !self.pair && self.right == Right::Open {
            // A node that left cleanly left its peer in charge, whatever the peer could record.
            let left_it = self.claim.has_left_peer() && owner != self.own_value();
            self.entitled = owner != peer && !left_it;
        }
        self.generation = self.generation.max(self.claim.configuration());
    }

    fn take_order(&mut self, order: poll::Order) {
        match order {
            poll::Order::Nothing
            | poll::Order::AcknowledgeTest
            | poll::Order::DiscardUnknown(_) => {}
            poll::Order::Reset => self.condemn(SelfFence::Mailbox),
            poll::Order::PowerOff => self.end(Small::PowerOff(SelfFence::Mailbox)),
            poll::Order::Crash => self.end(Small::Crash(SelfFence::Mailbox)),
            poll::Order::Exit => self.ask_to_leave(),
        }
    }

    fn take_report(&mut self, report: Report) {
        self.supervisor.heard(self.now);
        match report {
            Report::Progress => {}
            Report::Protecting { active, weight } => {
                self.protected = active;
                self.weight = weight;
            }
            Report::Fence { request, target, off: _ } => self.take_request(request, target),
            Report::PowerIsOff { target } => self.take_power_proof(target),
            Report::Confirmed => {
                if self.absent.is_some() && self.proof.is_none() {
                    self.prove(Proof::Operator);
                }
            }
            Report::Leave => self.say_farewell(),
        }
    }

    fn take_request(&mut self, number: u32, target: Option<BootId>) {
        let request = Request { number, target };
        if self.requests.push(request).is_err() {
            let outcome = FenceOutcome::Failed(Refusal::Arbitrating);
            self.push(Small::Manager(Notice::Fenced { request: number, outcome }));
            return;
        }
        let in_sight = self.contact.sight().map(|sight| sight.boot);
        let visible = self.pair && (target.is_none() || target == in_sight);
        if visible && !self.disks.is_empty() {
            // Claim before shot: the pair is over from here on.
            self.contact.freeze();
            self.lose_peer();
            self.contest_after = self.now;
        }
    }

    fn take_power_proof(&mut self, target: Option<BootId>) {
        let in_sight = self.contact.sight().copied();
        let asked = self.requests.iter().any(|request| request.target == target);
        if self.absent.is_none() && asked {
            // Shot on request while in sight, without a disk to claim on.
            if in_sight.is_none_or(|sight| Some(sight.boot) != target) {
                return;
            }
            self.contact.freeze();
            self.lose_peer();
        }
        let lost = self.absent.filter(|absent| absent.boot == target);
        if lost.is_some() && !self.contact.mutual(self.now) {
            let stronger = matches!(
                self.proof,
                None | Some(Proof::WatchdogExpired { .. } | Proof::LastOwner | Proof::Operator)
            );
            if stronger {
                self.prove(Proof::PowerOff);
            }
        }
    }

    /// Answers the requests whose outcome is known.
    pub(super) fn answer_requests(&mut self) {
        for index in (0..self.requests.len()).rev() {
            let request = self.requests[index];
            if let Some(outcome) = self.outcome_of(request) {
                self.requests.remove(index);
                self.push(Small::Manager(Notice::Fenced { request: request.number, outcome }));
            }
        }
    }

    fn outcome_of(&self, request: Request) -> Option<FenceOutcome> {
        let absent = self.absent.map(|absent| absent.boot);
        if let Some(proof) = self.proof
            && (request.target.is_none() || absent == Some(request.target))
        {
            return Some(FenceOutcome::Done(proof));
        }
        if let (Some(target), Some(sight)) = (request.target, self.contact.sight())
            && sight.boot != target
            && self.contact.mutual(self.now)
        {
            let boot = sight.boot;
            return Some(FenceOutcome::Done(Proof::Rebooted { boot }));
        }
        match self.right {
            Right::Lost => Some(FenceOutcome::Failed(Refusal::Quarantined)),
            Right::Open if !self.entitled && self.claim.is_loaded() && !self.disks.is_empty() => {
                Some(FenceOutcome::Failed(Refusal::PeerWasLastOwner))
            }
            Right::Open | Right::Contesting | Right::Recording | Right::Held => None,
        }
    }
}
