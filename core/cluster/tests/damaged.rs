//! Frames, sectors and messages of any content: nothing panics, and nothing that was damaged on its
//! way is believed.
//!
//! The damage is drawn from fixed seeds, so a failure repeats.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its pair has failed")]

use core::time::Duration;
use diarch_cluster::Instant;
use diarch_cluster::config::{Key, NodeIndex, NodeName, PairConfig};
use diarch_cluster::guardian::Guardian;
use diarch_cluster::guardian_io::{DiskFault, Event, Input, Output};
use diarch_cluster::membership::wire::{HEARTBEAT_LEN, Header, Heartbeat, Kind, Seal};
use diarch_cluster::replication::change::Change;
use diarch_cluster::replication::message::Message;
use diarch_cluster::replication::stream::Stream;
use diarch_cluster::request::{Reply, Request};
use diarch_cluster::timing::{BUDGET_DEFAULT, Timing};
use diarch_cluster::view::{BootId, Report};
use std::collections::BTreeMap;

struct Damage(u64);

impl Damage {
    fn below(&mut self, bound: usize) -> usize {
        // A linear congruence: its high bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// Other bytes than these: some flipped, cut, doubled or put in.
    fn done_to(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut damaged = bytes.to_vec();
        while damaged == bytes {
            for _ in 0..=self.below(3) {
                let at = self.below(damaged.len());
                match self.below(5) {
                    0 => damaged.truncate(at),
                    1 => damaged.insert(at.min(damaged.len()), self.byte()),
                    2 => damaged.extend_from_within(..at.min(damaged.len())),
                    _ => {
                        let byte = self.byte();
                        if let Some(old) = damaged.get_mut(at) {
                            *old = byte;
                        }
                    }
                }
            }
            damaged.truncate(1500);
        }
        damaged
    }
}

fn config(local: NodeIndex) -> PairConfig {
    let name = |text: &str| NodeName::try_from(text).unwrap_or_default();
    PairConfig {
        cluster_name: name("heads"),
        nodes: [name("head-a"), name("head-b")],
        local,
        links: 2,
        heartbeats_only: 0,
        disks: 1,
        sector_bytes: heapless::Vec::from_iter([512]),
        watchdog: true,
        key: Key([1; 32]),
        next_key: None,
        timing: Timing::derive(BUDGET_DEFAULT, Duration::from_secs(1)).unwrap(),
    }
}

/// Two guardians with a disk, whose every frame comes with a damaged copy.
struct Pair {
    nodes: [Guardian; 2],
    disk: BTreeMap<u64, Vec<u8>>,
    mail: Vec<(usize, u8, Vec<u8>)>,
    joined: usize,
    ended: usize,
    damage: Damage,
    /// How many of a hundred sectors are damaged when they are read.
    bad_sectors: usize,
}

impl Pair {
    fn new(seed: u64, bad_sectors: usize) -> Self {
        let start = Instant::from_micros(1_000_000);
        let guardian = |local, boot| Guardian::new(config(local), BootId(boot), seed, start);
        Self {
            nodes: [guardian(NodeIndex::First, 11), guardian(NodeIndex::Second, 22)],
            disk: BTreeMap::new(),
            mail: Vec::new(),
            joined: 0,
            ended: 0,
            damage: Damage(seed),
            bad_sectors,
        }
    }

    fn perform(&mut self, at: usize, now: Instant) {
        while let Some(output) = self.nodes[at].poll_output() {
            let input = match output {
                Output::SendFrame { link, frame } => {
                    self.mail.push((1 - at, link, self.damage.done_to(&frame)));
                    self.mail.push((1 - at, link, frame.to_vec()));
                    continue;
                }
                Output::ReadSector { disk, sector } => {
                    let mut bytes = self.disk.get(&sector).cloned().unwrap_or_else(|| vec![0; 512]);
                    if self.damage.below(100) < self.bad_sectors {
                        bytes = self.damage.done_to(&bytes);
                    }
                    let result = Ok(bytes.as_slice());
                    self.nodes[at].handle_input(now, Input::SectorRead { disk, sector, result });
                    continue;
                }
                Output::WriteSector { disk, sector, data } => {
                    self.disk.insert(sector, data.to_vec());
                    let fails = self.damage.below(100) < self.bad_sectors;
                    let result = if fails { Err(DiskFault::Failed) } else { Ok(()) };
                    Input::SectorWritten { disk, sector, result }
                }
                Output::ArmWatchdog { timeout } => {
                    Input::WatchdogArmed { effective: Some(timeout) }
                }
                Output::StartManager => Input::ManagerStarted,
                Output::Event(Event::PeerJoined) => {
                    self.joined += 1;
                    continue;
                }
                Output::Reset(_) | Output::PowerOff(_) | Output::Crash(_) => {
                    self.ended += 1;
                    continue;
                }
                Output::FeedWatchdog { .. }
                | Output::DisarmWatchdog
                | Output::KillManager
                | Output::Manager(_)
                | Output::Exit
                | Output::Event(_) => continue,
            };
            self.nodes[at].handle_input(now, input);
        }
    }

    fn run(&mut self, steps: u64) {
        for step in 0..steps {
            let now = Instant::from_micros(1_000_000 + step * 25_000);
            for at in 0..2 {
                self.nodes[at].handle_timeout(now);
                let report = Report::Protecting { active: at == 0, weight: 1 };
                self.nodes[at].handle_input(now, Input::Manager(report));
                self.perform(at, now);
            }
            for (to, link, bytes) in core::mem::take(&mut self.mail) {
                self.nodes[to].handle_input(now, Input::Frame { link, bytes: &bytes });
                self.perform(to, now);
            }
        }
    }
}

#[test]
fn damaged_frames_beside_whole_ones_change_nothing() {
    for seed in 0..20 {
        let mut pair = Pair::new(seed, 0);
        pair.run(400);
        assert_eq!((pair.joined, pair.ended), (2, 0), "seed {seed}");
    }
}

#[test]
fn sectors_of_any_content_end_no_node_whose_peer_is_in_sight() {
    for seed in 0..60 {
        let mut pair = Pair::new(seed, 40);
        pair.run(400);
        assert_eq!((pair.joined, pair.ended), (2, 0), "seed {seed}");
    }
}

#[test]
fn no_damaged_frame_opens() {
    let key = Key([7; 32]);
    let ours = Seal::new(&key, "heads", NodeIndex::First);
    let theirs = Seal::new(&key, "heads", NodeIndex::Second);
    let header = Header {
        kind: Kind::Heartbeat,
        sender: NodeIndex::First,
        link: 1,
        boot: BootId(0xB007),
        sequence: 5,
    };
    let frame = ours.seal(header, &Heartbeat::default().encode()).unwrap();
    assert!(theirs.open(&frame).is_ok());
    for seed in 0..50_000 {
        assert!(theirs.open(&Damage(seed).done_to(&frame)).is_err(), "seed {seed}");
    }
}

/// What the key's owner says is read with the same care: it may be another version.
#[test]
fn heartbeats_of_any_content_are_refused_or_read() {
    let whole = Heartbeat { held: true, watchdog_ms: 2000, ..Heartbeat::default() }.encode();
    let mut read = 0;
    for seed in 0..20_000 {
        let bytes = Damage(seed).done_to(&whole);
        if let Ok(heartbeat) = Heartbeat::decode(&bytes) {
            read += 1;
            assert_eq!(heartbeat.encode()[..65], bytes[..65], "seed {seed}");
        } else {
            assert!(bytes.len() < HEARTBEAT_LEN || bytes[64] > 6, "seed {seed}");
        }
    }
    assert!(read > 1000);
}

#[test]
fn managers_messages_of_any_content_are_refused_or_read() {
    let version = [1, 2, 3];
    let change = Change::NodeState {
        id: "1".to_owned(),
        name: "head-a".to_owned(),
        attributes: vec![("join".to_owned(), "member".to_owned())],
    };
    let messages = [
        Message::Update { sequence: 9, change, version },
        Message::Full { sequence: 7, text: "<cib/>".to_owned() },
        Message::Ask { id: 3, user: "root".to_owned(), request: "<ping/>".to_owned() },
        Message::Joined { rows: Vec::new() },
    ];
    let mut read = 0;
    for message in &messages {
        let bytes = message.encode();
        assert_eq!(Message::decode(&bytes).as_ref(), Some(message));
        for seed in 0..20_000 {
            let Some(other) = Message::decode(&Damage(seed).done_to(&bytes)) else { continue };
            read += 1;
            assert_eq!(Message::decode(&other.encode()), Some(other), "seed {seed}");
        }
    }
    assert!(read > 1000);
}

#[test]
fn segments_of_any_content_are_dropped() {
    let key = Key([7; 32]);
    let end =
        |local, incarnation| Stream::new(Seal::new(&key, "heads", local), local, 2, incarnation);
    let (mut a, mut b) = (end(NodeIndex::First, 5), end(NodeIndex::Second, 8));
    let mut damage = Damage(1);
    for stream in [&mut a, &mut b] {
        stream.set_links(3);
        stream.open(Instant::from_micros(1));
    }
    let mut delivered = 0;
    for step in 0..2000_u64 {
        let now = Instant::from_micros(step * 20_000);
        let sent = a.is_open() && a.send(now, &[7; 300]).is_ok();
        for (from, to) in [(true, false), (false, true)] {
            let (one, other) = if from && !to { (&mut a, &mut b) } else { (&mut b, &mut a) };
            one.handle_timeout(now);
            while let Some((_, segment)) = one.poll_segment() {
                other.handle_segment(now, &damage.done_to(&segment));
                other.handle_segment(now, &segment);
            }
            while other.poll_delivery().is_some() {
                delivered += usize::from(sent);
            }
        }
    }
    assert!(delivered > 500 && a.dropped > 500 && b.dropped > 500);
}

#[test]
fn requests_of_any_content_are_refused_or_read() {
    let texts = [
        Request::ConfirmOff { target: "head-a".to_owned() }.to_xml(),
        Reply::failed(6, "no such device").to_xml(),
    ];
    for text in &texts {
        for seed in 0..20_000 {
            let bytes = Damage(seed).done_to(text.as_bytes());
            let damaged = String::from_utf8_lossy(&bytes);
            if let Ok(request) = Request::from_xml(&damaged) {
                assert!(Request::from_xml(&request.to_xml()).is_ok(), "seed {seed}");
            }
            core::hint::black_box(Reply::from_xml(&damaged).is_ok());
        }
    }
}
