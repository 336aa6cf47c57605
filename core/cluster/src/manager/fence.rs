//! Fencing: the manager demands it, the guardian does it and says by which proof.

use super::answers::{proof_text, refusal_text};
use super::unfence::Rising;
use super::{Author, Clocks, Manager};
use crate::Instant;
use crate::alerts;
use crate::fencing::history::{Event, History};
use crate::manager_io::Output;
use crate::replication::Message;
use crate::request::Reply;
use crate::transition::Abort;
use crate::view::{BootId, FenceOutcome, Peer, Proof, Report};
use core::time::Duration;
use diarch_cib::Document;

/// The pause before a node that could not be fenced is tried again, doubled each time.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Exit status: it could not be done.
const EXIT_FAILED: i32 = 1;
/// Exit status: it was not done in time.
const EXIT_TIMEOUT: i32 = 124;
const NOBODY: &str = "no other node is there to fence this one";
const LATE: &str = "there was no answer in time";

/// A step of a transition that waits for a node to be fenced. Its number alone would name another
/// step of the next transition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Step {
    pub(super) transition: u32,
    pub(super) action: u32,
}

/// What is demanded of the fencer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Demand {
    /// The node.
    pub(super) target: String,
    /// `off`, `reboot` or `on`.
    pub(super) action: String,
    /// How long to wait before anything is done.
    pub(super) delay: Duration,
    /// The devices do not wait for delays of their own.
    pub(super) undelayed: bool,
    /// With which parameters the devices unfence the node, as attributes of it.
    pub(super) digests: Vec<(&'static str, String)>,
}

/// Who waits for a node to be fenced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub(super) step: Option<Step>,
    pub(super) author: Author,
    /// Does not wait any longer then.
    pub(super) until: Option<Instant>,
}

impl Waiter {
    /// A step of the transition, which knows itself how long it waits.
    pub(super) const fn step(step: Option<Step>) -> Self {
        Self { step, author: Author::Nobody, until: None }
    }

    /// Whoever asked, until then.
    pub(super) const fn author(author: Author, until: Instant) -> Self {
        Self { step: None, author, until: Some(until) }
    }
}

/// A node that is to be fenced, and all who wait for it.
#[derive(Debug)]
struct Pending {
    request: u32,
    /// Who demanded it first.
    author: Author,
    boot: Option<BootId>,
    action: String,
    /// The guardian is not told before.
    due: Option<Instant>,
    undelayed: bool,
    waiters: Vec<Waiter>,
}

/// What is being fenced, and what was.
#[derive(Debug)]
pub(super) struct Fencing {
    pub(super) next: u32,
    pending: Vec<Pending>,
    pub(super) rising: Vec<Rising>,
    /// Who waits for this node to be fenced by the other one; none of them will hear of success.
    own: Vec<Waiter>,
    pub(super) history: History,
    retry_at: Option<Instant>,
    pause: Duration,
}

impl Fencing {
    pub(super) const fn new(seed: u64) -> Self {
        Self {
            next: 0,
            pending: Vec::new(),
            rising: Vec::new(),
            own: Vec::new(),
            history: History::new(seed),
            retry_at: None,
            pause: Duration::ZERO,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let due = self.pending.iter().filter_map(|one| one.due);
        let rising = self.rising.iter().flat_map(|one| &one.waiters);
        let waiters = self.pending.iter().flat_map(|one| &one.waiters);
        let waiters = waiters.chain(rising).chain(&self.own);
        let until = waiters.filter_map(|waiter| waiter.until);
        due.chain(until).chain(self.retry_at).min()
    }

    /// Something happened: the scheduler does not wait any longer.
    pub(super) const fn stop_pausing(&mut self) {
        self.retry_at = None;
    }

    /// The action that somebody waits for, if somebody does; `off` before any other.
    pub(super) fn demanded(&self) -> Option<&str> {
        let told = self.pending.iter().filter(|pending| pending.due.is_none());
        let mut actions = told.map(|pending| pending.action.as_str());
        actions.clone().find(|action| *action == "off").or_else(|| actions.next())
    }

    /// Whether somebody demanded that devices do not wait for their delays.
    pub(super) fn is_undelayed(&self) -> bool {
        self.pending.iter().any(|pending| pending.undelayed)
    }

    /// A transition is over: nobody waits for what it demanded.
    pub(super) fn forget(&mut self, transition: u32) {
        let over = |step: Step| step.transition == transition;
        for waiters in self.waiters() {
            waiters.retain(|waiter| !waiter.step.is_some_and(over));
        }
        self.pending.retain(|pending| !pending.waiters.is_empty());
    }

    /// Those who do not wait any longer.
    fn take_waiters(&mut self, mut gone: impl FnMut(&Waiter) -> bool) -> Vec<Waiter> {
        let mut taken = Vec::new();
        for waiters in self.waiters() {
            taken.extend(waiters.extract_if(.., |waiter| gone(waiter)));
        }
        taken
    }

    fn waiters(&mut self) -> impl Iterator<Item = &mut Vec<Waiter>> {
        let rising = self.rising.iter_mut().map(|one| &mut one.waiters);
        let pending = self.pending.iter_mut().map(|one| &mut one.waiters);
        pending.chain(rising).chain(core::iter::once(&mut self.own))
    }
}

impl Manager {
    /// Has a node fenced.
    pub(super) fn fence(&mut self, at: Clocks, demand: Demand, waiter: Waiter) {
        if demand.action == "on" {
            self.unfence(at, demand, waiter);
            return;
        }
        if demand.target == self.local_name() {
            if self.tell(at, &Message::FenceMe) {
                self.fencing.own.push(waiter);
            } else {
                self.fencing_failed(at, waiter, NOBODY);
            }
            return;
        }
        if demand.target != self.peer_name() {
            self.fencing_failed(at, waiter, "there is no such node");
            return;
        }
        let peer = self.view.map_or(Peer::Unknown, |view| view.peer);
        let boot = match peer {
            Peer::Down { .. } => {
                self.finish_step(waiter.step, true);
                self.reply(at, waiter.author, Reply::default());
                return;
            }
            Peer::Member { boot } | Peer::Lost { boot, .. } => Some(boot),
            Peer::Unknown => None,
        };
        self.demand(at, boot, demand, waiter);
    }

    /// Adds to what is demanded, if it is not demanded yet.
    fn demand(&mut self, at: Clocks, boot: Option<BootId>, demand: Demand, waiter: Waiter) {
        let Demand { action, delay, undelayed, .. } = demand;
        let due = (!delay.is_zero()).then(|| at.now.after(delay));
        let mut known = self.fencing.pending.iter_mut();
        if let Some(same) = known.find(|one| one.boot == boot && one.action == action) {
            same.waiters.push(waiter);
            same.undelayed |= undelayed;
            // Whoever waits less is right.
            same.due = same.due.and_then(|known| Some(known.min(due?)));
        } else {
            self.fencing.next += 1;
            let (request, author, waiters) = (self.fencing.next, waiter.author, vec![waiter]);
            let due = Some(due.unwrap_or(at.now));
            let pending = Pending { request, author, boot, action, due, undelayed, waiters };
            self.fencing.pending.push(pending);
        }
        self.tell_demands(at);
    }

    /// Tells the guardian what is due.
    fn tell_demands(&mut self, at: Clocks) {
        for pending in &mut self.fencing.pending {
            let Pending { request, boot: target, .. } = *pending;
            if pending.due.take_if(|due| *due <= at.now).is_some() {
                let off = pending.action == "off";
                self.out.push_back(Output::Guardian(Report::Fence { request, target, off }));
            }
        }
    }

    pub(super) fn fence_peer_on_request(&mut self, at: Clocks) {
        let Some(Peer::Member { boot }) = self.view.map(|view| view.peer) else { return };
        let demand = Demand {
            target: self.peer_name().to_owned(),
            action: "reboot".to_owned(),
            ..Demand::default()
        };
        self.demand(at, Some(boot), demand, Waiter::step(None));
    }

    pub(super) fn take_fence_outcome(&mut self, at: Clocks, request: u32, outcome: FenceOutcome) {
        let found = self.fencing.pending.extract_if(.., |pending| pending.request == request);
        let Some(pending) = found.last() else { return };
        match outcome {
            FenceOutcome::Done(proof) => self.fenced(at, pending, proof),
            FenceOutcome::Failed(refusal) => {
                let reason = refusal_text(refusal);
                self.remember_pending(at, &pending, Err(reason));
                for waiter in pending.waiters {
                    self.fencing_failed(at, waiter, reason);
                }
            }
        }
    }

    /// Keeps how a demand has ended.
    fn remember_pending(&mut self, at: Clocks, pending: &Pending, result: Result<&str, &str>) {
        let target = self.peer_name().to_owned();
        self.remember(at, target, &pending.action, pending.author, result);
    }

    /// Keeps how a fencing action has ended, here and on the other node.
    pub(super) fn remember(
        &mut self,
        at: Clocks,
        target: String,
        action: &str,
        author: Author,
        result: Result<&str, &str>,
    ) {
        let event = Event {
            completed: at.wall,
            failed: result.is_err(),
            reason: result.unwrap_or_else(|reason| reason).to_owned(),
            ..self.event(target, action, author)
        };
        let event = self.fencing.history.record(event);
        self.alert(at, alerts::Event::Fencing(&event));
        self.tell(at, &Message::FencingHistory { events: vec![event] });
    }

    fn event(&self, target: String, action: &str, author: Author) -> Event {
        let (client, origin) = match author {
            Author::Nobody => ("diarch", self.local_name()),
            Author::Client(_) => ("stonith_admin", self.local_name()),
            Author::Peer(_) => ("stonith_admin", self.peer_name()),
        };
        Event {
            target,
            action: action.to_owned(),
            client: client.to_owned(),
            origin: origin.to_owned(),
            delegate: self.local_name().to_owned(),
            ..Event::default()
        }
    }

    /// What was fenced, and what this node is about.
    pub(super) fn fencing_document(&self, target: Option<&str>) -> Document {
        let pending = self.fencing.pending.iter();
        let pending =
            pending.map(|one| self.event(self.peer_name().to_owned(), &one.action, one.author));
        let author = |one: &Rising| one.waiters.first().map_or(Author::Nobody, |one| one.author);
        let rising = self.fencing.rising.iter();
        let rising = rising.map(|one| self.event(one.target.clone(), "on", author(one)));
        let under_way: Vec<Event> = pending.chain(rising).collect();
        self.fencing.history.document(target, &under_way)
    }

    /// Tells the other node what was fenced before it could hear of it.
    pub(super) fn tell_history(&mut self, at: Clocks) {
        let events = self.fencing.history.events().to_vec();
        if !events.is_empty() {
            self.tell(at, &Message::FencingHistory { events });
        }
    }

    /// The other node tells what was fenced: just now, or, before it has joined, long ago.
    pub(super) fn take_history(&mut self, at: Clocks, events: Vec<Event>) {
        if self.joining.joined {
            for event in &events {
                if !self.fencing.history.events().iter().any(|known| known.id == event.id) {
                    self.alert(at, alerts::Event::Fencing(event));
                }
            }
        }
        self.fencing.history.merge(events);
    }

    /// Forgets what was done to a node, or to all; on both nodes.
    pub(super) fn forget_fencing(&mut self, at: Clocks, target: Option<&str>) {
        self.fencing.history.forget(target);
        let target = target.map(str::to_owned);
        self.tell(at, &Message::ForgetFencing { target });
    }

    /// The guardian says that the peer is down: whatever demanded it is satisfied.
    pub(super) fn note_peer_down(&mut self, at: Clocks, proof: Proof) {
        let pending = core::mem::take(&mut self.fencing.pending);
        if pending.is_empty() && !matches!(proof, Proof::LeftCleanly | Proof::LastOwner) {
            let target = self.peer_name().to_owned();
            self.remember(at, target, "reboot", Author::Nobody, Ok(&proof_text(proof)));
        }
        for one in pending {
            self.fenced(at, one, proof);
        }
        self.fencing.retry_at = None;
        self.fencing.pause = Duration::ZERO;
    }

    fn fenced(&mut self, at: Clocks, pending: Pending, proof: Proof) {
        self.remember_pending(at, &pending, Ok(&proof_text(proof)));
        for waiter in pending.waiters {
            self.finish_step(waiter.step, true);
            self.reply(at, waiter.author, Reply::default());
        }
    }

    pub(super) fn fencing_failed(&mut self, at: Clocks, waiter: Waiter, reason: &str) {
        self.give_up(at, waiter, Reply::failed(EXIT_FAILED, reason));
    }

    /// Somebody waits in vain.
    fn give_up(&mut self, at: Clocks, waiter: Waiter, reply: Reply) {
        self.warn(format!("fencing failed: {}", reply.message));
        self.reply(at, waiter.author, reply);
        if waiter.step.is_some() {
            self.finish_step(waiter.step, false);
            if let Some(engine) = &mut self.engine {
                engine.abort(Abort::FencingFailed);
            }
            let doubled = self.fencing.pause * 2;
            self.fencing.pause = doubled.clamp(RETRY_FIRST, RETRY_MAX);
            self.fencing.retry_at = Some(at.now.after(self.fencing.pause));
        }
    }

    /// The other node is gone, and does not fence this one.
    pub(super) fn drop_own_fencing(&mut self, at: Clocks) {
        for waiter in core::mem::take(&mut self.fencing.own) {
            self.fencing_failed(at, waiter, NOBODY);
        }
    }

    /// Whether the scheduler waits, because a node could not be fenced a moment ago.
    pub(super) const fn fencing_pauses(&self) -> bool {
        self.fencing.retry_at.is_some()
    }

    /// Does what is due: demands whose delay is over, another attempt, and those who do not wait
    /// any longer.
    pub(super) fn advance_fencing(&mut self, at: Clocks) {
        self.tell_demands(at);
        if self.fencing.retry_at.is_some_and(|due| due <= at.now) {
            self.fencing.retry_at = None;
            self.abort(Abort::FencingFailed);
        }
    }

    /// Whoever has waited long enough has waited in vain.
    pub(super) fn fail_overdue_fencing(&mut self, at: Clocks) {
        let engine = self.engine.as_ref();
        let overdue = self.fencing.take_waiters(|waiter| {
            let given_up = waiter.step.zip(engine).is_some_and(|(step, engine)| {
                step.transition == engine.id() && !engine.is_in_flight(step.action)
            });
            given_up || waiter.until.is_some_and(|until| until <= at.now)
        });
        let nobody = |pending: &mut Pending| pending.waiters.is_empty();
        let forgotten: Vec<_> = self.fencing.pending.extract_if(.., nobody).collect();
        for pending in forgotten {
            self.remember_pending(at, &pending, Err(LATE));
        }
        for waiter in overdue {
            self.give_up(at, waiter, Reply::failed(EXIT_TIMEOUT, LATE));
        }
    }

    pub(super) fn finish_step(&mut self, step: Option<Step>, done: bool) {
        let (Some(step), Some(engine)) = (step, &mut self.engine) else { return };
        if engine.id() != step.transition || !engine.is_in_flight(step.action) {
            return;
        }
        if done {
            engine.confirm(step.action);
        } else {
            engine.fail(step.action);
        }
    }
}
