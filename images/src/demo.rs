//! `cargo demo`: prepares what the demo of two machines needs and hands over to it.

use crate::failure::Failure;
use crate::{command, image, packages, workspace};

/// Builds the image and runs the demo with `args`.
///
/// # Errors
/// If something cannot be built, or the demo did not end as it should.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    if !args.iter().any(|arg| arg == "--help" || arg == "-h") {
        packages::install(packages::FOR_MACHINES)?;
        image::build()?;
    }
    let mut build = workspace::cargo();
    build.args(["build", "-p", "diarch-qemu-tests", "--bin", "demo"]);
    command::run("building the rig", &mut build)?;
    let mut demo = workspace::cargo();
    demo.env("DIARCH_IMAGE", workspace::image());
    demo.args(["run", "--quiet", "-p", "diarch-qemu-tests", "--bin", "demo", "--"]).args(args);
    let shown = command::text(&demo);
    let status =
        demo.status().map_err(|source| Failure::Program { name: "cargo".to_owned(), source })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Status { command: shown, code: status.code() })
    }
}
