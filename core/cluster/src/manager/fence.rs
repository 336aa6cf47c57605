//! Fencing: the manager demands it, the guardian does it and says by which proof.

use super::answers::{proof_text, refusal_text};
use super::{Author, Clocks, Manager};
use crate::Instant;
use crate::manager_io::{Output, WallClock};
use crate::replication::Message;
use crate::request::Reply;
use crate::transition::Abort;
use crate::view::{FenceOutcome, Peer, Proof, Report};
use core::time::Duration;
use diarch_cib::Document;

/// The pause before a node that could not be fenced is tried again, doubled each time.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// How many past fencing actions are remembered.
const HISTORY_MAX: usize = 100;
/// Exit status: it could not be done.
const EXIT_FAILED: i32 = 1;

/// One fencing action that ended.
#[derive(Clone, Debug)]
struct Past {
    target: String,
    action: String,
    client: String,
    completed: WallClock,
    failure: Option<String>,
    proof: Option<String>,
}

/// A step of a transition that waits for a node to be fenced. Its number alone would name another
/// step of the next transition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Step {
    pub(super) transition: u32,
    pub(super) action: u32,
}

#[derive(Debug)]
struct Pending {
    request: u32,
    action: String,
    step: Option<Step>,
    author: Author,
}

/// What is being fenced, and what was.
#[derive(Debug, Default)]
pub(super) struct Fencing {
    next: u32,
    pending: Vec<Pending>,
    past: Vec<Past>,
    retry_at: Option<Instant>,
    pause: Duration,
}

impl Fencing {
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Something happened: the scheduler does not wait any longer.
    pub(super) const fn stop_pausing(&mut self) {
        self.retry_at = None;
    }

    /// The history as the tools know it, newest first.
    pub(super) fn document(&self, target: Option<&str>, delegate: &str) -> Document {
        let mut document = Document::new("fence_history");
        let root = document.root().id();
        let wanted = self.past.iter().rev();
        for past in wanted.filter(|past| target.is_none_or(|target| past.target == target)) {
            let event = document.append_new(root, "fence_event");
            let state = if past.failure.is_some() { "failed" } else { "success" };
            let reason = past.failure.as_ref().or(past.proof.as_ref());
            for (name, value) in [
                ("action", past.action.as_str()),
                ("target", &past.target),
                ("client", &past.client),
                ("origin", delegate),
                ("delegate", delegate),
                ("status", state),
                ("completed", &past.completed.0.to_string()),
                ("exit-reason", reason.map_or("", String::as_str)),
            ] {
                document.set_attribute(event, name, value);
            }
        }
        document
    }

    /// Forgets what was done to a node, or to all.
    pub(super) fn clear(&mut self, target: Option<&str>) {
        self.past.retain(|past| target.is_some_and(|target| past.target != target));
    }

    /// The action that somebody waits for, if somebody does; `off` before any other.
    pub(super) fn demanded(&self) -> Option<&str> {
        let mut actions = self.pending.iter().map(|pending| pending.action.as_str());
        actions.clone().find(|action| *action == "off").or_else(|| actions.next())
    }

    /// A transition is over: nobody waits for what it demanded.
    pub(super) fn forget(&mut self, transition: u32) {
        self.pending.retain(|one| one.step.is_none_or(|step| step.transition != transition));
    }

    fn remember(&mut self, past: Past) {
        if self.past.len() == HISTORY_MAX {
            self.past.remove(0);
        }
        self.past.push(past);
    }
}

impl Manager {
    /// Has a node fenced, for a step of the transition or for a tool.
    pub(super) fn fence(
        &mut self,
        at: Clocks,
        target: &str,
        action: &str,
        step: Option<Step>,
        author: Author,
    ) {
        if action == "on" {
            // Nothing here switches a node on or unfences it: saying that it was done would start
            // what relies on it.
            self.fencing_failed(at, step, author, "nodes are not unfenced by this version");
            return;
        }
        if target == self.local_name() {
            let asked = self.tell(at, &Message::FenceMe);
            if !asked {
                self.fencing_failed(at, step, author, "no other node is there to fence this one");
            }
            return;
        }
        if target != self.peer_name() {
            self.fencing_failed(at, step, author, "there is no such node");
            return;
        }
        let peer = self.view.map_or(Peer::Unknown, |view| view.peer);
        let boot = match peer {
            Peer::Down { .. } => {
                self.finish_step(step, true);
                self.reply(at, author, Reply::default());
                return;
            }
            Peer::Member { boot } | Peer::Lost { boot, .. } => Some(boot),
            Peer::Unknown => None,
        };
        self.fencing.next += 1;
        let request = self.fencing.next;
        self.fencing.pending.push(Pending { request, action: action.to_owned(), step, author });
        let off = action == "off";
        self.out.push_back(Output::Guardian(Report::Fence { request, target: boot, off }));
    }

    pub(super) fn fence_peer_on_request(&mut self) {
        let Some(Peer::Member { boot }) = self.view.map(|view| view.peer) else { return };
        self.fencing.next += 1;
        let request = self.fencing.next;
        let action = "reboot".to_owned();
        self.fencing.pending.push(Pending { request, action, step: None, author: Author::Nobody });
        let target = Some(boot);
        self.out.push_back(Output::Guardian(Report::Fence { request, target, off: false }));
    }

    pub(super) fn take_fence_outcome(&mut self, at: Clocks, request: u32, outcome: FenceOutcome) {
        let found = self.fencing.pending.extract_if(.., |pending| pending.request == request);
        let Some(pending) = found.last() else { return };
        match outcome {
            FenceOutcome::Done(proof) => self.fenced(at, pending, proof),
            FenceOutcome::Failed(refusal) => {
                let reason = refusal_text(refusal).to_owned();
                self.fencing.remember(Past {
                    target: self.names[self.local().other().index()].clone(),
                    action: pending.action,
                    client: "diarch".to_owned(),
                    completed: at.wall,
                    failure: Some(reason.clone()),
                    proof: None,
                });
                self.fencing_failed(at, pending.step, pending.author, &reason);
            }
        }
    }

    /// The guardian says that the peer is down: whatever demanded it is satisfied.
    pub(super) fn note_peer_down(&mut self, at: Clocks, proof: Proof) {
        let pending = core::mem::take(&mut self.fencing.pending);
        if pending.is_empty() && !matches!(proof, Proof::LeftCleanly | Proof::LastOwner) {
            self.fencing.remember(Past {
                target: self.names[self.local().other().index()].clone(),
                action: "reboot".to_owned(),
                client: "diarch.guardian".to_owned(),
                completed: at.wall,
                failure: None,
                proof: Some(proof_text(proof)),
            });
        }
        for one in pending {
            self.fenced(at, one, proof);
        }
        self.fencing.retry_at = None;
        self.fencing.pause = Duration::ZERO;
    }

    fn fenced(&mut self, at: Clocks, pending: Pending, proof: Proof) {
        self.fencing.remember(Past {
            target: self.names[self.local().other().index()].clone(),
            action: pending.action,
            client: "diarch".to_owned(),
            completed: at.wall,
            failure: None,
            proof: Some(proof_text(proof)),
        });
        self.finish_step(pending.step, true);
        self.reply(at, pending.author, Reply::default());
    }

    fn fencing_failed(&mut self, at: Clocks, step: Option<Step>, author: Author, reason: &str) {
        self.warn(format!("fencing failed: {reason}"));
        self.reply(at, author, Reply::failed(EXIT_FAILED, reason));
        if step.is_some() {
            self.finish_step(step, false);
            if let Some(engine) = &mut self.engine {
                engine.abort(Abort::FencingFailed);
            }
            let doubled = self.fencing.pause * 2;
            self.fencing.pause = doubled.clamp(RETRY_FIRST, RETRY_MAX);
            self.fencing.retry_at = Some(at.now.after(self.fencing.pause));
        }
    }

    /// Whether the scheduler waits, because a node could not be fenced a moment ago.
    pub(super) const fn fencing_pauses(&self) -> bool {
        self.fencing.retry_at.is_some()
    }

    pub(super) fn retry_fencing(&mut self, at: Clocks) {
        if self.fencing.retry_at.is_some_and(|due| due <= at.now) {
            self.fencing.retry_at = None;
            self.abort(Abort::FencingFailed);
        }
    }

    /// Steps of the transition whose fencing had no answer in time have failed.
    pub(super) fn fail_overdue_fencing(&mut self, at: Clocks) {
        let Some(engine) = &self.engine else { return };
        let overdue = self.fencing.pending.extract_if(.., |one| {
            one.step.is_some_and(|step| {
                step.transition == engine.id() && !engine.is_in_flight(step.action)
            })
        });
        for one in overdue.collect::<Vec<_>>() {
            self.fencing_failed(at, one.step, one.author, "there was no answer in time");
        }
    }

    fn finish_step(&mut self, step: Option<Step>, done: bool) {
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
