//! A pair without resources: whatever ends one node, the other one gets the right to act, with a
//! proof, and the first one rejoins.

use diarch_qemu_tests::pair::{NAMES, Pair};
use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::{Fault, TAKEOVER_MAX};
use diarch_qemu_tests::trouble::Trouble;

#[test]
fn the_survivor_of_every_death_gets_the_right_to_act_with_a_proof() {
    scenario::run("right-to-act", |pair| {
        pair.form()?;
        die(pair, Fault::Power, 0)?;
        pair.machines[0].power_on()?;
        pair.wait_rejoined()?;
        die(pair, Fault::Panic, 1)?;
        pair.wait_rejoined()?;
        die(pair, Fault::Guardian, 0)?;
        pair.wait_rejoined()
    });
}

/// Does `fault` to `machine` and waits until the other one may act.
fn die(pair: &mut Pair, fault: Fault, machine: usize) -> Result<(), Trouble> {
    let from = pair.journal.len();
    let at = pair.inject(fault, machine)?;
    let line = pair.wait_timeline(1 - machine, from, "peer-down", TAKEOVER_MAX)?;
    let took = line.at.saturating_duration_since(at).as_secs_f64();
    let (name, survivor) = (fault.name(), NAMES[1 - machine]);
    let said = line.text.split_once("event=").map_or("", |(_, said)| said);
    say(&format!("number: {name}, fault to the right to act: {took:.3} s ({survivor}: {said})"));
    Ok(())
}
