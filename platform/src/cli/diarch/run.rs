//! `diarch run`: the guardian, and under it the whole node.

use crate::cli::exit::Exit;
use crate::config::{self, LinkSettings, PATH, Settings};
use crate::console;
use crate::guardian;
use clap::Command;
use std::ffi::CString;
use std::net::UdpSocket;
use std::path::Path;

/// The lines on which the kernel speaks.
const CONSOLES: &str = "/sys/class/tty/console/active";

/// Runs this node until it has left.
pub(in crate::cli) fn main(arguments: &[String]) -> Exit {
    let command = Command::new("diarch run")
        .about("Runs this node until it has left the pair")
        .after_help("SIGTERM lets it leave; SIGHUP has it read the pair's keys anew.");
    if let Err(exit) = super::options(command, arguments) {
        return exit;
    }
    console::start_log("guardian");
    let settings = match config::load(Path::new(PATH), &config::host_name()) {
        Ok(settings) => settings,
        Err(error) => {
            log::error!("{error}");
            return Exit::Config;
        }
    };
    if !some_link_exists(&settings) {
        return Exit::Config;
    }
    match guardian::run(settings) {
        Ok(exit) => exit,
        Err(error) => {
            log::error!("{error}");
            Exit::OsErr
        }
    }
}

/// One missing link is a fault to live with, no link at all is a mistake in the settings.
fn some_link_exists(settings: &Settings) -> bool {
    let mut some = false;
    for (number, link) in (1..).zip(&settings.links) {
        match missing(link) {
            None => some = true,
            Some(problem) => log::error!("{PATH}: [[link]] {number}, {problem}"),
        }
        // An address may come later, when the network does.
        some |= matches!(link, LinkSettings::Udp { .. });
    }
    some
}

/// What a link runs on that this machine does not have at the moment.
pub(super) fn missing(link: &LinkSettings) -> Option<String> {
    match link {
        LinkSettings::Ethernet(name) => (!exists(name)).then(|| {
            format!("interface: this machine has no '{name}'; see `ip link` for those that it has")
        }),
        LinkSettings::Udp { local, .. } => UdpSocket::bind((local.ip(), 0)).err().map(|error| {
            let ip = local.ip();
            format!("udp: this machine has no address '{ip}' ({error}); see `ip address`")
        }),
        LinkSettings::Serial { path, .. } => missing_line(path),
    }
}

/// Why a serial line cannot carry heartbeats.
fn missing_line(path: &Path) -> Option<String> {
    let shown = path.display();
    if !path.exists() {
        return Some(format!("serial: this machine has no '{shown}'; see /dev/ttyS*"));
    }
    let consoles = std::fs::read_to_string(CONSOLES).unwrap_or_default();
    let name = path.file_name()?.to_str()?;
    consoles.split_whitespace().any(|console| console == name).then(|| {
        format!(
            "serial: '{shown}' is the kernel's console; take it out of the kernel's command line, \
             or name another line"
        )
    })
}

/// Whether this machine has an interface of that name.
fn exists(interface: &str) -> bool {
    let Ok(name) = CString::new(interface) else {
        return false;
    };
    // SAFETY: the name is a NUL-terminated string.
    unsafe { nix::libc::if_nametoindex(name.as_ptr()) != 0 }
}
