//! What a link does to heartbeats: how many it loses, how late the others are, and how unevenly.
//!
//! A sender numbers its frames over all links, each round on every link, so the rounds that never
//! came in on a link were lost on it. The clocks of the two nodes are not compared: the frame that
//! was least on its way is the measure for the others, and ages as clocks may drift. Time for which
//! this process slept is taken off: what waited in a socket was not late on the link.

use super::wire::Header;
use crate::Instant;
use crate::view::BootId;
use core::time::Duration;

/// Clocks may drift this far apart, in parts of a million: more than any that works.
const DRIFT_PPM: u64 = 500;
/// How much of the jitter's mean each frame replaces: a part of so many (as RTP counts it).
const JITTER_PARTS: i64 = 16;

/// Counted since this guardian started.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Counts {
    /// Frames that came in.
    pub received: u32,
    /// Frames that never did.
    pub lost: u32,
    /// Frames that were later than half a heartbeat, or overtaken by a later one.
    pub late: u32,
    /// The mean difference between the ways of two frames in a row.
    pub jitter: Duration,
}

/// Measures one link.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    boot: BootId,
    /// The newest round of that boot.
    round: Option<u64>,
    /// The least difference between the receiver's and the sender's clock, in microseconds, and
    /// when it was seen.
    least: Option<(i64, Instant)>,
    /// The last difference.
    last: Option<i64>,
    jitter_us: i64,
    counts: Counts,
}

/// A frame that came in.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When it was taken in.
    pub now: Instant,
    /// For how long at most it may have waited for this process.
    pub waited: Duration,
    /// The sender's clock when it was sent, in microseconds.
    pub stamp: u64,
    /// How many links the sender sends each round on.
    pub links: usize,
    /// Later than this is late.
    pub late_after: Duration,
}

impl Meter {
    /// What was counted.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes note of an authentic frame that was not seen before; says how late it was at least, if
    /// it was late.
    pub fn take(&mut self, header: Header, arrival: &Arrival) -> Option<Duration> {
        if header.boot != self.boot {
            *self = Self { boot: header.boot, counts: self.counts, ..Self::default() };
        }
        self.counts.received = self.counts.received.saturating_add(1);
        let overtaken = self.count_round(header.sequence, arrival.links);
        let late = self.measure(arrival);
        if overtaken || late.is_some() {
            self.counts.late = self.counts.late.saturating_add(1);
        }
        late
    }

    /// Counts what is missing before this frame; whether it was overtaken by a later round.
    fn count_round(&mut self, sequence: u64, links: usize) -> bool {
        let links = u64::try_from(links.max(1)).unwrap_or(1);
        let round = sequence.saturating_sub(1) / links;
        match self.round {
            Some(newest) if round < newest => {
                self.counts.lost = self.counts.lost.saturating_sub(1);
                true
            }
            Some(newest) => {
                let missing = round.saturating_sub(newest + 1);
                let missing = u32::try_from(missing).unwrap_or(u32::MAX);
                self.counts.lost = self.counts.lost.saturating_add(missing);
                self.round = Some(round);
                false
            }
            None => {
                self.round = Some(round);
                false
            }
        }
    }

    fn measure(&mut self, arrival: &Arrival) -> Option<Duration> {
        let now = arrival.now;
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let way = signed(now.as_micros()).saturating_sub(signed(arrival.stamp));
        if let Some(last) = self.last.replace(way) {
            let change = way.saturating_sub(last).saturating_abs();
            self.jitter_us += change.saturating_sub(self.jitter_us) / JITTER_PARTS;
            let micros = u64::try_from(self.jitter_us).unwrap_or(0);
            self.counts.jitter = Duration::from_micros(micros);
        }
        let aged = self.least.map(|(least, since)| {
            let drift = now.since(since).as_secs().saturating_mul(DRIFT_PPM);
            least.saturating_add(signed(drift))
        });
        let Some(least) = aged.filter(|least| *least <= way) else {
            self.least = Some((way, now));
            return None;
        };
        let by = Duration::from_micros(u64::try_from(way.saturating_sub(least)).unwrap_or(0));
        let by = by.saturating_sub(arrival.waited);
        (by > arrival.late_after).then_some(by)
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Kind;
    use super::*;
    use crate::config::NodeIndex;

    const MS: fn(u64) -> Duration = Duration::from_millis;
    /// The sender's clock is this far ahead, in microseconds.
    const AHEAD: u64 = 7_000_000;

    /// Round `round` of two links' arrives on the second, `way` after it was sent.
    fn take(meter: &mut Meter, round: u64, way: Duration, waited: Duration) -> Option<Duration> {
        let sent = 1_000_000 + round * 100_000;
        let header = Header {
            kind: Kind::Heartbeat,
            sender: NodeIndex::First,
            link: 1,
            boot: BootId(9),
            sequence: 2 * round + 2,
        };
        let now = Instant::from_micros(sent).after(way);
        let arrival = Arrival { now, waited, stamp: sent + AHEAD, links: 2, late_after: MS(50) };
        meter.take(header, &arrival)
    }

    #[test]
    fn a_healthy_link_loses_nothing_and_is_never_late() {
        let mut meter = Meter::default();
        for round in 5..50 {
            assert_eq!(take(&mut meter, round, MS(1), MS(100)), None);
        }
        assert_eq!(meter.counts(), Counts { received: 45, ..Counts::default() });
    }

    #[test]
    fn rounds_that_never_came_are_lost_and_one_that_comes_after_all_is_late() {
        let mut meter = Meter::default();
        for round in [0, 1, 4, 5, 3, 9] {
            take(&mut meter, round, MS(1), MS(0));
        }
        let counts = meter.counts();
        assert_eq!((counts.received, counts.lost, counts.late), (6, 4, 1));
    }

    #[test]
    fn a_late_frame_is_told_with_how_late_and_not_for_our_own_sleep() {
        let mut meter = Meter::default();
        take(&mut meter, 0, MS(1), MS(0));
        assert_eq!(take(&mut meter, 1, MS(81), MS(10)), Some(MS(70)));
        assert_eq!(take(&mut meter, 2, MS(81), MS(40)), None, "it may have waited for us");
        assert_eq!(meter.counts().late, 1);
    }

    #[test]
    fn clocks_that_drift_apart_make_no_frame_late() {
        let mut meter = Meter::default();
        for round in 0..100_000 {
            // The receiver's clock gains 200 millionths.
            let way = MS(1) + Duration::from_micros(round * 20);
            assert_eq!(take(&mut meter, round, way, MS(0)), None, "round {round}");
        }
    }

    #[test]
    fn jitter_is_the_mean_change_of_the_way() {
        let mut meter = Meter::default();
        for round in 0..400 {
            take(&mut meter, round, MS(1 + 8 * (round % 2)), MS(0));
        }
        let jitter = meter.counts().jitter;
        assert!(jitter > MS(7) && jitter <= MS(8), "{jitter:?}");
    }

    #[test]
    fn a_new_boot_of_the_sender_starts_its_rounds_anew_and_keeps_the_counts() {
        let mut meter = Meter::default();
        take(&mut meter, 1000, MS(1), MS(0));
        let header = Header {
            kind: Kind::Heartbeat,
            sender: NodeIndex::First,
            link: 1,
            boot: BootId(10),
            sequence: 2,
        };
        let now = Instant::from_micros(900_000_000);
        let arrival = Arrival { now, waited: MS(0), stamp: 5, links: 2, late_after: MS(50) };
        assert_eq!(meter.take(header, &arrival), None);
        assert_eq!(meter.counts(), Counts { received: 2, ..Counts::default() });
    }
}
