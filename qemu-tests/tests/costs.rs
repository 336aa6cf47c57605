//! What an idle pair costs: memory, threads and wake-ups of both daemons, with the storage service
//! running. The bounds are those of the design; emulation changes none of these numbers.

use diarch_qemu_tests::pair::{NAMES, Pair};
use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::expect;
use diarch_qemu_tests::trouble::Trouble;
use std::time::Duration;

/// Resident memory of both daemons together, in KiB.
const RESIDENT_MAX_KIB: u64 = 16 * 1024;
/// How long wake-ups are counted.
const COUNT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    resident_kib: u64,
    threads: u64,
    switches: u64,
}

#[test]
fn an_idle_pair_costs_little() {
    scenario::run("costs", |pair| {
        pair.settle()?;
        pair.client.set_writing(false);
        for (machine, name) in NAMES.into_iter().enumerate() {
            let before = [cost(pair, machine, "run")?, cost(pair, machine, "manager")?];
            std::thread::sleep(COUNT);
            let after = [cost(pair, machine, "run")?, cost(pair, machine, "manager")?];
            let mut resident_kib = 0;
            for (what, (before, after)) in
                ["guardian", "manager"].into_iter().zip(before.into_iter().zip(after))
            {
                let wakeups = after.switches.saturating_sub(before.switches) / COUNT.as_secs();
                resident_kib += after.resident_kib;
                say(&format!(
                    "number: {name} {what}: {} KiB resident, {} threads, {wakeups} wake-ups/s",
                    after.resident_kib, after.threads
                ));
            }
            let bound = format!("both daemons of {name} stay below {RESIDENT_MAX_KIB} KiB");
            expect(resident_kib < RESIDENT_MAX_KIB, &bound)?;
        }
        pair.rejoin()
    });
}

/// What the processes with the argument `word` cost so far.
fn cost(pair: &mut Pair, machine: usize, word: &str) -> Result<Cost, Trouble> {
    let processes = pair.processes(machine, word)?;
    let mut cost = Cost::default();
    for process in processes.split_whitespace() {
        let status = pair.must(machine, &format!("cat /proc/{process}/task/*/status"))?;
        let numbers = |name: &str| -> Vec<u64> {
            let lines = status.lines().filter_map(|line| line.strip_prefix(name));
            lines.filter_map(|rest| rest.split_whitespace().next()?.parse().ok()).collect()
        };
        // Every thread shows the memory of the whole process.
        cost.resident_kib += numbers("VmRSS:").first().copied().unwrap_or(0);
        cost.threads += numbers("Threads:").first().copied().unwrap_or(0);
        cost.switches += numbers("voluntary_ctxt_switches:").iter().sum::<u64>();
    }
    Ok(cost)
}
