//! What was fenced, by whom, and how it ended: the same on both nodes.
//!
//! Each event has a number of its own, so that two histories are one whatever they share. They are
//! in the order of their ends; the oldest are given up first.

use crate::manager_io::WallClock;
use crate::random;
use diarch_cib::Document;

/// How many events are kept at most, and how many of them once there were more.
const EVENTS_MAX: usize = 500;
const EVENTS_KEPT: usize = 250;

/// One fencing action that ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Event {
    /// Its number, which no other event has.
    pub id: u64,
    /// Which node was to be fenced.
    pub target: String,
    /// `off`, `reboot` or `on`.
    pub action: String,
    /// Who wanted it.
    pub client: String,
    /// The node where it was wanted.
    pub origin: String,
    /// The node that did it.
    pub delegate: String,
    /// When it ended.
    pub completed: WallClock,
    /// Whether it failed.
    pub failed: bool,
    /// Why it failed, or by what proof it is done.
    pub reason: String,
}

/// The events that are remembered.
#[derive(Debug)]
pub struct History {
    seed: u64,
    events: Vec<Event>,
}

impl History {
    /// An empty history that takes its numbers from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed: random(seed), events: Vec::new() }
    }

    /// Adds an event and gives it a number.
    pub fn record(&mut self, mut event: Event) -> Event {
        self.seed = self.seed.wrapping_add(1);
        event.id = random(self.seed);
        self.merge(vec![event.clone()]);
        event
    }

    /// Adds those events that are not known yet.
    pub fn merge(&mut self, events: Vec<Event>) {
        for event in events.into_iter().take(EVENTS_MAX) {
            if !self.events.iter().any(|known| known.id == event.id) {
                self.events.push(event);
            }
        }
        self.events.sort_by_key(|event| (event.completed, event.id));
        if self.events.len() > EVENTS_MAX {
            self.events.drain(..self.events.len() - EVENTS_KEPT);
        }
    }

    /// Forgets what was done to a node, or to all.
    pub fn forget(&mut self, target: Option<&str>) {
        self.events.retain(|event| target.is_some_and(|target| event.target != target));
    }

    /// All of them, the oldest first.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The events about a node, or about all, as the tools know them: those under way, which have
    /// no end, and then the newest first.
    #[must_use]
    pub fn document(&self, target: Option<&str>, under_way: &[Event]) -> Document {
        let mut document = Document::new("fence_history");
        let root = document.root().id();
        let under_way = under_way.iter().map(|event| (event, "pending"));
        let ended = self.events.iter().rev();
        let ended = ended.map(|event| (event, if event.failed { "failed" } else { "success" }));
        for (event, status) in under_way.chain(ended) {
            if target.is_some_and(|target| event.target != target) {
                continue;
            }
            let element = document.append_new(root, "fence_event");
            let completed = event.completed.0.to_string();
            for (name, value) in [
                ("action", event.action.as_str()),
                ("target", &event.target),
                ("client", &event.client),
                ("origin", &event.origin),
                ("delegate", &event.delegate),
                ("status", status),
                ("completed", if status == "pending" { "" } else { &completed }),
                ("exit-reason", &event.reason),
            ] {
                document.set_attribute(element, name, value);
            }
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(target: &str, completed: i64) -> Event {
        let completed = WallClock(completed);
        Event { target: target.to_owned(), completed, ..Event::default() }
    }

    fn times(history: &History) -> Vec<i64> {
        history.events().iter().map(|event| event.completed.0).collect()
    }

    #[test]
    fn two_histories_are_one_in_either_direction_and_however_often() {
        let (mut left, mut right) = (History::new(1), History::new(2));
        let both = left.record(event("b", 20));
        right.merge(vec![both]);
        left.record(event("b", 40));
        right.record(event("a", 10));
        right.record(event("a", 30));
        for _ in 0..2 {
            left.merge(right.events().to_vec());
            right.merge(left.events().to_vec());
        }
        assert_eq!(times(&left), [10, 20, 30, 40]);
        assert_eq!(left.events(), right.events());
    }

    #[test]
    fn the_newest_are_kept_when_there_are_too_many() {
        let mut history = History::new(1);
        for completed in 0..500 {
            history.record(event("b", completed));
        }
        assert_eq!(history.events().len(), 500);
        history.record(event("b", 500));
        assert_eq!(times(&history), (251..=500).collect::<Vec<_>>());
    }

    #[test]
    fn a_node_or_all_are_forgotten_and_shown() {
        let mut history = History::new(1);
        history.record(event("a", 1));
        history.record(Event { failed: true, reason: "burnt".to_owned(), ..event("b", 2) });
        let shown =
            |history: &History, target| history.document(target, &[event("b", 3)]).write_compact();
        assert_eq!(shown(&history, None).matches("<fence_event").count(), 3);
        let of_b = shown(&history, Some("b"));
        assert!(of_b.contains("status=\"failed\"") && of_b.contains("burnt"), "{of_b}");
        assert!(of_b.contains("status=\"pending\" completed=\"\""), "{of_b}");
        history.forget(Some("a"));
        assert_eq!(times(&history), [2]);
        history.forget(None);
        assert_eq!(times(&history), []);
    }
}
