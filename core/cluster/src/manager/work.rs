//! Running the scheduler, executing its transition, and taking results.

use super::fence::{Demand, Step, Waiter};
use super::{Author, Clocks, Leaving, Manager};
use crate::alerts;
use crate::attributes::failcount;
use crate::controller::policy;
use crate::executor::Effect;
use crate::executor::history::Record;
use crate::executor::operation::Operation;
use crate::manager_io::{Durable, Event, Output};
use crate::replication::{Change, Message};
use crate::request::{CibOperation, CibRequest, Reply};
use crate::transition::{Abort, Engine};
use core::time::Duration;
use diarch_scheduler::graph::{ActionKind, GraphAction};

/// How often the scheduler runs at most before anything else has happened.
const RUNS_MAX: u32 = 8;
/// The pause after that.
const RUNS_PAUSE: Duration = Duration::from_secs(1);

impl Manager {
    /// Starts what may start, ends what is over, and schedules; whether anything moved.
    pub(super) fn advance_transition(&mut self, at: Clocks) -> bool {
        self.fire(at);
        let Some(engine) = &self.engine else { return self.schedule(at) };
        let Some(outcome) = engine.outcome() else { return false };
        let id = engine.id();
        let ended = match &outcome.aborted {
            None => "complete".to_owned(),
            Some(abort) => abort.to_string(),
        };
        self.engine = None;
        self.fencing.forget(id);
        self.out.push_back(Output::Event(Event::TransitionEnded { id, outcome: ended }));
        if let Some(abort) = outcome.aborted {
            // Without a pause a node that cannot be fenced would be tried in a tight loop.
            if abort != Abort::FencingFailed && self.due.is_none() {
                self.due = Some(abort);
            }
        }
        true
    }

    fn can_schedule(&self) -> bool {
        self.can_change()
            && self.may_act()
            && self.engine.is_none()
            && !self.executor.is_busy()
            && !self.fencing_pauses()
            && matches!(self.leaving, Leaving::No | Leaving::Asked)
    }

    fn schedule(&mut self, at: Clocks) -> bool {
        if self.due.is_none() || !self.can_schedule() {
            return false;
        }
        if self.runs >= RUNS_MAX {
            // Whatever this is, it does not get better by trying it at once again.
            self.recheck_at = Some(at.now.after(RUNS_PAUSE));
            return false;
        }
        self.runs += 1;
        self.due = None;
        self.settled = true;
        self.write_properties(at);
        let planned = (self.config.scheduler)(&self.cib, at.wall);
        for text in planned.warnings {
            self.warn(text);
        }
        let interval = policy::recheck_interval(&self.cib);
        let by = planned.recheck_by.map(|by| {
            Duration::from_secs(u64::try_from(by.saturating_sub(at.wall.0)).unwrap_or(0).max(1))
        });
        let pause = match (interval, by) {
            (Some(interval), Some(by)) => Some(interval.min(by)),
            (interval, by) => interval.or(by),
        };
        self.recheck_at = pause.map(|pause| at.now.after(pause));
        if planned.graph.synapses.is_empty() {
            return true;
        }
        self.transition += 1;
        let id = self.transition;
        let attributes = &planned.graph.attributes;
        let offset = attributes.iter().find(|(name, _)| *name == "failed-start-offset");
        self.start_failure_is_fatal = offset.is_none_or(|(_, value)| value != "1");
        let actions = planned.graph.synapses.len();
        self.out.push_back(Output::Event(Event::Transition { id, actions, took: Duration::ZERO }));
        let what = Durable::SchedulerInput { series: "input", text: self.cib.write() };
        let ticket = self.changes.ticket();
        self.out.push_back(Output::Persist { ticket, what });
        self.engine = Some(Engine::new(planned.graph, id, &self.uuid));
        true
    }

    fn fire(&mut self, at: Clocks) {
        let hold = !self.may_act() || !self.can_change();
        loop {
            let Some(engine) = &mut self.engine else { return };
            let fired = engine.fire(at.now, hold);
            if fired.is_empty() {
                return;
            }
            for action in fired {
                self.perform(at, &action);
            }
        }
    }

    fn perform(&mut self, at: Clocks, action: &GraphAction) {
        let Some(engine) = &self.engine else { return };
        let key = engine.key(action);
        match action.kind {
            ActionKind::Pseudo => self.confirm(action.id),
            ActionKind::Cluster => self.perform_cluster(at, action),
            ActionKind::Resource => match Operation::from_graph(action, key) {
                Some(operation) => self.perform_operation(at, action.id, operation),
                None => self.fail(action.id),
            },
        }
    }

    fn perform_operation(&mut self, at: Clocks, step: u32, operation: Operation) {
        let here = operation.node == self.local_name();
        match operation.name.as_str() {
            "delete" | "lrm_delete" => {
                let id = self.id_of(&operation.node).unwrap_or_default();
                self.forget_history(at, &id, &operation.resource);
                self.confirm(step);
            }
            "cancel" => {
                let name = operation.meta("operation").unwrap_or("monitor").to_owned();
                let interval_ms = operation.interval_ms;
                let Operation { resource, transition_key, .. } = operation;
                if here {
                    self.executor.cancel(&resource, &name, interval_ms, &transition_key);
                } else {
                    let message = Message::Cancel { resource, name, interval_ms, transition_key };
                    self.tell_or_fail(at, step, &message);
                }
            }
            _ if here => self.execute_here(at, operation),
            _ => self.tell_or_fail(at, step, &Message::Execute(operation)),
        }
    }

    fn tell_or_fail(&mut self, at: Clocks, step: u32, message: &Message) {
        if !self.tell(at, message) {
            self.fail(step);
        }
    }

    pub(super) fn execute_here(&mut self, at: Clocks, operation: Operation) {
        self.executor.execute(at.now, at.wall, operation);
    }

    fn perform_cluster(&mut self, at: Clocks, action: &GraphAction) {
        let node = action.node.clone().unwrap_or_default();
        match action.operation.as_str() {
            "stonith" | "fence" => {
                let attribute = |wanted: &str| {
                    let mut attributes = action.attributes.iter();
                    attributes.find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
                };
                let wanted = attribute("CRM_meta_stonith_action").unwrap_or("reboot").to_owned();
                let delay = attribute("CRM_meta_priority_fencing_delay");
                let delay = delay.and_then(|text| text.parse().ok()).unwrap_or(0);
                let demand = Demand {
                    target: node,
                    action: wanted,
                    delay: Duration::from_secs(delay),
                    digests: [
                        ("#digests-all", "CRM_meta_digests_all"),
                        ("#digests-secure", "CRM_meta_digests_secure"),
                    ]
                    .into_iter()
                    .filter_map(|(name, meta)| Some((name, attribute(meta)?.to_owned())))
                    .collect(),
                    undelayed: false,
                };
                let transition = self.engine.as_ref().map(Engine::id);
                let step = transition.map(|transition| Step { transition, action: action.id });
                self.fence(at, demand, Waiter::step(step));
            }
            "do_shutdown" => {
                self.confirm(action.id);
                if node == self.local_name() {
                    self.leave();
                } else {
                    self.tell(at, &Message::Leave);
                }
            }
            "clear_failcount" => {
                let resource = action.primitive.as_ref().map(|primitive| primitive.id.clone());
                let id = self.id_of(&node).unwrap_or_default();
                self.clear_failures(at, &id, resource.as_deref(), None);
                self.confirm(action.id);
            }
            _ => self.confirm(action.id),
        }
    }

    fn confirm(&mut self, step: u32) {
        if let Some(engine) = &mut self.engine {
            engine.confirm(step);
        }
    }

    fn fail(&mut self, step: u32) {
        if let Some(engine) = &mut self.engine {
            engine.fail(step);
        }
    }

    /// Does what the executor asks; whether there was anything.
    pub(super) fn take_effects(&mut self, at: Clocks) -> bool {
        let mut any = false;
        while let Some(effect) = self.executor.poll_effect() {
            any = true;
            match effect {
                Effect::Run { job, call } => {
                    self.report_protection();
                    self.out.push_back(Output::RunAgent { job, call });
                }
                Effect::Kill(job) => self.out.push_back(Output::CancelAgent(job)),
                Effect::Began { resource, action } => {
                    if action != "monitor" {
                        let event = Event::ActionStarted { resource, action };
                        self.out.push_back(Output::Event(event));
                    }
                }
                Effect::Ended { resource, action, rc, run, reason } => {
                    if action != "monitor" || rc != 0 {
                        let event = Event::ActionEnded { resource, action, rc, took: run, reason };
                        self.out.push_back(Output::Event(event));
                    }
                }
                Effect::Report(record) => {
                    self.alert(at, alerts::Event::Resource(&record));
                    if self.leading {
                        self.take_result(at, *record);
                    } else {
                        self.tell(at, &Message::Result(*record));
                    }
                }
                Effect::Cancelled { resource, key, transition_key } if self.leading => {
                    let id = self.local_id();
                    self.take_cancelled(at, &id, &resource, &key, &transition_key);
                }
                Effect::Cancelled { resource, key, transition_key } => {
                    self.tell(at, &Message::Cancelled { resource, key, transition_key });
                }
            }
        }
        if any {
            self.report_protection();
        }
        any
    }

    /// A result reached the leader: it is recorded before anything that depends on it is started.
    pub(super) fn take_result(&mut self, at: Clocks, record: Record) {
        if !self.leading {
            return;
        }
        let Some(id) = self.id_of(&record.node) else { return };
        let failed = record.failed();
        let key = record.key.clone();
        let engine = self.engine.as_ref();
        let step = engine
            .and_then(|engine| engine.action_of(&record.transition_key))
            .filter(|step| engine.is_some_and(|engine| engine.is_in_flight(*step)));
        let recurring = record.interval_ms > 0;
        if failed {
            self.count_failure(at, &id, &record);
        }
        self.commit(at, Author::Nobody, Change::Row { id, record: Box::new(record) });
        match step {
            Some(step) if failed => self.fail(step),
            Some(step) => self.confirm(step),
            None if failed => self.abort(Abort::EventFailed(key)),
            None if recurring => self.abort(Abort::RecurringChanged(key)),
            None => self.abort(Abort::ForeignEvent(key)),
        }
    }

    pub(super) fn take_cancelled(
        &mut self,
        at: Clocks,
        id: &str,
        resource: &str,
        key: &str,
        transition_key: &str,
    ) {
        if !self.leading {
            return;
        }
        let (id, resource, row) = (id.to_owned(), resource.to_owned(), key.to_owned());
        self.commit(at, Author::Nobody, Change::RemoveRow { id, resource, row });
        let step = self.engine.as_ref().and_then(|engine| engine.action_of(transition_key));
        if let Some(step) = step {
            self.confirm(step);
        }
    }

    fn count_failure(&mut self, at: Clocks, id: &str, record: &Record) {
        let Some(step) = failcount::step(record, self.start_failure_is_fatal) else { return };
        let (resource, name) = (record.resource.as_str(), record.operation.as_str());
        let suffix = failcount::suffix(resource, name, record.interval_ms);
        let last = format!("last-failure-{suffix}");
        self.set_status_attribute(at, id, &last, Some(at.wall.0.to_string()));
        if policy::ignores_failure(&self.cib, resource, name, record.interval_ms) {
            return;
        }
        let count = format!("fail-count-{suffix}");
        let known = self.status_attribute(id, &count);
        let value = failcount::raised(known.as_deref(), step);
        self.set_status_attribute(at, id, &count, Some(value));
    }

    /// The options that the cluster itself keeps in the CIB.
    fn write_properties(&mut self, at: Clocks) {
        let watchdog = self.view.is_some_and(|view| view.watchdog.is_some());
        let pairs = [
            ("have-watchdog", if watchdog { "true" } else { "false" }.to_owned()),
            ("dc-version", format!("3.0.2-diarch.{}", env!("CARGO_PKG_VERSION"))),
            ("cluster-infrastructure", "diarch".to_owned()),
            ("cluster-name", self.config.pair.cluster_name.to_string()),
        ];
        // Fencing is the guardian's, with or without fencing resources; this option says so in the
        // words of the field. Without it nothing that requires fencing would be started.
        let known = ["fencing-watchdog-timeout", "stonith-watchdog-timeout"];
        let named = known.iter().any(|name| policy::option(&self.cib, name).is_some());
        let wait = self.config.pair.timing.msgwait.as_secs();
        let fencing =
            (watchdog && !named).then(|| ("stonith-watchdog-timeout", format!("{wait}s")));
        let mut requests = Vec::new();
        let missing: Vec<_> = pairs
            .iter()
            .chain(&fencing)
            .filter(|(name, value)| policy::option(&self.cib, name) != Some(value.as_str()))
            .collect();
        if !missing.is_empty() {
            let mut input =
                "<crm_config><cluster_property_set id=\"cib-bootstrap-options\">".to_owned();
            for (name, value) in missing {
                let id = format!("cib-bootstrap-options-{name}");
                input += &format!("<nvpair id=\"{id}\" name=\"{name}\" value=\"{value}\"/>");
            }
            input += "</cluster_property_set></crm_config>";
            requests.push(("crm_config", input));
        }
        let configured = self.cib.root().child("configuration");
        let nodes = configured.and_then(|inside| inside.child("nodes"));
        let known = |name: &String| {
            let mut listed = nodes.iter().flat_map(|nodes| nodes.children_named("node"));
            listed.any(|node| node.attribute("uname") == Some(name))
        };
        for (number, name) in (1..).zip(&self.names) {
            if !known(name) {
                let node = format!("<nodes><node id=\"{number}\" uname=\"{name}\"/></nodes>");
                requests.push(("nodes", node));
            }
        }
        let requests: Vec<CibRequest> = requests
            .into_iter()
            .map(|(section, input)| CibRequest {
                section: Some(section.to_owned()),
                input: Some(input),
                allow_create: true,
                ..CibRequest::new(CibOperation::Modify)
            })
            .collect();
        if !requests.is_empty() {
            let stamp = self.stamp(at, "diarch", "hacluster");
            self.commit(at, Author::Nobody, Change::Requests { requests, stamp });
        }
        let attributes = vec![
            ("have-quorum".to_owned(), "1".to_owned()),
            ("dc-uuid".to_owned(), self.local_id()),
        ];
        let root = self.cib.root();
        if attributes.iter().any(|(name, value)| root.attribute(name) != Some(value.as_str())) {
            self.commit(at, Author::Nobody, Change::Root { attributes });
        }
    }

    /// Whether nothing runs and nothing is due.
    pub(super) fn is_idle(&self) -> bool {
        self.leading && self.engine.is_none() && self.due.is_none() && !self.executor.is_busy()
    }

    pub(super) fn answer_waiters(&mut self, at: Clocks) {
        if self.waiters.is_empty() || !self.is_idle() {
            return;
        }
        for author in core::mem::take(&mut self.waiters) {
            self.reply(at, author, Reply::default());
        }
    }
}
