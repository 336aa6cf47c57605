//! Watches the manager: started at once, restarted when it ends or stops making progress, given up
//! when it ends again before it was stable. The service goes on meanwhile.
//!
//! ```text
//!  start --> Starting --ManagerStarted--> Running --no progress--> Killed --exited--+
//!               ^                            | exited                               |
//!               +--- at once the first time, -+<------------------------------------+
//!                    a second later after that
//! ```

use crate::Instant;
use core::time::Duration;

/// A manager that ran for this long has been brought back.
const STABLE: Duration = Duration::from_secs(3);
/// Between two starts after the first restart.
const PAUSE: Duration = Duration::from_secs(1);
/// Ends in a row without being stable after which it counts as lost.
const ENDS_MAX: u8 = 3;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Waiting { until: Instant },
    Starting { since: Instant },
    Running { since: Instant, heard: Instant },
    Killed,
    Dismissed,
}

/// What has to be done about the manager.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    Start,
    Restart,
    Kill,
}

/// Watches one manager.
#[derive(Clone, Copy, Debug)]
pub(super) struct Supervisor {
    state: State,
    progress_max: Duration,
    ends: u8,
}

impl Supervisor {
    pub(super) const fn new(now: Instant, progress_max: Duration) -> Self {
        Self { state: State::Waiting { until: now }, progress_max, ends: 0 }
    }

    pub(super) fn started(&mut self, now: Instant) {
        if self.state != State::Dismissed {
            self.state = State::Running { since: now, heard: now };
        }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        if let State::Running { since, heard } = &mut self.state {
            *heard = now;
            if now.since(*since) >= STABLE {
                self.ends = 0;
            }
        }
    }

    pub(super) fn exited(&mut self, now: Instant) {
        if self.state == State::Dismissed {
            return;
        }
        self.ends = self.ends.saturating_add(1);
        let pause = if self.ends <= 1 { Duration::ZERO } else { PAUSE };
        self.state = State::Waiting { until: now.after(pause) };
    }

    /// Ends a manager that has done nothing wrong: it will be started again.
    pub(super) const fn recall(&mut self) {
        self.state = State::Killed;
    }

    /// It is not needed any more.
    pub(super) const fn dismiss(&mut self) {
        self.state = State::Dismissed;
    }

    /// Time spent stopped is not held against it.
    pub(super) fn excuse(&mut self, now: Instant) {
        if let State::Running { heard, .. } = &mut self.state {
            *heard = now;
        }
        if let State::Starting { since } = &mut self.state {
            *since = now;
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Whether it could not be brought back.
    pub(super) const fn is_lost(&self) -> bool {
        self.ends >= ENDS_MAX
    }

    pub(super) fn due(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { until } => Some(until),
            State::Starting { since } => Some(since.after(self.progress_max)),
            State::Running { heard, .. } => Some(heard.after(self.progress_max)),
            State::Killed | State::Dismissed => None,
        }
    }

    pub(super) fn next(&mut self, now: Instant) -> Option<Order> {
        if self.due().is_none_or(|due| now < due) {
            return None;
        }
        match self.state {
            State::Waiting { .. } => {
                self.state = State::Starting { since: now };
                Some(if self.ends == 0 { Order::Start } else { Order::Restart })
            }
            State::Starting { .. } | State::Running { .. } => {
                self.state = State::Killed;
                Some(Order::Kill)
            }
            State::Killed | State::Dismissed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    #[test]
    fn a_manager_is_restarted_at_once_and_given_up_after_three_ends() {
        let mut supervisor = Supervisor::new(at(0), Duration::from_secs(5));
        assert_eq!(supervisor.next(at(0)), Some(Order::Start));
        supervisor.started(at(10));
        supervisor.exited(at(100));
        assert_eq!(supervisor.next(at(100)), Some(Order::Restart));
        supervisor.started(at(110));
        supervisor.exited(at(200));
        assert_eq!(supervisor.next(at(200)), None);
        assert_eq!(supervisor.next(at(1200)), Some(Order::Restart));
        assert!(!supervisor.is_lost());
        supervisor.exited(at(1300));
        assert!(supervisor.is_lost());
    }

    #[test]
    fn a_manager_without_progress_is_killed_once_and_restarted_when_it_has_ended() {
        let mut supervisor = Supervisor::new(at(0), Duration::from_secs(5));
        supervisor.next(at(0));
        supervisor.started(at(0));
        supervisor.heard(at(3000));
        assert_eq!(supervisor.next(at(7999)), None);
        assert_eq!(supervisor.next(at(8000)), Some(Order::Kill));
        assert_eq!(supervisor.next(at(9000)), None);
        supervisor.exited(at(9000));
        assert_eq!(supervisor.next(at(9000)), Some(Order::Restart));
    }

    #[test]
    fn a_stable_manager_has_its_earlier_ends_forgiven() {
        let mut supervisor = Supervisor::new(at(0), Duration::from_secs(5));
        supervisor.next(at(0));
        supervisor.started(at(0));
        supervisor.exited(at(1));
        supervisor.next(at(1));
        supervisor.started(at(2));
        supervisor.heard(at(3_002));
        supervisor.exited(at(20_000));
        assert_eq!(supervisor.next(at(20_000)), Some(Order::Restart));
        assert!(!supervisor.is_lost());
    }
}
