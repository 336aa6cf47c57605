//! Two guardians in a simulated world: links, disks, watchdogs, power, and stand-in managers that
//! run one protected service as soon as they may.
//!
//! Virtual time jumps from one event to the next; the same seed gives the same run.

mod ending;
mod keys;
mod manager;

pub use keys::{NEW, OLD};

use crate::checker::{Checker, Violation};
use crate::disk::{Disk, SECTOR_BYTES};
use crate::fault::{Bmc, Fault};
use crate::network::Network;
use crate::node::{KeyFile, Node, SOCKET_FRAMES_MAX, Waiting, micros};
use crate::rng::Rng;
use core::time::Duration;
use diarch_cluster::config::{NodeIndex, NodeName, PairConfig};
use diarch_cluster::guardian::{Guardian, Mutation};
use diarch_cluster::guardian_io::{DiskFault, Event as Told, Input, Output};
use diarch_cluster::timing::{BUDGET_DEFAULT, Timing};
use diarch_cluster::view::{BootId, Peer, Proof, Report, View};
use std::collections::BTreeMap;

const NAMES: [&str; 2] = ["head-a", "head-b"];
const BOTH: [NodeIndex; 2] = [NodeIndex::First, NodeIndex::Second];

/// How a world is built.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Everything that chance decides.
    pub seed: u64,
    /// How many links.
    pub links: usize,
    /// How many shared disks.
    pub disks: usize,
    /// Whether power can be asked for and switched off.
    pub power_switch: bool,
    /// Which rule is broken.
    pub mutation: Mutation,
    /// Whether to keep the story for printing.
    pub verbose: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 0,
            links: 2,
            disks: 1,
            power_switch: false,
            mutation: Mutation::None,
            verbose: false,
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    Frame { to: NodeIndex, link: u8, bytes: Vec<u8> },
    Disk { node: NodeIndex, boot: u64, serial: u64 },
    Timer(NodeIndex),
    Watchdog { node: NodeIndex, boot: u64 },
    Armed { node: NodeIndex, boot: u64 },
    PowerUp { node: NodeIndex, boot: u64 },
    Resume { node: NodeIndex, boot: u64 },
    ManagerStarted { node: NodeIndex, boot: u64, run: u64 },
    ManagerTick { node: NodeIndex, boot: u64, run: u64 },
    ManagerExited { node: NodeIndex, boot: u64 },
    ServiceStart { node: NodeIndex, boot: u64, run: u64 },
    ServiceStop { node: NodeIndex, boot: u64, run: u64 },
    Power { node: NodeIndex, boot: u64, target: BootId },
    SlowPower { node: NodeIndex, boot: u64, target: BootId, off: bool },
    Keys { node: NodeIndex, file: KeyFile },
    Fault(Fault),
}

#[derive(Clone, Debug)]
struct Operation {
    node: NodeIndex,
    boot: u64,
    disk: usize,
    sector: u64,
    data: Option<Vec<u8>>,
    fault: Option<DiskFault>,
}

/// Figures of one run.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// From the end of service on one node to its next start, where the other node was up, in
    /// microseconds.
    pub failovers_us: Vec<u64>,
    /// The same, by what let the other node start.
    pub failovers_by: BTreeMap<&'static str, Vec<u64>>,
    /// Faults injected.
    pub faults: u64,
    /// Nodes ended by themselves or their watchdogs.
    pub ended: u64,
}

/// The world.
#[derive(Debug)]
pub struct World {
    setup: Setup,
    timing: Timing,
    rng: Rng,
    now_us: u64,
    serial: u64,
    queue: BTreeMap<(u64, u64), Event>,
    operations: BTreeMap<u64, Operation>,
    /// Both machines.
    pub nodes: [Node; 2],
    /// The links.
    pub network: Network,
    /// The shared disks.
    pub disks: Vec<Disk>,
    /// What answers for each node's power.
    pub bmcs: [Bmc; 2],
    /// The promises.
    pub checker: Checker,
    /// The figures.
    pub figures: Figures,
    /// What happened, if it is to be told.
    pub story: Vec<String>,
    service_lost: Option<Loss>,
}

/// The end of the service on a node.
#[derive(Clone, Copy, Debug)]
struct Loss {
    at_us: u64,
    /// Whether the other machine was up, so that it could take over.
    other_up: bool,
}

impl World {
    /// A world in which nothing has power yet.
    ///
    /// # Panics
    /// If the default failover budget were not sound.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let mut rng = Rng::new(setup.seed);
        let mut drift = || i64::try_from(rng.below(401)).unwrap_or(0) - 200;
        let nodes = [Node::new(drift(), OLD), Node::new(drift(), OLD)];
        #[expect(clippy::expect_used, reason = "the default is checked by a test")]
        let timing = Timing::derive(BUDGET_DEFAULT, Duration::from_secs(1))
            .expect("the default budget is sound");
        Self {
            timing,
            now_us: 0,
            serial: 0,
            queue: BTreeMap::new(),
            operations: BTreeMap::new(),
            nodes,
            network: Network::new(setup.links),
            disks: (0..setup.disks).map(|_| Disk::new(NAMES)).collect(),
            bmcs: [Bmc::Well; 2],
            checker: Checker::default(),
            figures: Figures::default(),
            story: Vec::new(),
            service_lost: None,
            rng,
            setup,
        }
    }

    /// The world's time.
    #[must_use]
    pub const fn now_us(&self) -> u64 {
        self.now_us
    }

    /// Chance.
    pub const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// What that node's manager was last told.
    #[must_use]
    pub const fn view(&self, node: NodeIndex) -> Option<View> {
        self.nodes[node.index()].manager.view
    }

    /// On which nodes the service is active.
    #[must_use]
    pub fn active(&self) -> [bool; 2] {
        [self.nodes[0].active, self.nodes[1].active]
    }

    /// Gives a machine power after `delay`.
    pub fn power_up(&mut self, node: NodeIndex, delay: Duration) {
        let boot = self.nodes[node.index()].boot;
        self.at(delay, Event::PowerUp { node, boot });
    }

    /// Lets that node's manager say something.
    pub fn report(&mut self, node: NodeIndex, report: Report) {
        self.hand(node, Waiting::Manager(report));
    }

    /// Injects a fault after `delay`.
    pub fn inject(&mut self, fault: Fault, delay: Duration) {
        self.at(delay, Event::Fault(fault));
    }

    /// Runs for that long, or until a promise is broken.
    pub fn run_for(&mut self, length: Duration) {
        let until = self.now_us + micros(length);
        while self.checker.violation.is_none() {
            let Some((time, event)) = self.next_event(until) else {
                break;
            };
            self.now_us = time;
            self.watch_world();
            self.step(event);
        }
        self.now_us = self.now_us.max(until);
    }

    /// Takes the earliest event up to `until`: of the queue, or a guardian's own timer.
    fn next_event(&mut self, until: u64) -> Option<(u64, Event)> {
        let due = BOTH.into_iter().filter_map(|node| Some((self.nodes[node.index()].timer?, node)));
        let timer = due.min_by_key(|(at, _)| *at);
        let queued = self.queue.first_key_value().map(|(at, _)| *at);
        match timer {
            Some((at, node)) if queued.is_none_or(|queued| at < queued) => {
                self.nodes[node.index()].timer.take_if(|_| at.0 <= until)?;
                Some((at.0, Event::Timer(node)))
            }
            _ => {
                let entry = self.queue.first_entry().filter(|entry| entry.key().0 <= until)?;
                Some((entry.key().0, entry.remove()))
            }
        }
    }

    fn watch_world(&mut self) {
        if !BOTH.iter().all(|node| self.network.passes(*node)) {
            self.checker.links_bad_at = Some(self.now_us);
        }
        if !self.disks.iter().all(Disk::is_healthy) {
            self.checker.disks_bad_at = Some(self.now_us);
        }
    }

    fn at(&mut self, delay: Duration, event: Event) {
        self.serial += 1;
        self.queue.insert((self.now_us + micros(delay), self.serial), event);
    }

    fn is_boot(&self, node: NodeIndex, boot: u64) -> bool {
        self.nodes[node.index()].boot == boot
    }

    fn is_run(&self, node: NodeIndex, boot: u64, run: u64) -> bool {
        self.is_boot(node, boot) && self.nodes[node.index()].manager.run == run
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Frame { to, link, bytes } => self.hand(to, Waiting::Frame(link, bytes)),
            Event::Disk { node, boot, serial } => {
                self.perform(serial);
                if self.is_boot(node, boot) {
                    self.hand(node, Waiting::Disk(serial));
                }
            }
            Event::Timer(node) => {
                let machine = &mut self.nodes[node.index()];
                if machine.paused_until <= self.now_us {
                    let now = machine.clock(self.now_us);
                    if let Some(guardian) = &mut machine.guardian {
                        guardian.handle_timeout(now);
                    }
                    self.drain(node);
                }
            }
            Event::Watchdog { node, boot } => {
                let fires = self.nodes[node.index()].watchdog.fires_at == Some(self.now_us);
                if fires && self.is_boot(node, boot) {
                    self.fire(node);
                }
            }
            Event::Armed { node, boot } if self.is_boot(node, boot) => {
                let effective = Some(self.timing.watchdog);
                self.give(node, Input::WatchdogArmed { effective });
            }
            Event::Armed { .. } => {}
            Event::PowerUp { node, boot } => self.boot(node, boot),
            Event::Resume { node, boot } if self.is_boot(node, boot) => self.resume(node),
            Event::Resume { .. } => {}
            Event::ManagerStarted { node, boot, run } if self.is_run(node, boot, run) => {
                self.hand(node, Waiting::ManagerStarted);
                // What it was just told may have let it begin a start: that counts, too.
                let machine = &self.nodes[node.index()];
                let active = machine.active || machine.manager.starting;
                self.hand(node, Waiting::Manager(Report::Protecting { active, weight: 10 }));
                self.at(Duration::from_millis(500), Event::ManagerTick { node, boot, run });
            }
            Event::ManagerStarted { .. } => {}
            Event::ManagerTick { node, boot, run } if self.is_run(node, boot, run) => {
                if !self.nodes[node.index()].manager.hung {
                    self.hand(node, Waiting::Manager(Report::Progress));
                    self.consider_start(node);
                }
                self.at(Duration::from_millis(500), Event::ManagerTick { node, boot, run });
            }
            Event::ManagerTick { .. } => {}
            Event::ManagerExited { node, boot } if self.is_boot(node, boot) => {
                self.hand(node, Waiting::ManagerExited);
            }
            Event::ManagerExited { .. } => {}
            Event::ServiceStart { node, boot, run } if self.is_run(node, boot, run) => {
                self.start_service(node);
            }
            Event::ServiceStart { .. } => {}
            Event::ServiceStop { node, boot, run } if self.is_run(node, boot, run) => {
                self.stop_service(node);
                let idle = Report::Protecting { active: false, weight: 0 };
                self.hand(node, Waiting::Manager(idle));
                self.hand(node, Waiting::Manager(Report::Leave));
            }
            Event::ServiceStop { .. } => {}
            Event::Power { node, boot, target } => self.ask_bmc(node, boot, target),
            Event::SlowPower { node, boot, target, off } => {
                self.switch_late(node, boot, target, off);
            }
            Event::Keys { node, file } => self.take_keys(node, file),
            Event::Fault(fault) => self.fail(fault),
        }
    }

    /// Hands something to a guardian now, or when it runs again.
    fn hand(&mut self, node: NodeIndex, what: Waiting) {
        let machine = &mut self.nodes[node.index()];
        if machine.guardian.is_none() {
            return;
        }
        if machine.paused_until > self.now_us {
            let is_frame = |waiting: &&Waiting| matches!(waiting, Waiting::Frame(..));
            let full = machine.waiting.iter().filter(is_frame).count() >= SOCKET_FRAMES_MAX;
            if !(full && matches!(what, Waiting::Frame(..))) {
                machine.waiting.push_back(what);
            }
            return;
        }
        match what {
            Waiting::Frame(link, bytes) => self.give(node, Input::Frame { link, bytes: &bytes }),
            Waiting::Disk(serial) => self.give_disk(node, serial),
            Waiting::Manager(report) => self.give(node, Input::Manager(report)),
            Waiting::ManagerExited => self.give(node, Input::ManagerExited { clean: false }),
            Waiting::ManagerStarted => self.give(node, Input::ManagerStarted),
            Waiting::Keys(KeyFile { key, next }) => self.give(node, Input::Keys { key, next }),
        }
    }

    fn give(&mut self, node: NodeIndex, input: Input<'_>) {
        let machine = &mut self.nodes[node.index()];
        let now = machine.clock(self.now_us);
        if let Some(guardian) = &mut machine.guardian {
            guardian.handle_input(now, input);
        }
        self.drain(node);
    }

    fn give_disk(&mut self, node: NodeIndex, serial: u64) {
        let Some(operation) = self.operations.remove(&serial) else {
            return;
        };
        let disk = u8::try_from(operation.disk).unwrap_or(0);
        let sector = operation.sector;
        if operation.data.is_some() {
            let result = operation.fault.map_or(Ok(()), Err);
            self.give(node, Input::SectorWritten { disk, sector, result });
        } else {
            let bytes = self.disks[operation.disk].read(sector);
            let result = operation.fault.map_or(Ok(&bytes[..]), Err);
            self.give(node, Input::SectorRead { disk, sector, result });
        }
    }

    /// A write takes effect when its time has come, unless its path failed.
    fn perform(&mut self, serial: u64) {
        let Some(operation) = self.operations.get(&serial) else {
            return;
        };
        let Some(data) = &operation.data else {
            return;
        };
        let unknown = operation.fault == Some(DiskFault::TimedOut);
        let disk = &mut self.disks[operation.disk];
        let done = operation.fault.is_none() || (unknown && self.rng.happens(500));
        if done && !disk.loses[operation.node.index()] {
            disk.write(operation.sector, data);
        }
    }

    fn drain(&mut self, node: NodeIndex) {
        let at = node.index();
        while let Some(output) = self.nodes[at].guardian.as_mut().and_then(Guardian::poll_output) {
            self.obey(node, output);
        }
        let machine = &mut self.nodes[at];
        let Some(due) = machine.guardian.as_ref().and_then(Guardian::poll_timeout) else {
            return;
        };
        self.serial += 1;
        machine.timer = Some((machine.world_time(due).max(self.now_us + 1), self.serial));
    }

    fn obey(&mut self, node: NodeIndex, output: Output) {
        let boot = self.nodes[node.index()].boot;
        match output {
            Output::SendFrame { link, frame } => {
                for delay in self.network.carry(&mut self.rng, link, node) {
                    let bytes = frame.to_vec();
                    self.at(delay, Event::Frame { to: node.other(), link, bytes });
                }
            }
            Output::ReadSector { disk, sector } => self.start_operation(node, disk, sector, None),
            Output::WriteSector { disk, sector, data } => {
                self.start_operation(node, disk, sector, Some(data.to_vec()));
            }
            Output::ArmWatchdog { timeout } => {
                self.nodes[node.index()].watchdog.timeout_us = micros(timeout);
                self.feed(node);
                self.at(Duration::from_millis(1), Event::Armed { node, boot });
            }
            Output::FeedWatchdog { until } => {
                if self.nodes[node.index()].clock(self.now_us) <= until {
                    self.feed(node);
                }
            }
            Output::DisarmWatchdog => self.nodes[node.index()].watchdog.fires_at = None,
            Output::StartManager => self.start_manager(node),
            Output::KillManager => {
                self.nodes[node.index()].manager = crate::node::Manager::default();
                self.at(Duration::from_millis(1), Event::ManagerExited { node, boot });
            }
            Output::Manager(notice) => self.tell_manager(node, notice),
            Output::Reset(why) | Output::PowerOff(why) | Output::Crash(why) => {
                self.order_end(node, &format!("{why:?}"));
            }
            Output::Exit => {
                self.tell(node, "left");
                self.stop_service(node);
                self.nodes[node.index()].go_down();
            }
            Output::Event(told) => self.take_word(node, told),
        }
    }

    fn take_word(&mut self, node: NodeIndex, told: Told) {
        self.tell(node, &format!("{told:?}"));
        let other = &self.nodes[node.other().index()];
        if let Told::PeerDown(proof) = told {
            let is_false = match proof {
                // What was heard of that boot tells that all before it are gone, even if it is
                // over as well by now.
                Proof::Rebooted { boot } => other.newest != Some(boot),
                Proof::LeftCleanly
                | Proof::PowerOff
                | Proof::WatchdogExpired { .. }
                | Proof::LastOwner
                | Proof::Operator => other.active,
            };
            if is_false {
                self.checker.note(Violation::FalseProof(node, proof));
            }
        }
    }

    fn feed(&mut self, node: NodeIndex) {
        let machine = &mut self.nodes[node.index()];
        let fires_at = self.now_us + machine.watchdog.timeout_us;
        machine.watchdog.fires_at = Some(fires_at);
        let boot = machine.boot;
        self.serial += 1;
        self.queue.insert((fires_at, self.serial), Event::Watchdog { node, boot });
    }

    fn start_operation(&mut self, node: NodeIndex, disk: u8, sector: u64, data: Option<Vec<u8>>) {
        let usual = self.rng.between(Duration::from_micros(200), Duration::from_millis(8));
        let disk = usize::from(disk);
        let path = self.disks[disk].paths[node.index()];
        let (delay, fault) = path.answer(usual, self.timing.disk_io);
        let boot = self.nodes[node.index()].boot;
        self.serial += 1;
        let serial = self.serial;
        let operation = Operation { node, boot, disk, sector, data, fault };
        self.operations.insert(serial, operation);
        self.at(delay, Event::Disk { node, boot, serial });
    }

    fn boot(&mut self, node: NodeIndex, boot: u64) {
        let at = node.index();
        if self.nodes[at].guardian.is_some() || !self.is_boot(node, boot) {
            return;
        }
        let id = BootId(self.rng.bits() | 1);
        let seed = self.rng.bits();
        self.tell(node, &format!("boots as {id:x?}"));
        let machine = &mut self.nodes[at];
        machine.powered = true;
        machine.newest = Some(id);
        machine.clock_origin = self.now_us;
        let now = machine.clock(self.now_us);
        let config = config(node, &self.setup, self.timing, machine.key_file);
        machine.guardian =
            Some(Guardian::with_mutation(config, id, seed, now, self.setup.mutation));
        self.drain(node);
    }

    fn resume(&mut self, node: NodeIndex) {
        if self.nodes[node.index()].paused_until > self.now_us {
            return;
        }
        let boot = self.nodes[node.index()].boot;
        let waiting = core::mem::take(&mut self.nodes[node.index()].waiting);
        for output in core::mem::take(&mut self.nodes[node.index()].stuck) {
            if self.is_boot(node, boot) {
                self.obey(node, output);
            }
        }
        if !self.is_boot(node, boot) {
            return;
        }
        // The platform's loop sees the time first, then what has come in.
        let now = self.nodes[node.index()].clock(self.now_us);
        if let Some(guardian) = &mut self.nodes[node.index()].guardian {
            guardian.handle_timeout(now);
        }
        self.drain(node);
        for what in waiting {
            if self.is_boot(node, boot) {
                self.hand(node, what);
            }
        }
    }

    fn take_down(&mut self, node: NodeIndex, reboot: Duration) {
        self.stop_service(node);
        let boot = self.nodes[node.index()].boot;
        self.tear_writes(node, boot);
        self.nodes[node.index()].go_down();
        self.power_up(node, reboot);
    }

    /// Writes under way may be done, half done or not done.
    fn tear_writes(&mut self, node: NodeIndex, boot: u64) {
        let mine = |operation: &Operation| operation.node == node && operation.boot == boot;
        let under_way: Vec<u64> =
            self.operations.iter().filter(|(_, o)| mine(o)).map(|(serial, _)| *serial).collect();
        for serial in under_way {
            let Some(operation) = self.operations.remove(&serial) else {
                continue;
            };
            if let Some(data) = operation.data {
                let torn_at = usize::try_from(self.rng.below(200)).unwrap_or(0);
                let disk = &mut self.disks[operation.disk];
                match self.rng.below(3) {
                    0 => disk.write(operation.sector, &data),
                    1 => disk.tear(operation.sector, &data, torn_at),
                    _ => {}
                }
            }
        }
    }

    fn fail(&mut self, fault: Fault) {
        if self.setup.verbose {
            self.story.push(format!("{:>11.6} {fault:?}", self.now_us as f64 / 1e6));
        }
        self.figures.faults += 1;
        if fault.is_essential() {
            self.checker.essential.push(self.now_us);
        }
        match fault {
            Fault::Link { link, sender, state } => {
                for node in BOTH {
                    if sender.is_none_or(|sender| sender == node) {
                        self.network.links[link][node.index()] = state;
                    }
                }
            }
            Fault::Links(state) => self.network.links.fill([state; 2]),
            Fault::HealLinks => self.network.heal(),
            Fault::Disk { disk, node, path } => {
                if let Some(disk) = self.disks.get_mut(disk) {
                    disk.paths[node.index()] = path;
                }
            }
            Fault::Stale { disk, stale } => {
                if let Some(disk) = self.disks.get_mut(disk) {
                    disk.stale = stale;
                }
            }
            Fault::Loses { disk, node, loses } => {
                if let Some(disk) = self.disks.get_mut(disk) {
                    disk.loses[node.index()] = loses;
                }
            }
            Fault::ResetHangs(node) => self.let_reset_hang(node, true),
            Fault::Bmc(node, bmc) => self.bmcs[node.index()] = bmc,
            Fault::HealDisks => self.disks.iter_mut().for_each(Disk::heal),
            Fault::Crash(node, reboot) => self.take_down_if_up(node, reboot, true),
            Fault::PowerCut(node, reboot) => self.take_down_if_up(node, reboot, false),
            Fault::Blackout(first, second) => {
                self.take_down_if_up(NodeIndex::First, first, false);
                self.take_down_if_up(NodeIndex::Second, second, false);
            }
            Fault::Pause(node, length) => self.pause(node, length),
            Fault::KillManager(node) => self.kill_manager(node, 1),
            Fault::BreakManager(node) => {
                // As many ends as its guardian waits for.
                self.kill_manager(node, 3);
                self.nodes[node.index()].manager_breaks = true;
            }
            Fault::HangManager(node) => {
                self.checker.manager_faults += 1;
                self.nodes[node.index()].manager.hung = true;
            }
            Fault::Leave(node, back) => {
                self.give(node, Input::ShutdownRequested);
                self.at(back, Event::Fault(Fault::HealAll));
            }
            Fault::HealAll => {
                self.network.heal();
                self.disks.iter_mut().for_each(Disk::heal);
                self.bmcs = [Bmc::Well; 2];
                for node in BOTH {
                    self.let_reset_hang(node, false);
                    self.nodes[node.index()].manager_breaks = false;
                    self.power_up(node, Duration::from_millis(1));
                }
            }
        }
        self.watch_world();
    }

    fn take_down_if_up(&mut self, node: NodeIndex, reboot: Duration, powered: bool) {
        if self.nodes[node.index()].guardian.is_some() {
            self.take_down(node, reboot);
            self.nodes[node.index()].powered = powered;
        }
    }

    /// Notes whether everything runs that can.
    pub fn check_healed(&mut self) {
        let active = self.active();
        if active[0] == active[1] {
            let views = BOTH.map(|node| self.view(node));
            let text = format!("service active {active:?}; views {views:#?}");
            self.checker.note(Violation::NotHealed(text));
            return;
        }
        for node in BOTH {
            let member =
                self.view(node).is_some_and(|view| matches!(view.peer, Peer::Member { .. }));
            if !member {
                let text = format!("{node:?} is not a member: {:?}", self.view(node));
                self.checker.note(Violation::NotHealed(text));
            }
        }
    }

    /// Whether that node's guardian has this kind of proof of its peer's death.
    #[must_use]
    pub fn proof(&self, node: NodeIndex) -> Option<Proof> {
        match self.view(node)?.peer {
            Peer::Down { proof, .. } => Some(proof),
            Peer::Unknown | Peer::Member { .. } | Peer::Lost { .. } => None,
        }
    }

    fn tell(&mut self, node: NodeIndex, what: &str) {
        if self.setup.verbose {
            let name = NAMES[node.index()];
            self.story.push(format!("{:>11.6} {name}: {what}", self.now_us as f64 / 1e6));
        }
    }
}

fn config(local: NodeIndex, setup: &Setup, timing: Timing, keys: KeyFile) -> PairConfig {
    let name = |text: &str| NodeName::try_from(text).unwrap_or_default();
    let mut sector_bytes = heapless::Vec::new();
    for _ in 0..setup.disks {
        if sector_bytes.push(SECTOR_BYTES).is_err() {
            break;
        }
    }
    PairConfig {
        cluster_name: name("heads"),
        nodes: NAMES.map(name),
        local,
        links: setup.links,
        heartbeats_only: 0,
        disks: setup.disks,
        sector_bytes,
        watchdog: true,
        key: keys.key,
        next_key: keys.next,
        timing,
    }
}
