//! The fuzz targets in `fuzz/`: built with the compiler's own coverage counters, which need no
//! other toolchain than everything else, and run for a bounded number of inputs.

use crate::command;
use crate::failure::Failure;
use crate::workspace;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// One target and how much of it is enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: &'static str,
    /// How many inputs it is given; some ten seconds' worth.
    pub(crate) runs: u32,
    /// The longest input, in bytes: what the target still has a use for.
    pub(crate) longest: u32,
}

/// Every target.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "cib", runs: 300_000, longest: 4096 },
    Target { name: "decide", runs: 400, longest: 64 },
    Target { name: "guardian", runs: 20_000, longest: 512 },
    Target { name: "language", runs: 10_000, longest: 160 },
    Target { name: "managers", runs: 30_000, longest: 1024 },
    Target { name: "power", runs: 200_000, longest: 1024 },
    Target { name: "sbd", runs: 1_000_000, longest: 512 },
];

/// An input that takes longer than this hangs, in seconds.
const INPUT_MAX_S: u32 = 120;
/// The most memory that a target may use, in MiB.
const MEMORY_MAX_MIB: u32 = 1024;

/// What libFuzzer counts with; these stand in the place of the workspace's own flags.
const FLAGS: &str = "--cfg fuzzing -Ccodegen-units=4 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

fn folder() -> PathBuf {
    workspace::target().join("fuzz")
}

/// Builds every target.
///
/// # Errors
/// If they do not build.
pub(crate) fn build() -> Result<(), Failure> {
    let mut cargo = workspace::cargo();
    cargo.current_dir(workspace::root().join("fuzz"));
    cargo.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", folder());
    cargo.args(["build", "--release", "--locked"]);
    command::run("building the fuzz targets", &mut cargo).map(drop)
}

/// The command that gives `target` its inputs, the same ones every time. What makes it fail
/// is kept in the folder that `-artifact_prefix` names.
///
/// # Errors
/// If the folders for what it finds cannot be made.
pub(crate) fn command(target: Target) -> Result<Command, Failure> {
    let found = folder().join("found").join(target.name);
    // Inputs worth keeping are written to the first folder named: an empty one of its own.
    let corpus = folder().join("corpus").join(target.name);
    if corpus.exists() {
        fs::remove_dir_all(&corpus).map_err(|source| Failure::file(&corpus, source))?;
    }
    for path in [&found, &corpus] {
        fs::create_dir_all(path).map_err(|source| Failure::file(path, source))?;
    }
    let program = folder().join(workspace::TARGET).join("release").join(target.name);
    let mut command = Command::new(program);
    command.arg("-seed=1").arg(format!("-runs={}", target.runs));
    command.arg("-len_control=0").arg(format!("-max_len={}", target.longest));
    command.arg(format!("-timeout={INPUT_MAX_S}"));
    command.arg(format!("-rss_limit_mb={MEMORY_MAX_MIB}"));
    command.arg(format!("-artifact_prefix={}/", found.display()));
    command.arg(&corpus);
    if target.name == "cib" {
        command.arg(workspace::root().join("images/examples"));
    }
    Ok(command)
}
