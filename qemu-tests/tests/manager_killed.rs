//! The active node's manager is killed: the service goes on as it is, and the manager comes back.

use diarch_qemu_tests::scenario;
use diarch_qemu_tests::story::{Fault, LONGEST_HICCUP, expect};
use std::time::{Duration, Instant};

#[test]
fn a_manager_that_was_killed_comes_back_without_a_restart_of_the_service() {
    scenario::run("manager-killed", |pair| {
        let active = pair.settle()?;
        let from = pair.journal.len();
        let before = pair.service_process(active)?;
        let at = Instant::now();
        pair.inject(Fault::Manager, active)?;
        std::thread::sleep(Duration::from_secs(10));
        pair.rejoin()?;
        expect(pair.service_process(active)? == before, "the service is the same process")?;
        expect(pair.longest_hiccup(at) < LONGEST_HICCUP, "the service goes on")?;
        expect(pair.resets(0, from) + pair.resets(1, from) == 0, "nobody is reset")
    });
}
