//! `/etc/diarch/diarch.toml`: the pair's settings, read and checked as a whole.
//!
//! The file and the key beside it are the same on both nodes; which of the two a node is follows
//! from its host name. Nothing is used before everything is found to be sound.

mod file;
mod key;
mod links;

pub(crate) use key::{Keys, NAME as KEY_NAME, read as read_keys, write_new as write_key};
pub(crate) use links::{LinkSettings, MANAGER_PORT_AFTER};

use core::time::Duration;
use diarch_cluster::config::{DISKS_MAX, Key, NAME_MAX, NodeIndex, NodeName, PairConfig};
use diarch_cluster::timing::{BUDGET_DEFAULT, Timing};
use diarch_watchdog::disk::Disk;
use file::Document;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the settings are.
pub(crate) const PATH: &str = "/etc/diarch/diarch.toml";
/// What stands for a device in the test rigs' `[watchdog]`.
pub(crate) const SOFTWARE: &str = "software";
/// The shortest timeout that is asked of any watchdog: drivers count whole seconds.
const WATCHDOG_LEAST: Duration = Duration::from_secs(1);
/// Assumed for a disk that does not answer now.
const SECTOR_DEFAULT: u32 = 512;

/// Why settings are refused: one sentence for the administrator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SettingsError {
    /// The file.
    pub(crate) file: PathBuf,
    /// A line or a key; empty where it is the whole file.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) reason: String,
    /// What to do.
    pub(crate) fix: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, place, reason, fix } = self;
        let gap = if place.is_empty() { "" } else { ": " };
        write!(f, "{}{gap}{place}: {reason}; {fix}", file.display())
    }
}

impl std::error::Error for SettingsError {}

/// A shared disk as configured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct DiskSettings {
    /// Its device.
    pub(crate) path: PathBuf,
    /// For a regular file in place of a device: its sectors' size, in bytes.
    pub(crate) file_sector: Option<u32>,
}

/// What resets this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum WatchdogSettings {
    /// A device of Linux.
    Device(PathBuf),
    /// The test rigs' process: unsafe.
    Software,
}

/// Everything that this node needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// For the machines.
    pub(crate) pair: PairConfig,
    /// Where the pair's keys are.
    pub(crate) key_file: PathBuf,
    /// This node's end of each link.
    pub(crate) links: Vec<LinkSettings>,
    /// The shared disks.
    pub(crate) disks: Vec<DiskSettings>,
    /// The watchdog.
    pub(crate) watchdog: WatchdogSettings,
}

/// Reads the settings of the node whose host name is `host`.
///
/// # Errors
/// [`SettingsError`] with the first thing that is wrong.
pub(crate) fn load(path: &Path, host: &str) -> Result<Settings, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|error| SettingsError {
        file: path.to_owned(),
        place: String::new(),
        reason: format!("cannot be read ({error})"),
        fix: "write it with `diarch setup`".to_owned(),
    })?;
    parse(path, &text, host)
}

/// Checks `text` as the content of `path`.
///
/// # Errors
/// [`SettingsError`] with the first thing that is wrong.
pub(crate) fn parse(path: &Path, text: &str, host: &str) -> Result<Settings, SettingsError> {
    with_key(path, text, host, key::read)
}

/// Checks `text` before it is written, and before there is a key.
///
/// # Errors
/// [`SettingsError`] with the first thing that is wrong.
pub(crate) fn rehearse(path: &Path, text: &str, host: &str) -> Result<Settings, SettingsError> {
    with_key(path, text, host, |_| Ok((Key([0; 32]), None)))
}

fn with_key(
    path: &Path,
    text: &str,
    host: &str,
    keys: impl FnOnce(&Path) -> Result<Keys, SettingsError>,
) -> Result<Settings, SettingsError> {
    let place = Place { file: path };
    let document: Document = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        place.error(format!("line {line}"), error.message(), "see README.md for what may be there")
    })?;
    let cluster_name = place.name("[cluster] name", &document.cluster.name)?;
    let nodes = place.nodes(&document)?;
    let local = place.local(&nodes, host)?;
    let links = place.links(&document, &nodes, local)?;
    let disks = place.disks(&document)?;
    let watchdog = place.watchdog(&document)?;
    let timing = place.timing(document.cluster.failover_budget.as_deref())?;
    place.speeds(&links, &timing)?;
    let key_file = document.cluster.key_file.as_deref().unwrap_or(key::NAME);
    let key_file = path.parent().unwrap_or_else(|| Path::new("/")).join(key_file);
    let (key, next_key) = keys(&key_file)?;
    let sector_bytes = disks.iter().map(sector_size).collect();
    let pair = PairConfig {
        cluster_name,
        nodes,
        local,
        links: links.len(),
        heartbeats_only: (0..)
            .zip(&links)
            .fold(0, |mask, (at, link)| mask | u8::from(link.is_heartbeats_only()) << at),
        disks: disks.len(),
        sector_bytes,
        watchdog: true,
        key,
        next_key,
        timing,
    };
    Ok(Settings { pair, key_file, links, disks, watchdog })
}

/// What the disk says of itself, or what its settings say while it is not there.
fn sector_size(disk: &DiskSettings) -> u32 {
    Disk::open(&disk.path, disk.file_sector)
        .map(|disk| disk.sector_size())
        .or_else(|_| disk.file_sector.ok_or(()))
        .unwrap_or(SECTOR_DEFAULT)
}

/// This machine's host name.
pub(crate) fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}

/// Makes errors that name the file.
struct Place<'a> {
    file: &'a Path,
}

impl Place<'_> {
    fn error(
        &self,
        place: impl Into<String>,
        reason: impl Into<String>,
        fix: impl Into<String>,
    ) -> SettingsError {
        SettingsError {
            file: self.file.to_owned(),
            place: place.into(),
            reason: reason.into(),
            fix: fix.into(),
        }
    }

    fn name(&self, key: &str, text: &str) -> Result<NodeName, SettingsError> {
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let refused = |reason: String| {
            self.error(key, reason, "use 1 to 63 letters, digits, dots, hyphens and underscores")
        };
        if text.is_empty() || !text.bytes().all(sound) {
            return Err(refused(format!("'{text}' is no name")));
        }
        NodeName::try_from(text)
            .map_err(|_| refused(format!("'{text}' is longer than {NAME_MAX} bytes")))
    }

    fn nodes(&self, document: &Document) -> Result<[NodeName; 2], SettingsError> {
        let [first, second] = document.node.as_slice() else {
            let count = document.node.len();
            let reason = format!("there are {count} of them, and a pair has two");
            return Err(self.error("[[node]]", reason, "name both nodes, each in a [[node]]"));
        };
        if first.name.eq_ignore_ascii_case(&second.name) {
            let reason = format!("both are called '{}'", first.name);
            return Err(self.error("[[node]]", reason, "give each node its own host name"));
        }
        Ok([
            self.name("[[node]] 1, name", &first.name)?,
            self.name("[[node]] 2, name", &second.name)?,
        ])
    }

    fn local(&self, nodes: &[NodeName; 2], host: &str) -> Result<NodeIndex, SettingsError> {
        let short = host.split('.').next().unwrap_or_default();
        for (name, index) in nodes.iter().zip([NodeIndex::First, NodeIndex::Second]) {
            if name.as_str() == host || name.as_str() == short {
                return Ok(index);
            }
        }
        let [first, second] = nodes;
        Err(self.error(
            "[[node]]",
            format!("this machine is called '{host}', and the nodes are '{first}' and '{second}'"),
            "give the machine one of these host names, or correct the names",
        ))
    }

    fn disks(&self, document: &Document) -> Result<Vec<DiskSettings>, SettingsError> {
        let count = document.disk.len();
        if count > DISKS_MAX || count == 2 {
            let reason = format!("there are {count} of them");
            let fix = "name none, one or three: of two, neither alone is a majority";
            return Err(self.error("[[disk]]", reason, fix));
        }
        let mut found: Vec<DiskSettings> = Vec::new();
        for (number, disk) in document.disk.iter().enumerate() {
            let key = format!("[[disk]] {}", number + 1);
            if !disk.path.is_absolute() {
                let reason = format!("'{}' is no absolute path", disk.path.display());
                let fix = "name the device by a stable path as in /dev/disk/by-id";
                return Err(self.error(format!("{key}, path"), reason, fix));
            }
            if disk.sector_size.is_some_and(|size| size != 512 && size != 4096) {
                let fix = "say 512 or 4096, and only for a file in place of a device";
                return Err(self.error(format!("{key}, sector_size"), "no such size", fix));
            }
            if found.iter().any(|other| other.path == disk.path) {
                let reason = format!("'{}' is named twice", disk.path.display());
                return Err(self.error(key, reason, "name each disk once"));
            }
            let (path, file_sector) = (disk.path.clone(), disk.sector_size);
            found.push(DiskSettings { path, file_sector });
        }
        Ok(found)
    }

    fn watchdog(&self, document: &Document) -> Result<WatchdogSettings, SettingsError> {
        let device = document.watchdog.device.as_path();
        if device == Path::new(SOFTWARE) {
            return Ok(WatchdogSettings::Software);
        }
        if device.is_absolute() {
            return Ok(WatchdogSettings::Device(device.to_owned()));
        }
        let reason = format!("'{}' is no device", device.display());
        Err(self.error("[watchdog] device", reason, "name it by its path, as in /dev/watchdog0"))
    }

    fn timing(&self, budget: Option<&str>) -> Result<Timing, SettingsError> {
        let key = "[cluster] failover_budget";
        let budget = match budget {
            None => BUDGET_DEFAULT,
            Some(text) => span(text).ok_or_else(|| {
                let reason = format!("'{text}' is no span of time");
                self.error(key, reason, "write it as in \"3s\" or \"2500ms\"")
            })?,
        };
        Timing::derive(budget, WATCHDOG_LEAST)
            .map_err(|error| self.error(key, error.to_string(), "or leave the line out"))
    }
}

/// `3s`, `2500ms` or `1min`.
fn span(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let count: u32 = text[..digits].parse().ok()?;
    match text[digits..].trim() {
        "ms" => Some(Duration::from_millis(count.into())),
        "s" => Some(Duration::from_secs(count.into())),
        "min" => Some(Duration::from_secs(u64::from(count) * 60)),
        _ => None,
    }
    .filter(|span| *span <= Duration::from_secs(3600))
}

#[cfg(test)]
mod tests;
