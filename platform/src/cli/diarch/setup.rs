//! `diarch setup`: the settings and the key of a new pair, the same files for both nodes.

use crate::cli::exit::Exit;
use crate::config::{self, KEY_NAME, SOFTWARE};
use crate::console::{complain, say};
use clap::{Arg, ArgAction, ArgMatches, Command};
use diarch_watchdog::linux::{SYSFS, discover};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// What the settings are called in their folder.
const NAME: &str = "diarch.toml";

const LINK_HELP: &str = "A link: an interface as in eth1, or NODE=eth1,NODE=eth2; \
                         udp:NODE=ADDRESS:PORT,NODE=ADDRESS:PORT where it is routed; \
                         serial:/dev/ttyS1 for heartbeats only";

/// Writes a new pair's files; those that exist are never touched.
pub(in crate::cli) fn main(arguments: &[String]) -> Exit {
    let options = match super::options(command(), arguments) {
        Ok(options) => options,
        Err(exit) => return exit,
    };
    let folder = Path::new(one(&options, "output").unwrap_or("/etc/diarch"));
    match write(&options, folder) {
        Ok(text) => say(&text),
        Err(problem) => {
            complain(&problem);
            Exit::Config
        }
    }
}

fn command() -> Command {
    let one = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let many = |name, value, help| one(name, value, help).action(ArgAction::Append);
    Command::new("diarch setup")
        .about("Writes the settings and the key of a new pair, the same files for both nodes")
        .arg(one("output", "FOLDER", "Where to write them").default_value("/etc/diarch"))
        .arg(one("cluster", "NAME", "What the pair is called").default_value("pair"))
        .arg(many("node", "NAME", "A node's host name; give both").required(true))
        .arg(many("link", "LINK", LINK_HELP).required(true))
        .arg(many("disk", "DEVICE", "A shared disk of a few megabytes, for SBD: none, 1 or 3"))
        .arg(one("watchdog", "DEVICE", "What resets this machine; found if there is one"))
        .arg(one("budget", "TIME", "From a fault to the takeover, at most; 3s unless named"))
}

fn one<'a>(options: &'a ArgMatches, name: &str) -> Option<&'a str> {
    options.get_one::<String>(name).map(String::as_str)
}

fn many<'a>(options: &'a ArgMatches, name: &str) -> impl Iterator<Item = &'a str> {
    options.get_many::<String>(name).into_iter().flatten().map(String::as_str)
}

fn write(options: &ArgMatches, folder: &Path) -> Result<String, String> {
    let text = settings(options)?;
    let (file, key) = (folder.join(NAME), folder.join(KEY_NAME));
    for path in [&file, &key] {
        if path.exists() {
            let shown = path.display();
            return Err(format!("{shown}: exists; move it away first if the pair is a new one"));
        }
    }
    for node in many(options, "node") {
        config::rehearse(&file, &text, node).map_err(|error| error.to_string())?;
    }
    let cannot = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
    config::write_key(&key).map_err(|error| cannot(&key, error))?;
    let made = fs::File::create_new(&file)
        .and_then(|mut made| made.write_all(text.as_bytes()).and_then(|()| made.sync_all()));
    made.map_err(|error| cannot(&file, error))?;
    let mut next = format!(
        "wrote {} and {}\nnext: copy both files to the same place on the other node, \
         the key readable by root alone\n",
        file.display(),
        key.display()
    );
    for disk in many(options, "disk") {
        next.push_str(&format!("next: once, on one node: diarch sbd -d {disk} create\n"));
    }
    next.push_str("next: on each node: diarch check, then diarch run\n");
    Ok(next)
}

/// The text of the settings.
fn settings(options: &ArgMatches) -> Result<String, String> {
    let mut text = String::from(
        "# The pair's settings: the same file on both nodes, and the key beside it.\n\
         # `diarch check` says whether this machine can run as they say.\n\n",
    );
    let cluster = one(options, "cluster").unwrap_or("pair");
    let mut line =
        |words: std::fmt::Arguments<'_>| text.write_fmt(words).map_err(|error| error.to_string());
    line(format_args!("[cluster]\nname = {cluster:?}\n"))?;
    if let Some(budget) = one(options, "budget") {
        line(format_args!("failover_budget = {budget:?}\n"))?;
    }
    for node in many(options, "node") {
        line(format_args!("\n[[node]]\nname = {node:?}\n"))?;
    }
    for link in many(options, "link") {
        line(format_args!("\n[[link]]\n{}\n", link_line(link)))?;
    }
    for disk in many(options, "disk") {
        line(format_args!("\n[[disk]]\npath = {disk:?}\n"))?;
    }
    let watchdog = match one(options, "watchdog") {
        Some(device) => device.to_owned(),
        None => found_watchdog()?,
    };
    line(format_args!("\n[watchdog]\ndevice = {watchdog:?}\n"))?;
    if watchdog == SOFTWARE {
        line(format_args!("# UNSAFE: for test rigs only.\n"))?;
    }
    Ok(text)
}

/// `eth1`, `node-a=eth1,node-b=eth2`, or the same after `udp:` or `serial:`, as in the settings.
fn link_line(link: &str) -> String {
    let (key, ends) = match link.split_once(':') {
        Some(("udp", ends)) => ("udp", ends),
        Some(("serial", ends)) => ("serial", ends),
        Some(_) | None => ("interface", link),
    };
    if !ends.contains('=') {
        return format!("{key} = {ends:?}");
    }
    let sides = ends.split(',').map(|side| {
        let (node, name) = side.split_once('=').unwrap_or((side, ""));
        format!("{node:?} = {name:?}")
    });
    format!("{key} = {{ {} }}", sides.collect::<Vec<_>>().join(", "))
}

fn found_watchdog() -> Result<String, String> {
    let found = discover(Path::new(SYSFS), Path::new("/dev"));
    let best = found.iter().find(|watchdog| !watchdog.is_software());
    best.map(|watchdog| watchdog.device.display().to_string()).ok_or_else(|| {
        "this machine has no watchdog: load the board's driver and name its device with --watchdog"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str], folder: &Path) -> Result<String, String> {
        let words = ["diarch setup"].iter().chain(arguments);
        write(&command().try_get_matches_from(words).unwrap(), folder)
    }

    const PAIR: [&str; 12] = [
        "--node",
        "a",
        "--node",
        "b",
        "--link",
        "a=eth1,b=eth2",
        "--link",
        "udp:a=192.0.2.1:5405,b=192.0.2.2:5405",
        "--link",
        "serial:/dev/ttyS1",
        "--watchdog",
        "/dev/watchdog0",
    ];

    #[test]
    fn what_it_writes_is_what_it_reads_on_both_nodes_and_never_overwritten() {
        let folder = std::env::temp_dir().join(format!("diarch-setup-{}", std::process::id()));
        run(&PAIR, &folder).unwrap();
        let file = folder.join(NAME);
        for (node, links) in [
            ("a", ["eth1", "udp:192.0.2.2:5405", "ttyS1"]),
            ("b", ["eth2", "udp:192.0.2.1:5405", "ttyS1"]),
        ] {
            let found = config::load(&file, node).unwrap().links;
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), links);
        }
        let before = fs::read(folder.join(KEY_NAME)).unwrap();
        assert!(run(&PAIR, &folder).unwrap_err().contains("diarch.toml: exists"));
        assert_eq!(fs::read(folder.join(KEY_NAME)).unwrap(), before);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn unsound_settings_are_refused_before_anything_is_written() {
        let folder = std::env::temp_dir().join(format!("diarch-unsound-{}", std::process::id()));
        let error = run(&[&PAIR[..], &["--budget", "1s"]].concat(), &folder).unwrap_err();
        assert!(error.contains("raise it to at least"), "{error}");
        assert!(!folder.exists());
    }
}
