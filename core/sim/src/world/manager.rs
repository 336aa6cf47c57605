//! The stand-in for the manager: it starts the one service where it may, and has power cut.

use super::{Event, Loss, World};
use crate::checker::Violation;
use crate::fault::Bmc;
use crate::node::Waiting;
use core::time::Duration;
use diarch_cluster::config::NodeIndex;
use diarch_cluster::view::{BootId, Notice, Peer, Proof, Report, View};

impl World {
    pub(super) fn start_manager(&mut self, node: NodeIndex) {
        self.serial += 1;
        let run = self.serial;
        let machine = &mut self.nodes[node.index()];
        machine.manager = crate::node::Manager { run, ..Default::default() };
        let boot = machine.boot;
        let breaks = machine.manager_breaks;
        let begun = Duration::from_millis(30);
        if breaks {
            self.at(begun, Event::ManagerExited { node, boot });
        } else {
            self.at(begun, Event::ManagerStarted { node, boot, run });
        }
    }

    /// Ends a node's manager, for as many ends as it causes in all.
    pub(super) fn kill_manager(&mut self, node: NodeIndex, ends: u32) {
        let machine = &mut self.nodes[node.index()];
        let boot = machine.boot;
        self.checker.manager_faults += ends;
        if machine.manager.run != 0 {
            machine.manager = crate::node::Manager::default();
            self.at(Duration::from_millis(1), Event::ManagerExited { node, boot });
        }
    }

    pub(super) fn tell_manager(&mut self, node: NodeIndex, notice: Notice) {
        let machine = &mut self.nodes[node.index()];
        let (boot, run) = (machine.boot, machine.manager.run);
        if run == 0 {
            return;
        }
        match notice {
            Notice::View(view) => {
                machine.manager.view = Some(view);
                self.ask_power(node, view);
                self.consider_start(node);
            }
            Notice::Fenced { .. } | Notice::Keys { .. } | Notice::Link { .. } => {}
            Notice::Shutdown => {
                machine.manager.leaving = true;
                self.at(Duration::from_millis(50), Event::ServiceStop { node, boot, run });
            }
        }
    }

    pub(super) fn consider_start(&mut self, node: NodeIndex) {
        let other = &self.nodes[node.other().index()];
        let other_busy = other.active || other.manager.starting;
        let machine = &mut self.nodes[node.index()];
        let (boot, run) = (machine.boot, machine.manager.run);
        let manager = &mut machine.manager;
        let idle = !machine.active && !manager.starting && !manager.leaving && !manager.hung;
        let Some(view) = manager.view.filter(|view| view.may_act && idle) else {
            return;
        };
        // Members talk to each other; a node alone can only trust its view.
        let wanted = match view.peer {
            Peer::Member { .. } => view.leader && !other_busy,
            Peer::Down { .. } => true,
            Peer::Unknown | Peer::Lost { .. } => false,
        };
        if wanted {
            manager.starting = true;
            self.hand(node, Waiting::Manager(Report::Protecting { active: true, weight: 10 }));
            let delay = self.rng.between(Duration::from_millis(5), Duration::from_millis(60));
            self.at(delay, Event::ServiceStart { node, boot, run });
        }
    }

    pub(super) fn start_service(&mut self, node: NodeIndex) {
        let other_active = self.nodes[node.other().index()].active;
        let machine = &mut self.nodes[node.index()];
        machine.manager.starting = false;
        if !machine.manager.view.is_some_and(|view| view.may_act) {
            let idle = Report::Protecting { active: false, weight: 0 };
            self.hand(node, Waiting::Manager(idle));
            return;
        }
        machine.active = true;
        self.tell(node, "service started");
        if other_active {
            self.checker.note(Violation::TwoActive(node));
        }
        if let Some(lost) = self.service_lost.take()
            && lost.other_up
        {
            let took = self.now_us - lost.at_us;
            self.figures.failovers_us.push(took);
            let why = self.view(node).map_or("none", |view| ground(view.peer));
            self.figures.failovers_by.entry(why).or_default().push(took);
        }
    }

    pub(super) fn stop_service(&mut self, node: NodeIndex) {
        if core::mem::take(&mut self.nodes[node.index()].active) {
            let other_up = self.nodes[node.other().index()].guardian.is_some();
            self.service_lost = Some(Loss { at_us: self.now_us, other_up });
        }
    }

    /// Asks for the peer's power, and switches it off where that is allowed.
    pub(super) fn ask_power(&mut self, node: NodeIndex, view: View) {
        let Some(boot) = self.setup.power_switch.then(|| self.nodes[node.index()].boot) else {
            return;
        };
        if let Peer::Lost { boot: target, .. } = view.peer {
            let delay = self.rng.between(Duration::from_millis(50), Duration::from_millis(400));
            self.at(delay, Event::Power { node, boot, target });
        }
    }

    pub(super) fn ask_bmc(&mut self, node: NodeIndex, boot: u64, target: BootId) {
        if !self.is_boot(node, boot) || self.nodes[node.index()].manager.run == 0 {
            return;
        }
        let Some(view) = self.view(node) else {
            return;
        };
        let off = view.may_fence;
        match self.bmcs[node.other().index()] {
            Bmc::Well => self.switch_power(node, boot, target, off),
            Bmc::Slow => {
                let late = self.rng.between(Duration::from_secs(1), Duration::from_secs(10));
                self.at(late, Event::SlowPower { node, boot, target, off });
            }
            Bmc::ClaimsOff => {
                self.hand(node, Waiting::Manager(Report::PowerIsOff { target: Some(target) }));
            }
            Bmc::Dead | Bmc::ClaimsOn => {}
        }
    }

    /// A slow BMC's order: carried out late it is a power cut like any other.
    pub(super) fn switch_late(&mut self, node: NodeIndex, boot: u64, target: BootId, off: bool) {
        if off && self.nodes[node.other().index()].powered {
            self.checker.essential.push(self.now_us);
        }
        self.switch_power(node, boot, target, off);
    }

    /// Obeys, reads back and answers.
    pub(super) fn switch_power(&mut self, node: NodeIndex, boot: u64, target: BootId, off: bool) {
        let other = node.other();
        if off && self.nodes[other.index()].powered {
            self.tell(node, "switches the peer's power off");
            self.take_down(other, Duration::from_secs(4));
            self.nodes[other.index()].powered = false;
        }
        if !self.nodes[other.index()].powered && self.is_boot(node, boot) {
            let target = Some(target);
            self.hand(node, Waiting::Manager(Report::PowerIsOff { target }));
        }
    }
}

/// What let a node start what its peer had run.
const fn ground(peer: Peer) -> &'static str {
    match peer {
        Peer::Member { .. } => "peer in sight",
        Peer::Down { proof, .. } => match proof {
            Proof::LeftCleanly => "left cleanly",
            Proof::PowerOff => "power off",
            Proof::WatchdogExpired { .. } => "watchdog lapse",
            Proof::Rebooted { .. } => "rebooted",
            Proof::LastOwner => "last owner",
            Proof::Operator => "operator",
        },
        Peer::Unknown | Peer::Lost { .. } => "none",
    }
}
