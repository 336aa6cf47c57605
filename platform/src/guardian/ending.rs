//! The ends of a node that is not allowed to go on: at once, without writing anything back.

use crate::config::{PATH, WatchdogSettings};
use diarch_watchdog::software::own_namespace;
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};

/// Names the process namespace that a test rig made for this node.
const RIG: &str = "DIARCH_RIG_NAMESPACE";

/// How this node can be ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The machine, through a file that is open before it is needed.
    Machine {
        /// The kernel's keys, where they can be pressed.
        keys: Option<File>,
    },
    /// The process namespace that a test rig made.
    Namespace,
}

impl Ending {
    /// What suits this watchdog.
    ///
    /// # Errors
    /// The test rigs' watchdog is configured outside a test rig.
    pub(super) fn of(watchdog: &WatchdogSettings) -> io::Result<Self> {
        match watchdog {
            WatchdogSettings::Device(_) => {
                let keys = OpenOptions::new().write(true).open("/proc/sysrq-trigger");
                if let Err(error) = &keys {
                    log::warn!("/proc/sysrq-trigger: {error}: resets take the slower way");
                }
                Ok(Self::Machine { keys: keys.ok() })
            }
            WatchdogSettings::Software if own_namespace() == Some(rig_namespace()) => {
                Ok(Self::Namespace)
            }
            WatchdogSettings::Software => Err(io::Error::other(format!(
                "{PATH}: [watchdog] device: \"software\" kills every process of its namespace and \
                 protects no data; it works in test rigs only, where {RIG} names that namespace: \
                 name a device as in /dev/watchdog0"
            ))),
        }
    }

    /// Resets.
    pub(super) fn reset(&self) {
        self.end(b"b", RebootMode::RB_AUTOBOOT);
    }

    /// Switches off.
    pub(super) fn power_off(&self) {
        self.end(b"o", RebootMode::RB_POWER_OFF);
    }

    /// Crashes for a dump.
    pub(super) fn crash(&self) {
        self.end(b"c", RebootMode::RB_AUTOBOOT);
    }

    fn end(&self, key: &[u8], mode: RebootMode) {
        match self {
            Self::Machine { keys } => {
                let pressed = keys.as_ref().map(|mut keys| keys.write_all(key));
                log::error!("still here after sysrq ({pressed:?}): asking the kernel to reboot");
            }
            Self::Namespace => {
                if let Err(error) = kill(Pid::from_raw(-1), Signal::SIGKILL) {
                    log::error!("the namespace cannot be killed: {error}");
                }
            }
        }
        let Err(error) = reboot(mode);
        log::error!("the kernel refuses to reboot: {error}; the watchdog will do it");
        // Whatever is left: the watchdog is armed and nobody feeds it any more.
        std::process::abort();
    }
}

/// The namespace that the rig has named; none that exists otherwise.
pub(super) fn rig_namespace() -> u64 {
    std::env::var(RIG).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}
