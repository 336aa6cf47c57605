//! `/dev/watchdogN` of Linux: armed, read back, fed, closed with the magic `V` only on `disarm`.
//!
//! Opening a watchdog arms it, so discovery reads sysfs and opens nothing.

use crate::device::{Watchdog, WatchdogError, WatchdogFault};
use core::time::Duration;
use nix::errno::Errno;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// Where Linux lists its watchdogs.
pub const SYSFS: &str = "/sys/class/watchdog";

const MAGIC_CLOSE: &[u8] = b"V";
const SOFTDOG: &str = "Software Watchdog";
const ITCO: &str = "iTCO_wdt";

/// The kernel's `struct watchdog_info`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct WatchdogInfo {
    options: u32,
    firmware_version: u32,
    identity: [u8; 32],
}

mod request {
    //! The watchdog ioctls that are used, each a thin typed wrapper.
    nix::ioctl_read!(support, b'W', 0, super::WatchdogInfo);
    nix::ioctl_read!(keep_alive, b'W', 5, nix::libc::c_int);
    nix::ioctl_readwrite!(set_timeout, b'W', 6, nix::libc::c_int);
    nix::ioctl_read!(timeout, b'W', 7, nix::libc::c_int);
}

/// A watchdog of Linux, armed or not.
#[derive(Debug)]
pub struct LinuxWatchdog {
    path: PathBuf,
    sysfs: PathBuf,
    armed: Option<Armed>,
}

#[derive(Debug)]
struct Armed {
    file: File,
    effective: Duration,
    software: bool,
}

impl LinuxWatchdog {
    /// The watchdog behind this device file; nothing is opened.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), sysfs: SYSFS.into(), armed: None }
    }

    fn error(&self, fault: WatchdogFault) -> WatchdogError {
        WatchdogError::new(&self.path.display().to_string(), fault)
    }

    /// Sets and reads back the timeout of an open device and feeds it once.
    fn configure(file: &File, seconds: u32) -> Result<(Duration, bool), WatchdogFault> {
        let asked = i32::try_from(seconds).map_err(|_| WatchdogFault::Timeout(seconds))?;
        let fd = file.as_raw_fd();
        let mut info = WatchdogInfo::default();
        // SAFETY: `fd` is open for the whole call and `info` is the structure the kernel fills.
        unsafe { request::support(fd, &raw mut info) }.map_err(fault)?;
        let mut effective = asked;
        // SAFETY: `fd` is open for the whole call and the argument is one int, in and out.
        unsafe { request::set_timeout(fd, &raw mut effective) }.map_err(|error| {
            if error == Errno::EINVAL { WatchdogFault::Timeout(seconds) } else { fault(error) }
        })?;
        // SAFETY: `fd` is open for the whole call and the argument is one int that is written.
        unsafe { request::timeout(fd, &raw mut effective) }.map_err(fault)?;
        let read_back = u32::try_from(effective).map_err(|_| WatchdogFault::Timeout(seconds))?;
        if read_back == 0 {
            return Err(WatchdogFault::Timeout(seconds));
        }
        keep_alive(file)?;
        let identity = text(&info.identity);
        let factor = reset_factor(&identity);
        Ok((Duration::from_secs(read_back.into()) * factor, is_softdog(&identity)))
    }
}

impl Watchdog for LinuxWatchdog {
    fn arm(&mut self, timeout: Duration) -> Result<Duration, WatchdogError> {
        if self.armed.is_some() {
            return Err(self.error(WatchdogFault::AlreadyArmed));
        }
        let seconds = whole_seconds(timeout).map_err(|fault| self.error(fault))?;
        let mut file = OpenOptions::new()
            .write(true)
            .open(&self.path)
            .map_err(|error| self.error(open_fault(&error)))?;
        match Self::configure(&file, seconds) {
            Ok((effective, software)) => {
                if software {
                    log::warn!(
                        "{} is a software watchdog: it does not fire when the kernel hangs",
                        self.path.display()
                    );
                }
                self.armed = Some(Armed { file, effective, software });
                Ok(effective)
            }
            Err(fault) => {
                // Nothing relies on it yet, and it ticks since it was opened: release it.
                if let Err(error) = file.write_all(MAGIC_CLOSE) {
                    log::error!("{} stays armed: {error}", self.path.display());
                }
                Err(self.error(fault))
            }
        }
    }

    fn feed(&mut self) -> Result<(), WatchdogError> {
        let result = match &self.armed {
            Some(armed) => keep_alive(&armed.file),
            None => Err(WatchdogFault::NotArmed),
        };
        result.map_err(|fault| self.error(fault))
    }

    fn disarm(&mut self) -> Result<(), WatchdogError> {
        let Some(mut armed) = self.armed.take() else {
            return Err(self.error(WatchdogFault::NotArmed));
        };
        if no_way_out(&self.sysfs, &self.path) {
            self.armed = Some(armed);
            return Err(self.error(WatchdogFault::NoWayOut));
        }
        if let Err(error) = armed.file.write_all(MAGIC_CLOSE) {
            self.armed = Some(armed);
            return Err(self.error(io_fault(&error)));
        }
        Ok(())
    }

    fn effective(&self) -> Option<Duration> {
        self.armed.as_ref().map(|armed| armed.effective)
    }

    fn is_software(&self) -> bool {
        self.armed.as_ref().is_some_and(|armed| armed.software)
    }
}

/// A watchdog that sysfs names, or the old single device that it does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// Its device file.
    pub device: PathBuf,
    /// What the driver calls itself; none for a driver outside the watchdog core.
    pub identity: Option<String>,
    /// The kernel driver behind it, where sysfs links it.
    pub driver: Option<String>,
    /// The current timeout, in seconds, as the driver counts it.
    pub timeout_s: Option<u32>,
    /// Whether it cannot be disarmed once armed.
    pub no_way_out: bool,
    /// Whether somebody has it open.
    pub active: bool,
}

impl Found {
    /// Whether it is Linux's softdog, which dies with the kernel.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.identity.as_deref().is_some_and(is_softdog)
    }

    /// How many times its timeout passes before it really resets the machine.
    #[must_use]
    pub fn reset_factor(&self) -> u32 {
        self.identity.as_deref().map_or(1, reset_factor)
    }
}

/// Every watchdog of this machine, without arming one.
///
/// `sysfs` is [`SYSFS`] and `dev` is `/dev`, except in tests.
#[must_use]
pub fn discover(sysfs: &Path, dev: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(sysfs).into_iter().flatten().flatten();
    for entry in entries {
        let folder = entry.path();
        let driver = std::fs::read_link(folder.join("device/driver")).ok();
        found.push(Found {
            device: dev.join(entry.file_name()),
            identity: attribute(&folder, "identity"),
            driver: driver.and_then(|link| Some(link.file_name()?.to_str()?.to_owned())),
            timeout_s: attribute(&folder, "timeout").and_then(|text| text.parse().ok()),
            no_way_out: attribute(&folder, "nowayout").as_deref() == Some("1"),
            active: attribute(&folder, "state").as_deref() == Some("active"),
        });
    }
    found.sort_by(|one, other| one.device.cmp(&other.device));
    let single = dev.join("watchdog");
    if found.is_empty() && single.exists() {
        found.push(Found {
            device: single,
            identity: None,
            driver: None,
            timeout_s: None,
            no_way_out: false,
            active: false,
        });
    }
    found
}

fn attribute(folder: &Path, name: &str) -> Option<String> {
    Some(std::fs::read_to_string(folder.join(name)).ok()?.trim_end().to_owned())
}

fn no_way_out(sysfs: &Path, device: &Path) -> bool {
    let name = match device.file_name() {
        Some(name) if name == "watchdog" => "watchdog0".as_ref(),
        Some(name) => name,
        None => return false,
    };
    attribute(&sysfs.join(name), "nowayout").as_deref() == Some("1")
}

fn is_softdog(identity: &str) -> bool {
    identity == SOFTDOG
}

/// Intel's TCO resets at its second expiry: twice the time that its driver reports.
fn reset_factor(identity: &str) -> u32 {
    if identity == ITCO { 2 } else { 1 }
}

/// Rounds up to whole seconds; zero would reset at once on some drivers.
fn whole_seconds(timeout: Duration) -> Result<u32, WatchdogFault> {
    let up = timeout.as_secs() + u64::from(timeout.subsec_nanos() > 0);
    match u32::try_from(up) {
        Ok(0) => Err(WatchdogFault::Timeout(0)),
        Ok(seconds) => Ok(seconds),
        Err(_) => Err(WatchdogFault::Timeout(u32::MAX)),
    }
}

fn keep_alive(file: &File) -> Result<(), WatchdogFault> {
    let mut ignored = 0;
    // SAFETY: the file is open for the whole call and the argument is one int.
    unsafe { request::keep_alive(file.as_raw_fd(), &raw mut ignored) }.map_err(fault)?;
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn fault(error: Errno) -> WatchdogFault {
    WatchdogFault::System(error as i32)
}

fn io_fault(error: &io::Error) -> WatchdogFault {
    WatchdogFault::System(error.raw_os_error().unwrap_or_default())
}

fn open_fault(error: &io::Error) -> WatchdogFault {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT | Errno::ENODEV | Errno::ENXIO) => WatchdogFault::Missing,
        Some(Errno::EBUSY) => WatchdogFault::Busy,
        Some(Errno::EACCES | Errno::EPERM) => WatchdogFault::Forbidden,
        Some(_) | None => io_fault(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("diarch-watchdog-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn fake(sysfs: &Path, name: &str, identity: &str, no_way_out: &str) {
        let folder = sysfs.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, text) in [
            ("identity", identity),
            ("timeout", "30"),
            ("nowayout", no_way_out),
            ("state", "active"),
        ] {
            std::fs::write(folder.join(file), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn discovery_reads_sysfs_and_names_softdog_and_the_doubling_tco() {
        let sysfs = folder("sysfs");
        fake(&sysfs, "watchdog0", "iTCO_wdt", "0");
        fake(&sysfs, "watchdog1", "Software Watchdog", "1");
        let found = discover(&sysfs, Path::new("/nowhere"));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].device, Path::new("/nowhere/watchdog0"));
        assert_eq!((found[0].reset_factor(), found[0].is_software()), (2, false));
        assert_eq!((found[1].reset_factor(), found[1].is_software()), (1, true));
        assert_eq!((found[1].timeout_s, found[1].no_way_out), (Some(30), true));
        assert!(no_way_out(&sysfs, Path::new("/dev/watchdog1")));
        assert!(!no_way_out(&sysfs, Path::new("/dev/watchdog")));
        std::fs::remove_dir_all(&sysfs).unwrap();
    }

    #[test]
    fn a_driver_outside_the_watchdog_core_is_found_by_its_device_file() {
        let dev = folder("dev");
        std::fs::write(dev.join("watchdog"), "").unwrap();
        let found = discover(Path::new("/nowhere"), &dev);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].device.clone(), found[0].is_software()),
            (dev.join("watchdog"), false)
        );
        std::fs::remove_dir_all(&dev).unwrap();
    }

    #[test]
    fn a_missing_device_is_named_with_the_fix() {
        let mut watchdog = LinuxWatchdog::new(Path::new("/nowhere/watchdog7"));
        let error = watchdog.arm(Duration::from_secs(2)).unwrap_err();
        assert_eq!(error.fault, WatchdogFault::Missing);
        assert!(error.to_string().starts_with("/nowhere/watchdog7 does not exist: load"));
        assert_eq!(watchdog.feed().unwrap_err().fault, WatchdogFault::NotArmed);
        assert_eq!(watchdog.effective(), None);
    }

    #[test]
    fn a_timeout_of_zero_is_never_given_to_a_driver() {
        assert_eq!(whole_seconds(Duration::ZERO), Err(WatchdogFault::Timeout(0)));
        assert_eq!(whole_seconds(Duration::from_millis(1)), Ok(1));
        assert_eq!(whole_seconds(Duration::from_millis(2_001)), Ok(3));
    }

    #[test]
    fn a_device_that_is_no_watchdog_is_released_and_refused() {
        let file = folder("file").join("watchdog");
        std::fs::write(&file, "").unwrap();
        let mut watchdog = LinuxWatchdog::new(&file);
        let error = watchdog.arm(Duration::from_secs(2)).unwrap_err();
        assert_eq!(error.fault, WatchdogFault::System(Errno::ENOTTY as i32));
        assert_eq!(std::fs::read(&file).unwrap(), MAGIC_CLOSE);
        std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }
}
