//! Runs seeds: `cargo run --release -p diarch-sim -- --seeds N [--first S] [--threads T]`; one seed
//! with its story: `cargo run -p diarch-sim -- --seed S`. With `--broken RULE` a rule is left out
//! (`ClaimSkipped`, …), to see after how many seeds that is noticed.
//!
//! Each seed is a world of its own, so that seeds are run side by side; the last line printed sums
//! them up.
#![expect(clippy::print_stdout, reason = "a command line program prints")]
#![expect(clippy::disallowed_types, reason = "the time that a run took is part of its figures")]

use core::sync::atomic::{AtomicU64, Ordering};
use diarch_cluster::guardian::Mutation;
use diarch_sim::run::{HEALING, Outcome, TROUBLE, mixed, wide};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

/// Every rule that can be left out.
const BROKEN: [Mutation; 9] = [
    Mutation::ClaimSkipped,
    Mutation::ProofSkipped,
    Mutation::FeedWithoutHealth,
    Mutation::StaleBootAccepted,
    Mutation::QuarantineSkipped,
    Mutation::LeaseNotFrozen,
    Mutation::LeaseForgotten,
    Mutation::ClaimKeptWhenJoining,
    Mutation::PromiseBelieved,
];

/// What many runs come to.
#[derive(Debug, Default)]
struct Sum {
    seeds: u64,
    faults: u64,
    ended: u64,
    failovers_us: Vec<u64>,
    failovers_by: BTreeMap<&'static str, Vec<u64>>,
    /// The first seed that broke a promise.
    broken: Option<(u64, Outcome)>,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.faults += other.faults;
        self.ended += other.ended;
        self.failovers_us.extend(other.failovers_us);
        for (why, times) in other.failovers_by {
            self.failovers_by.entry(why).or_default().extend(times);
        }
        let earlier =
            |(seed, _): &(u64, Outcome)| self.broken.as_ref().is_none_or(|(first, _)| seed < first);
        if other.broken.as_ref().is_some_and(earlier) {
            self.broken = other.broken;
        }
    }

    fn print(&mut self, first: u64, seconds: f64) {
        for (why, times) in &mut self.failovers_by {
            times.sort_unstable();
            let at = |part| at_percent(times, part);
            let (least, median, most) = (at(0), at(50), at(100));
            println!(
                "failovers, {why}: {}, min {least} ms, median {median} ms, max {most} ms",
                times.len()
            );
        }
        self.failovers_us.sort_unstable();
        let at = |part| at_percent(&self.failovers_us, part);
        let hours = self.seeds * (TROUBLE + HEALING).as_secs() / 3600;
        let rate = self.seeds as f64 / seconds.max(0.001);
        println!(
            "{} seeds from {first}: {hours} simulated hours, {} faults, {} nodes ended, {rate:.0} \
             seeds/s; {} failovers: min {} ms, median {} ms, p95 {} ms, max {} ms",
            self.seeds,
            self.faults,
            self.ended,
            self.failovers_us.len(),
            at(0),
            at(50),
            at(95),
            at(100)
        );
    }
}

/// The scenario asked for: `--wide` adds faults.
fn scenario(seed: u64, mutation: Mutation, verbose: bool) -> Outcome {
    let run = if std::env::args().any(|argument| argument == "--wide") { wide } else { mixed };
    run(seed, mutation, verbose)
}

/// That percentile of sorted microseconds, in milliseconds.
fn at_percent(sorted: &[u64], percent: usize) -> u64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(0) / 1000
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let rule = arguments.iter().skip_while(|argument| *argument != "--broken").nth(1);
    let named = |mutation: &Mutation| rule.is_some_and(|rule| *rule == format!("{mutation:?}"));
    let mutation = BROKEN.into_iter().find(named).unwrap_or_default();
    if let Some(seed) = value("--seed") {
        let outcome = scenario(seed, mutation, true);
        for line in &outcome.story {
            println!("{line}");
        }
        return report_one(seed, &outcome);
    }
    let (first, count) = (value("--first").unwrap_or(0), value("--seeds").unwrap_or(1000));
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let threads = value("--threads").unwrap_or(cores).max(1);
    let started = Instant::now();
    let mut sum = run_all(mutation, first, first.saturating_add(count), threads);
    if let Some((seed, outcome)) = &sum.broken {
        return report_one(*seed, outcome);
    }
    sum.print(first, started.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

/// Runs the seeds from `first` up to `end`, until one breaks a promise.
fn run_all(mutation: Mutation, first: u64, end: u64, threads: u64) -> Sum {
    let next = AtomicU64::new(first);
    let work = || {
        let mut sum = Sum::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return sum;
            }
            let outcome = scenario(seed, mutation, false);
            sum.seeds += 1;
            sum.faults += outcome.figures.faults;
            sum.ended += outcome.figures.ended;
            sum.failovers_us.extend(&outcome.figures.failovers_us);
            for (why, times) in &outcome.figures.failovers_by {
                sum.failovers_by.entry(why).or_default().extend(times);
            }
            if outcome.violation.is_some() {
                // The others finish the seeds before this one.
                next.store(end, Ordering::Relaxed);
                sum.broken = Some((seed, outcome));
                return sum;
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut sum = Sum::default();
        for worker in workers {
            match worker.join() {
                Ok(part) => sum.add(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        sum
    })
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
