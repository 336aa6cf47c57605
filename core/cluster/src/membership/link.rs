//! The health of one link, with hysteresis: three heartbeats make it, silence breaks it.

use crate::Instant;
use core::time::Duration;

/// Heartbeats in a row that make a link usable.
const RUN_UP: u8 = 3;

/// One link, as seen from here.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkHealth {
    last_heard: Option<Instant>,
    run: u8,
    hearing: bool,
    up: bool,
    peer_hears: bool,
    /// When the peer last said whether it hears this node here, on whatever link.
    told_at: Option<Instant>,
    one_way: OneWay,
}

/// Whether frames pass one way only, as far as both sides know.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum OneWay {
    #[default]
    No,
    Since(Instant),
    Reported,
}

/// A change worth reporting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkChange {
    /// It carries frames in both directions.
    Up,
    /// It has carried nothing one way or the other for this long.
    Down {
        /// Since the last frame that came in.
        silent: Duration,
    },
    /// It has carried frames one way only for a while, and both sides agree on which.
    OneWay {
        /// Whether it is the peer's that come in; this node's otherwise.
        comes_in: bool,
    },
}

impl LinkHealth {
    /// Takes note of a frame that came in on this link.
    pub fn hear(&mut self, now: Instant) {
        self.last_heard = Some(now);
        self.run = self.run.saturating_add(1).min(RUN_UP);
        if self.run == RUN_UP {
            self.hearing = true;
        }
    }

    /// Takes note of whether the peer says, on whatever link, that it hears this node on this one.
    pub fn be_told(&mut self, now: Instant, peer_hears: bool) {
        self.told_at = Some(now);
        self.peer_hears = peer_hears;
    }

    /// The device or its carrier is gone: what was heard before says nothing any more.
    pub fn lose_carrier(&mut self) {
        self.run = 0;
        self.hearing = false;
    }

    /// Judges the link by the clock; says what changed since the last time.
    pub fn judge(&mut self, now: Instant, silence_max: Duration) -> Option<LinkChange> {
        let silent = self.last_heard.map(|heard| now.since(heard));
        if silent.is_none_or(|silent| silent > silence_max) {
            self.run = 0;
            self.hearing = false;
        }
        let told = self.told_at.is_some_and(|told| now.since(told) <= silence_max);
        let one_way = told && self.hearing != self.peer_hears;
        self.one_way = match self.one_way {
            _ if !one_way => OneWay::No,
            OneWay::No => OneWay::Since(now),
            OneWay::Since(_) | OneWay::Reported => self.one_way,
        };
        let up = self.hearing && self.peer_hears;
        if up == self.up {
            return match self.one_way {
                OneWay::Since(since) if now >= since.after(silence_max * 2) => {
                    self.one_way = OneWay::Reported;
                    Some(LinkChange::OneWay { comes_in: self.hearing })
                }
                OneWay::No | OneWay::Since(_) | OneWay::Reported => None,
            };
        }
        self.up = up;
        Some(if up {
            LinkChange::Up
        } else {
            LinkChange::Down { silent: silent.unwrap_or_default() }
        })
    }

    /// Whether frames come in on it.
    #[must_use]
    pub const fn hearing(&self) -> bool {
        self.hearing
    }

    /// Whether the peer hears this node on it, as it last said.
    #[must_use]
    pub const fn peer_hears(&self) -> bool {
        self.peer_hears
    }

    /// Whether it carries frames in both directions.
    #[must_use]
    pub const fn up(&self) -> bool {
        self.up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_millis(300);

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn hear(link: &mut LinkHealth, ms: u64, peer_hears: bool) {
        link.hear(at(ms));
        link.be_told(at(ms), peer_hears);
    }

    #[test]
    fn a_link_is_up_after_three_heartbeats_and_down_after_silence() {
        let mut link = LinkHealth::default();
        hear(&mut link, 0, true);
        hear(&mut link, 100, true);
        assert_eq!(link.judge(at(100), SILENCE), None);
        hear(&mut link, 200, true);
        assert_eq!(link.judge(at(200), SILENCE), Some(LinkChange::Up));
        assert_eq!(link.judge(at(500), SILENCE), None);
        let silent = Duration::from_millis(301);
        assert_eq!(link.judge(at(501), SILENCE), Some(LinkChange::Down { silent }));
        assert_eq!(link.judge(at(900), SILENCE), None);
    }

    /// Judges at each heartbeat from `from` to `to` and lists what changed, and when.
    fn changes(
        link: &mut LinkHealth,
        (from, to): (u64, u64),
        mut each: impl FnMut(&mut LinkHealth, u64),
    ) -> Vec<(u64, LinkChange)> {
        let mut changes = Vec::new();
        for ms in (from..=to).step_by(100) {
            each(link, ms);
            changes.extend(link.judge(at(ms), SILENCE).map(|change| (ms, change)));
        }
        changes
    }

    #[test]
    fn a_link_that_only_carries_one_way_is_not_up_and_the_way_is_named_once() {
        let mut link = LinkHealth::default();
        let one_way = changes(&mut link, (0, 3000), |link, ms| hear(link, ms, false));
        assert_eq!(one_way, [(800, LinkChange::OneWay { comes_in: true })]);
        assert!(link.hearing() && !link.up());
        let healed = changes(&mut link, (3100, 3300), |link, ms| hear(link, ms, true));
        assert_eq!(healed, [(3100, LinkChange::Up)]);
        // The peer says on another link that it goes on hearing this node.
        let deaf = changes(&mut link, (3400, 6000), |link, ms| link.be_told(at(ms), true));
        let silent = Duration::from_millis(400);
        assert_eq!(
            deaf,
            [(3700, LinkChange::Down { silent }), (4300, LinkChange::OneWay { comes_in: false })]
        );
    }

    #[test]
    fn a_cable_that_is_cut_is_not_called_one_way_while_one_side_has_yet_to_notice() {
        let mut link = LinkHealth::default();
        changes(&mut link, (0, 300), |link, ms| hear(link, ms, true));
        let cut = changes(&mut link, (400, 3000), |link, ms| link.be_told(at(ms), ms < 900));
        assert_eq!(cut.len(), 1, "{cut:?}");
    }

    #[test]
    fn a_peer_that_says_nothing_makes_no_link_one_way() {
        let mut link = LinkHealth::default();
        changes(&mut link, (0, 300), |link, ms| hear(link, ms, true));
        let silent = changes(&mut link, (400, 9000), |_, _| {});
        assert_eq!(silent.len(), 1, "{silent:?}");
    }
}
