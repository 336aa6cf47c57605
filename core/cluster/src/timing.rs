//! One time budget, from which every timer is derived.
//!
//! The chain that [`Timing::check`] holds, all of it counted from the last frame that was heard:
//!
//! ```text
//! last frame          verdict              last possible feed        watchdog fired    takeover
//!     |--- detection ----|  (the same instant: the lease is as long)      |                |
//!     |--- detection -----------------------|---------- watchdog ---------|---- margin ----|
//!                        |-- yield --|-- claim on disk --|  must end before 3/4 of watchdog
//! ```
//!
//! A node feeds its watchdog on the strength of a frame that its peer has acknowledged, and no
//! longer than `detection` after it *sent* that frame. So the peer, which received it later, may
//! count the watchdog's time from its own last reception plus `detection`.

use core::fmt;
use core::time::Duration;

/// Every timer of the pair. See [`Timing::derive`] for the chain that they have to satisfy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timing {
    /// Time between two heartbeats on one link.
    pub heartbeat: Duration,
    /// Silence on every channel after which the peer counts as lost.
    pub detection: Duration,
    /// The watchdog's timeout; the driver's effective value is read back and compared.
    pub watchdog: Duration,
    /// Added to every wait for a watchdog: driver granularity and clock drift.
    pub margin: Duration,
    /// How often the own mailbox is read on each disk.
    pub disk_poll: Duration,
    /// A disk operation that takes longer than this has failed.
    pub disk_io: Duration,
    /// SBD's msgwait as written into the disk's header, whole seconds, at least twice the watchdog.
    pub msgwait: Duration,
    /// A manager that has not reported progress for this long is restarted, then condemned.
    pub manager_progress: Duration,
}

/// Why a chain of timers is refused: for the administrator, with the fix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConfigError {
    /// The failover budget cannot hold detection, the watchdog and the margin.
    BudgetTooShort {
        /// What was asked for.
        budget: Duration,
        /// The least that this watchdog allows.
        least: Duration,
    },
    /// The heartbeat is too short to be kept, or too long to be missed a few times.
    Heartbeat {
        /// What was asked for.
        heartbeat: Duration,
        /// The detection time that it has to fit into four times.
        detection: Duration,
    },
    /// The watchdog leaves no time to contest the claim before it fires.
    WatchdogTooShort {
        /// What was asked for.
        watchdog: Duration,
        /// The least that the other timers allow.
        least: Duration,
    },
    /// The margin does not cover clock drift and the driver's granularity.
    MarginTooShort {
        /// What was asked for.
        margin: Duration,
        /// The least for this watchdog.
        least: Duration,
    },
    /// SBD's msgwait is below what a receiver may need to be dead.
    MsgwaitTooShort {
        /// What was asked for.
        msgwait: Duration,
        /// The least for this watchdog and these disk times.
        least: Duration,
    },
    /// The manager's progress is watched more closely than it can report it.
    ProgressTooShort {
        /// What was asked for.
        progress: Duration,
        /// The least.
        least: Duration,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BudgetTooShort { budget, least } => write!(
                f,
                "a failover budget of {budget:?} is too short for this watchdog: \
                 raise it to at least {least:?}"
            ),
            Self::Heartbeat { heartbeat, detection } => write!(
                f,
                "a heartbeat of {heartbeat:?} does not suit a detection time of {detection:?}: \
                 it has to be at least 5ms and fit four times"
            ),
            Self::WatchdogTooShort { watchdog, least } => write!(
                f,
                "a watchdog of {watchdog:?} leaves no time to contest the claim: \
                 raise it to at least {least:?}"
            ),
            Self::MarginTooShort { margin, least } => write!(
                f,
                "a margin of {margin:?} does not cover clock drift and the watchdog's granularity: \
                 raise it to at least {least:?}"
            ),
            Self::MsgwaitTooShort { msgwait, least } => write!(
                f,
                "msgwait of {msgwait:?} is shorter than a receiver may need to die: \
                 raise it to at least {least:?}"
            ),
            Self::ProgressTooShort { progress, least } => write!(
                f,
                "manager progress of {progress:?} is watched too closely: \
                 raise it to at least {least:?}"
            ),
        }
    }
}

impl core::error::Error for ConfigError {}

/// The budget that an administrator gets who names none.
pub const BUDGET_DEFAULT: Duration = Duration::from_secs(3);

impl Timing {
    /// Derives every timer from the failover budget: the longest time from a fault until the
    /// survivor may act when nothing but the watchdog proves the peer's death.
    ///
    /// `watchdog_min` is the shortest timeout that the watchdog's driver accepts. The default
    /// budget of 3 s gives heartbeat 100 ms, detection 500 ms, watchdog 2 s, margin 300 ms.
    ///
    /// # Errors
    /// [`ConfigError`] if the budget cannot hold the chain, with the least that would.
    pub fn derive(budget: Duration, watchdog_min: Duration) -> Result<Self, ConfigError> {
        let whole = Duration::from_secs(((budget * 2 / 3).as_secs()).max(1));
        let watchdog = whole.max(round_up_to_seconds(watchdog_min));
        let detection = (budget / 6).min(watchdog / 4);
        let margin = budget / 10;
        let disk_io = watchdog / 2;
        let disk_poll = disk_io.min(Duration::from_secs(1));
        let timing = Self {
            heartbeat: detection / 5,
            detection,
            watchdog,
            margin,
            disk_poll,
            disk_io,
            msgwait: round_up_to_seconds(watchdog * 2),
            manager_progress: (watchdog * 3).max(Duration::from_secs(5)),
        };
        if timing.death_wait(watchdog) > budget {
            // Detection and margin are 4/15 of the budget; the watchdog gets the rest.
            let least = watchdog * 15 / 11;
            return Err(ConfigError::BudgetTooShort { budget, least });
        }
        timing.check()?;
        Ok(timing)
    }

    /// Checks the chain, whoever chose the values.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first value that breaks it.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (heartbeat, detection) = (self.heartbeat, self.detection);
        if heartbeat < Duration::from_millis(5) || heartbeat * 4 > detection {
            return Err(ConfigError::Heartbeat { heartbeat, detection });
        }
        // 3/4 of the watchdog hold the yielding and at least as much time for the disks.
        let least = (detection * 8 / 3).max(self.disk_io);
        if self.watchdog < least {
            return Err(ConfigError::WatchdogTooShort { watchdog: self.watchdog, least });
        }
        let least = (self.watchdog / 20).max(heartbeat);
        if self.margin < least {
            return Err(ConfigError::MarginTooShort { margin: self.margin, least });
        }
        let least = (self.watchdog * 2).max(self.disk_io + self.disk_poll + self.watchdog);
        if self.msgwait < least {
            return Err(ConfigError::MsgwaitTooShort { msgwait: self.msgwait, least });
        }
        let least = Duration::from_secs(1).max(heartbeat * 8);
        if self.manager_progress < least {
            return Err(ConfigError::ProgressTooShort { progress: self.manager_progress, least });
        }
        Ok(())
    }

    /// How long after the last frame that it may have seen acknowledged a peer with this effective
    /// watchdog timeout is dead, or idle.
    #[must_use]
    pub fn death_wait(&self, effective: Duration) -> Duration {
        self.detection + self.watchdog.max(effective) + self.margin
    }

    /// How long the lighter node lets the heavier one go first.
    #[must_use]
    pub const fn yield_to_heavier(&self) -> Duration {
        self.detection
    }

    /// How long after its last right to feed a node with protected resources may contest the claim
    /// before it ends itself: it must be over before its watchdog fires.
    #[must_use]
    pub fn contest_max(&self) -> Duration {
        self.watchdog * 3 / 4
    }

    /// How often the watchdog is fed.
    #[must_use]
    pub fn feed(&self) -> Duration {
        (self.watchdog / 8).max(self.heartbeat)
    }

    /// Silence on one link after which that link is reported as down.
    #[must_use]
    pub fn link_silence(&self) -> Duration {
        (self.heartbeat * 3).max(self.detection * 3 / 5)
    }

    /// How long a node that just booted listens before it contests the claim alone.
    #[must_use]
    pub fn listen(&self) -> Duration {
        self.death_wait(self.watchdog).max(Duration::from_millis(1500))
    }
}

const fn round_up_to_seconds(time: Duration) -> Duration {
    let more = if time.subsec_nanos() > 0 { 1 } else { 0 };
    Duration::from_secs(time.as_secs() + more)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_default_budget_gives_the_documented_timers() {
        let timing = Timing::derive(BUDGET_DEFAULT, Duration::from_secs(1)).unwrap();
        assert_eq!(timing.heartbeat, MS(100));
        assert_eq!(timing.detection, MS(500));
        assert_eq!(timing.watchdog, MS(2000));
        assert_eq!(timing.margin, MS(300));
        assert_eq!(timing.msgwait, MS(4000));
        assert_eq!(timing.death_wait(MS(2000)), MS(2800));
    }

    #[test]
    fn every_budget_gives_a_sound_chain_or_says_which_would() {
        for tenths in 1..600_u64 {
            for least in [1, 2, 5, 15] {
                let budget = MS(tenths * 100);
                match Timing::derive(budget, Duration::from_secs(least)) {
                    Ok(timing) => {
                        assert_eq!(timing.check(), Ok(()));
                        assert!(timing.death_wait(timing.watchdog) <= budget);
                    }
                    Err(ConfigError::BudgetTooShort { least: better, .. }) => {
                        assert!(better > budget);
                    }
                    Err(other) => assert!(budget < MS(1500), "{budget:?}: {other}"),
                }
            }
        }
    }

    #[test]
    fn a_broken_chain_is_refused_with_the_fix() {
        let good = Timing::derive(BUDGET_DEFAULT, Duration::from_secs(1)).unwrap();
        let msgwait = Timing { msgwait: MS(3000), ..good };
        let text = msgwait.check().unwrap_err().to_string();
        assert!(text.contains("at least 4s"), "{text}");
        let heartbeat = Timing { heartbeat: MS(200), ..good };
        assert!(heartbeat.check().is_err());
        let watchdog = Timing { watchdog: MS(1000), ..good };
        assert!(watchdog.check().is_err());
        let margin = Timing { margin: MS(20), ..good };
        assert!(margin.check().is_err());
    }
}
