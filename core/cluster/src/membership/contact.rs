//! What is known of the peer: which boot of it is in sight, the lease that each side gives the
//! other, and the two-sided handshake.
//!
//! **The lease.** Each heartbeat carries its sender's clock (the stamp) and echoes the newest stamp
//! that it heard. A stamp that comes back proves that the peer heard this node *at or after* the
//! moment it was sent, so this node may count on the peer until stamp + detection, and no longer.
//! The peer heard it later than that moment; whatever it measures from its own last reception is
//! therefore an upper bound for this node's lease, whatever the network did in between.
//!
//! **Fresh boots.** Frames of a boot that is not the one in sight are believed only once they echo
//! a stamp that this boot of this node sent within the detection time: then that boot runs now, and
//! the earlier one is gone. A delayed or replayed frame of a dead boot can never do this.
//!
//! **The handshake.** Each side says that it agrees to be a pair with the boot that it sees. A node
//! is a member when it has agreed and sees the other agree; before it agrees it has given up any
//! claim that it held, so that a member's peer can never act on an older claim.

use super::wire::{Header, Heartbeat, Order, ReplayWindow};
use crate::Instant;
use crate::view::BootId;
use core::time::Duration;

/// One boot of the peer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Sight {
    /// Which boot.
    pub boot: BootId,
    /// When a frame of it was last taken in.
    pub last_heard: Instant,
    /// When the newest frame that may have been echoed to it was taken in: its lease on this node
    /// ends at the latest a detection time after that.
    pub granted_at: Instant,
    /// The newest thing it said.
    pub said: Heartbeat,
    /// Whether this node has agreed to be a pair with it.
    pub agreed: bool,
    /// What this node bid for the lead when it agreed.
    pub bid: u64,
    lease_until: Option<Instant>,
    window: ReplayWindow,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Heard {
    /// It is the newest of the boot in sight.
    Newest,
    /// It was overtaken, or is of a boot that is not believed yet: it shows that a link works, and
    /// what it echoes counts, but nothing else that it says.
    Late,
    /// It proves that a boot runs that was not in sight before; the one before it, if any, is gone.
    NewBoot {
        /// The boot that is gone.
        gone: Option<BootId>,
    },
    /// It was seen before.
    Replayed,
}

/// What is known of the peer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Contact {
    local: BootId,
    detection: Duration,
    /// An earlier boot in sight counts as silent enough for another to be looked at after this.
    replaceable_after: Duration,
    sight: Option<Sight>,
    candidate: Option<Sight>,
    frozen: bool,
    trusting: bool,
}

impl Contact {
    /// Nothing is known yet. `trusting` believes any boot at once: only the simulator's broken
    /// variants set it.
    #[must_use]
    pub fn new(local: BootId, detection: Duration, heartbeat: Duration, trusting: bool) -> Self {
        Self {
            local,
            detection,
            replaceable_after: heartbeat * 5 / 2,
            sight: None,
            candidate: None,
            frozen: false,
            trusting,
        }
    }

    /// The boot in sight, or last in sight.
    #[must_use]
    pub const fn sight(&self) -> Option<&Sight> {
        self.sight.as_ref()
    }

    /// Takes in an authentic heartbeat.
    pub fn hear(&mut self, now: Instant, header: Header, said: Heartbeat) -> Heard {
        if let Some(sight) = self.sight.as_mut().filter(|s| s.boot == header.boot) {
            let order = sight.window.accept(header.sequence);
            return match order {
                Order::Replayed => Heard::Replayed,
                Order::Late => {
                    sight.take_echo(now, &said, self.local, self.detection);
                    Heard::Late
                }
                Order::Newest => {
                    sight.take(now, said, self.local, self.detection);
                    if !self.frozen {
                        sight.granted_at = now;
                    }
                    Heard::Newest
                }
            };
        }
        self.hear_unknown(now, header, said)
    }

    fn hear_unknown(&mut self, now: Instant, header: Header, said: Heartbeat) -> Heard {
        let quiet = |sight: &Sight| now.since(sight.last_heard) > self.replaceable_after;
        if !self.trusting && !self.sight.as_ref().is_none_or(quiet) {
            return Heard::Late;
        }
        let same = self.candidate.filter(|c| c.boot == header.boot);
        let other_is_live = |c: &Sight| c.boot != header.boot && !quiet(c);
        if !self.trusting && self.candidate.as_ref().is_some_and(other_is_live) {
            return Heard::Late;
        }
        let mut candidate = same.unwrap_or_else(|| Sight {
            boot: header.boot,
            last_heard: now,
            granted_at: now,
            said,
            agreed: false,
            bid: 0,
            lease_until: None,
            window: ReplayWindow::default(),
        });
        match candidate.window.accept(header.sequence) {
            Order::Replayed => return Heard::Replayed,
            Order::Late => return Heard::Late,
            Order::Newest => {}
        }
        candidate.take(now, said, self.local, self.detection);
        candidate.granted_at = now;
        if self.trusting || candidate.mutual(now, self.detection) {
            let gone = self.sight.map(|sight| sight.boot);
            self.sight = Some(candidate);
            self.candidate = None;
            self.frozen = false;
            return Heard::NewBoot { gone };
        }
        self.candidate = Some(candidate);
        Heard::Late
    }

    /// Whether both sides hear each other, by the lease and by the last frame.
    #[must_use]
    pub fn mutual(&self, now: Instant) -> bool {
        !self.frozen && self.sight.is_some_and(|sight| sight.mutual(now, self.detection))
    }

    /// Whether a peer in sight should have been heard, or should have answered, by now.
    #[must_use]
    pub fn is_overdue(&self, now: Instant, heartbeat: Duration) -> bool {
        let Some(sight) = self.sight.as_ref().filter(|_| self.mutual(now)) else {
            return false;
        };
        let answered = sight.lease_until.map(|until| until.since(now));
        let answer_due = self.detection.saturating_sub(heartbeat * 9 / 4);
        now.since(sight.last_heard) > heartbeat * 5 / 4
            || answered.is_some_and(|left| left < answer_due)
    }

    /// Whether the newest frame of the boot in sight says that an answer is overdue there.
    #[must_use]
    pub fn is_asked_to_hurry(&self, now: Instant) -> bool {
        self.mutual(now) && self.sight.is_some_and(|sight| sight.said.hurry)
    }

    /// When [`Self::mutual`] ends if nothing more is heard.
    #[must_use]
    pub fn mutual_until(&self) -> Option<Instant> {
        let sight = self.sight.as_ref().filter(|_| !self.frozen)?;
        let lease = sight.lease_until?;
        Some(lease.min(sight.last_heard.after(self.detection)))
    }

    /// Until when the watchdog may be fed on the strength of the peer alone.
    #[must_use]
    pub fn lease_until(&self) -> Option<Instant> {
        self.sight.as_ref().and_then(|sight| sight.lease_until)
    }

    /// Whether both sides have agreed to be a pair.
    #[must_use]
    pub fn agreed_by_both(&self) -> bool {
        self.sight.is_some_and(|s| s.agreed && s.said.agree == self.local)
    }

    /// Agrees to be a pair with the boot in sight; `bid` orders who leads.
    pub fn agree(&mut self, bid: u64) {
        if let Some(sight) = self.sight.as_mut().filter(|sight| !sight.agreed) {
            sight.agreed = true;
            sight.bid = bid;
        }
    }

    /// Stops giving the boot in sight any lease: the claim is being contested against it.
    pub fn freeze(&mut self) {
        self.frozen = true;
        if let Some(sight) = self.sight.as_mut() {
            sight.agreed = false;
        }
    }

    /// Gives leases again: the contest was given up.
    pub const fn thaw(&mut self) {
        self.frozen = false;
    }

    /// Fills in what a heartbeat says about the receiver.
    pub fn address(&self, heartbeat: &mut Heartbeat) {
        if let Some(candidate) = &self.candidate {
            heartbeat.hears = candidate.boot;
            heartbeat.echo = candidate.said.stamp;
            return;
        }
        let Some(sight) = self.sight.as_ref().filter(|_| !self.frozen) else {
            return;
        };
        heartbeat.hears = sight.boot;
        heartbeat.echo = sight.said.stamp;
        if sight.agreed {
            heartbeat.agree = sight.boot;
            heartbeat.bid = sight.bid;
        }
    }

    /// Forgets a boot that was looked at and fell silent before it was believed.
    pub fn expire(&mut self, now: Instant) {
        let silent = |candidate: &Sight| now.since(candidate.last_heard) > self.detection;
        if self.candidate.as_ref().is_some_and(silent) {
            self.candidate = None;
        }
    }
}

impl Sight {
    fn take(&mut self, now: Instant, said: Heartbeat, local: BootId, detection: Duration) {
        self.last_heard = now;
        self.said = said;
        self.take_echo(now, &said, local, detection);
    }

    /// An echo holds in whatever order it arrives: the peer had heard the stamp, and had noted that
    /// it gave a lease, before it sent the frame. What it noted last is later still; so the lease
    /// stays within what the peer waits for, and the highest stamp that came back counts.
    fn take_echo(&mut self, now: Instant, said: &Heartbeat, local: BootId, detection: Duration) {
        if said.hears == local && said.echo <= now.as_micros() {
            let until = Instant::from_micros(said.echo).after(detection);
            self.lease_until = self.lease_until.max(Some(until));
        }
    }

    fn mutual(&self, now: Instant, detection: Duration) -> bool {
        self.lease_until.is_some_and(|until| now < until) && now < self.last_heard.after(detection)
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Kind;
    use super::*;
    use crate::config::NodeIndex;

    const ME: BootId = BootId(1);
    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn contact() -> Contact {
        Contact::new(ME, MS(500), MS(100), false)
    }

    fn hear(contact: &mut Contact, ms: u64, boot: u64, sequence: u64, echo_ms: u64) -> Heard {
        let header = Header {
            kind: Kind::Heartbeat,
            sender: NodeIndex::Second,
            link: 0,
            boot: BootId(boot),
            sequence,
        };
        let said = Heartbeat {
            stamp: ms,
            hears: if echo_ms == 0 { BootId(0) } else { ME },
            echo: echo_ms * 1000,
            ..Heartbeat::default()
        };
        contact.hear(at(ms), header, said)
    }

    #[test]
    fn a_boot_is_believed_once_it_echoes_a_fresh_stamp() {
        let mut contact = contact();
        assert_eq!(hear(&mut contact, 1000, 7, 1, 0), Heard::Late);
        assert!(contact.sight().is_none());
        assert_eq!(hear(&mut contact, 1100, 7, 2, 200), Heard::Late);
        let gone = None;
        assert_eq!(hear(&mut contact, 1200, 7, 3, 1150), Heard::NewBoot { gone });
        assert!(contact.mutual(at(1649)));
        assert!(!contact.mutual(at(1650)), "the lease runs from the stamp");
    }

    #[test]
    fn a_dead_boots_frames_never_replace_the_living_one() {
        let mut contact = contact();
        hear(&mut contact, 1000, 7, 1, 950);
        for beat in 0..20 {
            hear(&mut contact, 1100 + beat * 100, 7, 2 + beat, 1050 + beat * 100);
            let stale = hear(&mut contact, 1110 + beat * 100, 6, 50 + beat, 600);
            assert_eq!(stale, Heard::Late);
        }
        assert_eq!(contact.sight().map(|sight| sight.boot), Some(BootId(7)));
    }

    #[test]
    fn a_new_boot_in_place_of_a_silent_one_says_that_the_old_is_gone() {
        let mut contact = contact();
        hear(&mut contact, 1000, 7, 1, 950);
        assert_eq!(hear(&mut contact, 1300, 8, 1, 0), Heard::Late);
        let gone = Some(BootId(7));
        assert_eq!(hear(&mut contact, 1400, 8, 2, 1350), Heard::NewBoot { gone });
    }

    #[test]
    fn one_way_hearing_is_no_contact() {
        let mut contact = contact();
        hear(&mut contact, 1000, 7, 1, 950);
        for beat in 1..10 {
            hear(&mut contact, 1000 + beat * 100, 7, 1 + beat, 0);
        }
        assert!(!contact.mutual(at(1900)));
    }

    #[test]
    fn an_overtaken_frame_brings_its_echo_and_nothing_else() {
        let mut contact = contact();
        hear(&mut contact, 1000, 7, 1, 950);
        assert_eq!(hear(&mut contact, 1100, 7, 4, 960), Heard::Newest);
        assert_eq!(hear(&mut contact, 1110, 7, 3, 1090), Heard::Late);
        assert_eq!(contact.lease_until(), Some(at(1590)));
        let sight = contact.sight().unwrap();
        assert_eq!((sight.last_heard, sight.granted_at), (at(1100), at(1100)));
        assert_eq!(sight.said.stamp, 1100);
        assert_eq!(hear(&mut contact, 1120, 7, 3, 1095), Heard::Replayed);
        assert_eq!(hear(&mut contact, 1130, 7, 2, 970), Heard::Late);
        assert_eq!(contact.lease_until(), Some(at(1590)), "an older echo takes nothing back");
    }

    #[test]
    fn a_frozen_contact_grants_nothing() {
        let mut contact = contact();
        hear(&mut contact, 1000, 7, 1, 950);
        contact.freeze();
        hear(&mut contact, 1100, 7, 2, 1050);
        let mut heartbeat = Heartbeat::default();
        contact.address(&mut heartbeat);
        assert_eq!(heartbeat.hears, BootId(0));
        assert_eq!(contact.sight().map(|s| s.granted_at), Some(at(1000)));
    }
}
