//! One run of the mixed scenario from one seed.

use crate::checker::Violation;
use crate::fault::{Fault, draw};
use crate::rng::Rng;
use crate::world::{Figures, Setup, World};
use core::time::Duration;
use diarch_cluster::config::NodeIndex;
use diarch_cluster::guardian::Mutation;

/// For how long faults are injected.
pub const TROUBLE: Duration = Duration::from_secs(60);
/// How long a pair may take to run everything after the last fault.
pub const HEALING: Duration = Duration::from_secs(45);

/// In each so many-th run the pair's key is exchanged meanwhile.
const KEYS_EVERY: u64 = 3;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The promise that was broken, if any.
    pub violation: Option<Violation>,
    /// Its figures.
    pub figures: Figures,
    /// Its story, if it was to be told.
    pub story: Vec<String>,
}

/// Runs the mixed scenario.
#[must_use]
pub fn mixed(seed: u64, mutation: Mutation, verbose: bool) -> Outcome {
    run(seed, mutation, verbose, false)
}

/// Runs the mixed scenario with lost writes, BMCs that fail, and boots in either order.
#[must_use]
pub fn wide(seed: u64, mutation: Mutation, verbose: bool) -> Outcome {
    run(seed, mutation, verbose, true)
}

fn run(seed: u64, mutation: Mutation, verbose: bool, wide: bool) -> Outcome {
    let disks = 1 + usize::try_from(seed % 3).unwrap_or(0);
    let power_switch = seed.is_multiple_of(if wide { 2 } else { 4 });
    let setup = Setup { seed, links: 2, disks, power_switch, mutation, verbose };
    let mut world = World::new(setup);
    let (first, most) = if wide { boots(world.rng()) } else { (NodeIndex::First, 6000) };
    let skew = world.rng().between(Duration::ZERO, Duration::from_millis(most));
    world.power_up(first, Duration::from_millis(10));
    world.power_up(first.other(), skew);
    let count = 1 + world.rng().below(12);
    for _ in 0..count {
        let at = world.rng().between(Duration::from_secs(2), TROUBLE);
        let fault = draw(world.rng(), 2, disks, wide);
        world.inject(fault, at);
    }
    if seed.is_multiple_of(KEYS_EVERY) {
        // Of its own chance, so that every other seed stays what it was.
        world.exchange_keys(&mut Rng::new(!seed), TROUBLE);
    }
    world.inject(Fault::HealAll, TROUBLE + Duration::from_millis(1));
    world.run_for(TROUBLE + HEALING);
    if world.checker.violation.is_none() {
        world.check_healed();
    }
    Outcome {
        violation: world.checker.violation.clone(),
        figures: world.figures.clone(),
        story: core::mem::take(&mut world.story),
    }
}

/// Which node boots first, and how many milliseconds later the other does at most: at once, soon,
/// or when the first has long started alone.
fn boots(rng: &mut Rng) -> (NodeIndex, u64) {
    let first = if rng.happens(500) { NodeIndex::First } else { NodeIndex::Second };
    (first, [20, 6000, 40_000][usize::try_from(rng.below(3)).unwrap_or(0)])
}
