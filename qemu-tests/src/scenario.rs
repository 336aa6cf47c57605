//! What every scenario does around its own story.

use crate::pair::{Load, Pair, Setup};
use crate::trouble::Trouble;
use std::io::Write as _;
use std::time::Instant;

/// Prints a line at once, past the test harness's capture.
pub fn say(text: &str) {
    let mut out = std::io::stderr().lock();
    // A closed terminal stops no scenario.
    writeln!(out, "{text}").ok();
}

/// Runs the scenario `title` on a fresh rig with both machines off.
///
/// It is skipped, aloud, where machines were not asked for (`DIARCH_MACHINES=1`) or cannot be run.
/// What is left of a rig that failed stays where the message says.
///
/// # Panics
/// If the scenario found something wrong.
pub fn run(title: &str, story: impl FnOnce(&mut Pair) -> Result<(), Trouble>) {
    run_with(title, Setup::default(), story);
}

/// As [`run`], on machines that run no cluster.
///
/// # Panics
/// If the scenario found something wrong.
pub fn run_bare(title: &str, story: impl FnOnce(&mut Pair) -> Result<(), Trouble>) {
    run_with(title, Setup { load: Load::Nothing, ..Setup::default() }, story);
}

/// As [`run`], on a rig of its own making.
///
/// # Panics
/// If the scenario found something wrong.
pub fn run_with(title: &str, setup: Setup, story: impl FnOnce(&mut Pair) -> Result<(), Trouble>) {
    if std::env::var_os("DIARCH_MACHINES").is_none() {
        say(&format!("skipped: {title}: machines were not asked for (DIARCH_MACHINES=1)"));
        return;
    }
    let begun = Instant::now();
    let outcome = Pair::build(title, setup).and_then(|mut pair| match story(&mut pair) {
        Ok(()) => {
            pair.remove();
            Ok(())
        }
        Err(trouble) => {
            say(&format!("what was seen: {}", pair.folder().display()));
            Err(trouble)
        }
    });
    let took = begun.elapsed().as_secs_f64();
    match outcome {
        Ok(()) => say(&format!("scenario {title}: passed in {took:.1} s")),
        Err(trouble @ Trouble::Skipped(_)) => say(&format!("{trouble}: {title}")),
        Err(trouble) => {
            say(&format!("scenario {title}: failed after {took:.1} s"));
            #[expect(clippy::panic, reason = "this is how a test fails")]
            {
                panic!("{title}: {trouble}");
            }
        }
    }
}
