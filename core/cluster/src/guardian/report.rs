//! What a guardian says of itself: to its peer, and to its manager.

use super::{Guardian, Right, Small, Watch};
use crate::arbitration::verdict::{Standing, judge};
use crate::config::LINKS_MAX;
use crate::membership::wire::Heartbeat;
use crate::view::{BootId, Notice, Peer, Proof, Refusal, View};

/// What a manager is told before anything is known.
pub(super) const fn first_view(boot: BootId) -> View {
    View {
        sequence: 0,
        boot,
        peer: Peer::Unknown,
        may_act: false,
        may_fence: false,
        refusal: Some(Refusal::Starting),
        generation: 0,
        leader: false,
        links_up: 0,
        disks_up: 0,
        watchdog: None,
        dropped: None,
    }
}

impl Guardian {
    /// The boot of the peer that has lost the claim and must end itself.
    pub(super) fn condemned(&self) -> Option<BootId> {
        match (self.right, self.proof) {
            (Right::Held, Some(Proof::Rebooted { .. } | Proof::LeftCleanly)) => None,
            (Right::Held, _) => self.absent.and_then(|absent| absent.boot),
            (Right::Open | Right::Contesting | Right::Recording | Right::Lost, _) => None,
        }
    }

    pub(super) fn heartbeat(&self) -> Heartbeat {
        let watchdog_ms = match self.watch {
            Watch::Armed { effective } => u32::try_from(effective.as_millis()).unwrap_or(u32::MAX),
            Watch::Unwanted | Watch::Arming | Watch::Failed => 0,
        };
        let mut heartbeat = Heartbeat {
            stamp: self.now.as_micros(),
            condemned: self.condemned().unwrap_or_default(),
            generation: self.claim.decided().generation,
            weight: self.weight,
            watchdog_ms,
            state: self.state(),
            protected: self.protected,
            held: self.right == Right::Held,
            hurry: self.contact.is_overdue(self.now, self.config.timing.heartbeat),
            heard_links: self.mask(crate::membership::link::LinkHealth::hearing),
            disks_up: self.disks_up(),
            newest_key: self.seal.newest(),
            reason: self.last_reason(),
            ..Heartbeat::default()
        };
        self.contact.address(&mut heartbeat);
        heartbeat
    }

    fn mask(&self, holds: impl Fn(&crate::membership::link::LinkHealth) -> bool) -> u8 {
        let links = &self.links[..self.config.links.min(LINKS_MAX)];
        links.iter().enumerate().fold(0, |mask, (at, link)| mask | u8::from(holds(link)) << at)
    }

    /// Tells the manager what has changed.
    pub(super) fn publish(&mut self) {
        if self.ended {
            return;
        }
        let evidence = self.evidence();
        let verdict = judge(&evidence);
        let may_act = verdict.may_act && self.watchdog_ready() && !self.leave.has_left();
        let requested = !self.requests.is_empty() && evidence.standing == Standing::NoDisks;
        let view = View {
            sequence: self.view.sequence,
            boot: self.boot,
            peer: self.peer,
            may_act,
            may_fence: requested || (verdict.may_fence && self.now >= self.contest_after),
            refusal: (!may_act).then(|| self.refusal(evidence.standing)),
            generation: self.generation,
            leader: may_act && (!self.pair || self.leads),
            links_up: self.mask(crate::membership::link::LinkHealth::up),
            disks_up: self.disks_up(),
            watchdog: match self.watch {
                Watch::Armed { effective } => Some(effective),
                Watch::Unwanted | Watch::Arming | Watch::Failed => None,
            },
            dropped: self.dropped,
        };
        if view == self.view && self.view_is_sent {
            return;
        }
        self.view = View { sequence: view.sequence + 1, ..view };
        if self.supervisor.is_running() {
            self.view_is_sent = true;
            self.push(Small::Manager(Notice::View(self.view)));
        }
    }

    fn refusal(&self, standing: Standing) -> Refusal {
        if self.leave.is_leaving() {
            return Refusal::Leaving;
        }
        if self.watch == Watch::Failed || !(self.watchdog_ready() || self.watch == Watch::Arming) {
            return Refusal::NoWatchdog;
        }
        match (standing, self.right) {
            (Standing::Lost, _) => Refusal::Quarantined,
            (Standing::Barred, _) if self.was_fenced => Refusal::Quarantined,
            (Standing::Barred, _) => Refusal::PeerWasLastOwner,
            (Standing::Held, _) => Refusal::AwaitingProof {
                until: self.absent.map_or(self.now, |absent| self.death_at(&absent)),
            },
            (Standing::Contestable, Right::Contesting) => Refusal::Arbitrating,
            (Standing::Contestable | Standing::NoDisks, _) => {
                let short = !self.disks.is_empty() && !self.claim.majority(self.disks_up());
                if short && self.now >= self.contest_after && !self.contact.mutual(self.now) {
                    Refusal::NoDisk
                } else if matches!(self.peer, Peer::Lost { .. }) {
                    Refusal::Arbitrating
                } else {
                    Refusal::Starting
                }
            }
        }
    }
}
