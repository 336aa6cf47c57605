//! What the machines report for people, one line each: `event=NAME key=value … t=SECONDS`.
//!
//! Values hold no spaces unless they are quoted; times are seconds of `CLOCK_BOOTTIME`, spans are
//! seconds.

use crate::config::LinkSettings;
use core::fmt::{self, Display, Formatter};
use core::time::Duration;
use diarch_cluster::Instant;
use diarch_cluster::guardian_io::{Event as GuardianEvent, FrameFault, SelfFence};
use diarch_cluster::manager_io::Event as ManagerEvent;
use diarch_cluster::view::Proof;

/// A line of the guardian's, or of the manager's, timeline.
#[derive(Debug)]
pub(crate) struct Line<'a, E> {
    /// What happened.
    pub(crate) event: &'a E,
    /// What the links are called.
    pub(crate) links: &'a [LinkSettings],
    /// When.
    pub(crate) at: Instant,
}

/// Seconds with milliseconds.
struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0.as_secs(), self.0.subsec_millis())
    }
}

/// What a link is called, where that is known.
struct LinkName<'a>(Option<&'a LinkSettings>);

impl Display for LinkName<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(link) => link.fmt(f),
            None => f.write_str("?"),
        }
    }
}

impl<E> Line<'_, E> {
    fn link(&self, link: u8) -> LinkName<'_> {
        LinkName(self.links.get(usize::from(link)))
    }

    fn end(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, " t={}", Seconds(self.at.since(Instant::default())))
    }
}

impl Display for Line<'_, GuardianEvent> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self.event {
            GuardianEvent::LinkUp(link) => write!(f, "event=link-up link={}", self.link(link))?,
            GuardianEvent::LinkDown { link, silent } => {
                write!(f, "event=link-down link={} silent={}", self.link(link), Seconds(silent))?;
            }
            GuardianEvent::LinkOneWay { link, comes_in } => {
                let heard = if comes_in { "peer-only" } else { "this-node-only" };
                write!(f, "event=link-one-way link={} heard={heard}", self.link(link))?;
            }
            GuardianEvent::FrameLate { link, sequence, by, count } => {
                let (link, by) = (self.link(link), Seconds(by));
                write!(f, "event=frame-late link={link} frame={sequence} by={by} count={count}")?;
            }
            GuardianEvent::PeerJoined => write!(f, "event=peer-joined")?,
            GuardianEvent::PeerSilent { silent } => {
                let heard = self.at.since(Instant::default()).saturating_sub(silent);
                let (silent, heard) = (Seconds(silent), Seconds(heard));
                write!(f, "event=peer-silent silent={silent} last-heard={heard}")?;
            }
            GuardianEvent::PeerDying { reason } => {
                write!(f, "event=peer-dying reason={}", reason.map_or("unknown", fence_name))?;
            }
            GuardianEvent::ClaimOpened { generation } => {
                write!(f, "event=claim-opened generation={generation}")?;
            }
            GuardianEvent::ClaimWon { generation, took } => {
                write!(f, "event=claim-won generation={generation} took={}", Seconds(took))?;
            }
            GuardianEvent::ClaimLost { generation } => {
                write!(f, "event=claim-lost generation={generation}")?;
            }
            GuardianEvent::PeerDown(proof) => {
                write!(f, "event=peer-down proof={}", proof_name(proof))?;
                if let Proof::WatchdogExpired { waited, .. } = proof {
                    write!(f, " waited={}", Seconds(waited))?;
                }
            }
            GuardianEvent::FrameDropped { link, reason, count } => {
                let (link, reason) = (self.link(link), fault_name(reason));
                write!(f, "event=frame-dropped link={link} reason={reason} count={count}")?;
            }
            GuardianEvent::Disk { disk, up } => {
                let state = if up { "up" } else { "down" };
                write!(f, "event=disk-{state} disk={}", u32::from(disk) + 1)?;
            }
            GuardianEvent::OwnDelay(delay) => {
                write!(f, "event=own-delay for={}", Seconds(delay))?;
            }
            GuardianEvent::Watchdog { armed: Some(timeout) } => {
                write!(f, "event=watchdog-armed timeout={}", Seconds(timeout))?;
            }
            GuardianEvent::Watchdog { armed: None } => write!(f, "event=watchdog-off")?,
            GuardianEvent::ManagerRestarted => write!(f, "event=manager-restarted")?,
            GuardianEvent::KeysTaken { two } => {
                write!(f, "event=keys-taken count={}", 1 + u8::from(two))?;
            }
            GuardianEvent::KeysRefused => {
                write!(f, "event=keys-refused reason=\"the peer uses a key that would go\"")?;
            }
            GuardianEvent::KeyUsed { newest } => {
                write!(f, "event=key-used key={}", if newest { "next" } else { "first" })?;
            }
        }
        self.end(f)
    }
}

impl Display for Line<'_, ManagerEvent> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.event {
            ManagerEvent::Leading(true) => write!(f, "event=leading")?,
            ManagerEvent::Leading(false) => write!(f, "event=following")?,
            ManagerEvent::Transition { id, actions, took } => {
                let took = Seconds(*took);
                write!(f, "event=transition id={id} actions={actions} took={took}")?;
            }
            ManagerEvent::TransitionEnded { id, outcome } => {
                write!(f, "event=transition-ended id={id} outcome={}", Quoted(outcome))?;
            }
            ManagerEvent::ActionStarted { resource, action } => {
                write!(f, "event=action-started resource={resource} action={action}")?;
            }
            ManagerEvent::ActionEnded { resource, action, rc, took, reason } => {
                let took = Seconds(*took);
                write!(f, "event=action-ended resource={resource} action={action} rc={rc}")?;
                write!(f, " took={took}")?;
                if !reason.is_empty() {
                    write!(f, " reason={}", Quoted(reason))?;
                }
            }
            ManagerEvent::Warning(text) => write!(f, "event=warning text={}", Quoted(text))?,
            ManagerEvent::Notice(text) => write!(f, "event=notice text={}", Quoted(text))?,
        }
        self.end(f)
    }
}

/// A text as one value.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for part in self.0.split('"') {
            if part.as_ptr() != self.0.as_ptr() {
                f.write_str("'")?;
            }
            f.write_str(part)?;
        }
        f.write_str("\"")
    }
}

const fn proof_name(proof: Proof) -> &'static str {
    match proof {
        Proof::LeftCleanly => "left-cleanly",
        Proof::PowerOff => "power-off",
        Proof::WatchdogExpired { .. } => "watchdog-expired",
        Proof::Rebooted { .. } => "rebooted",
        Proof::LastOwner => "last-owner",
        Proof::Operator => "operator",
    }
}

const fn fault_name(fault: FrameFault) -> &'static str {
    match fault {
        FrameFault::Truncated => "truncated",
        FrameFault::Version => "version",
        FrameFault::OtherCluster => "other-cluster",
        FrameFault::Forged => "forged",
        FrameFault::Replayed => "replayed",
        FrameFault::Own => "own",
    }
}

/// Why a node ends itself, as the value of `reason=`.
pub(crate) const fn fence_name(reason: SelfFence) -> &'static str {
    match reason {
        SelfFence::ClaimLost => "claim-lost",
        SelfFence::Mailbox => "mailbox",
        SelfFence::PeerAsked => "peer-asked",
        SelfFence::Overslept => "overslept",
        SelfFence::Isolated => "isolated",
        SelfFence::ManagerLost => "manager-lost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_name_its_values_and_the_time_in_that_order() {
        let at = Instant::from_micros(12_345_678);
        let links = [LinkSettings::Ethernet("ha0".to_owned())];
        let event = GuardianEvent::PeerSilent { silent: Duration::from_millis(500) };
        let line = Line { event: &event, links: &links, at };
        assert_eq!(line.to_string(), "event=peer-silent silent=0.500 last-heard=11.845 t=12.345");
        let event = GuardianEvent::LinkDown { link: 0, silent: Duration::from_millis(300) };
        let line = Line { event: &event, links: &links, at };
        assert_eq!(line.to_string(), "event=link-down link=ha0 silent=0.300 t=12.345");
        let by = Duration::from_millis(70);
        let event = GuardianEvent::FrameLate { link: 0, sequence: 41, by, count: 2 };
        let line = Line { event: &event, links: &links, at };
        let text = "event=frame-late link=ha0 frame=41 by=0.070 count=2 t=12.345";
        assert_eq!(line.to_string(), text);
    }

    #[test]
    fn what_an_agent_said_stays_one_value() {
        let at = Instant::from_micros(1_000_000);
        let event = ManagerEvent::ActionEnded {
            resource: "fs".into(),
            action: "start".into(),
            rc: 1,
            took: Duration::from_millis(12),
            reason: "Couldn't mount \"/dev/sda\"".into(),
        };
        let line = Line { event: &event, links: &[], at };
        assert_eq!(
            line.to_string(),
            "event=action-ended resource=fs action=start rc=1 took=0.012 \
             reason=\"Couldn't mount '/dev/sda'\" t=1.000"
        );
    }
}
