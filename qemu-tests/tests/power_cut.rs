//! The active node's power is cut: the other one serves, and the dead one rejoins.

use diarch_qemu_tests::scenario;
use diarch_qemu_tests::story::Fault;

#[test]
fn the_survivor_of_a_power_cut_serves_and_the_dead_node_rejoins() {
    scenario::run("power-cut", |pair| {
        let active = pair.settle()?;
        pair.take_over(Fault::Power, active)?;
        pair.machines[active].power_on()?;
        pair.rejoin()
    });
}
