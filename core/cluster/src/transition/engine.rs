//! One transition under way.
//!
//! ```text
//!           all inputs confirmed              result as expected
//! waiting ───────────────────────▶ in flight ────────────────────▶ confirmed
//!    │                                 │ other result, node lost, time over
//!    │ aborted, or an input failed     ▼
//!    └─▶ never started               failed
//! ```
//!
//! Pseudo steps are confirmed at once. An aborted transition starts nothing of a lower priority
//! than its abort, and ends when nothing is in flight any more.

use super::abort::Abort;
use crate::Instant;
use core::time::Duration;
use diarch_scheduler::graph::{ActionKind, Graph, GraphAction};
use std::collections::BTreeMap;

/// What an action may take beyond its own time, where the graph does not say.
const CLUSTER_DELAY: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Waiting,
    InFlight { deadline: Instant },
    Confirmed,
    Failed,
}

/// How a transition ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// Why it was given up, if it was.
    pub aborted: Option<Abort>,
    /// Steps that were confirmed.
    pub complete: usize,
    /// Steps that were never started.
    pub skipped: usize,
    /// Steps that failed.
    pub failed: usize,
}

/// A transition under way.
#[derive(Debug)]
pub struct Engine {
    graph: Graph,
    id: u32,
    uuid: String,
    states: Vec<State>,
    by_action: BTreeMap<u32, usize>,
    abort: Option<(Abort, i32)>,
    batch_limit: usize,
    delay: Duration,
}

impl Engine {
    /// The transition `id` over `graph`; `uuid` names this manager's incarnation in its keys.
    #[must_use]
    pub fn new(graph: Graph, id: u32, uuid: &str) -> Self {
        let attribute = |name: &str| {
            graph.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
        };
        let delay =
            attribute("cluster-delay").and_then(|text| text.trim_end_matches('s').parse().ok());
        let limit = attribute("batch-limit").and_then(|text| text.parse().ok());
        Self {
            id,
            uuid: uuid.to_owned(),
            states: vec![State::Waiting; graph.synapses.len()],
            by_action: (0..).zip(&graph.synapses).map(|(at, step)| (step.action.id, at)).collect(),
            abort: None,
            batch_limit: limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX),
            delay: delay.map_or(CLUSTER_DELAY, Duration::from_secs),
            graph,
        }
    }

    /// The transition's number.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// How many steps it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether it has nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Starts what may start now, in the graph's order; the caller executes it.
    ///
    /// `hold` keeps everything back that is not started yet, without giving it up.
    pub fn fire(&mut self, now: Instant, hold: bool) -> Vec<GraphAction> {
        let mut fired = Vec::new();
        let mut again = !hold;
        while again {
            again = false;
            for at in 0..self.states.len() {
                if !self.is_ready(at) || self.in_flight() >= self.batch_limit {
                    continue;
                }
                let action = &self.graph.synapses[at].action;
                if action.kind == ActionKind::Pseudo {
                    self.states[at] = State::Confirmed;
                    again = true;
                } else {
                    let deadline = now.after(timeout(action) + self.delay);
                    self.states[at] = State::InFlight { deadline };
                    fired.push(action.clone());
                }
            }
        }
        fired
    }

    /// The key that results of this action carry.
    #[must_use]
    pub fn key(&self, action: &GraphAction) -> String {
        let expected = meta(action, "CRM_meta_op_target_rc").unwrap_or("0");
        format!("{}:{}:{expected}:{}", action.id, self.id, self.uuid)
    }

    /// The id of the action of this transition that a key names.
    #[must_use]
    pub fn action_of(&self, key: &str) -> Option<u32> {
        let mut parts = key.splitn(4, ':');
        let action = parts.next()?.parse().ok()?;
        let transition: u32 = parts.next()?.parse().ok()?;
        let known = transition == self.id && parts.nth(1) == Some(self.uuid.as_str());
        (known && self.by_action.contains_key(&action)).then_some(action)
    }

    /// Whether this action was started and has not ended.
    #[must_use]
    pub fn is_in_flight(&self, action: u32) -> bool {
        let state = self.by_action.get(&action).map(|at| self.states[*at]);
        matches!(state, Some(State::InFlight { .. }))
    }

    /// An action ended as expected.
    pub fn confirm(&mut self, action: u32) {
        if let Some(at) = self.by_action.get(&action) {
            self.states[*at] = State::Confirmed;
        }
    }

    /// An action failed: what waits for it is not started, unless the graph allows its failure.
    pub fn fail(&mut self, action: u32) {
        let Some(at) = self.by_action.get(&action).copied() else { return };
        let step = &self.graph.synapses[at];
        let allowed = meta(&step.action, "CRM_meta_can_fail") == Some("true");
        let abort = Abort::EventFailed(step.action.key.clone());
        let priority = abort.priority(step.priority);
        self.states[at] = if allowed { State::Confirmed } else { State::Failed };
        self.note(abort, priority);
    }

    /// Everything that is in flight on this node has failed.
    pub fn fail_node(&mut self, node: &str) {
        let lost: Vec<u32> = (0..)
            .zip(&self.graph.synapses)
            .filter(|(at, step)| {
                let at: usize = *at;
                matches!(self.states[at], State::InFlight { .. })
                    && step.action.kind == ActionKind::Resource
                    && step.action.node.as_deref() == Some(node)
            })
            .map(|(_, step)| step.action.id)
            .collect();
        for action in lost {
            self.fail(action);
        }
    }

    /// Gives the transition up: what is in flight is awaited, nothing else is started.
    pub fn abort(&mut self, abort: Abort) {
        let priority = abort.priority(0);
        self.note(abort, priority);
    }

    /// Fails what did not end in time; returns the keys.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<String> {
        let mut lost = Vec::new();
        for (state, step) in self.states.iter_mut().zip(&self.graph.synapses) {
            if matches!(*state, State::InFlight { deadline } if deadline <= now) {
                *state = State::Failed;
                lost.push(step.action.key.clone());
            }
        }
        if let Some(key) = lost.first() {
            self.abort(Abort::ActionLost(key.clone()));
        }
        lost
    }

    /// When [`Engine::handle_timeout`] is next due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = self.states.iter().filter_map(|state| match *state {
            State::InFlight { deadline } => Some(deadline),
            State::Waiting | State::Confirmed | State::Failed => None,
        });
        deadlines.min()
    }

    /// How it ended; `None` while something is in flight or can still be started.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let ready = (0..self.states.len()).any(|at| self.is_ready(at));
        if ready || self.in_flight() > 0 {
            return None;
        }
        let count = |wanted| self.states.iter().filter(|state| **state == wanted).count();
        Some(Outcome {
            aborted: self.abort.as_ref().map(|(abort, _)| abort.clone()),
            complete: count(State::Confirmed),
            skipped: count(State::Waiting),
            failed: count(State::Failed),
        })
    }

    fn note(&mut self, abort: Abort, priority: i32) {
        if self.abort.as_ref().is_none_or(|(_, noted)| *noted < priority) {
            self.abort = Some((abort, priority));
        }
    }

    fn in_flight(&self) -> usize {
        self.states.iter().filter(|state| matches!(state, State::InFlight { .. })).count()
    }

    fn is_ready(&self, at: usize) -> bool {
        let step = &self.graph.synapses[at];
        let stopped = self.abort.as_ref().is_some_and(|(_, priority)| step.priority < *priority);
        self.states[at] == State::Waiting
            && !stopped
            && step.inputs.iter().all(|input| {
                let at = self.by_action.get(input);
                at.is_none_or(|at| self.states[*at] == State::Confirmed)
            })
    }
}

fn meta<'a>(action: &'a GraphAction, name: &str) -> Option<&'a str> {
    let mut attributes = action.attributes.iter();
    attributes.find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn timeout(action: &GraphAction) -> Duration {
    let number = |name| meta(action, name).and_then(|text| text.parse().ok()).unwrap_or(0);
    Duration::from_millis(number("CRM_meta_timeout") + number("CRM_meta_start_delay"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use diarch_scheduler::graph::Synapse;

    fn action(id: u32, kind: ActionKind, node: &str) -> GraphAction {
        GraphAction {
            id,
            kind,
            operation: "start".to_owned(),
            key: format!("r{id}_start_0"),
            internal_key: None,
            node: Some(node.to_owned()),
            node_id: None,
            router: None,
            shutdown_lock: None,
            mode: None,
            primitive: None,
            attributes: vec![("CRM_meta_timeout".to_owned(), "1000".to_owned())],
            downed: Vec::new(),
            maintenance: Vec::new(),
        }
    }

    fn step(id: u32, kind: ActionKind, after: &[u32]) -> Synapse {
        Synapse { id, priority: 0, action: action(id, kind, "a"), inputs: after.to_vec() }
    }

    fn chain() -> Engine {
        let synapses = vec![
            step(1, ActionKind::Resource, &[]),
            step(2, ActionKind::Pseudo, &[1]),
            step(3, ActionKind::Resource, &[2]),
        ];
        Engine::new(Graph { attributes: Vec::new(), synapses }, 7, "u")
    }

    fn ids(fired: &[GraphAction]) -> Vec<u32> {
        fired.iter().map(|action| action.id).collect()
    }

    const NOW: Instant = Instant::from_micros(0);

    #[test]
    fn a_step_starts_when_its_inputs_are_confirmed_and_pseudo_steps_at_once() {
        let mut engine = chain();
        assert_eq!(ids(&engine.fire(NOW, false)), [1]);
        assert_eq!(ids(&engine.fire(NOW, false)), [] as [u32; 0]);
        engine.confirm(1);
        assert_eq!(ids(&engine.fire(NOW, false)), [3]);
        assert_eq!(engine.outcome(), None);
        engine.confirm(3);
        let outcome = Outcome { aborted: None, complete: 3, skipped: 0, failed: 0 };
        assert_eq!(engine.outcome(), Some(outcome));
    }

    #[test]
    fn an_abort_awaits_what_is_in_flight_and_starts_nothing() {
        let mut engine = chain();
        engine.fire(NOW, false);
        engine.abort(Abort::Configuration);
        assert_eq!(engine.outcome(), None);
        engine.confirm(1);
        assert!(engine.fire(NOW, false).is_empty());
        assert_eq!(engine.outcome().map(|outcome| outcome.skipped), Some(2));
    }

    #[test]
    fn a_lost_node_fails_its_actions_at_once() {
        let mut engine = chain();
        engine.fire(NOW, false);
        engine.fail_node("b");
        assert_eq!(engine.outcome(), None);
        engine.fail_node("a");
        assert_eq!(engine.outcome().map(|outcome| outcome.failed), Some(1));
    }

    #[test]
    fn an_action_is_lost_after_its_timeout_and_the_cluster_delay() {
        let mut engine = chain();
        engine.fire(NOW, false);
        let due = NOW.after(Duration::from_secs(61));
        assert_eq!(engine.poll_timeout(), Some(due));
        assert_eq!(engine.handle_timeout(due), ["r1_start_0"]);
        assert!(engine.outcome().is_some());
    }

    #[test]
    fn keys_of_another_transition_are_not_ours() {
        let engine = chain();
        assert_eq!(engine.action_of("3:7:0:u"), Some(3));
        assert_eq!(engine.action_of("3:6:0:u"), None);
        assert_eq!(engine.action_of("3:7:0:v"), None);
        assert_eq!(engine.action_of("9:7:0:u"), None);
    }
}
