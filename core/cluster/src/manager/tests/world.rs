//! Two nodes, their links, disks and agents, in virtual time.

use super::scheduler::plan;
use crate::Instant;
use crate::config::{Key, NodeIndex, PairConfig};
use crate::controller::policy::Scheduler;
use crate::executor::ocf;
use crate::fencing::{Failure, Power};
use crate::manager::{Manager, ManagerConfig};
use crate::manager_io::{
    AgentCall, AgentEnd, AgentResult, ClientId, Credentials, Durable, Input, Output, WallClock,
};
use crate::request::{Reply, Request};
use crate::timing::{BUDGET_DEFAULT, Timing};
use crate::view::{BootId, FenceOutcome, Notice, Peer, Proof, Report, View};
use core::time::Duration;
use std::collections::BTreeSet;

const NAMES: [&str; 2] = ["a", "b"];
const AGENT: Duration = Duration::from_millis(20);
const FRAME: Duration = Duration::from_micros(300);
const DISK: Duration = Duration::from_millis(5);
const SLOW: Duration = Duration::from_secs(3);

pub(super) struct World {
    scheduler: Scheduler,
    managers: [Option<Manager>; 2],
    now: Instant,
    queue: Vec<(Instant, u64, usize, Input)>,
    order: u64,
    sequence: u64,
    boots: [u64; 2],
    restarts: u64,
    running: BTreeSet<(usize, String)>,
    views: [Option<View>; 2],
    pub(super) generation: [u64; 2],
    pub(super) ran: Vec<String>,
    pub(super) log: Vec<String>,
    pub(super) answers: Vec<Reply>,
    pub(super) disks: [String; 2],
    pub(super) slow_disk: [bool; 2],
    pub(super) starved: bool,
    /// Loses one segment of so many.
    pub(super) lose_one_of: u64,
    pub(super) fence: Option<Report>,
    pub(super) wakeups: usize,
    /// What every power switch that is asked says about whom it fences; `None` for nothing.
    pub(super) fences: Option<bool>,
    /// What every power switch says; `None` for nothing.
    pub(super) power: Option<Result<Power, Failure>>,
}

pub(super) fn primitive(id: &str) -> String {
    format!("<primitive id=\"{id}\" class=\"ocf\" provider=\"test\" type=\"agent\"/>")
}

pub(super) fn attribute(name: &str, value: &str, dampen_ms: Option<u64>) -> Request {
    Request::AttributeUpdate {
        name: name.to_owned(),
        pattern: false,
        value: Some(value.to_owned()),
        node: None,
        dampen_ms,
        private: false,
        set_id: None,
    }
}

/// A number that looks random and depends on nothing but `seed`.
pub(super) const fn random(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

pub(super) fn named(node: usize, what: &str) -> String {
    format!("{} {what}", NAMES[node])
}

fn pair(local: NodeIndex) -> PairConfig {
    PairConfig {
        cluster_name: "pair".try_into().unwrap(),
        nodes: NAMES.map(|name| name.try_into().unwrap()),
        local,
        links: 2,
        heartbeats_only: 0,
        disks: 1,
        sector_bytes: [512].into_iter().collect(),
        watchdog: true,
        key: Key([3; 32]),
        next_key: None,
        timing: Timing::derive(BUDGET_DEFAULT, Duration::from_secs(1)).unwrap(),
    }
}

impl World {
    pub(super) fn new(primitives: &[String]) -> Self {
        Self::scheduled_by(plan, primitives)
    }

    pub(super) fn scheduled_by(scheduler: Scheduler, primitives: &[String]) -> Self {
        let mut world = Self {
            scheduler,
            managers: [None, None],
            now: Instant::from_micros(1_000_000),
            queue: Vec::new(),
            order: 0,
            sequence: 0,
            boots: [100, 200],
            restarts: 0,
            running: BTreeSet::new(),
            views: [None, None],
            generation: [1, 1],
            ran: Vec::new(),
            log: Vec::new(),
            answers: Vec::new(),
            disks: [String::new(), String::new()],
            slow_disk: [false, false],
            starved: false,
            lose_one_of: u64::MAX,
            fence: None,
            wakeups: 0,
            fences: None,
            power: None,
        };
        let text = format!(
            "<cib epoch=\"1\" num_updates=\"0\" admin_epoch=\"0\" validate-with=\"pacemaker-3.9\">\
             <configuration><crm_config/><nodes/><resources>{}</resources><constraints/>\
             </configuration><status/></cib>",
            primitives.concat()
        );
        world.disks = [text.clone(), text];
        world.start(0);
        world.start(1);
        world
    }

    fn start(&mut self, node: usize) {
        self.restarts += 1;
        let local = [NodeIndex::First, NodeIndex::Second][node];
        let config = ManagerConfig {
            pair: pair(local),
            boot: self.boot(node),
            cib: Some(self.disks[node].clone()),
            seed: self.restarts * 1000,
            scheduler: self.scheduler,
        };
        self.managers[node] = Some(Manager::new(config, self.now, self.wall()));
    }

    pub(super) fn boot(&self, node: usize) -> BootId {
        BootId(self.boots[node])
    }

    fn wall(&self) -> WallClock {
        let seconds = self.now.since(Instant::default()).as_secs();
        WallClock(1_800_000_000 + i64::try_from(seconds).unwrap())
    }

    fn view(&mut self, node: usize, peer: Peer, may_act: bool, leader: bool) {
        self.show(node, peer, may_act, leader, may_act);
    }

    fn show(&mut self, node: usize, peer: Peer, may_act: bool, leader: bool, may_fence: bool) {
        self.sequence += 1;
        let view = View {
            sequence: self.sequence,
            boot: self.boot(node),
            peer,
            may_act,
            may_fence,
            refusal: None,
            generation: self.generation[node],
            leader,
            links_up: 3,
            disks_up: 1,
            watchdog: Some(Duration::from_secs(2)),
            dropped: None,
        };
        self.views[node] = Some(view);
        self.input(node, Duration::ZERO, Input::Guardian(Notice::View(view)));
    }

    pub(super) fn alone(&mut self, node: usize, may_act: bool) {
        let peer = if may_act {
            Peer::Down { boot: None, proof: Proof::LastOwner }
        } else {
            Peer::Unknown
        };
        self.view(node, peer, may_act, may_act);
    }

    pub(super) fn both(&mut self) {
        self.led_by(0);
    }

    pub(super) fn led_by(&mut self, leader: usize) {
        for node in 0..2 {
            let boot = self.boot(1 - node);
            self.view(node, Peer::Member { boot }, true, node == leader);
            let pause = Duration::from_millis(random(self.order) % 200);
            self.run(pause);
        }
    }

    pub(super) fn lost(&mut self, node: usize) {
        let boot = self.boot(1 - node);
        self.view(node, Peer::Lost { boot, since: self.now }, false, false);
    }

    /// Lost, and a power switch may be used.
    pub(super) fn may_fence(&mut self, node: usize) {
        let peer = match self.views[node] {
            Some(View { peer: peer @ Peer::Lost { .. }, .. }) => peer,
            _ => Peer::Lost { boot: self.boot(1 - node), since: self.now },
        };
        self.show(node, peer, false, false, true);
    }

    /// Other links carry frames; nothing else has changed.
    pub(super) fn links(&mut self, node: usize, links_up: u8) {
        self.sequence += 1;
        let sequence = self.sequence;
        let view = self.views[node].map(|view| View { links_up, sequence, ..view });
        self.views[node] = view;
        self.input(node, Duration::ZERO, Input::Guardian(Notice::View(view.unwrap())));
    }

    pub(super) fn down(&mut self, node: usize, proof: Proof) {
        let boot = Some(self.boot(1 - node));
        self.view(node, Peer::Down { boot, proof }, true, true);
    }

    /// The node's power is cut.
    pub(super) fn kill(&mut self, node: usize) {
        self.managers[node] = None;
        self.running.retain(|(at, _)| *at != node);
        self.queue.retain(|(_, _, to, _)| *to != node);
    }

    /// The manager is killed; what it had started goes on.
    pub(super) fn restart_manager(&mut self, node: usize) {
        self.queue.retain(|(_, _, to, _)| *to != node);
        self.start(node);
        if let Some(view) = self.views[node] {
            self.input(node, Duration::from_millis(50), Input::Guardian(Notice::View(view)));
        }
    }

    pub(super) fn stop_behind_the_back(&mut self, resource: &str) {
        self.running.retain(|(_, name)| name != resource);
    }

    pub(super) fn fenced(&mut self, node: usize, request: u32, outcome: FenceOutcome) {
        let notice = Notice::Fenced { request, outcome };
        self.input(node, Duration::ZERO, Input::Guardian(notice));
    }

    pub(super) fn ask(&mut self, node: usize, request: Request) {
        self.order += 1;
        let client = ClientId(self.order);
        let credentials = Credentials {
            uid: 0,
            user: Some("root".to_owned()),
            privileged: true,
            permitted: true,
        };
        self.input(node, Duration::ZERO, Input::Tool { client, credentials, request });
    }

    pub(super) fn active(&self, resource: &str) -> Vec<usize> {
        let of = |(node, name): &(usize, String)| (name == resource).then_some(*node);
        self.running.iter().filter_map(of).collect()
    }

    pub(super) fn count(&self, action: &str) -> usize {
        self.ran.iter().filter(|line| line.ends_with(&format!(" {action}"))).count()
    }

    pub(super) fn cib(&self, node: usize) -> String {
        self.managers[node].as_ref().unwrap().cib().write_compact()
    }

    pub(super) fn assert_same_cib(&self) {
        assert_eq!(self.cib(0), self.cib(1));
    }

    fn input(&mut self, node: usize, delay: Duration, input: Input) {
        self.order += 1;
        self.queue.push((self.now.after(delay), self.order, node, input));
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now.after(time);
        loop {
            let next_input = self.queue.iter().map(|(at, order, ..)| (*at, *order)).min();
            let timers = self.managers.iter().flatten().filter_map(Manager::poll_timeout);
            let next = timers.chain(next_input.map(|(at, _)| at)).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = next.max(self.now);
            let wall = self.wall();
            let due = next_input.filter(|(at, _)| *at <= self.now);
            if let Some((_, order)) = due {
                let place = self.queue.iter().position(|(_, o, ..)| *o == order).unwrap();
                let (_, _, node, input) = self.queue.swap_remove(place);
                if let Some(manager) = &mut self.managers[node] {
                    self.wakeups += usize::from(!matches!(input, Input::Segment { .. }));
                    manager.handle_input(self.now, wall, input);
                }
            } else {
                for manager in self.managers.iter_mut().flatten() {
                    if manager.poll_timeout().is_some_and(|due| due <= self.now) {
                        self.wakeups += 1;
                        manager.handle_timeout(self.now, wall);
                    }
                }
            }
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        for node in 0..2 {
            while let Some(output) = self.managers[node].as_mut().and_then(Manager::poll_output) {
                self.perform(node, output);
            }
        }
    }

    fn perform(&mut self, node: usize, output: Output) {
        match output {
            Output::Guardian(report) => self.take_report(node, report),
            Output::SendSegment { link, bytes } => {
                if !random(self.order).is_multiple_of(self.lose_one_of) {
                    self.input(1 - node, FRAME, Input::Segment { link, bytes });
                } else {
                    self.order += 1;
                }
            }
            Output::RunAgent { job, call } => {
                let result = self.agent(node, &call);
                self.input(node, AGENT, Input::AgentEnded { job, result });
            }
            Output::Alert(call) => {
                let told = |(name, value): &(String, String)| {
                    let name = name.strip_prefix("CRM_alert_")?;
                    let wanted = ["kind", "node", "desc", "rsc", "task", "attribute_name"];
                    wanted.contains(&name).then(|| format!(" {name}={value}"))
                };
                let told: String = call.environment.iter().filter_map(told).collect();
                self.log.push(named(node, &format!("alert {}{told}", call.id)));
            }
            Output::CancelAgent(_) | Output::Event(_) | Output::Exit => {}
            Output::AskPower { job, device, action, .. } => {
                self.log.push(named(node, &format!("ask {} for {action:?}", device.id)));
                if let Some(result) = self.power.clone() {
                    self.input(node, AGENT, Input::PowerAnswered { job, result });
                }
            }
            Output::AskPlug(question) => {
                self.log.push(named(node, &format!("ask {} whom it fences", question.device.id)));
                if let Some(fences) = self.fences {
                    let (job, result) = (question.job, Ok(fences));
                    self.input(node, AGENT, Input::PlugKnown { job, result });
                }
            }
            Output::Persist { ticket, what } => {
                if let Durable::Cib { text, .. } = what {
                    self.disks[node] = text;
                }
                let delay = if self.slow_disk[node] { SLOW } else { DISK };
                self.input(node, delay, Input::Persisted { ticket, result: Ok(()) });
            }
            Output::Reply { reply, .. } => self.answers.push(reply),
        }
    }

    fn take_report(&mut self, node: usize, report: Report) {
        match report {
            Report::Protecting { active, .. } => {
                self.log.push(named(node, &format!("protecting {active}")));
            }
            Report::Leave => self.log.push(named(node, "leave")),
            Report::Fence { .. } => {
                self.fence = Some(report);
                self.log.push(named(node, "demands fencing"));
            }
            Report::PowerIsOff { target } => {
                self.log.push(named(node, &format!("power is off: {target:?}")));
            }
            Report::Progress | Report::Confirmed => {}
        }
    }

    fn agent(&mut self, node: usize, call: &AgentCall) -> AgentResult {
        let mut environment = call.environment.iter();
        let instance = environment.find(|(name, _)| name == "OCF_RESOURCE_INSTANCE");
        let resource = instance.map(|(_, value)| value.clone()).unwrap();
        let place = (node, resource.clone());
        let end = match call.action.as_str() {
            _ if self.starved => AgentEnd::CouldNotRun,
            "meta-data" => AgentEnd::Exited(ocf::OK),
            "start" => {
                self.running.insert(place);
                AgentEnd::Exited(ocf::OK)
            }
            "stop" => {
                self.running.remove(&place);
                AgentEnd::Exited(ocf::OK)
            }
            "monitor" if self.running.contains(&place) => AgentEnd::Exited(ocf::OK),
            _ => AgentEnd::Exited(ocf::NOT_RUNNING),
        };
        if call.action != "meta-data" && !self.starved {
            self.ran.push(format!("{} {resource} {}", NAMES[node], call.action));
            self.log.push(named(node, &format!("run {resource} {}", call.action)));
            assert!(self.active(&resource).len() <= 1, "active twice: {:?}", self.ran);
        }
        AgentResult { end, stdout: String::new(), stderr: String::new(), run: AGENT }
    }
}
