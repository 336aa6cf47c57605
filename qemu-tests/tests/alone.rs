//! Both nodes lose their power, one comes back alone: it serves exactly when it was the last that
//! served, and says otherwise why it does not.

use diarch_qemu_tests::pair::NAMES;
use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::{SERVE_MAX, expect};
use std::time::{Duration, Instant};

/// Long enough for a node that should not start the service to have started it.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn one_node_alone_after_a_blackout_serves_exactly_when_that_is_safe() {
    scenario::run("alone", |pair| {
        // One node takes over and is the last that served; then it loses its power, too.
        let dead = pair.settle()?;
        let last = 1 - dead;
        pair.take_over(diarch_qemu_tests::story::Fault::Power, dead)?;
        std::thread::sleep(Duration::from_secs(3));
        pair.machines[last].power_cut();

        let from = pair.journal.len();
        let at = Instant::now();
        pair.machines[dead].power_on()?;
        pair.wait_booted(dead, from)?;
        std::thread::sleep(PATIENCE);
        let served = pair.client.acknowledged().iter().any(|write| write.at > at);
        expect(!served, "a node that was not the last to serve does not serve alone")?;
        let status = pair.run(dead, "diarch status")?.output;
        say(&format!("{} alone says: {}", NAMES[dead], status.replace('\n', " | ")));
        // Whether the other node's order to reset it was still on the disk decides which it says.
        let reasons = ["the peer was the last owner", "this node was fenced or lost the claim"];
        let named = reasons.iter().any(|reason| {
            status.contains(&format!("because nothing may be started here: {reason}"))
        });
        expect(named, &format!("`diarch status` says why it does not serve: {status}"))?;
        pair.machines[dead].power_cut();

        let at = Instant::now();
        pair.machines[last].power_on()?;
        let took = pair.wait_served_by(last, at, SERVE_MAX * 2)?;
        say(&format!(
            "number: alone after a blackout, power to service: {:.3} s",
            took.as_secs_f64()
        ));
        pair.machines[dead].power_on()?;
        pair.rejoin()
    });
}
