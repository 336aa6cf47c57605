//! The active node's kernel panics: its watchdog resets it, the other one serves.

use diarch_qemu_tests::scenario;
use diarch_qemu_tests::story::{Fault, TAKEOVER_MAX};
use std::time::Instant;

#[test]
fn the_survivor_of_a_kernel_panic_serves_and_the_watchdog_resets_the_other() {
    scenario::run("kernel-panic", |pair| {
        let active = pair.settle()?;
        let from = pair.journal.len();
        let at = Instant::now();
        pair.take_over(Fault::Panic, active)?;
        let reset = pair.wait_event(active, from, "WATCHDOG", TAKEOVER_MAX)?;
        pair.check_gone_before_takeover(active, reset.at, at)?;
        pair.rejoin()
    });
}
