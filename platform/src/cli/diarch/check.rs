//! `diarch check`: whether this machine can run as its settings say. Changes and arms nothing.

use super::run::missing;
use crate::cli::exit::Exit;
use crate::config::{self, PATH, Settings, WatchdogSettings};
use crate::console::{complain, say};
use clap::{Arg, Command};
use diarch_watchdog::disk::{Disk, SectorBuffer};
use diarch_watchdog::linux::{SYSFS, discover};
use diarch_watchdog::sbd::header;
use std::path::Path;

/// Checks the settings and everything that they name.
pub(in crate::cli) fn main(arguments: &[String]) -> Exit {
    let command = Command::new("diarch check")
        .about("Says whether this machine can run as its settings say; changes nothing")
        .arg(Arg::new("file").help("The settings to check").default_value(PATH));
    let options = match super::options(command, arguments) {
        Ok(options) => options,
        Err(exit) => return exit,
    };
    let path = options.get_one::<String>("file").map_or(PATH, String::as_str);
    let settings = match config::load(Path::new(path), &config::host_name()) {
        Ok(settings) => settings,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Config;
        }
    };
    let problems = problems(&settings);
    for problem in &problems {
        complain(&format!("{path}: {problem}"));
    }
    if problems.is_empty() { say(&summary(&settings)) } else { Exit::Config }
}

fn problems(settings: &Settings) -> Vec<String> {
    let mut found = Vec::new();
    for (number, link) in (1..).zip(&settings.links) {
        if let Some(problem) = missing(link) {
            found.push(format!("[[link]] {number}, {problem}"));
        }
    }
    for (number, disk) in (1..).zip(&settings.disks) {
        let shown = disk.path.display();
        let sound = Disk::open(&disk.path, disk.file_sector)
            .map_err(|error| format!("'{shown}' cannot be used ({error}); correct the path"))
            .and_then(|disk| {
                let mut buffer = SectorBuffer::new();
                let size = disk.sector_size();
                let sector = disk.read(0, &mut buffer);
                let sector =
                    sector.map_err(|error| format!("'{shown}' cannot be read: {error}"))?;
                header::Header::parse(sector, size).map(drop).map_err(|_| {
                    format!(
                        "'{shown}' is no SBD disk; if it is the right one: `sbd -d {shown} create`"
                    )
                })
            });
        if let Err(problem) = sound {
            found.push(format!("[[disk]] {number}, path: {problem}"));
        }
    }
    if let WatchdogSettings::Device(path) = &settings.watchdog {
        let all = discover(Path::new(SYSFS), Path::new("/dev"));
        let other = all.iter().find(|found| !found.active).map_or_else(
            || "load the board's watchdog driver".to_owned(),
            |found| format!("there is {}", found.device.display()),
        );
        if !path.exists() {
            let shown = path.display();
            found.push(format!("[watchdog] device: '{shown}' does not exist; {other}"));
        } else if all.iter().any(|found| found.device == *path && found.active) {
            let shown = path.display();
            found.push(format!(
                "[watchdog] device: '{shown}' is in use; stop the daemon that holds it (if it is \
                 not this node's own guardian)"
            ));
        }
    }
    found
}

fn summary(settings: &Settings) -> String {
    let pair = &settings.pair;
    let [first, second] = &pair.nodes;
    let timing = &pair.timing;
    let own = &pair.nodes[pair.local.index()];
    let mut text = format!(
        "pair {} of {first} and {second}, this is {own}: {} link(s), {} disk(s)\n\
         silence is noticed after {:?}, the watchdog fires after {:?}, a takeover without any \
         other proof begins after {:?}\n",
        pair.cluster_name,
        settings.links.len(),
        settings.disks.len(),
        timing.detection,
        timing.watchdog,
        timing.death_wait(timing.watchdog),
    );
    if settings.disks.is_empty() {
        text.push_str("without a shared disk a split needs a power switch to be resolved\n");
    }
    if settings.watchdog == WatchdogSettings::Software {
        text.push_str("UNSAFE: the software watchdog is for test rigs and protects no data\n");
    }
    text
}
