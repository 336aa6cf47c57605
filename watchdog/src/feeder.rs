//! To feed or not to feed: a pure function of health and time.
//!
//! The watchdog is a lease. A node that runs protected resources may feed it only while it hears
//! its
//! peer or holds the claim; it stops feeding the moment neither is true, so its peer can compute by
//! when it must be gone. Nothing protected active means no self-fence, whatever else is wrong. A
//! node
//! that is condemned never feeds again and never disarms. `feeder.table.txt` lists every case.

use crate::time::Instant;
use core::time::Duration;

/// What the arbitration says of this node's right to go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// This node may act alone: the claim is its own, or the peer left cleanly.
    Held,
    /// Nobody has it, or nobody here knows yet.
    Open,
    /// The peer has it.
    Lost,
}

/// What the manager process is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// It makes progress.
    Progressing,
    /// It is being restarted, for the first time.
    Restarting,
    /// It could not be brought back.
    Lost,
}

/// All that feeding depends on, beside time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Health {
    /// The peer is heard on at least one channel.
    pub peer_in_contact: bool,
    /// What the arbitration says.
    pub claim: Claim,
    /// A resource that must never be active twice is, or may be, active here.
    pub protected_active: bool,
    /// What the manager does.
    pub manager: Progress,
    /// A clean leave was asked for.
    pub leaving: bool,
}

/// What to do with the watchdog now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Feed it.
    Feed,
    /// Do not feed it this time; a later decision may differ.
    Hold,
    /// Never feed it again; this node is to end itself now.
    Condemn(Cause),
    /// Disarm it: nothing needs protection and the node leaves.
    Disarm,
}

/// Why a node is condemned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// It was not running, or not allowed to feed, for so long that the watchdog is due.
    Overslept,
    /// The peer has the claim.
    ClaimLost,
    /// The manager cannot be brought back.
    ManagerLost,
}

/// The decision for a node that is not yet condemned.
///
/// `overslept` says that the last feed is so long ago that the watchdog may fire before the next.
#[must_use]
pub const fn decide(health: &Health, overslept: bool) -> Decision {
    if !health.protected_active {
        return if health.leaving { Decision::Disarm } else { Decision::Feed };
    }
    if overslept {
        return Decision::Condemn(Cause::Overslept);
    }
    match (health.manager, health.claim, health.peer_in_contact) {
        (_, Claim::Lost, _) => Decision::Condemn(Cause::ClaimLost),
        (Progress::Lost, Claim::Held | Claim::Open, _) => Decision::Condemn(Cause::ManagerLost),
        (Progress::Progressing | Progress::Restarting, Claim::Held, _)
        | (Progress::Progressing | Progress::Restarting, Claim::Open, true) => Decision::Feed,
        (Progress::Progressing | Progress::Restarting, Claim::Open, false) => Decision::Hold,
    }
}

/// The feeder of one armed watchdog.
#[derive(Clone, Debug)]
pub struct Feeder {
    limit: Duration,
    last_feed: Instant,
    condemned: Option<Cause>,
    disarmed: bool,
}

impl Feeder {
    /// A feeder for a watchdog that was armed at `now` with that effective timeout.
    ///
    /// `slack` is how long before the timeout a feed counts as too late: one feeding period and the
    /// time that a feed may take to reach the device.
    #[must_use]
    pub const fn new(now: Instant, effective: Duration, slack: Duration) -> Self {
        let limit = effective.saturating_sub(slack);
        Self { limit, last_feed: now, condemned: None, disarmed: false }
    }

    /// What to do now. A `Feed` is taken as done at `now`; a `Disarm` is final.
    pub fn evaluate(&mut self, now: Instant, health: &Health) -> Decision {
        if let Some(cause) = self.condemned {
            return Decision::Condemn(cause);
        }
        if self.disarmed {
            return Decision::Disarm;
        }
        let decision = decide(health, now.since(self.last_feed) > self.limit);
        match decision {
            Decision::Feed => self.last_feed = now,
            Decision::Condemn(cause) => self.condemned = Some(cause),
            Decision::Disarm => self.disarmed = true,
            Decision::Hold => {}
        }
        decision
    }

    /// Ends feeding for good, for a reason from outside the table.
    pub fn condemn(&mut self, cause: Cause) {
        self.condemned.get_or_insert(cause);
    }

    /// Why this node is condemned, if it is.
    #[must_use]
    pub const fn condemned(&self) -> Option<Cause> {
        self.condemned
    }

    /// When the watchdog was last fed.
    #[must_use]
    pub const fn last_feed(&self) -> Instant {
        self.last_feed
    }

    /// The last instant at which a feed is still in time.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.last_feed.after(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;
    use std::path::Path;

    const SECOND: Duration = Duration::from_secs(1);

    const HEALTHY: Health = Health {
        peer_in_contact: true,
        claim: Claim::Open,
        protected_active: true,
        manager: Progress::Progressing,
        leaving: false,
    };

    fn feeder() -> Feeder {
        Feeder::new(Instant::from_micros(0), 2 * SECOND, Duration::from_millis(200))
    }

    fn at_ms(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn table() -> String {
        let mut rows = String::from("# protected manager claim peer overslept leaving: decision\n");
        for protected_active in [true, false] {
            for manager in [Progress::Progressing, Progress::Restarting, Progress::Lost] {
                for claim in [Claim::Held, Claim::Open, Claim::Lost] {
                    for bits in 0..8_u8 {
                        let peer_in_contact = bits & 4 == 0;
                        let overslept = bits & 2 != 0;
                        let leaving = bits & 1 != 0;
                        let health =
                            Health { peer_in_contact, claim, protected_active, manager, leaving };
                        let decision = decide(&health, overslept);
                        let word = |yes: bool, name: &'static str| if yes { name } else { "-" };
                        writeln!(
                            rows,
                            "{:9} {:11} {:4} {:4} {:9} {:7}: {decision:?}",
                            word(protected_active, "protected"),
                            format!("{manager:?}"),
                            format!("{claim:?}"),
                            word(peer_in_contact, "peer"),
                            word(overslept, "overslept"),
                            word(leaving, "leaving"),
                        )
                        .unwrap();
                    }
                }
            }
        }
        rows
    }

    #[test]
    fn the_whole_table_is_the_golden_file() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/feeder.table.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, table()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), table());
    }

    #[test]
    fn a_condemned_node_never_feeds_again() {
        let mut feeder = feeder();
        let lost = Health { claim: Claim::Lost, ..HEALTHY };
        let condemned = Decision::Condemn(Cause::ClaimLost);
        assert_eq!(feeder.evaluate(at_ms(100), &lost), condemned);
        assert_eq!(feeder.evaluate(at_ms(200), &HEALTHY), condemned);
        let idle = Health { protected_active: false, leaving: true, ..HEALTHY };
        assert_eq!(feeder.evaluate(at_ms(300), &idle), condemned);
    }

    #[test]
    fn a_process_that_slept_past_the_timeout_does_not_feed_though_all_looks_well() {
        let mut feeder = feeder();
        assert_eq!(feeder.evaluate(at_ms(1_800), &HEALTHY), Decision::Feed);
        assert_eq!(feeder.deadline(), at_ms(3_600));
        let overslept = Decision::Condemn(Cause::Overslept);
        assert_eq!(feeder.evaluate(at_ms(3_601), &HEALTHY), overslept);
    }

    #[test]
    fn holding_while_the_claim_is_open_ends_in_feeding_when_it_is_won_in_time() {
        let mut feeder = feeder();
        let contesting = Health { peer_in_contact: false, ..HEALTHY };
        assert_eq!(feeder.evaluate(at_ms(500), &contesting), Decision::Hold);
        assert_eq!(feeder.evaluate(at_ms(1_000), &contesting), Decision::Hold);
        let held = Health { claim: Claim::Held, ..contesting };
        assert_eq!(feeder.evaluate(at_ms(1_500), &held), Decision::Feed);
    }

    #[test]
    fn holding_until_the_timeout_is_due_condemns() {
        let mut feeder = feeder();
        let contesting = Health { peer_in_contact: false, ..HEALTHY };
        assert_eq!(feeder.evaluate(at_ms(1_800), &contesting), Decision::Hold);
        let overslept = Decision::Condemn(Cause::Overslept);
        assert_eq!(feeder.evaluate(at_ms(1_801), &contesting), overslept);
    }

    #[test]
    fn a_leave_disarms_only_when_nothing_protected_is_active() {
        let mut feeder = feeder();
        let leaving = Health { leaving: true, ..HEALTHY };
        assert_eq!(feeder.evaluate(at_ms(100), &leaving), Decision::Feed);
        let idle = Health { protected_active: false, ..leaving };
        assert_eq!(feeder.evaluate(at_ms(200), &idle), Decision::Disarm);
        assert_eq!(feeder.evaluate(at_ms(9_000), &HEALTHY), Decision::Disarm);
    }
}
