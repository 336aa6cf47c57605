//! The active node's guardian stops while everything else on its machine goes on writing: nothing
//! but proof keeps the other node from writing at the same time. With proof it waits for the
//! watchdog; a build that takes over without proof is caught by the referee.

use diarch_qemu_tests::pair::{Pair, Setup};
use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::{TAKEOVER_MAX, expect};
use diarch_qemu_tests::trouble::Trouble;

/// Long enough for a takeover without proof to be over before the watchdog fires, under emulation.
const BUDGET_S: u32 = 18;

fn setup(proof: bool) -> Setup {
    Setup { budget_s: BUDGET_S, proof, ..Setup::default() }
}

/// Stops the active node's guardian and waits until the other one serves; which one was active.
fn stuck(pair: &mut Pair) -> Result<usize, Trouble> {
    let active = pair.settle()?;
    let from = pair.journal.len();
    let at = pair.stop_guardian(active)?;
    let took = pair.wait_served_by(1 - active, at, TAKEOVER_MAX)?;
    let budget = format!("with a budget of {BUDGET_S} s");
    say(&format!(
        "number: guardian stuck, {budget}, fault to service: {:.3} s",
        took.as_secs_f64()
    ));
    let reset = pair.wait_event(active, from, "RESET", TAKEOVER_MAX)?;
    let gone = reset.at.saturating_duration_since(at).as_secs_f64();
    say(&format!("number: guardian stuck, {budget}, fault to reset: {gone:.3} s"));
    Ok(active)
}

#[test]
fn a_node_whose_guardian_is_stuck_is_reset_before_the_other_one_writes() {
    scenario::run_with("guardian-stuck", setup(true), |pair| {
        stuck(pair)?;
        pair.rejoin()
    });
}

#[test]
fn a_build_that_takes_over_without_proof_is_caught() {
    scenario::run_with("without-proof", setup(false), |pair| {
        let active = stuck(pair)?;
        let caught = pair.judge().violations;
        expect(!caught.is_empty(), "the referee catches a takeover without proof")?;
        let by = |machine| caught.iter().filter(|write| write.machine == machine).count();
        say(&format!(
            "referee: caught {} writes by the old owner and {} by the new one",
            by(active),
            by(1 - active)
        ));
        Ok(())
    });
}
