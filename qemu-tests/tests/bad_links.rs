//! Links that are bad but not gone, and clocks that jump: nobody is reset for it. Only when one
//! direction of both links is gone, one node ends, and the other one serves.

use diarch_qemu_tests::pair::{NAMES, Pair};
use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::{LONGEST_HICCUP, TAKEOVER_MAX, expect};
use diarch_qemu_tests::trouble::Trouble;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The loss on each of two links that a pair lives with, in percent.
const LOSS_PERCENT: u8 = 30;
const LOSSY_FOR: Duration = Duration::from_secs(30);
/// Shorter than the detection time of the rig's budget.
const FLAP: Duration = Duration::from_millis(400);
const FLAPS: u32 = 40;
/// The memory that a guardian may have more after the flaps, in KiB: pages that it had not touched.
const GROWTH_MAX_KIB: u64 = 64;

#[test]
fn bad_links_and_wrong_clocks_are_survived_and_a_link_that_only_hears_is_not_taken_for_whole() {
    scenario::run("bad-links", |pair| {
        let active = pair.settle()?;
        let from = pair.journal.len();
        let at = Instant::now();
        one_way(pair)?;
        lossy_under_load(pair, active)?;
        flapping(pair, active)?;
        clock_steps(pair)?;
        expect(pair.resets(0, from) + pair.resets(1, from) == 0, "nobody is reset")?;
        expect(pair.server()? == active, "the service stays where it is")?;
        expect(pair.longest_hiccup(at) < LONGEST_HICCUP * 2, "the service goes on")?;
        deaf(pair, active)
    });
}

/// One link carries nothing in one direction: both nodes report it, and its end.
fn one_way(pair: &Pair) -> Result<(), Trouble> {
    for sender in 0..2 {
        let from = pair.journal.len();
        pair.wires[0].lose(sender, 100);
        for machine in 0..2 {
            pair.wait_timeline(machine, from, "link-down", Duration::from_secs(10))?;
        }
        pair.wires[0].lose(sender, 0);
        for machine in 0..2 {
            pair.wait_timeline(machine, from, "link-up", Duration::from_secs(10))?;
        }
    }
    Ok(())
}

/// Both links lose frames in both directions while the active node's processor has no rest.
fn lossy_under_load(pair: &mut Pair, active: usize) -> Result<(), Trouble> {
    let lose = |pair: &Pair, percent| {
        for wire in &pair.wires {
            (0..2).for_each(|sender| wire.lose(sender, percent));
        }
    };
    pair.must(active, "(for i in 1 2 3; do timeout 30 sh -c 'while :; do :; done' & done) &")?;
    lose(pair, LOSS_PERCENT);
    sleep(LOSSY_FOR);
    lose(pair, 0);
    Ok(())
}

/// Both links are gone again and again for a moment.
fn flapping(pair: &mut Pair, active: usize) -> Result<(), Trouble> {
    let before = [resident_kib(pair, 0)?, resident_kib(pair, 1)?];
    for _ in 0..FLAPS {
        for percent in [100, 0] {
            for wire in &pair.wires {
                wire.lose(active, percent);
            }
            sleep(FLAP);
        }
    }
    for machine in 0..2 {
        let after = resident_kib(pair, machine)?;
        say(&format!(
            "number: {} guardian: {} KiB resident, after {FLAPS} flaps {after} KiB",
            NAMES[machine], before[machine]
        ));
        let bound = format!("the guardian of {} does not grow", NAMES[machine]);
        expect(after <= before[machine] + GROWTH_MAX_KIB, &bound)?;
    }
    Ok(())
}

fn resident_kib(pair: &mut Pair, machine: usize) -> Result<u64, Trouble> {
    let guardian = pair.processes(machine, "run")?;
    let guardian = guardian.split_whitespace().next().unwrap_or_default();
    let status = pair.must(machine, &format!("cat /proc/{guardian}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| Trouble::Wrong(format!("no VmRSS of {guardian}")))
}

/// The wall clock jumps by an hour, on one node after the other, there and back.
fn clock_steps(pair: &mut Pair) -> Result<(), Trouble> {
    for machine in 0..2 {
        for sign in ["+", "-"] {
            pair.must(machine, &format!("date -s @$(($(date +%s) {sign} 3600))"))?;
            sleep(Duration::from_secs(2));
        }
    }
    Ok(())
}

/// The passive node hears the active one on both links and is not heard itself.
fn deaf(pair: &mut Pair, active: usize) -> Result<(), Trouble> {
    let from = pair.journal.len();
    let at = Instant::now();
    for wire in &pair.wires {
        wire.lose(1 - active, 100);
    }
    let reset = pair.wait_any_reset(from, TAKEOVER_MAX)?;
    let survivor = 1 - reset;
    let gone = Instant::now();
    let since = if survivor == active { gone } else { at };
    let took = pair.wait_served_by(survivor, since, TAKEOVER_MAX)?;
    say(&format!(
        "number: both links deaf on one side, {} survived, fault to service: {:.3} s",
        NAMES[survivor],
        took.as_secs_f64()
    ));
    sleep(Duration::from_secs(5));
    expect(pair.resets(survivor, from) == 0, "the survivor is not reset")?;
    for wire in &pair.wires {
        wire.lose(1 - active, 0);
    }
    pair.rejoin()
}
