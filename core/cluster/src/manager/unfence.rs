//! Switching a node on, and letting it in again before it may start anything.
//!
//! *Pacemaker Explained*, "Unfencing". A device that unfences works on the node that is let in; a
//! power switch works from here. A node lets itself in only if it may act, or if the node that
//! leads asks it to: otherwise a node that was just barred would undo it.

use super::fence::{Demand, Waiter};
use super::{Author, Clocks, Manager};
use crate::fencing::device;
use crate::replication::Message;
use crate::request::{Reply, Request};

/// How long the other node may take, where whoever waits does not say.
const WITHIN_S: u32 = 300;

/// A node that is being switched on.
#[derive(Debug)]
pub(super) struct Rising {
    ticket: u32,
    /// The other node does it, and answers this question.
    asked: Option<u64>,
    pub(super) target: String,
    digests: Vec<(&'static str, String)>,
    pub(super) waiters: Vec<Waiter>,
}

impl Manager {
    pub(super) fn unfence(&mut self, at: Clocks, demand: Demand, waiter: Waiter) {
        let Demand { target, digests, .. } = demand;
        if self.id_of(&target).is_none() {
            self.fencing_failed(at, waiter, "there is no such node");
            return;
        }
        if let Some(same) = self.fencing.rising.iter_mut().find(|one| one.target == target) {
            same.waiters.push(waiter);
            return;
        }
        let here = target == self.local_name();
        if here && !self.may_act() {
            let reason = "this node may not act, so it does not let itself in";
            self.fencing_failed(at, waiter, reason);
            return;
        }
        let mut asked = None;
        if !here && !device::unfencing(&self.cib, &target, at.wall).is_empty() {
            asked = self.ask_to_unfence(at, &target);
            if asked.is_none() {
                self.fencing_failed(at, waiter, GONE);
                return;
            }
        }
        self.fencing.next += 1;
        let (ticket, waiters) = (self.fencing.next, vec![waiter]);
        self.fencing.rising.push(Rising { ticket, asked, target, digests, waiters });
        if asked.is_none() {
            self.switch_on(at, ticket);
        }
    }

    /// Asks the other node to let itself in; the question's number, if it can be asked.
    fn ask_to_unfence(&mut self, at: Clocks, target: &str) -> Option<u64> {
        self.next_ask += 1;
        let (id, user) = (self.next_ask, "hacluster".to_owned());
        let (target, action) = (target.to_owned(), "on".to_owned());
        let request = Request::Fence { target, action, timeout_s: WITHIN_S, delay_s: 0 }.to_xml();
        self.tell(at, &Message::Ask { id, user, request }).then_some(id)
    }

    /// The node that leads asks this one to let itself in.
    pub(super) fn unfence_on_request(&mut self, at: Clocks, id: u64) {
        self.fencing.next += 1;
        let (ticket, target) = (self.fencing.next, self.local_name().to_owned());
        let waiters = vec![Waiter { step: None, author: Author::Peer(id), until: None }];
        let (asked, digests) = (None, Vec::new());
        self.fencing.rising.push(Rising { ticket, asked, target, digests, waiters });
        self.switch_on(at, ticket);
    }

    /// Has the devices of a demand work.
    fn switch_on(&mut self, at: Clocks, ticket: u32) {
        let Some(rising) = self.fencing.rising.iter().find(|one| one.ticket == ticket) else {
            return;
        };
        let unfencing = device::unfencing(&self.cib, &rising.target, at.wall);
        let levels = if unfencing.is_empty() {
            let here = Some(self.local_name());
            device::levels(&self.cib, &rising.target, here, at.wall, &self.survey).0
        } else {
            vec![unfencing]
        };
        self.fencer.switch_on(at.now, ticket, levels);
    }

    pub(super) fn take_switched_on(&mut self, at: Clocks, ticket: u32, result: Result<(), String>) {
        self.switched_on(at, |one| one.ticket == ticket, result);
    }

    /// The other node has answered; whether it was asked for this.
    pub(super) fn take_unfenced(&mut self, at: Clocks, id: u64, reply: &Reply) -> bool {
        let known = self.fencing.rising.iter().any(|one| one.asked == Some(id));
        let done = reply.rc == 0;
        let result = if done { Ok(()) } else { Err(reply.message.clone()) };
        self.switched_on(at, |one| one.asked == Some(id), result);
        known
    }

    /// The other node is gone, and with it whatever it was asked to do.
    pub(super) fn drop_unfencing(&mut self, at: Clocks) {
        while self.fencing.rising.iter().any(|one| one.asked.is_some()) {
            self.switched_on(at, |one| one.asked.is_some(), Err(GONE.to_owned()));
        }
        let told = |author: Author| matches!(author, Author::Peer(_));
        for one in &mut self.fencing.rising {
            one.waiters.retain(|waiter| !told(waiter.author));
        }
    }

    fn switched_on(
        &mut self,
        at: Clocks,
        which: impl Fn(&Rising) -> bool,
        result: Result<(), String>,
    ) {
        let Some(place) = self.fencing.rising.iter().position(which) else { return };
        let Rising { asked, target, digests, waiters, .. } = self.fencing.rising.remove(place);
        let author = waiters.first().map_or(Author::Nobody, |waiter| waiter.author);
        // What the other node was asked to do it remembers itself.
        if asked.is_none() {
            let told = result.as_ref().map_or_else(|reason| Err(reason.as_str()), |()| Ok(""));
            self.remember(at, target.clone(), "on", author, told);
        }
        if let (Ok(()), true, Some(id)) = (&result, self.leading, self.id_of(&target)) {
            let since = ("#node-unfenced", at.wall.0.to_string());
            for (name, value) in core::iter::once(since).chain(digests) {
                self.set_status_attribute(at, &id, name, Some(value));
            }
        }
        for waiter in waiters {
            match &result {
                Ok(()) => {
                    self.finish_step(waiter.step, true);
                    self.reply(at, waiter.author, Reply::default());
                }
                Err(reason) => self.fencing_failed(at, waiter, reason),
            }
        }
    }
}

const GONE: &str = "the other node is not there to let itself in";
