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
//! Before a device switches off for the first time, its delay is waited for in a state between
//! Idle and Asking: whoever is to lose a race is switched off meanwhile.
//!
//! The guardian says when a power switch may be used; until then the state is only read. Three
//! things always hold. What a device did not say clearly proves nothing. A boot of the peer is
//! switched off at most once after it was seen off: whatever runs there later is another boot. And
//! a node is switched on again only where this fencer has switched it off.

pub mod device;
pub mod history;
mod place;
mod rise;
pub mod settings;
pub mod survey;
mod trial;

use crate::view::BootId;
use crate::{Instant, random};
use core::time::Duration;
use device::{Device, Levels};
use rise::Rise;
use settings::Order;
use std::collections::VecDeque;
use trial::Trial;

/// The pause after a round that proved nothing, doubled each time.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(8);
/// The pause before a fact is told again.
const PAUSE_TOLD: Duration = Duration::from_secs(1);
/// How much longer than it may take a device is waited for, in fifths of that.
const GRACE_FIFTHS: u32 = 1;

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

/// Why a power switch says nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// For people; never a secret.
    pub reason: String,
    /// Nothing came of it in the whole time: there is no use in trying the same again at once.
    pub late: bool,
}

impl Failure {
    /// It said, at once, that it could not.
    #[must_use]
    pub const fn refused(reason: String) -> Self {
        Self { reason, late: false }
    }

    /// It did not say anything in time.
    #[must_use]
    pub const fn late(reason: String) -> Self {
        Self { reason, late: true }
    }
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
    /// Whether the devices' delays are left out.
    pub undelayed: bool,
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
        /// For how long at most.
        within: Duration,
    },
    /// This boot was read off.
    Proved(Option<BootId>),
    /// What [`Fencer::switch_on`] was told to do is done, or why it is not.
    SwitchedOn {
        /// As it was given.
        ticket: u32,
        /// Why not, for people.
        result: Result<(), String>,
    },
    /// Something that an administrator should read.
    Warn(String),
    /// Something worth keeping.
    Note(String),
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    /// The round's device is asked once its delay is over.
    Delaying(Round, Instant),
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
    attempt: Attempt,
    failures: Vec<String>,
}

/// What has become of the device that is asked.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    tries: u32,
    /// No further attempt begins after this.
    until: Instant,
    /// Without an answer by then it has failed.
    lost_at: Instant,
}

/// The fencer of one node.
#[derive(Debug, Default)]
pub struct Fencer {
    state: State,
    /// Where delays take their random part from.
    seed: u64,
    /// The devices whose delay is over, of this goal.
    delayed: Vec<String>,
    /// The question about switching on that is under way.
    reviving: Option<(PowerJob, Device, Attempt)>,
    /// Devices that are still to be switched on again.
    to_revive: VecDeque<Device>,
    /// Demands to switch nodes on; the first one is under way.
    rises: VecDeque<Rise>,
    /// The devices that are tried out.
    trials: Vec<Trial>,
    /// The last warning: the same one is not given twice in a row.
    warned: String,
    pause: Duration,
    /// The next round does not begin earlier, whatever happens.
    earliest: Instant,
    next_job: u64,
    effects: VecDeque<Effect>,
}

impl Fencer {
    /// A fencer that takes the random part of its delays from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Says what is wanted now; `levels` is asked when a round begins.
    pub fn follow(&mut self, now: Instant, goal: Option<Goal>, levels: impl FnOnce() -> Levels) {
        self.give_up_late(now);
        self.drive_trials(now);
        let Some(goal) = goal else {
            self.state = State::Idle;
            self.pause = Duration::ZERO;
            self.delayed.clear();
            self.warned.clear();
            return;
        };
        match core::mem::take(&mut self.state) {
            State::Idle => self.begin(now, goal, levels()),
            State::Asking(round) if round.goal.boot == goal.boot => {
                self.state = State::Asking(Round { goal, ..round });
            }
            State::Delaying(round, due) if round.goal.boot == goal.boot && goal.may_switch => {
                let round = Round { goal, ..round };
                if due <= now {
                    self.ask(now, round);
                } else {
                    self.state = State::Delaying(round, due);
                }
            }
            State::Pausing(before, due) if before.boot == goal.boot => {
                if due <= now || (goal.may_switch && !before.may_switch) {
                    self.begin(now, goal, levels());
                } else {
                    self.state = State::Pausing(goal, due);
                }
            }
            State::Proved(before, due) if before.boot == goal.boot => {
                if due <= now {
                    self.effects.push_back(Effect::Proved(goal.boot));
                }
                let due = if due <= now { now.after(PAUSE_TOLD) } else { due };
                self.state = State::Proved(before, due);
            }
            State::Delaying(round, _) | State::Asking(round) => {
                if round.goal.boot != goal.boot {
                    self.delayed.clear();
                }
                self.begin(now, goal, levels());
            }
            State::Pausing(..) | State::Proved(..) => {
                self.delayed.clear();
                self.begin(now, goal, levels());
            }
        }
    }

    /// Something has changed that fencing may depend on: a round that failed is not waited for any
    /// longer than it takes to bear a stream of changes.
    pub fn news(&mut self) {
        if let State::Pausing(_, due) = &mut self.state {
            *due = (*due).min(self.earliest);
            self.pause = Duration::ZERO;
        }
    }

    /// When [`Self::follow`] is next due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = match &self.state {
            State::Idle => None,
            State::Asking(round) => Some(round.attempt.lost_at),
            State::Delaying(_, due) | State::Pausing(_, due) | State::Proved(_, due) => Some(*due),
        };
        let reviving = self.reviving.as_ref().map(|(_, _, attempt)| attempt.lost_at);
        let rising = self.rises.front().and_then(|rise| rise.asked);
        let rising = rising.map(|(_, attempt)| attempt.lost_at);
        let trials = self.trials.iter().map(Trial::poll_timeout);
        due.into_iter().chain(reviving).chain(rising).chain(trials).min()
    }

    /// What to do next.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// A power switch was asked and this came of it.
    pub fn answered(&mut self, now: Instant, job: PowerJob, result: Result<Power, Failure>) {
        if let Some((_, device, attempt)) = self.reviving.take_if(|(known, _, _)| *known == job) {
            self.revived(now, device, attempt, result);
            return;
        }
        if self.rises.front().and_then(|rise| rise.asked).is_some_and(|(known, _)| known == job) {
            self.risen(now, result);
            return;
        }
        if self.trials.iter().any(|trial| trial.asks(job)) {
            self.tried(now, job, result);
            return;
        }
        match core::mem::take(&mut self.state) {
            State::Asking(round) if round.job == job => self.take_answer(now, round, result),
            before @ (State::Idle
            | State::Delaying(..)
            | State::Asking(_)
            | State::Pausing(..)
            | State::Proved(..)) => self.state = before,
        }
    }

    /// Whoever was to answer by now has failed.
    fn give_up_late(&mut self, now: Instant) {
        let late = || Failure::late("nothing came of it in time".to_owned());
        if let State::Asking(Round { job, attempt, .. }) = &self.state
            && attempt.lost_at <= now
        {
            self.answered(now, *job, Err(late()));
        }
        if let Some((job, _, attempt)) = &self.reviving
            && attempt.lost_at <= now
        {
            self.answered(now, *job, Err(late()));
        }
        if let Some((job, attempt)) = self.rises.front().and_then(|rise| rise.asked)
            && attempt.lost_at <= now
        {
            self.answered(now, job, Err(late()));
        }
    }

    fn begin(&mut self, now: Instant, goal: Goal, levels: Levels) {
        let action = if goal.may_switch { PowerAction::Off } else { PowerAction::Status };
        let levels: Levels = levels.into_iter().filter(|level| !level.is_empty()).collect();
        let round = Round {
            goal,
            job: PowerJob(self.next_job),
            action,
            levels,
            level: 0,
            device: 0,
            attempt: Attempt::first(now, Duration::ZERO),
            failures: Vec::new(),
        };
        self.ask_or_end(now, round);
    }

    /// Asks the round's next device, now or after its delay, or ends the round.
    fn ask_or_end(&mut self, now: Instant, round: Round) {
        let Some(device) = round.device() else {
            self.end_round(now, round);
            return;
        };
        if round.action == PowerAction::Off && !self.delayed.contains(&device.id) {
            let roll = random(self.seed.wrapping_add(self.next_job));
            let delay = device.settings.delay(roll);
            if !(delay.is_zero() || round.goal.undelayed) {
                self.note(format!("fence device {} waits {} ms", device.id, delay.as_millis()));
                self.state = State::Delaying(round, now.after(delay));
                return;
            }
        }
        self.ask(now, round);
    }

    /// Asks the round's device for the first time.
    fn ask(&mut self, now: Instant, mut round: Round) {
        if let Some(device) = round.device() {
            if round.action == PowerAction::Off && !self.delayed.contains(&device.id) {
                self.delayed.push(device.id.clone());
            }
            let within = device.settings.order(round.action).within;
            round.attempt = Attempt::first(now, within);
        }
        self.ask_once(now, round);
    }

    fn ask_once(&mut self, now: Instant, mut round: Round) {
        let Some(device) = round.device().cloned() else {
            self.end_round(now, round);
            return;
        };
        round.job = self.new_job();
        let (job, action, within) = (round.job, round.action, round.attempt.until.since(now));
        self.effects.push_back(Effect::Ask { job, device, action, within });
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
        self.earliest = now.after(PAUSE_FIRST);
        self.state = State::Pausing(goal, now.after(self.pause));
    }

    fn take_answer(&mut self, now: Instant, mut round: Round, result: Result<Power, Failure>) {
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
            Err(failure) => {
                let order = round.device().map(|device| device.settings.order(round.action));
                if order.is_some_and(|order| round.attempt.may_go_on(now, order, &failure)) {
                    round.attempt.tries += 1;
                    self.ask_once(now, round);
                } else {
                    self.next_level(now, round, &failure.reason);
                }
            }
        }
    }

    fn next_level(&mut self, now: Instant, mut round: Round, error: &str) {
        let id = round.device().map_or("", |device| device.id.as_str());
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
            self.to_revive.extend(level.into_iter().filter(|device| device.settings.comes_back));
        }
        self.state = State::Proved(round.goal, now.after(PAUSE_TOLD));
        self.revive_next(now);
    }

    /// Switches the next device on again.
    fn revive_next(&mut self, now: Instant) {
        if self.reviving.is_some() {
            return;
        }
        let Some(device) = self.to_revive.pop_front() else {
            return;
        };
        let within = device.settings.order(PowerAction::On).within;
        self.revive(now, device, Attempt::first(now, within));
    }

    fn revive(&mut self, now: Instant, device: Device, attempt: Attempt) {
        let (job, within) = (self.new_job(), attempt.until.since(now));
        self.reviving = Some((job, device.clone(), attempt));
        self.effects.push_back(Effect::Ask { job, device, action: PowerAction::On, within });
    }

    fn revived(
        &mut self,
        now: Instant,
        device: Device,
        mut attempt: Attempt,
        result: Result<Power, Failure>,
    ) {
        let order = device.settings.order(PowerAction::On);
        match result {
            Err(failure) if attempt.may_go_on(now, order, &failure) => {
                attempt.tries += 1;
                self.revive(now, device, attempt);
                return;
            }
            Ok(_) => self.note(format!("fence device {} has switched on again", device.id)),
            Err(failure) => {
                let (id, reason) = (&device.id, failure.reason);
                self.warn(format!("fence device {id} did not switch on: {reason}"));
            }
        }
        self.revive_next(now);
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

impl Round {
    fn device(&self) -> Option<&Device> {
        self.levels.get(self.level)?.get(self.device)
    }
}

impl Attempt {
    fn first(now: Instant, within: Duration) -> Self {
        let lost_at = now.after(within + within * GRACE_FIFTHS / 5);
        Self { tries: 1, until: now.after(within), lost_at }
    }

    /// Whether the same may be tried again after a failure.
    fn may_go_on(&self, now: Instant, order: &Order, failure: &Failure) -> bool {
        !failure.late && self.tries < order.tries && now < self.until
    }
}

#[cfg(test)]
mod tests;
