//! The active node's guardian is killed: that node is reset by its watchdog, the other one serves.

use diarch_qemu_tests::scenario;
use diarch_qemu_tests::story::{Fault, TAKEOVER_MAX};
use std::time::Instant;

#[test]
fn a_node_without_its_guardian_is_reset_and_the_other_one_serves() {
    scenario::run("guardian-killed", |pair| {
        let active = pair.settle()?;
        let from = pair.journal.len();
        let at = Instant::now();
        pair.take_over(Fault::Guardian, active)?;
        let reset = pair.wait_event(active, from, "RESET", TAKEOVER_MAX)?;
        pair.check_gone_before_takeover(active, reset.at, at)?;
        pair.rejoin()
    });
}
