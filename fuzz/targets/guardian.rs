//! A guardian whose peer holds the key and says anything, on disks that hold anything, at any time:
//! it may end its node, it may not panic.
#![no_main]

use core::time::Duration;
use diarch_cluster::Instant;
use diarch_cluster::config::{Key, NodeIndex, NodeName, PairConfig};
use diarch_cluster::guardian::Guardian;
use diarch_cluster::guardian_io::{DiskFault, Input, Output};
use diarch_cluster::membership::wire::{HEARTBEAT_LEN, Header, Heartbeat, Kind, Seal};
use diarch_cluster::timing::{BUDGET_DEFAULT, Timing};
use diarch_cluster::view::{BootId, Report};
use diarch_fuzz::Choices;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

const CLUSTER: &str = "heads";
const KEY: Key = Key([1; 32]);
const SECTOR: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    let mut world = World::new();
    while !choices.is_over() && !world.ended {
        world.step(&mut choices);
    }
});

struct World {
    guardian: Guardian,
    peer: Seal,
    now: u64,
    sequence: u64,
    disk: BTreeMap<u64, Vec<u8>>,
    ended: bool,
}

impl World {
    fn new() -> Self {
        let name = |text: &str| NodeName::try_from(text).expect("that is a name");
        let config = PairConfig {
            cluster_name: name(CLUSTER),
            nodes: [name("head-a"), name("head-b")],
            local: NodeIndex::First,
            links: 2,
            heartbeats_only: 0,
            disks: 1,
            sector_bytes: heapless::Vec::from_iter([512]),
            watchdog: true,
            key: KEY,
            next_key: None,
            timing: Timing::derive(BUDGET_DEFAULT, Duration::from_secs(1)).expect("it holds"),
        };
        let now = 1_000_000;
        let guardian = Guardian::new(config, BootId(11), 7, Instant::from_micros(now));
        let peer = Seal::new(&KEY, CLUSTER, NodeIndex::Second);
        Self { guardian, peer, now, sequence: 0, disk: BTreeMap::new(), ended: false }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        let kind = choices.below(8);
        let now = Instant::from_micros(self.now);
        match kind {
            0 => self.now += 1000 * (1 + u64::from(choices.byte())),
            1 => {
                if let Some(due) = self.guardian.poll_timeout() {
                    self.now = self.now.max(due.as_micros());
                }
            }
            2 | 3 => self.hear(now, choices),
            4 => {
                let bytes = choices.some(120);
                let link = choices.byte() % 4;
                self.guardian.handle_input(now, Input::Frame { link, bytes });
            }
            5 => {
                let mut sector = choices.some(SECTOR).to_vec();
                sector.resize(SECTOR, choices.byte());
                self.disk.insert(u64::from(choices.byte()), sector);
            }
            6 => {
                let active = choices.below(2) == 0;
                let report = Report::Protecting { active, weight: choices.byte().into() };
                self.guardian.handle_input(now, Input::Manager(report));
            }
            _ => {
                let input = match choices.below(5) {
                    0 => Input::LinkState { link: choices.byte() % 3, up: choices.below(2) == 0 },
                    1 => Input::ManagerExited { clean: choices.below(2) == 0 },
                    2 => Input::ShutdownRequested,
                    3 => Input::Dying,
                    _ => Input::ManagerStarted,
                };
                self.guardian.handle_input(now, input);
            }
        }
        let now = Instant::from_micros(self.now);
        self.guardian.handle_timeout(now);
        self.perform(now, choices);
    }

    /// A frame that the peer has really sealed: a heartbeat that was changed in some places.
    fn hear(&mut self, now: Instant, choices: &mut Choices<'_>) {
        self.sequence = self.sequence.saturating_add(u64::from(choices.byte() % 4));
        let mut body = Heartbeat::default().encode();
        for _ in 0..choices.below(12) {
            let at = choices.below(HEARTBEAT_LEN);
            body[at] = choices.byte();
        }
        let link = choices.byte() % 2;
        let header = Header {
            kind: Kind::Heartbeat,
            sender: NodeIndex::Second,
            link,
            boot: BootId(choices.byte().into()),
            sequence: self.sequence,
        };
        let Ok(frame) = self.peer.seal(header, &body) else { return };
        self.guardian.handle_input(now, Input::Frame { link, bytes: &frame });
    }

    fn perform(&mut self, now: Instant, choices: &mut Choices<'_>) {
        while let Some(output) = self.guardian.poll_output() {
            match output {
                Output::ReadSector { disk, sector } => {
                    let zeros = vec![0; SECTOR];
                    let bytes = self.disk.get(&sector).unwrap_or(&zeros).clone();
                    let result = Ok(bytes.as_slice());
                    self.guardian.handle_input(now, Input::SectorRead { disk, sector, result });
                }
                Output::WriteSector { disk, sector, data } => {
                    let fails = choices.byte() == 255;
                    if !fails {
                        self.disk.insert(sector, data.to_vec());
                    }
                    let result = if fails { Err(DiskFault::Failed) } else { Ok(()) };
                    self.guardian.handle_input(now, Input::SectorWritten { disk, sector, result });
                }
                Output::ArmWatchdog { timeout } => {
                    let input = Input::WatchdogArmed { effective: Some(timeout) };
                    self.guardian.handle_input(now, input);
                }
                Output::StartManager => self.guardian.handle_input(now, Input::ManagerStarted),
                Output::Reset(_) | Output::PowerOff(_) | Output::Crash(_) | Output::Exit => {
                    self.ended = true;
                }
                Output::SendFrame { .. }
                | Output::FeedWatchdog { .. }
                | Output::DisarmWatchdog
                | Output::KillManager
                | Output::Manager(_)
                | Output::Event(_) => {}
            }
        }
    }
}
