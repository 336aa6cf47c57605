//! `sbd`: the tool of that name over the watchdog crate; its disks are those of the real one.

use super::exit::Exit;
use diarch_watchdog::applet::{Streams, run};

/// Runs the tool with the arguments behind its name.
pub(super) fn main(arguments: &[String]) -> Exit {
    let mut streams = Streams {
        out: &mut std::io::stdout().lock(),
        err: &mut std::io::stderr().lock(),
        file_sector_size: None,
    };
    match run(arguments, &mut streams) {
        0 => Exit::Ok,
        _ => Exit::Error,
    }
}
