//! Runs seeds: `cargo run -p diarch-sim -- --seeds N [--first S]`; one seed with its story:
//! `cargo run -p diarch-sim -- --seed S`.
#![expect(clippy::print_stdout, reason = "a command line program prints")]

use diarch_cluster::guardian::Mutation;
use diarch_sim::run::{HEALING, Outcome, TROUBLE, mixed};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    if let Some(seed) = value("--seed") {
        let outcome = mixed(seed, Mutation::None, true);
        for line in &outcome.story {
            println!("{line}");
        }
        return report_one(seed, &outcome);
    }
    let (first, count) = (value("--first").unwrap_or(0), value("--seeds").unwrap_or(1000));
    let mut failovers = Vec::new();
    let (mut faults, mut ended) = (0, 0);
    for seed in first..first + count {
        let outcome = mixed(seed, Mutation::None, false);
        faults += outcome.figures.faults;
        ended += outcome.figures.ended;
        failovers.extend(&outcome.figures.failovers_us);
        if outcome.violation.is_some() {
            return report_one(seed, &outcome);
        }
    }
    failovers.sort_unstable();
    let hours = count * (TROUBLE + HEALING).as_secs() / 3600;
    println!("{count} seeds from {first}: {hours} hours, {faults} faults, {ended} nodes ended");
    let at = |part: usize| failovers.get(failovers.len().saturating_sub(1) * part / 100);
    for part in [0, 50, 90, 99, 100] {
        let ms = at(part).copied().unwrap_or(0) / 1000;
        println!("service moved within {ms} ms in {part} % of {} moves", failovers.len());
    }
    ExitCode::SUCCESS
}

fn report_one(seed: u64, outcome: &Outcome) -> ExitCode {
    match &outcome.violation {
        None => {
            println!("seed {seed}: every promise held");
            ExitCode::SUCCESS
        }
        Some(violation) => {
            println!("seed {seed}: {violation}");
            println!("replay: cargo run -p diarch-sim -- --seed {seed}");
            ExitCode::FAILURE
        }
    }
}
