//! How machines stop: for a while, at once, or not quite.

use super::{Event, World};
use crate::node::{Reset, micros};
use core::time::Duration;
use diarch_cluster::config::NodeIndex;

impl World {
    /// A node ends by itself or by its watchdog, and boots again.
    pub(super) fn end(&mut self, node: NodeIndex, why: &str) {
        self.tell(node, &format!("ends: {why}"));
        self.figures.ended += 1;
        self.checker.node_ended(self.now_us, node, why);
        let reboot = self.rng.between(Duration::from_millis(300), Duration::from_secs(6));
        self.take_down(node, reboot);
    }

    /// The next order to end itself will hang, or will not; one that hangs now goes on to.
    pub(super) const fn let_reset_hang(&mut self, node: NodeIndex, hangs: bool) {
        let reset = &mut self.nodes[node.index()].reset;
        *reset = match (*reset, hangs) {
            (Reset::Hangs, _) => Reset::Hangs,
            (Reset::Works | Reset::WillHang, true) => Reset::WillHang,
            (Reset::Works | Reset::WillHang, false) => Reset::Works,
        };
    }

    /// A node orders its own end. Where that hangs its guardian is gone with its manager, but
    /// what they started goes on.
    pub(super) fn order_end(&mut self, node: NodeIndex, why: &str) {
        if self.nodes[node.index()].reset == Reset::Works {
            self.end(node, why);
            return;
        }
        self.tell(node, &format!("hangs amid its end: {why}"));
        self.checker.node_ended(self.now_us, node, why);
        let machine = &mut self.nodes[node.index()];
        machine.reset = Reset::Hangs;
        machine.paused_until = u64::MAX;
        machine.manager = crate::node::Manager::default();
    }

    /// A watchdog fires.
    pub(super) fn fire(&mut self, node: NodeIndex) {
        if self.nodes[node.index()].reset != Reset::Hangs {
            self.end(node, "its watchdog fired");
            return;
        }
        // It was counted when it ordered its end.
        self.tell(node, "ends at last: its watchdog fired");
        self.figures.ended += 1;
        let reboot = self.rng.between(Duration::from_millis(300), Duration::from_secs(6));
        self.take_down(node, reboot);
    }

    /// Stops a guardian, half of the time between deciding and doing all of it.
    pub(super) fn pause(&mut self, node: NodeIndex, length: Duration) {
        let in_the_act = self.rng.happens(500);
        let machine = &mut self.nodes[node.index()];
        let now = machine.clock(self.now_us);
        let boot = machine.boot;
        let mut decided = Vec::new();
        if let Some(guardian) = machine.guardian.as_mut().filter(|_| in_the_act) {
            guardian.handle_timeout(now);
            decided.extend(core::iter::from_fn(|| guardian.poll_output()));
        }
        machine.paused_until = self.now_us + micros(length);
        self.at(length, Event::Resume { node, boot });
        let done = self.rng.below(1 + decided.len() as u64);
        for (number, output) in (0..).zip(decided) {
            if !self.is_boot(node, boot) {
                return;
            }
            if number < done {
                self.obey(node, output);
            } else {
                self.nodes[node.index()].stuck.push(output);
            }
        }
    }
}
