//! Runs everything that can tell whether the project holds, and counts.

use crate::command::{self, Ended, Show};
use crate::failure::Failure;
use crate::fuzz;
use crate::image;
use crate::packages;
use crate::say;
use crate::workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What the tests use beside what the image needs.
const FOR_TESTS: &[&str] = &["g++", "ipmitool", "openipmi", "sbd", "snmpd"];

/// The most that the executable may have, in bytes.
const EXECUTABLE_MAX: u64 = 6_000_000;
/// The most that the image without the kernel's modules may have, in bytes, packed.
const IMAGE_MAX: u64 = 24_000_000;

/// How many seeds the simulator plays.
const SEEDS: &str = "20000";

/// How much passed, failed, and was skipped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    /// Passed.
    pub(crate) passed: usize,
    /// Failed.
    pub(crate) failed: usize,
    /// Skipped, with a line that says why.
    pub(crate) skipped: usize,
}

impl Tally {
    const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// What a runner's lines say: those of Rust's test harness, or one `N passed, N failed, N
    /// skipped`. A test that said `skipped: …` has not passed, whatever the harness thinks.
    fn of(lines: &[String]) -> Self {
        let mut tally = Self::default();
        let mut said = 0;
        for line in lines {
            let line = line.trim();
            if line.starts_with("skipped: ") {
                said += 1;
            } else if line.starts_with("test result: ") || line.ends_with(" skipped") {
                tally.passed += number_before(line, " passed");
                tally.failed += number_before(line, " failed");
                tally.skipped += number_before(line, " ignored") + number_before(line, " skipped");
            }
        }
        tally.passed = tally.passed.saturating_sub(said);
        tally.skipped += said;
        tally
    }
}

fn number_before(line: &str, word: &str) -> usize {
    let Some((before, _)) = line.split_once(word) else {
        return 0;
    };
    let digits: String = before.chars().rev().take_while(char::is_ascii_digit).collect();
    let digits: String = digits.chars().rev().collect();
    digits.parse().unwrap_or(0)
}

/// Verifies everything, or with `quick` what needs no machines.
///
/// # Errors
/// If anything failed.
pub(crate) fn verify(quick: bool) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut total = Tally::default();
    let mut numbers = Vec::new();
    packages::install(packages::FOR_IMAGE)?;
    packages::install(FOR_TESTS)?;
    let formatted = step("formatting", workspace::cargo().args(["fmt", "--all", "--check"]));
    total.add(as_one(&formatted));
    let mut beside = workspace::cargo();
    beside.args(["fmt", "--check", "--manifest-path", "fuzz/Cargo.toml"]);
    total.add(as_one(&step("formatting of the fuzz targets", &mut beside)));
    let mut clippy = workspace::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    total.add(as_one(&step("clippy", &mut clippy)));
    total.add(tests(quick));
    total.add(simulator());
    total.add(fuzzing());
    match workspace::build_executable() {
        Ok(path) => total.add(bounded("executable", &[path], EXECUTABLE_MAX, &mut numbers)),
        Err(failure) => {
            say::error(format!("error: {failure}"));
            total.add(Tally::FAILED);
        }
    }
    if !quick {
        total.add(namespaces(&mut numbers));
        total.add(machines(&mut numbers));
    }
    say::line("== numbers");
    for line in numbers {
        say::line(line);
    }
    say::line(format!("verified in {}", say::duration(begun.elapsed())));
    let Tally { passed, failed, skipped } = total;
    say::line(format!("{passed} passed, {failed} failed, {skipped} skipped"));
    if failed == 0 { Ok(()) } else { Err(Failure::Checks(failed)) }
}

/// Runs one step and shows, when it has failed, how.
fn step(title: &str, command: &mut Command) -> Option<Ended> {
    say::line(format!("== {title}"));
    let ended = match command::watch(title, command, Show::Nothing) {
        Ok(ended) => ended,
        Err(failure) => {
            say::error(format!("error: {failure}"));
            return None;
        }
    };
    if !ended.status.success() {
        for line in why(&ended.lines) {
            say::line(line);
        }
    }
    for line in &ended.lines {
        let line = line.trim();
        let closes = line.starts_with("test result: ") && !line.contains(" 0 passed; 0 failed");
        let told = ["skipped: ", "scenario ", "number: ", "referee: ", "what was seen: "];
        if closes || told.iter().any(|word| line.starts_with(word)) {
            say::line(line);
        }
    }
    let how = if ended.status.success() { "passed" } else { "failed" };
    say::line(format!("{title}: {how} in {}", say::duration(ended.took)));
    Some(ended)
}

/// The lines that say why a step failed: around each complaint, and the last ones.
fn why(lines: &[String]) -> Vec<&String> {
    const COMPLAINTS: [&str; 4] = ["panicked at", "error: ", "error[", "Diff in "];
    let last = lines.len().saturating_sub(20);
    let mut until = 0;
    let mut chosen = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if COMPLAINTS.iter().any(|complaint| line.contains(complaint)) {
            until = number + 10;
        }
        if number < until || number >= last {
            chosen.push(line);
        }
    }
    chosen
}

/// A step that passes or fails as a whole.
fn as_one(ended: &Option<Ended>) -> Tally {
    match ended {
        Some(ended) if ended.status.success() => Tally::PASSED,
        Some(_) | None => Tally::FAILED,
    }
}

/// A step that counts for itself; if it failed without saying what, that is one failure.
fn counted(ended: &Option<Ended>) -> Tally {
    let Some(ended) = ended else {
        return Tally::FAILED;
    };
    let mut tally = Tally::of(&ended.lines);
    if !ended.status.success() && tally.failed == 0 {
        tally.failed = 1;
    }
    tally
}

fn tests(quick: bool) -> Tally {
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--workspace", "--no-fail-fast"]);
    if !quick {
        cargo.args(["--exclude", "diarch-qemu-tests"]);
    }
    cargo.args(["--", "--nocapture"]);
    let mut tally = counted(&step("tests", &mut cargo));
    if !quick {
        let mut cargo = workspace::cargo();
        cargo.args(["test", "-p", "diarch-qemu-tests", "--lib"]);
        tally.add(counted(&step("tests of the rig's parts", &mut cargo)));
    }
    tally
}

fn simulator() -> Tally {
    if !workspace::root().join("core/sim/src/main.rs").is_file() {
        say::line("skipped: the simulator: it cannot be run by itself yet");
        return Tally { skipped: 1, ..Tally::default() };
    }
    let mut tally = Tally::default();
    for (title, faults) in [("simulator", &[][..]), ("simulator, wide faults", &["--wide"][..])] {
        let mut cargo = workspace::cargo();
        cargo.args(["run", "--release", "-p", "diarch-sim", "--", "--seeds", SEEDS]).args(faults);
        let ended = step(title, &mut cargo);
        if let Some(last) = ended.as_ref().and_then(|ended| ended.lines.last()) {
            say::line(last);
        }
        tally.add(as_one(&ended));
    }
    tally
}

/// Every fuzz target, for a bounded number of inputs.
fn fuzzing() -> Tally {
    say::line("== fuzzing");
    if let Err(failure) = fuzz::build() {
        say::error(format!("error: {failure}"));
        return Tally::FAILED;
    }
    let mut tally = Tally::default();
    for target in fuzz::TARGETS {
        let ended = match fuzz::command(*target) {
            Ok(mut command) => step(&format!("fuzzing {}", target.name), &mut command),
            Err(failure) => {
                say::error(format!("error: {failure}"));
                None
            }
        };
        let said = ended.as_ref().into_iter().flat_map(|ended| &ended.lines);
        if let Some(done) = said.rev().find(|line| line.contains("DONE")) {
            say::line(done);
        }
        tally.add(as_one(&ended));
    }
    tally
}

/// The pair without emulation, through this same program.
fn namespaces(numbers: &mut Vec<String>) -> Tally {
    let Ok(task) = std::env::current_exe() else {
        return Tally::FAILED;
    };
    let title = "the pair in namespaces";
    say::line(format!("== {title}"));
    let ended = command::watch(title, Command::new(task).arg("pair"), Show::All);
    match ended {
        Ok(ended) => {
            let figure = |line: &&String| line.contains("min/median/max") || line.contains(" KiB ");
            numbers.extend(ended.lines.iter().filter(figure).cloned());
            counted(&Some(ended))
        }
        Err(failure) => {
            say::error(format!("error: {failure}"));
            Tally::FAILED
        }
    }
}

/// Every scenario on two machines, one file after the other.
fn machines(numbers: &mut Vec<String>) -> Tally {
    say::line("== image");
    if let Err(failure) = packages::install(packages::FOR_MACHINES) {
        say::line(format!("skipped: two machines in QEMU: {failure}"));
        return Tally { skipped: 1, ..Tally::default() };
    }
    let mut tally = Tally::default();
    let image = match image::build() {
        Ok(image) => image,
        Err(failure) => {
            say::error(format!("error: {failure}"));
            return Tally::FAILED;
        }
    };
    let part = |name| image.folder.join(name);
    numbers.push(size_of("kernel", &part("vmlinuz")));
    numbers.push(size_of("root file system, packed", &part("initrd.zst")));
    let without = [part("vmlinuz"), part("without-modules.zst")];
    let what = "image without the kernel's modules";
    tally.add(bounded(what, &without, IMAGE_MAX, numbers));
    if let Err(failure) = image::build_without_proof(&image) {
        say::error(format!("error: {failure}"));
        tally.add(Tally::FAILED);
    }
    for name in scenarios() {
        let mut cargo = workspace::cargo();
        cargo.env("DIARCH_MACHINES", "1").env("DIARCH_IMAGE", workspace::image());
        cargo.args(["test", "-p", "diarch-qemu-tests", "--test", &name]);
        cargo.args(["--", "--nocapture", "--test-threads=1"]);
        let ended = step(&format!("two machines: {name}"), &mut cargo);
        let said = ended.iter().flat_map(|ended| &ended.lines);
        numbers.extend(said.filter_map(|line| line.strip_prefix("number: ")).map(str::to_owned));
        tally.add(counted(&ended));
    }
    tally
}

/// The names of the scenario files.
fn scenarios() -> Vec<String> {
    let folder = workspace::root().join("qemu-tests/tests");
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_suffix(".rs").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

fn size_of(what: &str, path: &Path) -> String {
    match fs::metadata(path) {
        Ok(meta) => format!("{what}: {}", say::size(meta.len())),
        Err(error) => format!("{what}: unknown ({error})"),
    }
}

/// Whether `files` together have at most `max` bytes.
fn bounded(what: &str, files: &[PathBuf], max: u64, numbers: &mut Vec<String>) -> Tally {
    let sizes: Result<Vec<u64>, _> =
        files.iter().map(|file| fs::metadata(file).map(|meta| meta.len())).collect();
    let Ok(sizes) = sizes else {
        numbers.push(format!("{what}: not there"));
        return Tally::FAILED;
    };
    let size: u64 = sizes.iter().sum();
    numbers.push(format!("{what}: {} of at most {}", say::size(size), say::size(max)));
    if size <= max { Tally::PASSED } else { Tally::FAILED }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_test_that_said_skipped_has_not_passed() {
        let text = "skipped: no corpus\n\
                    test result: ok. 7 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!(Tally::of(&lines(text)), Tally { passed: 6, failed: 0, skipped: 2 });
    }

    #[test]
    fn a_closing_line_of_our_own_counts_as_it_says() {
        let tally = Tally::of(&lines("…\n12 passed, 1 failed, 2 skipped"));
        assert_eq!(tally, Tally { passed: 12, failed: 1, skipped: 2 });
    }
}
