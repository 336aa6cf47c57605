//! What each link does to frames, for people: nothing is decided by it.

use super::{Guardian, Small, link_index};
use crate::Instant;
use crate::config::LINKS_MAX;
use crate::guardian_io::{Event, LinkIndex};
use crate::membership::figures::{Arrival, Meter};
use crate::membership::wire::Header;
use crate::view::{LinkFigures, Notice};
use core::time::Duration;

/// How often the manager is told what was counted.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// At most one late frame is reported in this time; all are counted.
const LATE_PAUSE: Duration = Duration::from_secs(1);
/// A gap between two calls that is shorter is this process at work.
const AWAKE: Duration = Duration::from_millis(1);

/// The links' meters, and what was told of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meters {
    each: [Meter; LINKS_MAX],
    /// Each link's ways when they were last told: in, out.
    told: [(bool, bool); LINKS_MAX],
    tell_at: Instant,
    late_at: Option<Instant>,
    /// When this process last fell asleep: what is read now came in after that.
    asleep_since: Instant,
}

impl Meters {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            each: [Meter::default(); LINKS_MAX],
            told: [(false, false); LINKS_MAX],
            tell_at: now,
            late_at: None,
            asleep_since: now,
        }
    }

    /// The last call was `gap` before `now`.
    pub(super) fn slept(&mut self, now: Instant, gap: Duration) {
        if gap >= AWAKE {
            let since = now.as_micros().saturating_sub(gap.as_micros().try_into().unwrap_or(0));
            self.asleep_since = Instant::from_micros(since);
        }
    }
}

impl Guardian {
    /// An authentic heartbeat that was not seen before came in: what an earlier boot sent and the
    /// network held back says nothing of the link now.
    pub(super) fn meter(&mut self, link: LinkIndex, header: Header, stamp: u64) {
        if self.contact.sight().is_none_or(|sight| sight.boot != header.boot) {
            return;
        }
        let Some(meter) = self.meters.each.get_mut(usize::from(link)) else {
            return;
        };
        let arrival = Arrival {
            now: self.now,
            waited: self.now.since(self.meters.asleep_since),
            stamp,
            links: self.config.links,
            late_after: self.config.timing.heartbeat / 2,
        };
        let late = meter.take(header, &arrival);
        let count = meter.counts().late;
        let quiet = self.meters.late_at.is_some_and(|last| self.now.since(last) < LATE_PAUSE);
        if let Some(by) = late.filter(|_| !quiet) {
            self.meters.late_at = Some(self.now);
            self.event(Event::FrameLate { link, sequence: header.sequence, by, count });
        }
    }

    /// Tells the manager of the links whose ways have changed, and of all from time to time.
    pub(super) fn tell_figures(&mut self) {
        if !self.supervisor.is_running() {
            return;
        }
        let all = self.now >= self.meters.tell_at;
        if all {
            self.meters.tell_at = self.now.after(TELL_EVERY);
        }
        for at in 0..self.config.links.min(LINKS_MAX) {
            let ways = (self.links[at].hearing(), self.links[at].peer_hears());
            if all || ways != self.meters.told[at] {
                self.meters.told[at] = ways;
                let (comes_in, goes_out) = ways;
                let counts = self.meters.each[at].counts();
                let figures = LinkFigures { comes_in, goes_out, counts };
                self.push(Small::Manager(Notice::Link { link: link_index(at), figures }));
            }
        }
    }
}
