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
}

impl LinkHealth {
    /// Takes note of a frame that came in on this link; `peer_hears` is whether the peer says that
    /// it hears this node on it.
    pub fn hear(&mut self, now: Instant, peer_hears: bool) {
        self.last_heard = Some(now);
        self.run = self.run.saturating_add(1).min(RUN_UP);
        self.peer_hears = peer_hears;
        if self.run == RUN_UP {
            self.hearing = true;
        }
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
        let up = self.hearing && self.peer_hears;
        if up == self.up {
            return None;
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

    #[test]
    fn a_link_is_up_after_three_heartbeats_and_down_after_silence() {
        let mut link = LinkHealth::default();
        link.hear(at(0), true);
        link.hear(at(100), true);
        assert_eq!(link.judge(at(100), SILENCE), None);
        link.hear(at(200), true);
        assert_eq!(link.judge(at(200), SILENCE), Some(LinkChange::Up));
        assert_eq!(link.judge(at(500), SILENCE), None);
        let silent = Duration::from_millis(301);
        assert_eq!(link.judge(at(501), SILENCE), Some(LinkChange::Down { silent }));
        assert_eq!(link.judge(at(900), SILENCE), None);
    }

    #[test]
    fn a_link_that_only_carries_one_way_is_not_up() {
        let mut link = LinkHealth::default();
        for beat in 0..5 {
            link.hear(at(beat * 100), false);
        }
        assert_eq!(link.judge(at(400), SILENCE), None);
        assert!(link.hearing() && !link.up());
    }
}
