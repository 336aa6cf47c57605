//! What guardian and manager tell each other, as datagrams of a few bytes on a socket pair.
//!
//! Both ends are the same executable, so the form has no version: a tag for each variant, then its
//! fields, numbers little-endian. Nothing is allocated.

use core::time::Duration;
use diarch_cluster::Instant;
use diarch_cluster::config::Key;
use diarch_cluster::guardian_io::FrameFault;
use diarch_cluster::membership::figures::Counts;
use diarch_cluster::view::{
    BootId, Dropped, FenceOutcome, LinkFigures, Notice, Peer, Proof, Refusal, Report, View,
};

/// The longest datagram, in bytes.
pub(crate) const DATAGRAM_MAX: usize = 160;

/// A datagram.
pub(crate) type Datagram = heapless::Vec<u8, DATAGRAM_MAX>;

/// The guardian's word as a datagram.
pub(crate) fn encode_notice(notice: &Notice) -> Datagram {
    let mut w = Writer::default();
    match *notice {
        Notice::View(view) => {
            w.byte(0);
            w.view(&view);
        }
        Notice::Fenced { request, outcome } => {
            w.byte(1);
            w.word(request);
            match outcome {
                FenceOutcome::Done(proof) => {
                    w.byte(0);
                    w.proof(proof);
                }
                FenceOutcome::Failed(refusal) => {
                    w.byte(1);
                    w.refusal(refusal);
                }
            }
        }
        Notice::Shutdown => w.byte(2),
        Notice::Link { link, figures: LinkFigures { comes_in, goes_out, counts } } => {
            w.byte(4);
            w.byte(link);
            w.flag(comes_in);
            w.flag(goes_out);
            w.word(counts.received);
            w.word(counts.lost);
            w.word(counts.late);
            w.span(counts.jitter);
        }
        Notice::Keys { key, next, use_next } => {
            w.byte(3);
            w.bytes(&key.0);
            w.flag(next.is_some());
            w.bytes(&next.map_or([0; 32], |key| key.0));
            w.flag(use_next);
        }
    }
    w.0
}

/// What [`encode_notice`] meant; none for anything else.
pub(crate) fn decode_notice(bytes: &[u8]) -> Option<Notice> {
    let mut r = Reader(bytes);
    match r.byte()? {
        0 => Some(Notice::View(r.view()?)),
        1 => {
            let request = r.word()?;
            let outcome = match r.byte()? {
                0 => FenceOutcome::Done(r.proof()?),
                1 => FenceOutcome::Failed(r.refusal()?),
                _ => return None,
            };
            Some(Notice::Fenced { request, outcome })
        }
        2 => Some(Notice::Shutdown),
        4 => {
            let link = r.byte()?;
            let (comes_in, goes_out) = (r.flag()?, r.flag()?);
            let (received, lost, late, jitter) = (r.word()?, r.word()?, r.word()?, r.span()?);
            let counts = Counts { received, lost, late, jitter };
            Some(Notice::Link { link, figures: LinkFigures { comes_in, goes_out, counts } })
        }
        3 => {
            let (key, has_next, next) = (r.key()?, r.flag()?, r.key()?);
            Some(Notice::Keys { key, next: has_next.then_some(next), use_next: r.flag()? })
        }
        _ => None,
    }
}

/// The manager's word as a datagram.
pub(crate) fn encode_report(report: &Report) -> Datagram {
    let mut w = Writer::default();
    match *report {
        Report::Progress => w.byte(0),
        Report::Protecting { active, weight } => {
            w.byte(1);
            w.flag(active);
            w.word(weight);
        }
        Report::Fence { request, target, off } => {
            w.byte(2);
            w.word(request);
            w.boot(target);
            w.flag(off);
        }
        Report::PowerIsOff { target } => {
            w.byte(3);
            w.boot(target);
        }
        Report::Confirmed => w.byte(4),
        Report::Leave => w.byte(5),
    }
    w.0
}

/// What [`encode_report`] meant; none for anything else.
pub(crate) fn decode_report(bytes: &[u8]) -> Option<Report> {
    let mut r = Reader(bytes);
    match r.byte()? {
        0 => Some(Report::Progress),
        1 => Some(Report::Protecting { active: r.flag()?, weight: r.word()? }),
        2 => Some(Report::Fence { request: r.word()?, target: r.boot()?, off: r.flag()? }),
        3 => Some(Report::PowerIsOff { target: r.boot()? }),
        4 => Some(Report::Confirmed),
        5 => Some(Report::Leave),
        _ => None,
    }
}

const FAULTS: [FrameFault; 6] = [
    FrameFault::Truncated,
    FrameFault::Version,
    FrameFault::OtherCluster,
    FrameFault::Forged,
    FrameFault::Replayed,
    FrameFault::Own,
];

const fn fault_code(reason: FrameFault) -> u8 {
    match reason {
        FrameFault::Truncated => 0,
        FrameFault::Version => 1,
        FrameFault::OtherCluster => 2,
        FrameFault::Forged => 3,
        FrameFault::Replayed => 4,
        FrameFault::Own => 5,
    }
}

#[derive(Default)]
struct Writer(Datagram);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        // A datagram that were cut would not be understood; the longest is tested to fit.
        let fits = self.0.extend_from_slice(bytes).is_ok();
        debug_assert!(fits, "DATAGRAM_MAX is too small");
    }

    fn byte(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    fn flag(&mut self, value: bool) {
        self.byte(u8::from(value));
    }

    fn word(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    fn long(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    fn span(&mut self, value: Duration) {
        self.long(u64::try_from(value.as_micros()).unwrap_or(u64::MAX));
    }

    fn instant(&mut self, value: Instant) {
        self.long(value.as_micros());
    }

    fn boot(&mut self, value: Option<BootId>) {
        self.flag(value.is_some());
        self.long(value.unwrap_or_default().0);
    }

    fn proof(&mut self, value: Proof) {
        match value {
            Proof::LeftCleanly => self.byte(0),
            Proof::PowerOff => self.byte(1),
            Proof::WatchdogExpired { last_heard, waited } => {
                self.byte(2);
                self.instant(last_heard);
                self.span(waited);
            }
            Proof::Rebooted { boot } => {
                self.byte(3);
                self.long(boot.0);
            }
            Proof::LastOwner => self.byte(4),
            Proof::Operator => self.byte(5),
        }
    }

    fn refusal(&mut self, value: Refusal) {
        match value {
            Refusal::Starting => self.byte(0),
            Refusal::Arbitrating => self.byte(1),
            Refusal::AwaitingProof { until } => {
                self.byte(2);
                self.instant(until);
            }
            Refusal::Quarantined => self.byte(3),
            Refusal::PeerWasLastOwner => self.byte(4),
            Refusal::NoDisk => self.byte(5),
            Refusal::NoWatchdog => self.byte(6),
            Refusal::Leaving => self.byte(7),
        }
    }

    fn view(&mut self, view: &View) {
        self.long(view.sequence);
        self.long(view.boot.0);
        match view.peer {
            Peer::Unknown => self.byte(0),
            Peer::Member { boot } => {
                self.byte(1);
                self.long(boot.0);
            }
            Peer::Lost { boot, since } => {
                self.byte(2);
                self.long(boot.0);
                self.instant(since);
            }
            Peer::Down { boot, proof } => {
                self.byte(3);
                self.boot(boot);
                self.proof(proof);
            }
        }
        self.flag(view.may_act);
        self.flag(view.may_fence);
        self.flag(view.refusal.is_some());
        self.refusal(view.refusal.unwrap_or(Refusal::Starting));
        self.long(view.generation);
        self.flag(view.leader);
        self.byte(view.links_up);
        self.byte(view.disks_up);
        self.flag(view.watchdog.is_some());
        self.span(view.watchdog.unwrap_or_default());
        self.flag(view.dropped.is_some());
        if let Some(Dropped { count, link, reason }) = view.dropped {
            self.word(count);
            self.byte(link);
            self.byte(fault_code(reason));
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn key(&mut self) -> Option<Key> {
        self.take().map(Key)
    }

    fn flag(&mut self) -> Option<bool> {
        self.byte().map(|byte| byte != 0)
    }

    fn word(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn span(&mut self) -> Option<Duration> {
        self.long().map(Duration::from_micros)
    }

    fn instant(&mut self) -> Option<Instant> {
        self.long().map(Instant::from_micros)
    }

    fn boot(&mut self) -> Option<Option<BootId>> {
        let known = self.flag()?;
        let boot = BootId(self.long()?);
        Some(known.then_some(boot))
    }

    fn proof(&mut self) -> Option<Proof> {
        Some(match self.byte()? {
            0 => Proof::LeftCleanly,
            1 => Proof::PowerOff,
            2 => Proof::WatchdogExpired { last_heard: self.instant()?, waited: self.span()? },
            3 => Proof::Rebooted { boot: BootId(self.long()?) },
            4 => Proof::LastOwner,
            5 => Proof::Operator,
            _ => return None,
        })
    }

    fn refusal(&mut self) -> Option<Refusal> {
        Some(match self.byte()? {
            0 => Refusal::Starting,
            1 => Refusal::Arbitrating,
            2 => Refusal::AwaitingProof { until: self.instant()? },
            3 => Refusal::Quarantined,
            4 => Refusal::PeerWasLastOwner,
            5 => Refusal::NoDisk,
            6 => Refusal::NoWatchdog,
            7 => Refusal::Leaving,
            _ => return None,
        })
    }

    fn peer(&mut self) -> Option<Peer> {
        Some(match self.byte()? {
            0 => Peer::Unknown,
            1 => Peer::Member { boot: BootId(self.long()?) },
            2 => Peer::Lost { boot: BootId(self.long()?), since: self.instant()? },
            3 => Peer::Down { boot: self.boot()?, proof: self.proof()? },
            _ => return None,
        })
    }

    fn view(&mut self) -> Option<View> {
        let sequence = self.long()?;
        let boot = BootId(self.long()?);
        let peer = self.peer()?;
        let may_act = self.flag()?;
        let may_fence = self.flag()?;
        let refused = self.flag()?;
        let refusal = Some(self.refusal()?).filter(|_| refused);
        let generation = self.long()?;
        let leader = self.flag()?;
        let links_up = self.byte()?;
        let disks_up = self.byte()?;
        let armed = self.flag()?;
        let watchdog = Some(self.span()?).filter(|_| armed);
        let dropped = if self.flag()? { Some(self.dropped()?) } else { None };
        Some(View {
            sequence,
            boot,
            peer,
            may_act,
            may_fence,
            refusal,
            generation,
            leader,
            links_up,
            disks_up,
            watchdog,
            dropped,
        })
    }

    fn dropped(&mut self) -> Option<Dropped> {
        let (count, link, code) = (self.word()?, self.byte()?, self.byte()?);
        let reason = FAULTS.into_iter().find(|reason| fault_code(*reason) == code)?;
        Some(Dropped { count, link, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOFS: [Proof; 6] = [
        Proof::LeftCleanly,
        Proof::PowerOff,
        Proof::WatchdogExpired {
            last_heard: Instant::from_micros(7),
            waited: Duration::from_micros(2_800_001),
        },
        Proof::Rebooted { boot: BootId(u64::MAX) },
        Proof::LastOwner,
        Proof::Operator,
    ];
    const REFUSALS: [Refusal; 8] = [
        Refusal::Starting,
        Refusal::Arbitrating,
        Refusal::AwaitingProof { until: Instant::from_micros(9) },
        Refusal::Quarantined,
        Refusal::PeerWasLastOwner,
        Refusal::NoDisk,
        Refusal::NoWatchdog,
        Refusal::Leaving,
    ];

    fn view(peer: Peer, refusal: Option<Refusal>) -> View {
        View {
            sequence: 3,
            boot: BootId(5),
            peer,
            may_act: refusal.is_none(),
            may_fence: true,
            refusal,
            generation: 1 << 40,
            leader: true,
            links_up: 3,
            disks_up: 1,
            watchdog: Some(Duration::from_secs(2)),
            dropped: refusal.map(|_| Dropped { count: 9, link: 1, reason: FrameFault::Forged }),
        }
    }

    #[test]
    fn every_notice_is_understood_as_it_was_meant() {
        let boot = BootId(11);
        let mut peers = vec![
            Peer::Unknown,
            Peer::Member { boot },
            Peer::Lost { boot, since: Instant::from_micros(1) },
        ];
        peers.extend(PROOFS.map(|proof| Peer::Down { boot: Some(boot), proof }));
        peers.push(Peer::Down { boot: None, proof: Proof::LastOwner });
        let refusals = REFUSALS.map(Some).into_iter().chain([None]);
        let (key, newer) = (Key([5; 32]), Some(Key([6; 32])));
        let jitter = Duration::from_micros(4);
        let counts = Counts { received: 1, lost: 2, late: 3, jitter };
        let mut notices = vec![
            Notice::Shutdown,
            Notice::Link {
                link: 2,
                figures: LinkFigures { comes_in: true, goes_out: false, counts },
            },
            Notice::Keys { key, next: None, use_next: false },
            Notice::Keys { key, next: newer, use_next: true },
        ];
        for refusal in refusals {
            notices.extend(peers.iter().map(|peer| Notice::View(view(*peer, refusal))));
        }
        let done = PROOFS.map(FenceOutcome::Done).into_iter();
        for outcome in done.chain(REFUSALS.map(FenceOutcome::Failed)) {
            notices.push(Notice::Fenced { request: 42, outcome });
        }
        for notice in notices {
            assert_eq!(decode_notice(&encode_notice(&notice)), Some(notice));
        }
    }

    #[test]
    fn every_report_is_understood_as_it_was_meant() {
        for report in [
            Report::Progress,
            Report::Protecting { active: true, weight: 77 },
            Report::Fence { request: 1, target: Some(BootId(2)), off: true },
            Report::Fence { request: 1, target: None, off: false },
            Report::PowerIsOff { target: Some(BootId(0)) },
            Report::Confirmed,
            Report::Leave,
        ] {
            assert_eq!(decode_report(&encode_report(&report)), Some(report));
        }
    }

    #[test]
    fn a_cut_datagram_is_not_understood() {
        let notice = Notice::View(view(Peer::Unknown, None));
        let whole = encode_notice(&notice);
        for length in 0..whole.len() {
            assert_eq!(decode_notice(&whole[..length]), None);
        }
    }
}
