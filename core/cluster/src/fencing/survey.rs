//! Which nodes the devices fence that do not say so in the configuration.
//!
//! *Pacemaker Explained*, "Special Meta-Attributes for Fencing Resources": `pcmk_host_check`. A
//! device is asked when it is configured, and again when it is needed and its answer is old; a
//! fencing action never waits for it. Until it has answered it fences nobody: to believe that it
//! does would be a guess at the moment when a guess costs most. An answer is kept until the device
//! gives another one.

use super::device::Device;
use super::settings::Order;
use super::{Failure, PowerJob};
use crate::Instant;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

/// How long an answer is as good as new.
const FRESH: Duration = Duration::from_secs(60);
/// The pause after a question that was not answered, doubled each time.
const PAUSE_FIRST: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How a device is asked whether it fences a node.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Check {
    /// It lists what it fences.
    List,
    /// It knows the state of what it fences.
    Status,
    /// In the way that it can: a list, else the state, else it is believed to fence every node.
    Able,
}

/// Asks a device whether it fences the node whose plug is among its parameters; answered by
/// [`Survey::answered`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// Its name.
    pub job: PowerJob,
    /// Whom.
    pub device: Device,
    /// What the device calls the node.
    pub plug: String,
    /// In which way.
    pub by: Check,
    /// After this it is given up.
    pub within: Duration,
}

#[derive(Debug)]
struct Entry {
    device: Device,
    plug: String,
    by: Check,
    asked: Option<(PowerJob, Instant)>,
    due: Instant,
    pause: Duration,
    known: Option<(bool, Instant)>,
}

/// What devices have said about one node.
#[derive(Debug, Default)]
pub struct Survey {
    entries: BTreeMap<String, Entry>,
    next_job: u64,
    answers: u64,
    questions: VecDeque<Question>,
}

impl Survey {
    /// Says which devices have to be asked: each with the node's plug, and in which way.
    pub fn follow(&mut self, now: Instant, wanted: Vec<(Device, String, Check)>) {
        self.entries.retain(|id, _| wanted.iter().any(|(device, ..)| device.id == *id));
        for (device, plug, by) in wanted {
            let same =
                |entry: &Entry| (&entry.device, &entry.plug, entry.by) == (&device, &plug, by);
            if !self.entries.get(&device.id).is_some_and(same) {
                let (asked, known, pause) = (None, None, Duration::ZERO);
                let id = device.id.clone();
                let entry = Entry { device, plug, by, asked, due: now, pause, known };
                self.entries.insert(id, entry);
            }
        }
        self.handle_timeout(now);
    }

    /// The answers are needed: old ones are asked for again.
    pub fn refresh(&mut self, now: Instant) {
        for entry in self.entries.values_mut() {
            if entry.known.is_some_and(|(_, since)| now.since(since) >= FRESH) {
                entry.due = entry.due.min(now);
            }
        }
        self.handle_timeout(now);
    }

    /// Asks what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for entry in self.entries.values_mut() {
            if entry.asked.take_if(|(_, lost_at)| *lost_at <= now).is_some() {
                entry.put_off(now);
            }
            if entry.asked.is_some() || entry.due > now {
                continue;
            }
            self.next_job += 1;
            let job = PowerJob(self.next_job);
            let Order { within, .. } = *entry.order();
            entry.asked = Some((job, now.after(within + within / 5)));
            let (device, plug, by) = (entry.device.clone(), entry.plug.clone(), entry.by);
            self.questions.push_back(Question { job, device, plug, by, within });
        }
    }

    /// When [`Self::handle_timeout`] is next due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = |entry: &Entry| match entry.asked {
            Some((_, lost_at)) => Some(lost_at),
            None => (entry.due < NEVER).then_some(entry.due),
        };
        self.entries.values().filter_map(due).min()
    }

    /// What to ask next.
    pub fn poll_question(&mut self) -> Option<Question> {
        self.questions.pop_front()
    }

    /// A device was asked and this came of it; whether that is news.
    pub fn answered(&mut self, now: Instant, job: PowerJob, result: Result<bool, Failure>) -> bool {
        let asked = |entry: &&mut Entry| entry.asked.is_some_and(|(known, _)| known == job);
        let Some(entry) = self.entries.values_mut().find(asked) else { return false };
        entry.asked = None;
        match result {
            Ok(fences) => {
                self.answers += 1;
                let before = entry.known.replace((fences, now));
                (entry.due, entry.pause) = (NEVER, Duration::ZERO);
                before.is_none_or(|(before, _)| before != fences)
            }
            Err(_) => {
                entry.put_off(now);
                false
            }
        }
    }

    /// The device that this question is for, if it is under way.
    #[must_use]
    pub fn asked(&self, job: PowerJob) -> Option<&str> {
        let asked = |entry: &Entry| entry.asked.is_some_and(|(known, _)| known == job);
        let found = self.entries.iter().find(|(_, entry)| asked(entry));
        found.map(|(id, _)| id.as_str())
    }

    /// How many answers there were so far.
    #[must_use]
    pub const fn answers(&self) -> u64 {
        self.answers
    }

    /// Whether a device fences the node, if it has said so.
    #[must_use]
    pub fn knows(&self, id: &str) -> Option<bool> {
        self.entries.get(id)?.known.map(|(fences, _)| fences)
    }
}

const NEVER: Instant = Instant::from_micros(u64::MAX);

impl Entry {
    /// It is asked again after a pause.
    fn put_off(&mut self, now: Instant) {
        self.pause = (self.pause * 2).clamp(PAUSE_FIRST, PAUSE_MAX);
        self.due = now.after(self.pause);
    }

    fn order(&self) -> &Order {
        match self.by {
            Check::List | Check::Able => self.device.settings.list(),
            Check::Status => self.device.settings.order(super::PowerAction::Status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::device::Parameters;
    use super::*;

    fn wanted(id: &str, plug: &str) -> (Device, String, Check) {
        let (id, agent) = (id.to_owned(), "fence_test".to_owned());
        let parameters = Parameters::default();
        let device = Device { id, agent, parameters, settings: Box::default() };
        (device, plug.to_owned(), Check::Able)
    }

    fn asked(survey: &mut Survey) -> Vec<PowerJob> {
        core::iter::from_fn(|| survey.poll_question()).map(|question| question.job).collect()
    }

    const fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_device_is_asked_once_and_again_when_it_is_needed_and_the_answer_is_old() {
        let mut survey = Survey::default();
        survey.follow(at(0), vec![wanted("pdu", "b")]);
        let jobs = asked(&mut survey);
        assert_eq!((jobs.len(), survey.knows("pdu")), (1, None));
        assert!(survey.answered(at(1), jobs[0], Ok(true)));
        assert_eq!((survey.knows("pdu"), survey.poll_timeout()), (Some(true), None));
        survey.follow(at(50), vec![wanted("pdu", "b")]);
        survey.refresh(at(60));
        assert_eq!(asked(&mut survey), []);
        survey.refresh(at(61));
        let jobs = asked(&mut survey);
        assert_eq!((jobs.len(), survey.knows("pdu")), (1, Some(true)), "known until it says more");
        assert!(!survey.answered(at(62), jobs[0], Ok(true)), "no news");
    }

    #[test]
    fn a_device_that_is_configured_otherwise_has_not_said_anything() {
        let mut survey = Survey::default();
        survey.follow(at(0), vec![wanted("pdu", "b")]);
        let old = asked(&mut survey);
        survey.follow(at(1), vec![wanted("pdu", "7")]);
        assert_eq!(asked(&mut survey).len(), 1);
        assert!(!survey.answered(at(2), old[0], Ok(true)), "that was about another plug");
        assert_eq!(survey.knows("pdu"), None);
        survey.follow(at(3), vec![]);
        assert_eq!(survey.poll_timeout(), None);
    }

    #[test]
    fn no_answer_says_nothing_and_is_asked_for_again_later_and_later() {
        let mut survey = Survey::default();
        survey.follow(at(0), vec![wanted("pdu", "b")]);
        let mut now = at(0);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let jobs = asked(&mut survey);
            assert!(!survey.answered(now, jobs[0], Err(Failure::late("silent".to_owned()))));
            let due = survey.poll_timeout().unwrap();
            pauses.push(due.since(now).as_secs());
            now = due;
            survey.handle_timeout(now);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
        let lost_at = survey.poll_timeout().unwrap();
        assert_eq!(asked(&mut survey).len(), 1);
        survey.handle_timeout(lost_at);
        assert_eq!(survey.poll_timeout(), Some(lost_at.after(PAUSE_MAX)), "never answered");
        assert_eq!(survey.knows("pdu"), None);
    }
}
