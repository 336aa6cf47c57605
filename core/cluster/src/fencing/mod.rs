//! The fencer: it has the peer's power switched off and read back, and says when that proves it.
//!
//! ```text
//!        a goal             off read            (may switch) on
//!  Idle ────────▶ Asking ──────────────▶ Proved ──────────────▶ Proved
//!                  │  ▲                    the fact is told again while anybody wants it
//!           failed │  │ pause over
//!                  ▼  │
//!                 Pausing
//! ```
//!
//! The guardian says when a power switch may be used; until then the state is only read. Three
//! things always hold. What a device did not say clearly proves nothing. A boot of the peer is
//! switched off at most once after it was seen off: whatever runs there later is another boot. And
//! a node is switched on again only where this fencer has switched it off.

pub mod device;

use crate::Instant;
use crate::view::BootId;
use core::time::Duration;
use device::{Device, Levels};
use std::collections::VecDeque;

/// The pause after a round that proved nothing, doubled each time.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(8);
/// The pause before a fact is told again.
const PAUSE_TOLD: Duration = Duration::from_secs(1);

/// Names one question to a power switch.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PowerJob(pub u64);

/// What a power switch is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PowerAction {
    /// The state, changing nothing.
    Status,
    /// Off, read back.
    Off,
    /// On.
    On,
}

/// What a power switch read back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Power {
    /// On.
    On,
    /// Off.
    Off,
}

/// What is wanted of the fencer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Goal {
    /// The boot of the peer whose end has to be proved; none if none was ever heard.
    pub boot: Option<BootId>,
    /// Whether it may be switched off; otherwise its state is only read.
    pub may_switch: bool,
    /// Whether it is switched on again after that.
    pub revive: bool,
}

/// What the fencer wants done, in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Ask a power switch; answered by [`Fencer::answered`].
    Ask {
        /// The question.
        job: PowerJob,
        /// Whom.
        device: Device,
        /// For what.
        action: PowerAction,
    },
    /// This boot was read off.
    Proved(Option<BootId>),
    /// Something that an administrator should read.
    Warn(String),
    /// Something worth keeping.
    Note(String),
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Asking(Round),
    Pausing(Goal, Instant),
    /// This boot is off; told again at the instant.
    Proved(Goal, Instant),
}

/// One round over the levels.
#[derive(Debug)]
struct Round {
    goal: Goal,
    job: PowerJob,
    action: PowerAction,
    levels: Levels,
    /// Where in the levels.
    level: usize,
    device: usize,
    failures: Vec<String>,
}

/// The fencer of one node.
#[derive(Debug, Default)]
pub struct Fencer {
    state: State,
    /// The question about switching on that is under way.
    reviving: Option<(PowerJob, String)>,
    /// Devices that are still to be switched on again.
    revived: VecDeque<Device>,
    /// The last warning: the same one is not given twice in a row.
    warned: String,
    pause: Duration,
    next_job: u64,
    effects: VecDeque<Effect>,
}

impl Fencer {
    /// Says what is wanted now; `levels` is asked when a round begins.
    pub fn follow(&mut self, now: Instant, goal: Option<Goal>, levels: impl FnOnce() -> Levels) {
        let Some(goal) = goal else {
            self.state = State::Idle;
            self.pause = Duration::ZERO;
            self.warned.clear();
            return;
        };
        match &mut self.state {
            State::Idle => self.begin(now, goal, levels()),
            State::Asking(round) if round.goal.boot == goal.boot => round.goal = goal,
            State::Asking(_) => self.begin(now, goal, levels()),
            State::Pausing(before, due) => {
                let news = before.boot != goal.boot || (goal.may_switch && !before.may_switch);
                if news || *due <= now {
                    self.begin(now, goal, levels());
                } else {
                    *before = goal;
                }
            }
            State::Proved(before, due) => {
                if before.boot != goal.boot {
                    self.begin(now, goal, levels());
                } else if *due <= now {
                    *due = now.after(PAUSE_TOLD);
                    self.effects.push_back(Effect::Proved(goal.boot));
                }
            }
        }
    }

    /// When [`Self::follow`] is next due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Idle | State::Asking(_) => None,
            State::Pausing(_, due) | State::Proved(_, due) => Some(*due),
        }
    }

    /// What to do next.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// A power switch was asked and this came of it.
    pub fn answered(&mut self, now: Instant, job: PowerJob, result: Result<Power, String>) {
        if let Some((_, id)) = self.reviving.take_if(|(reviving, _)| *reviving == job) {
            match result {
                Ok(_) => self.note(format!("fence device {id} has switched the node on again")),
                Err(error) => self.warn(format!("fence device {id} did not switch on: {error}")),
            }
            self.revive_next();
            return;
        }
        let before = core::mem::take(&mut self.state);
        if let State::Asking(round) = before {
            if round.job == job {
                self.take_answer(now, round, result);
            } else {
                self.state = State::Asking(round);
            }
        } else {
            self.state = before;
        }
    }

    fn begin(&mut self, now: Instant, goal: Goal, levels: Levels) {
        let action = if goal.may_switch { PowerAction::Off } else { PowerAction::Status };
        let job = PowerJob(self.next_job);
        let failures = Vec::new();
        let levels: Levels = levels.into_iter().filter(|level| !level.is_empty()).collect();
        self.ask_or_end(now, Round { goal, job, action, levels, level: 0, device: 0, failures });
    }

    /// Asks the round's next device, or ends the round.
    fn ask_or_end(&mut self, now: Instant, mut round: Round) {
        let Some(device) = round.levels.get(round.level).and_then(|level| level.get(round.device))
        else {
            self.end_round(now, round);
            return;
        };
        let (device, action) = (device.clone(), round.action);
        round.job = self.new_job();
        self.effects.push_back(Effect::Ask { job: round.job, device, action });
        self.state = State::Asking(round);
    }

    /// No level proved anything.
    fn end_round(&mut self, now: Instant, round: Round) {
        if !round.failures.is_empty() {
            self.warn(round.failures.join("; "));
        }
        if round.action == PowerAction::Status && round.goal.may_switch && !round.levels.is_empty()
        {
            self.begin(now, round.goal, round.levels);
        } else {
            self.become_pausing(now, round.goal);
        }
    }

    fn become_pausing(&mut self, now: Instant, goal: Goal) {
        self.pause = (self.pause * 2).clamp(PAUSE_FIRST, PAUSE_MAX);
        self.state = State::Pausing(goal, now.after(self.pause));
    }

    fn take_answer(&mut self, now: Instant, mut round: Round, result: Result<Power, String>) {
        match result {
            Ok(Power::Off) => {
                round.device += 1;
                let level = round.levels.get(round.level).map_or(0, Vec::len);
                if round.device < level {
                    self.ask_or_end(now, round);
                } else {
                    self.become_proved(now, round);
                }
            }
            // It runs. If it may be switched off by now, that is done without a pause.
            Ok(Power::On) if round.action == PowerAction::Status => {
                if round.goal.may_switch {
                    self.begin(now, round.goal, round.levels);
                } else {
                    self.become_pausing(now, round.goal);
                }
            }
            Ok(Power::On) => self.next_level(now, round, "it still reads on"),
            Err(error) => self.next_level(now, round, &error),
        }
    }

    fn next_level(&mut self, now: Instant, mut round: Round, error: &str) {
        let device = round.levels.get(round.level).and_then(|level| level.get(round.device));
        let id = device.map_or("", |device| device.id.as_str());
        round.failures.push(format!("fence device {id}: {error}"));
        (round.level, round.device) = (round.level + 1, 0);
        self.ask_or_end(now, round);
    }

    /// Every device of a level reads off.
    fn become_proved(&mut self, now: Instant, mut round: Round) {
        let Goal { boot, revive, .. } = round.goal;
        let level = round.levels.swap_remove(round.level);
        let ids: Vec<&str> = level.iter().map(|device| device.id.as_str()).collect();
        self.note(format!("the other node's power reads off ({})", ids.join(", ")));
        self.effects.push_back(Effect::Proved(boot));
        self.pause = Duration::ZERO;
        if boot.is_none() {
            // Nobody knows which boot that was, so the fact holds for this moment only.
            self.become_pausing(now, round.goal);
            return;
        }
        let switched = round.action == PowerAction::Off;
        if switched && revive {
            self.revived.extend(level);
        }
        self.state = State::Proved(round.goal, now.after(PAUSE_TOLD));
        self.revive_next();
    }

    /// Switches the next device on again.
    fn revive_next(&mut self) {
        if self.reviving.is_some() {
            return;
        }
        let Some(device) = self.revived.pop_front() else {
            return;
        };
        let job = self.new_job();
        self.reviving = Some((job, device.id.clone()));
        self.effects.push_back(Effect::Ask { job, device, action: PowerAction::On });
    }

    const fn new_job(&mut self) -> PowerJob {
        self.next_job += 1;
        PowerJob(self.next_job)
    }

    fn warn(&mut self, text: String) {
        if self.warned != text {
            self.warned.clone_from(&text);
            self.effects.push_back(Effect::Warn(text));
        }
    }

    fn note(&mut self, text: String) {
        self.effects.push_back(Effect::Note(text));
    }
}

#[cfg(test)]
mod tests;
