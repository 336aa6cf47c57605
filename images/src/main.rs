//! The project's task runner: builds the image, runs the demo, verifies everything.
//!
//! Reached through the aliases in `.cargo/config.toml`: `cargo image`, `cargo demo`,
//! `cargo verify`, `cargo pair`.

mod command;
mod cpio;
mod demo;
mod failure;
mod fuzz;
mod image;
mod kernel;
mod modules;
mod packages;
mod pair;
mod rootfs;
mod say;
mod verify;
mod workspace;

use failure::Failure;
use std::process::ExitCode;

const HELP: &str = "\
The project's tasks. Run as root on Debian 12 or newer; what is missing is installed, named first.

  cargo demo                  two machines in QEMU, one survives the other (-- --help)
  cargo image                 build the static executable and the bootable image
  cargo verify [--quick]      run every check and test; --quick: those that need no machines
  cargo pair                  run two nodes in namespaces, inject every fault, print the times
  cargo TASK -- --help        this text
";

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    // `cargo demo -- --stay`: the aliases hold a `--` of their own, so this one arrives, too.
    if args.get(1).is_some_and(|arg| arg == "--") {
        args.remove(1);
    }
    let helps = |arg: &String| arg == "--help" || arg == "-h";
    if args.is_empty() || args.first().is_some_and(helps) || args.iter().all(helps) {
        say::line(HELP);
        return ExitCode::SUCCESS;
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::error(format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<(), Failure> {
    match args.first().map(String::as_str) {
        Some("image") => {
            let image = image::build()?;
            say::line(format!("in {}", image.folder.display()));
            Ok(())
        }
        Some("demo") => demo::run(&args[1..]),
        Some("verify") => match &args[1..] {
            [] => verify::verify(false),
            [flag] if flag == "--quick" => verify::verify(true),
            _ => Err(Failure::Usage("cargo verify takes --quick and nothing else".to_owned())),
        },
        Some("pair") => pair::task(&args[1..]),
        Some(other) => {
            Err(Failure::Usage(format!("there is no task {other}; see cargo image -- --help")))
        }
        None => Ok(()),
    }
}
