//! Trying the devices out while nobody has to be fenced: one that does not work is known before it
//! is needed.
//!
//! Only the state is read, and only while the other node is there: its power has to read on. A
//! device that reads off then switches another machine.

use super::device::Device;
use super::{Attempt, Effect, Failure, Fencer, Power, PowerAction, PowerJob};
use crate::Instant;
use core::time::Duration;

/// How long after it was configured, or after the other node has come, a device is tried.
const FIRST: Duration = Duration::from_secs(60);
/// How long after it has worked, and after it has not.
const AFTER_SUCCESS: Duration = Duration::from_secs(300);
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// One device that is tried.
#[derive(Debug)]
pub(super) struct Trial {
    device: Device,
    due: Instant,
    asked: Option<(PowerJob, Instant)>,
    /// Why it does not work, if it does not.
    failure: Option<String>,
}

impl Trial {
    /// Whether this is its question.
    pub(super) fn asks(&self, job: PowerJob) -> bool {
        self.asked.is_some_and(|(known, _)| known == job)
    }

    /// When something has to be done about it.
    pub(super) const fn poll_timeout(&self) -> Instant {
        match self.asked {
            Some((_, lost_at)) => lost_at,
            None => self.due,
        }
    }
}

impl Fencer {
    /// Says which devices are to be tried from now on; none while the other node is not there.
    pub fn try_out(&mut self, now: Instant, devices: Vec<Device>) {
        let mut known = core::mem::take(&mut self.trials);
        for device in devices {
            if self.trials.iter().any(|trial| trial.device == device) {
                continue;
            }
            let same = known.iter().position(|trial| trial.device == device);
            let trial = same.map(|at| known.swap_remove(at));
            let (due, asked, failure) = (now.after(FIRST), None, None);
            self.trials.push(trial.unwrap_or(Trial { device, due, asked, failure }));
        }
    }

    /// The devices that did not work when they were last tried, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        let trials = self.trials.iter();
        trials.filter_map(|trial| Some((trial.device.id.as_str(), trial.failure.as_deref()?)))
    }

    /// Tries what is due.
    pub(super) fn drive_trials(&mut self, now: Instant) {
        for at in 0..self.trials.len() {
            let trial = &self.trials[at];
            if trial.poll_timeout() > now {
                continue;
            }
            if let Some((job, _)) = trial.asked {
                self.tried(now, job, Err(Failure::late("nothing came of it in time".to_owned())));
                continue;
            }
            let device = trial.device.clone();
            let within = device.settings.order(PowerAction::Status).within;
            let job = self.new_job();
            self.trials[at].asked = Some((job, Attempt::first(now, within).lost_at));
            let action = PowerAction::Status;
            self.effects.push_back(Effect::Ask { job, device, action, within });
        }
    }

    /// Takes the answer to what a trial asked.
    pub(super) fn tried(&mut self, now: Instant, job: PowerJob, result: Result<Power, Failure>) {
        let Some(trial) = self.trials.iter_mut().find(|trial| trial.asks(job)) else { return };
        trial.asked = None;
        let failure = match result {
            Ok(Power::On) => None,
            Ok(Power::Off) => Some("it reads off, but the node is there".to_owned()),
            Err(failure) => Some(failure.reason),
        };
        trial.due = now.after(if failure.is_some() { AFTER_FAILURE } else { AFTER_SUCCESS });
        let id = trial.device.id.clone();
        let before = core::mem::replace(&mut trial.failure, failure.clone());
        match (before, failure) {
            (None, Some(reason)) => {
                let text = format!("fence device {id} does not work: {reason}");
                self.effects.push_back(Effect::Warn(text));
            }
            (Some(_), None) => self.note(format!("fence device {id} works again")),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}
