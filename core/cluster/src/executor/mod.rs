//! What runs on this node: one action at a time per resource, different resources side by side.
//!
//! ```text
//!            execute            AgentEnded                     interval over
//!  (queue) ──────────▶ running ────────────▶ idle / waiting ────────────────▶ running
//!                        │ CouldNotRun: nothing was learned
//!                        └──────────▶ retry after a pause
//! ```
//!
//! A recurring action runs again an interval after it *ended*; only its first result and a changed
//! one are reported. A stop ends the recurring actions of its resource first. The executor keeps
//! its own history, which is what this node tells the leader when it joins: a manager that was
//! restarted knows nothing, so that everything is probed again and nothing is restarted.

pub mod history;
pub mod metadata;
pub mod ocf;
pub mod operation;

use crate::Instant;
use crate::manager_io::{AgentCall, AgentResult, JobId, WallClock};
use core::time::Duration;
use history::Record;
use metadata::{Library, Lookup};
use ocf::Status;
use operation::{AgentName, Operation};
use std::collections::{BTreeMap, VecDeque};

/// The first pause before an action that could not be run is tried again.
const RETRY_FIRST: Duration = Duration::from_millis(200);
/// The longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Time for an agent to describe itself.
const METADATA_TIMEOUT: Duration = Duration::from_secs(30);

/// What the executor wants done, in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Run an agent.
    Run {
        /// Its name in [`Executor::agent_ended`].
        job: JobId,
        /// What to run.
        call: AgentCall,
    },
    /// Kill a running agent.
    Kill(JobId),
    /// An action begins.
    Began {
        /// The resource.
        resource: String,
        /// `start`, `monitor`, …
        action: String,
    },
    /// An action ended; told whether or not it is news.
    Ended {
        /// The resource.
        resource: String,
        /// `start`, `monitor`, …
        action: String,
        /// The agent's result (OCF).
        rc: i32,
        /// How long it ran.
        run: Duration,
        /// What the agent said of it.
        reason: String,
    },
    /// A result for the leader.
    Report(Box<Record>),
    /// A recurring action was ended, or was not there.
    Cancelled {
        /// The resource.
        resource: String,
        /// `operation_key` of the ended action.
        key: String,
        /// The transition's key of the request to end it.
        transition_key: String,
    },
}

#[derive(Debug)]
struct Running {
    job: JobId,
    operation: Operation,
    queued: Duration,
    /// Ended by a cancel, or asked for anew: its result is dropped.
    cancelled: bool,
    tries: u32,
}

#[derive(Debug)]
struct Recurring {
    operation: Operation,
    due: Option<Instant>,
    last: Option<(i32, Status)>,
    since: i64,
}

#[derive(Debug)]
struct Waiting {
    operation: Operation,
    asked: Instant,
    not_before: Instant,
    tries: u32,
}

/// One resource as this node knows it.
#[derive(Debug, Default)]
struct Slot {
    agent: AgentName,
    running: Option<Running>,
    queue: VecDeque<Waiting>,
    recurring: Vec<Recurring>,
    rows: BTreeMap<String, Record>,
    active: bool,
}

/// The executor of one node.
#[derive(Debug, Default)]
pub struct Executor {
    slots: BTreeMap<String, Slot>,
    jobs: BTreeMap<JobId, String>,
    library: Library,
    describing: BTreeMap<JobId, AgentName>,
    next_job: u64,
    next_call: u32,
    effects: VecDeque<Effect>,
}

impl Executor {
    /// Takes an action to execute; its end is reported.
    pub fn execute(&mut self, now: Instant, wall: WallClock, operation: Operation) {
        self.describe(&operation.agent);
        let slot = self.slots.entry(operation.resource.clone()).or_default();
        slot.agent.clone_from(&operation.agent);
        let resource = operation.resource.clone();
        if operation.interval_ms > 0 {
            let same = |other: &Recurring| {
                other.operation.name == operation.name
                    && other.operation.interval_ms == operation.interval_ms
            };
            slot.recurring.retain(|other| !same(other));
            // A run under way answers the request before this one: taken for the first result of
            // this one it would be the last that is ever reported.
            let superseded = |run: &&mut Running| {
                run.operation.name == operation.name
                    && run.operation.interval_ms == operation.interval_ms
            };
            if let Some(running) = slot.running.as_mut().filter(superseded) {
                running.cancelled = true;
            }
            let due = Some(now.after(operation.start_delay()));
            slot.recurring.push(Recurring { operation, due, last: None, since: wall.0 });
        } else {
            if operation.name == "stop" {
                self.end_recurring(&resource);
            }
            let not_before = now.after(operation.start_delay());
            let waiting = Waiting { operation, asked: now, not_before, tries: 0 };
            if let Some(slot) = self.slots.get_mut(&resource) {
                slot.queue.push_back(waiting);
            }
        }
        self.advance(now, &resource);
    }

    /// Ends a recurring action.
    pub fn cancel(&mut self, resource: &str, name: &str, interval_ms: u64, transition_key: &str) {
        if let Some(slot) = self.slots.get_mut(resource) {
            let same = |operation: &Operation| {
                operation.name == name && operation.interval_ms == interval_ms
            };
            slot.recurring.retain(|other| !same(&other.operation));
            slot.rows.remove(&format!("{resource}_{name}_{interval_ms}"));
            if let Some(running) = slot.running.as_mut().filter(|run| same(&run.operation)) {
                running.cancelled = true;
                self.effects.push_back(Effect::Kill(running.job));
            }
        }
        self.effects.push_back(Effect::Cancelled {
            resource: resource.to_owned(),
            key: format!("{resource}_{name}_{interval_ms}"),
            transition_key: transition_key.to_owned(),
        });
    }

    /// Forgets what is known of a resource; its recurring actions end.
    ///
    /// What runs goes on and is reported; whether it is active stays known until it is probed.
    pub fn forget(&mut self, resource: &str) {
        self.end_recurring(resource);
        if let Some(slot) = self.slots.get_mut(resource) {
            slot.rows.clear();
        }
    }

    /// An agent ended.
    pub fn agent_ended(&mut self, now: Instant, wall: WallClock, job: JobId, result: &AgentResult) {
        if let Some(agent) = self.describing.remove(&job) {
            self.library.described(agent, result);
            let names: Vec<String> = self.slots.keys().cloned().collect();
            for resource in names {
                self.advance(now, &resource);
            }
            return;
        }
        let Some(resource) = self.jobs.remove(&job) else { return };
        let Some(slot) = self.slots.get_mut(&resource) else { return };
        let Some(running) = slot.running.take_if(|running| running.job == job) else { return };
        if !running.cancelled {
            self.conclude(now, wall, running, result);
        }
        self.advance(now, &resource);
    }

    /// Starts what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            let names: Vec<String> = self.slots.keys().cloned().collect();
            for resource in names {
                self.advance(now, &resource);
            }
        }
    }

    /// When [`Executor::handle_timeout`] is next due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let idle = self.slots.values().filter(|slot| slot.running.is_none());
        idle.flat_map(|slot| {
            let recurring = slot.recurring.iter().filter_map(|recurring| recurring.due);
            let waiting = slot.queue.front().filter(|next| self.is_ready(&next.operation));
            recurring.chain(waiting.map(|next| next.not_before))
        })
        .min()
    }

    /// What to do next.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// This node's own history, for the leader.
    pub fn rows(&self) -> impl Iterator<Item = &Record> {
        self.slots.values().flat_map(|slot| slot.rows.values())
    }

    /// The resources that are, or may be, active here.
    pub fn active(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().filter(|(_, slot)| slot.active).map(|(name, _)| name.as_str())
    }

    /// Whether an action that is run once is under way or waits for its turn.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.slots.values().any(|slot| {
            let once = slot.running.as_ref().is_some_and(|run| run.operation.interval_ms == 0);
            once || !slot.queue.is_empty()
        })
    }

    /// What the agents say about themselves.
    #[must_use]
    pub const fn library(&self) -> &Library {
        &self.library
    }

    fn end_recurring(&mut self, resource: &str) {
        let Some(slot) = self.slots.get_mut(resource) else { return };
        // Whoever waits for a first result must hear that it will never come.
        let unheard = slot.recurring.drain(..).filter(|recurring| recurring.last.is_none());
        self.effects.extend(unheard.map(|Recurring { operation, .. }| Effect::Cancelled {
            key: format!("{resource}_{}_{}", operation.name, operation.interval_ms),
            resource: operation.resource,
            transition_key: operation.transition_key,
        }));
        if let Some(running) = slot.running.as_mut().filter(|run| run.operation.interval_ms > 0) {
            running.cancelled = true;
            self.effects.push_back(Effect::Kill(running.job));
        }
    }

    /// Asks an agent to describe itself, once.
    fn describe(&mut self, agent: &AgentName) {
        if !self.library.wants(agent) {
            return;
        }
        let job = self.new_job();
        let call = AgentCall {
            class: agent.class.clone(),
            provider: agent.provider.clone(),
            kind: agent.kind.clone(),
            action: "meta-data".to_owned(),
            environment: operation::base_environment(agent, &agent.kind, "log"),
            timeout: METADATA_TIMEOUT,
        };
        self.describing.insert(job, agent.clone());
        self.effects.push_back(Effect::Run { job, call });
    }

    /// A start waits until it is known what its agent can reload.
    fn is_ready(&self, operation: &Operation) -> bool {
        operation.name != "start" || self.library.look_up(&operation.agent) != Lookup::Pending
    }

    const fn new_job(&mut self) -> JobId {
        self.next_job += 1;
        JobId(self.next_job)
    }

    /// Runs the next action of an idle resource, if one is due.
    fn advance(&mut self, now: Instant, resource: &str) {
        let Some(slot) = self.slots.get(resource).filter(|slot| slot.running.is_none()) else {
            return;
        };
        let front = slot.queue.front();
        let ready =
            front.is_some_and(|next| next.not_before <= now && self.is_ready(&next.operation));
        let Some(slot) = self.slots.get_mut(resource) else { return };
        if ready {
            if let Some(Waiting { operation, asked, tries, .. }) = slot.queue.pop_front() {
                self.run(operation, now.since(asked), tries);
            }
            return;
        }
        if !slot.queue.is_empty() {
            return;
        }
        let due = |recurring: &&mut Recurring| recurring.due.is_some_and(|due| due <= now);
        if let Some(recurring) = slot.recurring.iter_mut().find(due) {
            recurring.due = None;
            let operation = recurring.operation.clone();
            self.run(operation, Duration::ZERO, 0);
        }
    }

    fn run(&mut self, operation: Operation, queued: Duration, tries: u32) {
        let job = self.new_job();
        // Whether a fence device is started here is known without the device, which would always
        // say yes.
        let idle = self.slots.get(&operation.resource).is_none_or(|slot| !slot.active);
        let is_device = operation.agent.class == "stonith";
        let action =
            if is_device && operation.is_probe() && idle { "probe" } else { &operation.name };
        let call = AgentCall {
            class: operation.agent.class.clone(),
            provider: operation.agent.provider.clone(),
            kind: operation.agent.kind.clone(),
            action: action.to_owned(),
            environment: operation.environment(),
            timeout: operation.timeout(),
        };
        if tries == 0 {
            self.effects.push_back(Effect::Began {
                resource: operation.resource.clone(),
                action: operation.name.clone(),
            });
        }
        self.jobs.insert(job, operation.resource.clone());
        let Some(slot) = self.slots.get_mut(&operation.resource) else { return };
        if matches!(operation.name.as_str(), "start" | "promote" | "migrate_from") {
            slot.active = true;
        }
        slot.running = Some(Running { job, operation, queued, cancelled: false, tries });
        self.effects.push_back(Effect::Run { job, call });
    }

    fn conclude(&mut self, now: Instant, wall: WallClock, running: Running, result: &AgentResult) {
        let Running { operation, queued, tries, .. } = running;
        let judged = ocf::judge(&operation.agent.class, &operation.name, &result.end);
        let Some(slot) = self.slots.get_mut(&operation.resource) else { return };
        let Some((rc, status)) = judged else {
            // Nothing was learned about the resource: try again, and blame nobody.
            let pause = (RETRY_FIRST * 2_u32.saturating_pow(tries.min(8))).min(RETRY_MAX);
            if operation.interval_ms > 0 {
                reschedule(slot, &operation, now.after(pause));
            } else {
                let tries = tries + 1;
                let not_before = now.after(pause);
                slot.queue.push_front(Waiting { operation, asked: now, not_before, tries });
            }
            return;
        };
        let rc = if operation.name == "notify" { ocf::OK } else { rc };
        note_activity(slot, &operation, rc, status);
        self.effects.push_back(Effect::Ended {
            resource: operation.resource.clone(),
            action: operation.name.clone(),
            rc,
            run: result.run,
            reason: ocf::exit_reason(&result.stderr).to_owned(),
        });
        let mut changed = wall.0 - i64::try_from(result.run.as_secs()).unwrap_or(0);
        if let Some(recurring) = find_recurring(slot, &operation) {
            recurring.due = Some(now.after(Duration::from_millis(operation.interval_ms)));
            if recurring.last == Some((rc, status)) {
                return;
            }
            recurring.last = Some((rc, status));
            recurring.since = wall.0;
            changed = recurring.since;
        }
        self.next_call += 1;
        let record = Record {
            digests: self.library.digests(&operation),
            migrate_source: operation.meta("migrate_source").map(str::to_owned),
            migrate_target: operation.meta("migrate_target").map(str::to_owned),
            feature_set: feature_set(&operation),
            node: operation.node,
            resource: operation.resource,
            agent: operation.agent,
            operation: operation.name,
            interval_ms: operation.interval_ms,
            key: operation.key,
            transition_key: operation.transition_key,
            rc,
            status,
            exit_reason: ocf::exit_reason(&result.stderr).to_owned(),
            call_id: self.next_call,
            changed,
            run: result.run,
            queued,
        };
        let Some(slot) = self.slots.get_mut(&record.resource) else { return };
        for id in record.row_ids() {
            slot.rows.insert(id, record.clone());
        }
        self.effects.push_back(Effect::Report(Box::new(record)));
    }
}

fn feature_set(operation: &Operation) -> String {
    let mut attributes = operation.attributes.iter();
    attributes
        .find(|(name, _)| name == "crm_feature_set")
        .map(|(_, value)| value.clone())
        .unwrap_or_default()
}

fn find_recurring<'a>(slot: &'a mut Slot, operation: &Operation) -> Option<&'a mut Recurring> {
    if operation.interval_ms == 0 {
        return None;
    }
    slot.recurring.iter_mut().find(|recurring| {
        recurring.operation.name == operation.name
            && recurring.operation.interval_ms == operation.interval_ms
    })
}

fn reschedule(slot: &mut Slot, operation: &Operation, due: Instant) {
    if let Some(recurring) = find_recurring(slot, operation) {
        recurring.due = Some(due);
    }
}

fn note_activity(slot: &mut Slot, operation: &Operation, rc: i32, status: Status) {
    match operation.name.as_str() {
        "monitor" if status == Status::Done || status == Status::NotInstalled => {
            slot.active = ocf::may_be_active(rc);
        }
        "stop" if status == Status::Done && rc == ocf::OK => slot.active = false,
        _ => {}
    }
}

#[cfg(test)]
mod tests;
