//! Leaving cleanly: everything is stopped, the peer is told, the disks remember it. Or at once: the
//! peer is told that this node is about to reset itself, which is a promise and no proof.

use super::{Guardian, Right, Small};
use crate::Instant;
use crate::guardian_io::SelfFence;
use crate::view::Notice;
use core::time::Duration;

/// How long the peer and the disks get to take note of a farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// How far a node is on its way out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Leave {
    /// It stays.
    No,
    /// The manager was asked to stop everything.
    Asked,
    /// Everything is stopped; the peer and the disks are being told.
    Saying { until: Instant },
    /// The kernel is going down without asking.
    Dying,
}

impl Leave {
    pub(super) fn is_leaving(self) -> bool {
        self != Self::No
    }

    pub(super) const fn has_left(self) -> bool {
        matches!(self, Self::Saying { .. })
    }

    pub(super) const fn is_dying(self) -> bool {
        matches!(self, Self::Dying)
    }

    pub(super) const fn die(&mut self) {
        *self = Self::Dying;
    }

    pub(super) const fn due(self) -> Option<Instant> {
        match self {
            Self::Saying { until } => Some(until),
            Self::No | Self::Asked | Self::Dying => None,
        }
    }
}

impl Guardian {
    pub(super) fn ask_to_leave(&mut self) {
        if self.leave != Leave::No {
            return;
        }
        self.leave = Leave::Asked;
        self.send_now();
        if self.supervisor.is_running() {
            self.push(Small::Manager(Notice::Shutdown));
        } else {
            self.leave_without_manager();
        }
    }

    /// A node whose manager has ended may leave when nothing runs here.
    pub(super) fn leave_without_manager(&mut self) {
        if self.leave == Leave::Asked && !self.protected {
            self.say_farewell();
        }
    }

    pub(super) fn say_farewell(&mut self) {
        if self.leave.has_left() || self.leave.is_dying() {
            return;
        }
        self.protected = false;
        self.weight = 0;
        self.supervisor.dismiss();
        self.push(Small::KillManager);
        if matches!(self.right, Right::Contesting | Right::Recording) {
            self.claim.close();
            self.right = Right::Open;
        }
        self.claim.record_leave();
        self.leave = Leave::Saying { until: self.now.after(FAREWELL) };
        self.send_now();
    }

    pub(super) fn follow_leave(&mut self) {
        let Leave::Saying { until } = self.leave else {
            return;
        };
        let heard = self.contact.mutual(self.now) && self.contact.agreed_by_both();
        let recorded = self.disks_up() == 0 || self.claim.is_recorded();
        if self.unsent == 0 && ((!heard && recorded) || self.now >= until) {
            if self.config.watchdog {
                self.push(Small::DisarmWatchdog);
            }
            self.push(Small::Exit);
            self.ended = true;
        }
    }

    /// Ends this node at once, after its last words: one frame on each link that nobody waits for.
    /// Nothing is fed, written or granted after them, so that what they promise comes true by the
    /// watchdog at the latest.
    pub(super) fn end(&mut self, last: Small) {
        self.queue.clear();
        self.leave.die();
        self.contact.freeze();
        self.send_now();
        self.last = Some(last);
        self.ended = true;
    }

    /// Why this node is about to end itself.
    pub(super) const fn last_reason(&self) -> Option<SelfFence> {
        match self.last {
            Some(Small::Reset(reason) | Small::PowerOff(reason) | Small::Crash(reason)) => {
                Some(reason)
            }
            Some(_) | None => None,
        }
    }

    /// A manager that starts while the node is leaving has to know.
    pub(super) fn remind_of_leave(&mut self) {
        if self.leave == Leave::Asked {
            self.push(Small::Manager(Notice::Shutdown));
        }
    }
}
