//! What the command-line tools ask for.

use super::fence::{Demand, Waiter};
use super::peer::EXIT_DISCONNECTED;
use super::{Author, Clocks, Held, Leaving, Manager};
use crate::attributes::{Update, Write, expanded};
use crate::controller::status;
use crate::manager_io::{ClientId, Credentials, Output};
use crate::replication::requests::{operation, with_target};
use crate::replication::{Change, Message};
use crate::request::{CibOperation, CibRequest, Reply, Request};
use crate::transition::Abort;
use crate::view::Report;
use core::time::Duration;
use diarch_cib::operations;

/// Exit status: this user may not do that.
const EXIT_FORBIDDEN: i32 = 4;
/// Exit status: not done here.
const EXIT_UNIMPLEMENTED: i32 = 3;
/// Exit status: no such object.
const EXIT_NOSUCH: i32 = 105;
/// How many requests may wait for the other node.
const HELD_MAX: usize = 256;

impl Manager {
    pub(super) fn take_tool(
        &mut self,
        at: Clocks,
        client: ClientId,
        credentials: &Credentials,
        request: Request,
    ) {
        let author = Author::Client(client);
        let allowed = credentials.privileged || (credentials.permitted && request.is_query());
        if !allowed {
            let text = "this user may not do that";
            self.reply(at, author, Reply::failed(EXIT_FORBIDDEN, text));
            return;
        }
        let user = credentials.user.clone().unwrap_or_else(|| credentials.uid.to_string());
        self.take_request(at, author, &user, request);
    }

    /// Answers, carries out, passes on or holds back a request.
    pub(super) fn take_request(
        &mut self,
        at: Clocks,
        author: Author,
        user: &str,
        request: Request,
    ) {
        if let (Author::Peer(id), Request::Fence { target, action, .. }) = (author, &request)
            && action == "on"
            && target == self.local_name()
            && !self.leading
        {
            self.unfence_on_request(at, id);
            return;
        }
        if self.answers_here(at, author, &request) {
            return;
        }
        if self.can_change() {
            self.carry_out(at, author, user, request);
            return;
        }
        let connected = self.peer_is_member();
        if !self.leading && self.joining.joined && self.stream.is_open() {
            self.ask_leader(at, author, user, &request);
        } else if connected && self.held.len() < HELD_MAX {
            self.held.push_back(Held { author, user: user.to_owned(), request });
        } else {
            let text = "this node does not know yet who leads: try again in a moment";
            self.reply(at, author, Reply::failed(EXIT_DISCONNECTED, text));
        }
    }

    /// The other node is there, or gone: what was held back goes on.
    pub(super) fn release_held(&mut self, at: Clocks) {
        let ready = self.can_change() || (!self.leading && self.joining.joined);
        if !ready {
            return;
        }
        for Held { author, user, request } in core::mem::take(&mut self.held) {
            self.take_request(at, author, &user, request);
        }
    }

    fn ask_leader(&mut self, at: Clocks, author: Author, user: &str, request: &Request) {
        if matches!(author, Author::Peer(_)) {
            let text = "neither node leads at the moment: try again";
            self.reply(at, author, Reply::failed(EXIT_DISCONNECTED, text));
            return;
        }
        self.next_ask += 1;
        let id = self.next_ask;
        let message = Message::Ask { id, user: user.to_owned(), request: request.to_xml() };
        if self.tell(at, &message) {
            if let Author::Client(client) = author {
                self.asks.insert(id, client);
            }
        } else {
            let text = "the other node does not take requests at the moment";
            self.reply(at, author, Reply::failed(EXIT_DISCONNECTED, text));
        }
    }

    /// Answers what every node can answer by itself.
    fn answers_here(&mut self, at: Clocks, author: Author, request: &Request) -> bool {
        let reply = match request {
            Request::Cib(query) if query.operation == CibOperation::Query => {
                match operations::query(&self.cib, &operation(query)) {
                    Ok(found) => Reply::done(found.write()),
                    Err(refusal) => Reply::failed(refusal.rc, refusal.message),
                }
            }
            Request::Nodes => Reply::done(self.nodes_document().write()),
            Request::Health => Reply::done(self.health_document(at.now).write()),
            Request::FenceHistory { target } => {
                Reply::done(self.fencing_document(target.as_deref()).write())
            }
            Request::ForgetFencing { target } => {
                self.forget_fencing(at, target.as_deref());
                Reply::default()
            }
            Request::ConfirmOff { target } if target == self.peer_name() => {
                self.out.push_back(Output::Guardian(Report::Confirmed));
                Reply::default()
            }
            Request::Shutdown if author_is_here(author) => {
                self.begin_leaving(at);
                Reply::default()
            }
            Request::Cib(_)
            | Request::Transaction(_)
            | Request::AttributeUpdate { .. }
            | Request::AttributeQuery { .. }
            | Request::Forget { .. }
            | Request::Fail { .. }
            | Request::RemoveNode { .. }
            | Request::Fence { .. }
            | Request::ConfirmOff { .. }
            | Request::WaitIdle
            | Request::Shutdown => return false,
        };
        self.reply(at, author, reply);
        true
    }

    fn carry_out(&mut self, at: Clocks, author: Author, user: &str, request: Request) {
        match request {
            Request::Cib(request) => self.change_cib(at, author, user, vec![request]),
            Request::Transaction(requests) => self.change_cib(at, author, user, requests),
            Request::AttributeUpdate { name, pattern, value, node, dampen_ms, private, set_id } => {
                if pattern {
                    let text = "patterns of attribute names are not supported";
                    self.reply(at, author, Reply::failed(EXIT_UNIMPLEMENTED, text));
                    return;
                }
                let dampen = dampen_ms.map(Duration::from_millis);
                let update =
                    Update { name, node: String::new(), value, dampen, private, set: set_id };
                self.update_attribute(at, author, node.as_deref(), update);
            }
            Request::AttributeQuery { name, node } => {
                let reply = self.attribute_reply(&name, node.as_deref());
                self.reply(at, author, reply);
            }
            Request::Forget { resource, node, operation, interval_ms, failed_only } => {
                let wanted = operation.map(|name| (name, interval_ms));
                self.forget(at, resource.as_deref(), node.as_deref(), wanted, failed_only);
                self.reply(at, author, Reply::default());
            }
            Request::Fail { resource, node } => {
                let reply = self.pretend_failure(at, &resource, node.as_deref());
                self.reply(at, author, reply);
            }
            Request::Fence { target, action, timeout_s, delay_s } => {
                let delay = Duration::from_secs(u64::try_from(delay_s).unwrap_or(0));
                let within = Duration::from_secs(timeout_s.max(1).into());
                let waiter = Waiter::author(author, at.now.after(delay + within));
                let undelayed = delay_s < 0;
                let demand = Demand { target, action, delay, undelayed, ..Demand::default() };
                self.fence(at, demand, waiter);
            }
            Request::WaitIdle => self.waiters.push(author),
            Request::RemoveNode { .. } => {
                let text = "a pair has two nodes: change diarch.toml instead";
                self.reply(at, author, Reply::failed(EXIT_UNIMPLEMENTED, text));
            }
            Request::ConfirmOff { .. } => {
                let text = "only the other node can be confirmed to be off";
                self.reply(at, author, Reply::failed(EXIT_NOSUCH, text));
            }
            Request::Shutdown => self.reply(at, author, Reply::default()),
            Request::Nodes
            | Request::Health
            | Request::FenceHistory { .. }
            | Request::ForgetFencing { .. } => {}
        }
    }

    fn change_cib(&mut self, at: Clocks, author: Author, user: &str, requests: Vec<CibRequest>) {
        let stamp = self.stamp(at, "cibadmin", user);
        let requests = with_target(requests);
        if self.commit(at, author, Change::Requests { requests, stamp }) {
            self.abort(Abort::Configuration);
        }
    }

    fn update_attribute(
        &mut self,
        at: Clocks,
        author: Author,
        node: Option<&str>,
        mut update: Update,
    ) {
        let asking = match author {
            Author::Peer(_) => self.peer_name(),
            Author::Nobody | Author::Client(_) => self.local_name(),
        };
        let name = node.filter(|node| !node.is_empty()).unwrap_or(asking);
        let Some(id) = self.id_of(name) else {
            self.reply(at, author, Reply::failed(EXIT_NOSUCH, format!("no node '{name}'")));
            return;
        };
        let known = self.current_attribute(&update.name, &id);
        update.value = update.value.map(|value| expanded(&value, known.as_deref()));
        update.node = id;
        match self.attributes.update(at.now, update) {
            Some(write) => self.write_attribute(at, author, write),
            None => self.reply(at, author, Reply::default()),
        }
    }

    fn write_attribute(&mut self, at: Clocks, author: Author, write: Write) {
        let Write { node, set, name, value } = write;
        let change = Change::Attribute { id: node, set, name, value };
        if self.commit_attribute(at, author, change) {
            self.abort(Abort::Attribute);
        }
    }

    pub(super) fn write_dampened(&mut self, at: Clocks) {
        for write in self.attributes.due(at.now) {
            self.write_attribute(at, Author::Nobody, write);
        }
    }

    pub(super) fn status_attribute(&self, id: &str, name: &str) -> Option<String> {
        let pair = status::attribute(&self.cib, id, name)?;
        pair.attribute("value").map(str::to_owned)
    }

    pub(super) fn current_attribute(&self, name: &str, id: &str) -> Option<String> {
        match self.attributes.look_up(name, id) {
            Some(value) => value.map(str::to_owned),
            None => self.status_attribute(id, name),
        }
    }

    /// Sets or removes a transient attribute that the manager itself keeps.
    pub(super) fn set_status_attribute(
        &mut self,
        at: Clocks,
        id: &str,
        name: &str,
        value: Option<String>,
    ) -> bool {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.commit_attribute(at, Author::Nobody, Change::Attribute { id, set: None, name, value })
    }

    /// Removes failure counts of a resource, or of all; only those of one operation if it is named.
    pub(super) fn clear_failures(
        &mut self,
        at: Clocks,
        id: &str,
        resource: Option<&str>,
        operation: Option<&(String, Option<u64>)>,
    ) -> bool {
        let wanted = |name: &str| {
            let rest =
                name.strip_prefix("fail-count-").or_else(|| name.strip_prefix("last-failure-"));
            let Some((owner, action)) = rest.and_then(|rest| rest.rsplit_once('#')) else {
                return false;
            };
            let of_operation = operation.is_none_or(|(name, interval)| {
                action.rsplit_once('_').is_some_and(|(known, millis)| {
                    known == name && interval.is_none_or(|interval| millis == interval.to_string())
                })
            });
            of_operation && resource.is_none_or(|resource| plain(resource) == owner)
        };
        let names: Vec<String> = status::attributes(&self.cib, id)
            .filter_map(|pair| pair.attribute("name"))
            .filter(|name| wanted(name))
            .map(str::to_owned)
            .collect();
        let mut any = false;
        for name in names {
            any |= self.set_status_attribute(at, id, &name, None);
        }
        any
    }

    /// Forgets the history of a resource on a node, and has that node forget it.
    pub(super) fn forget_history(&mut self, at: Clocks, id: &str, resource: &str) {
        let change =
            Change::EraseHistory { id: id.to_owned(), resource: Some(resource.to_owned()) };
        self.commit(at, Author::Nobody, change);
        if id == self.local_id() {
            self.executor.forget(resource);
        } else {
            self.tell(at, &Message::Forget { resource: resource.to_owned() });
        }
    }

    fn forget(
        &mut self,
        at: Clocks,
        resource: Option<&str>,
        node: Option<&str>,
        operation: Option<(String, Option<u64>)>,
        failed_only: bool,
    ) {
        let primitives = resource.map(|resource| self.primitives_of(resource));
        let ids: Vec<String> = self
            .names
            .iter()
            .filter(|name| node.is_none_or(|node| node == name.as_str()))
            .filter_map(|name| self.id_of(name))
            .collect();
        for id in ids {
            let histories: Vec<(String, bool)> = status::histories(&self.cib, &id)
                .filter_map(|history| {
                    let name = history.attribute("id")?.to_owned();
                    let failure = format!("{name}_last_failure_0");
                    let failed = history
                        .children_named("lrm_rsc_op")
                        .any(|row| row.attribute("id") == Some(&failure));
                    Some((name, failed))
                })
                .filter(|(name, _)| {
                    let wanted = primitives.as_ref();
                    wanted.is_none_or(|list| list.iter().any(|one| one == plain(name)))
                })
                .collect();
            match &primitives {
                None => _ = self.clear_failures(at, &id, None, operation.as_ref()),
                Some(list) => {
                    for name in list {
                        self.clear_failures(at, &id, Some(name), operation.as_ref());
                    }
                }
            }
            for (name, failed) in histories {
                if failed || !failed_only {
                    self.forget_history(at, &id, &name);
                }
            }
        }
        self.abort(Abort::HistoryRemoved);
    }

    /// The primitives inside a resource, or the resource itself.
    fn primitives_of(&self, resource: &str) -> Vec<String> {
        let configured = self.cib.root().child("configuration");
        let resources = configured.and_then(|inside| inside.child("resources"));
        let owner = resources.and_then(|resources| {
            resources.descendants().find(|one| one.attribute("id") == Some(plain(resource)))
        });
        let inside: Vec<String> = owner
            .into_iter()
            .flat_map(|owner| owner.descendants())
            .filter(|one| one.name() == "primitive")
            .filter_map(|one| one.attribute("id").map(str::to_owned))
            .collect();
        if inside.is_empty() { vec![plain(resource).to_owned()] } else { inside }
    }

    /// The node was asked to stop everything and to leave.
    pub(super) fn begin_leaving(&mut self, at: Clocks) {
        if self.leaving != Leaving::No {
            return;
        }
        self.leaving = Leaving::Asked;
        let quiet = self.executor.active().next().is_none() && !self.executor.is_busy();
        if quiet && !self.peer_is_member() && self.engine.is_none() {
            self.leave();
            return;
        }
        let request = Request::AttributeUpdate {
            name: "shutdown".to_owned(),
            pattern: false,
            value: Some(at.wall.0.to_string()),
            node: Some(self.local_name().to_owned()),
            dampen_ms: None,
            private: false,
            set_id: None,
        };
        self.take_request(at, Author::Nobody, "hacluster", request);
    }

    /// Everything is stopped here, says the leader.
    pub(super) fn leave(&mut self) {
        if self.leaving != Leaving::Gone {
            self.leaving = Leaving::Ready;
        }
    }

    /// Says good-bye once what was started is over, and nothing is active.
    pub(super) fn finish_leaving(&mut self) {
        let quiet = self.executor.active().next().is_none() && !self.executor.is_busy();
        if self.leaving != Leaving::Ready || !quiet {
            return;
        }
        self.leaving = Leaving::Gone;
        self.protecting = Some((false, 0));
        self.out.push_back(Output::Guardian(Report::Protecting { active: false, weight: 0 }));
        self.out.push_back(Output::Guardian(Report::Leave));
        self.out.push_back(Output::Exit);
    }
}

const fn author_is_here(author: Author) -> bool {
    matches!(author, Author::Client(_))
}

/// A resource's id without the number of a clone's instance.
pub(super) fn plain(resource: &str) -> &str {
    match resource.rsplit_once(':') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => resource,
    }
}
