//! Switching a node on, or letting it in again, because somebody demands it.
//!
//! Levels are tried in their order; one has succeeded when every device of it has.

use super::device::{Device, Levels};
use super::{Attempt, Effect, Failure, Fencer, Power, PowerAction, PowerJob};
use crate::Instant;

/// One demand.
#[derive(Debug)]
pub(super) struct Rise {
    ticket: u32,
    levels: Levels,
    level: usize,
    device: usize,
    failures: Vec<String>,
    /// The question that is under way, if it is this demand's turn.
    pub(super) asked: Option<(PowerJob, Attempt)>,
}

impl Rise {
    fn device(&self) -> Option<&Device> {
        self.levels.get(self.level)?.get(self.device)
    }
}

impl Fencer {
    /// Has a node switched on by one of the levels; ends in [`Effect::SwitchedOn`].
    pub fn switch_on(&mut self, now: Instant, ticket: u32, levels: Levels) {
        let levels = levels.into_iter().filter(|level| !level.is_empty()).collect();
        let (level, device, failures, asked) = (0, 0, Vec::new(), None);
        self.rises.push_back(Rise { ticket, levels, level, device, failures, asked });
        if self.rises.len() == 1 {
            self.rise(now);
        }
    }

    /// Asks the next device of the first demand, or ends it.
    fn rise(&mut self, now: Instant) {
        while let Some(mut rise) = self.rises.pop_front() {
            if let Some(device) = rise.device().cloned() {
                let within = device.settings.order(PowerAction::On).within;
                let attempt = Attempt::first(now, within);
                rise.asked = Some((self.ask_to_rise(now, device, attempt), attempt));
                self.rises.push_front(rise);
                return;
            }
            let result = if rise.level < rise.levels.len() {
                Ok(())
            } else if rise.failures.is_empty() {
                Err("no fence device can switch it on".to_owned())
            } else {
                Err(rise.failures.join("; "))
            };
            self.effects.push_back(Effect::SwitchedOn { ticket: rise.ticket, result });
        }
    }

    fn ask_to_rise(&mut self, now: Instant, device: Device, attempt: Attempt) -> PowerJob {
        let (job, within) = (self.new_job(), attempt.until.since(now));
        self.effects.push_back(Effect::Ask { job, device, action: PowerAction::On, within });
        job
    }

    /// Takes the answer to the question of the first demand.
    pub(super) fn risen(&mut self, now: Instant, result: Result<Power, Failure>) {
        let Some(mut rise) = self.rises.pop_front() else { return };
        let device = rise.device().cloned();
        let Some((device, (_, mut attempt))) = device.zip(rise.asked.take()) else { return };
        match result {
            Ok(Power::On) => rise.device += 1,
            Err(failure)
                if attempt.may_go_on(now, device.settings.order(PowerAction::On), &failure) =>
            {
                attempt.tries += 1;
                rise.asked = Some((self.ask_to_rise(now, device, attempt), attempt));
                self.rises.push_front(rise);
                return;
            }
            Ok(Power::Off) => rise.fail(&device.id, "it still reads off"),
            Err(failure) => rise.fail(&device.id, &failure.reason),
        }
        self.rises.push_front(rise);
        self.rise(now);
    }
}

impl Rise {
    fn fail(&mut self, id: &str, reason: &str) {
        self.failures.push(format!("fence device {id}: {reason}"));
        (self.level, self.device) = (self.level + 1, 0);
    }
}
