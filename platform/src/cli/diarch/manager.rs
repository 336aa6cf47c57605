//! `diarch manager`: the upper half; the guardian starts it, and nobody else.

use crate::cli::exit::Exit;
use crate::config::{self, PATH};
use crate::{console, manager};
use diarch_cluster::view::BootId;
use std::path::Path;

/// Runs the manager of the boot that the guardian names.
pub(in crate::cli) fn main(arguments: &[String]) -> Exit {
    let boot = match arguments {
        [boot] => u64::from_str_radix(boot, 16).ok().map(BootId),
        _ => None,
    };
    let Some(boot) = boot.filter(|_| stdin_is_socket()) else {
        console::complain("diarch manager: the guardian starts it; start `diarch run` instead");
        return Exit::Usage;
    };
    console::start_log("manager");
    let settings = match config::load(Path::new(PATH), &config::host_name()) {
        Ok(settings) => settings,
        Err(error) => {
            log::error!("{error}");
            return Exit::Config;
        }
    };
    match manager::run(settings, boot) {
        Ok(exit) => exit,
        Err(error) => {
            log::error!("{error}");
            Exit::OsErr
        }
    }
}

fn stdin_is_socket() -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    std::fs::metadata("/proc/self/fd/0").is_ok_and(|found| found.file_type().is_socket())
}
