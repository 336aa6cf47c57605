//! The other node: what the guardian says of it, and what its manager says.

use super::{Author, Clocks, Joining, Manager};
use crate::alerts;
use crate::controller::status;
use crate::executor::history::Record;
use crate::manager_io::Event;
use crate::manager_io::Output;
use crate::replication::change::version;
use crate::replication::message::Hello;
use crate::replication::stream::Delivery;
use crate::replication::{Change, Message};
use crate::request::{Reply, Request};
use crate::transition::Abort;
use crate::view::{Peer, Proof, View};
use diarch_cib::Document;

/// Exit status: the connection to something essential was lost.
pub(super) const EXIT_DISCONNECTED: i32 = 102;

impl Manager {
    pub(super) fn take_view(&mut self, at: Clocks, view: View) {
        if self.view.is_some_and(|known| known.sequence >= view.sequence) {
            return;
        }
        let before = self.view.replace(view);
        self.stream.set_links(view.links_up & !self.heartbeats_only);
        let was = before.map_or(Peer::Unknown, |before| before.peer);
        if was != view.peer {
            self.take_peer(at, was, view.peer);
        }
        let evidence = |view: View| {
            let View { peer, may_fence, links_up, disks_up, generation, .. } = view;
            (peer, may_fence, links_up, disks_up, generation)
        };
        if before.is_some_and(|before| evidence(before) != evidence(view)) {
            self.take_evidence();
        }
        let member = matches!(view.peer, Peer::Member { .. });
        self.lead(at, !member || view.leader);
        if view.may_act && !before.is_some_and(|before| before.may_act) {
            self.abort(Abort::MayAct);
        }
    }

    fn take_peer(&mut self, at: Clocks, was: Peer, peer: Peer) {
        let member = matches!(peer, Peer::Member { .. });
        if member != matches!(was, Peer::Member { .. }) {
            let (name, id) = (self.peer_name().to_owned(), self.peer_id());
            self.alert(at, alerts::Event::Node { name: &name, id: &id, member });
        }
        match peer {
            Peer::Member { boot } => {
                let same = matches!(was, Peer::Member { boot: known } if known == boot);
                if !same {
                    self.part(at);
                    self.stream.open(at.now);
                }
            }
            Peer::Lost { .. } => {
                self.part(at);
                self.peer_lost(at);
            }
            Peer::Down { proof, .. } => {
                self.part(at);
                self.lead(at, true);
                self.peer_down(at, proof);
            }
            Peer::Unknown => self.part(at),
        }
    }

    /// Takes the lead or gives it up; the other manager is told how things stand here.
    fn lead(&mut self, at: Clocks, leading: bool) {
        if self.leading == leading {
            return;
        }
        self.leading = leading;
        self.out.push_back(Output::Event(Event::Leading(leading)));
        self.joining = Joining { hello: self.joining.hello.take(), ..Joining::default() };
        self.peer_is_gone(at);
        if leading {
            self.write_own_state(at);
        } else {
            if let Some(engine) = self.engine.take() {
                self.fencing.forget(engine.id());
            }
            self.due = None;
            self.recheck_at = None;
            self.attributes.clear();
        }
        if self.stream.is_open() {
            self.say_hello(at, true);
            self.try_join(at);
        }
    }

    /// The session with the other manager is over.
    fn part(&mut self, at: Clocks) {
        self.stream.close();
        self.session_over(at);
    }

    /// What was under way between the two managers is over: in flight means failed.
    fn session_over(&mut self, at: Clocks) {
        self.joining = Joining::default();
        self.peer_is_gone(at);
        let name = self.peer_name().to_owned();
        if let Some(engine) = &mut self.engine {
            engine.fail_node(&name);
        }
        self.drop_unfencing(at);
        self.drop_own_fencing(at);
        let asked: Vec<_> = core::mem::take(&mut self.asks).into_values().collect();
        for client in asked {
            let text = "the other node was lost: the change may or may not have been made";
            self.reply(at, Author::Client(client), Reply::failed(EXIT_DISCONNECTED, text));
        }
    }

    /// The leader says in the CIB that this node is there, and what its executor knows.
    fn write_own_state(&mut self, at: Clocks) {
        let (id, name) = (self.local_id(), self.local_name().to_owned());
        self.write_member(at, &id, &name);
        let rows: Vec<Record> = self.executor.rows().cloned().collect();
        self.write_rows(at, &id, rows);
    }

    fn write_member(&mut self, at: Clocks, id: &str, name: &str) {
        let pairs =
            [("in_ccm", "true"), ("crmd", "online"), ("join", "member"), ("expected", "member")];
        self.write_state(at, id, name, &pairs);
    }

    fn write_state(&mut self, at: Clocks, id: &str, name: &str, pairs: &[(&str, &str)]) {
        let attributes = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let attributes = attributes.collect();
        let change = Change::NodeState { id: id.into(), name: name.into(), attributes };
        self.commit(at, Author::Nobody, change);
    }

    fn write_rows(&mut self, at: Clocks, id: &str, rows: Vec<Record>) {
        self.commit(at, Author::Nobody, Change::EraseHistory { id: id.into(), resource: None });
        for record in rows {
            self.commit(
                at,
                Author::Nobody,
                Change::Row { id: id.into(), record: Box::new(record) },
            );
        }
    }

    fn peer_lost(&mut self, at: Clocks) {
        self.lead(at, true);
        let (id, name) = (self.peer_id(), self.peer_name().to_owned());
        let pairs = [("in_ccm", "false"), ("crmd", "offline"), ("join", "down")];
        self.write_state(at, &id, &name, &pairs);
        self.abort(Abort::NodeFailure);
    }

    /// The peer provably runs nothing any more.
    fn peer_down(&mut self, at: Clocks, proof: Proof) {
        let (id, name) = (self.peer_id(), self.peer_name().to_owned());
        let pairs =
            [("in_ccm", "false"), ("crmd", "offline"), ("join", "down"), ("expected", "down")];
        self.write_state(at, &id, &name, &pairs);
        self.commit(at, Author::Nobody, Change::EraseHistory { id: id.clone(), resource: None });
        self.commit(at, Author::Nobody, Change::EraseAttributes { id });
        self.note_peer_down(at, proof);
        self.abort(Abort::NodeDown);
    }

    /// Sends a message, if there is a session.
    pub(super) fn tell(&mut self, at: Clocks, message: &Message) -> bool {
        match self.stream.send(at.now, &message.encode()) {
            Ok(()) => true,
            Err(error) => {
                log::debug!("not sent to the peer: {error:?}");
                false
            }
        }
    }

    pub(super) fn say_hello(&mut self, at: Clocks, settled: bool) {
        let Some(view) = self.view else { return };
        let hello = Hello {
            boot: self.config.boot,
            generation: view.generation,
            settled: settled && self.settled,
            version: version(&self.cib),
            leads: self.leading,
        };
        self.tell(at, &Message::Hello(hello));
    }

    /// Takes what the stream has; whether there was anything.
    pub(super) fn take_deliveries(&mut self, at: Clocks) -> bool {
        let mut any = false;
        while let Some(delivery) = self.stream.poll_delivery() {
            any = true;
            match delivery {
                Delivery::Opened => {
                    self.session_over(at);
                    self.say_hello(at, true);
                    self.tell_history(at);
                }
                Delivery::Message(bytes) => match Message::decode(&bytes) {
                    Some(message) => self.take_message(at, message),
                    None => self.warn("the other manager speaks another language".to_owned()),
                },
            }
        }
        any
    }

    fn take_message(&mut self, at: Clocks, message: Message) {
        match message {
            Message::Hello(hello) => {
                self.joining = Joining { hello: Some(hello), ..Joining::default() };
                self.peer_is_gone(at);
                self.try_join(at);
            }
            Message::WantCib => self.send_cib(at),
            Message::Full { sequence, text } => self.take_cib(at, sequence, &text),
            Message::Joined { rows } => self.peer_joined(at, rows),
            Message::Update { sequence, change, version } => {
                self.follow(at, sequence, &change, version);
            }
            Message::Durable { sequence } => self.peer_has(at, sequence),
            Message::Ask { id, user, request } => match Request::from_xml(&request) {
                Ok(request) => self.take_request(at, Author::Peer(id), &user, request),
                Err(error) => {
                    self.answer_peer(at, id, &Reply::failed(64, error.to_string()));
                }
            },
            Message::Answer { id, reply } => {
                let reply = Reply::from_xml(&reply)
                    .unwrap_or_else(|error| Reply::failed(1, error.to_string()));
                if self.take_unfenced(at, id, &reply) {
                    return;
                }
                if let Some(client) = self.asks.remove(&id) {
                    self.reply(at, Author::Client(client), reply);
                }
            }
            Message::Execute(operation) => self.execute_here(at, operation),
            Message::Cancel { resource, name, interval_ms, transition_key } => {
                self.executor.cancel(&resource, &name, interval_ms, &transition_key);
            }
            Message::Forget { resource } => self.executor.forget(&resource),
            Message::Result(record) => self.take_result(at, record),
            Message::Cancelled { resource, key, transition_key } => {
                let id = self.peer_id();
                self.take_cancelled(at, &id, &resource, &key, &transition_key);
            }
            Message::Leave => self.leave(),
            Message::FencingHistory { events } => self.take_history(at, events),
            Message::ForgetFencing { target } => self.fencing.history.forget(target.as_deref()),
            Message::FenceMe => self.fence_peer_on_request(at),
        }
    }

    /// The leader decides whose CIB is the newer one: by the claim's generation, then by whether it
    /// is that of a running cluster, then by version; its own where nothing tells them apart.
    fn try_join(&mut self, at: Clocks) {
        let Some(hello) = self.joining.hello.filter(|hello| self.leading && !hello.leads) else {
            return;
        };
        if self.joining.wanting || self.joining.full_sent {
            return;
        }
        let generation = self.view.map_or(0, |view| view.generation);
        let theirs = (hello.generation, hello.settled, hello.version);
        if theirs > (generation, self.settled, version(&self.cib)) {
            self.joining.wanting = true;
            self.tell(at, &Message::WantCib);
        } else {
            self.joining.full_sent = true;
            self.send_cib(at);
        }
    }

    fn send_cib(&mut self, at: Clocks) {
        let text = self.cib.write_compact();
        let sequence = self.sequence();
        self.tell(at, &Message::Full { sequence, text });
    }

    fn take_cib(&mut self, at: Clocks, sequence: u64, text: &str) {
        let Ok(document) = Document::parse(text) else {
            self.warn("the other node's CIB does not parse".to_owned());
            return;
        };
        if self.leading && !self.joining.wanting {
            return;
        }
        self.cib = document;
        status::ensure_sections(&mut self.cib);
        self.adopt(sequence.max(self.sequence()));
        if self.leading {
            self.joining.wanting = false;
            self.joining.full_sent = true;
            self.write_own_state(at);
            self.send_cib(at);
        } else {
            let rows = self.executor.rows().cloned().collect();
            self.tell(at, &Message::Joined { rows });
            self.joining.joined = true;
        }
    }

    fn peer_joined(&mut self, at: Clocks, rows: Vec<Record>) {
        if !self.leading || !self.joining.full_sent {
            return;
        }
        self.joining.joined = true;
        self.settled = true;
        let (id, name) = (self.peer_id(), self.peer_name().to_owned());
        if let Some(hello) = self.joining.hello {
            if self.peer_boot != Some(hello.boot) && !hello.settled {
                let change = Change::EraseAttributes { id: id.clone() };
                self.commit(at, Author::Nobody, change);
            }
            self.peer_boot = Some(hello.boot);
        }
        self.write_member(at, &id, &name);
        self.write_rows(at, &id, rows);
        self.abort(Abort::NodeJoin);
    }

    pub(super) fn answer_peer(&mut self, at: Clocks, id: u64, reply: &Reply) {
        self.tell(at, &Message::Answer { id, reply: reply.to_xml() });
    }
}
