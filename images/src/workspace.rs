//! Where things are: the workspace, what cargo builds, what the image builder makes.

use crate::command;
use crate::failure::Failure;
use crate::say;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The one target that everything is built for; `.cargo/config.toml` names it, too.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's output directory.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where the image and what it is made of lie.
pub(crate) fn image() -> PathBuf {
    target().join("image")
}

/// A `cargo` command in the workspace's root, free of what the outer cargo has set.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root());
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "RUSTFLAGS"] {
        cargo.env_remove(name);
    }
    cargo
}

/// Builds the static release executable.
///
/// # Errors
/// If it does not build.
pub(crate) fn build_executable() -> Result<PathBuf, Failure> {
    let ended = command::run(
        "building the executable",
        cargo().args(["build", "--release", "-p", "diarch", "--bin", "diarch"]),
    )?;
    let path = built("release");
    let meta = std::fs::metadata(&path).map_err(|source| Failure::file(&path, source))?;
    say::line(format!(
        "executable: {} static, stripped, built in {}",
        say::size(meta.len()),
        say::duration(ended.took)
    ));
    Ok(path)
}

/// Builds the executable that takes over without proof, for testing the referees.
///
/// # Errors
/// If it does not build.
pub(crate) fn build_executable_without_proof() -> Result<PathBuf, Failure> {
    command::run(
        "building the executable that takes over without proof",
        cargo()
            .args(["build", "--profile", "broken", "--features", "without-proof"])
            .args(["-p", "diarch", "--bin", "diarch"]),
    )?;
    Ok(built("broken"))
}

/// The executable that a profile makes.
fn built(profile: &str) -> PathBuf {
    target().join(TARGET).join(profile).join("diarch")
}
