//! What every watchdog can do, and how it fails.

use core::fmt;
use core::time::Duration;
use heapless::String;

/// The longest device name kept in an error, in bytes; a longer one is cut.
pub const DEVICE_NAME_MAX: usize = 64;

/// A device's name, bounded so that an error needs no heap.
pub type DeviceName = String<DEVICE_NAME_MAX>;

/// A timer that resets this machine unless it is fed.
///
/// Dropping an armed watchdog never disarms it: a process that ends without `disarm` is reset.
pub trait Watchdog {
    /// Arms it and returns the effective timeout: the time from a feed to the reset, as read back.
    ///
    /// # Errors
    ///
    /// The device is missing, busy, or does not accept the timeout; it is not armed then.
    fn arm(&mut self, timeout: Duration) -> Result<Duration, WatchdogError>;

    /// Feeds it once.
    ///
    /// # Errors
    ///
    /// It is not armed, or the device refused the feed.
    fn feed(&mut self) -> Result<(), WatchdogError>;

    /// Disarms it: for a clean leave only.
    ///
    /// # Errors
    ///
    /// The device refused; it stays armed and will reset this machine.
    fn disarm(&mut self) -> Result<(), WatchdogError>;

    /// The effective timeout while armed.
    fn effective(&self) -> Option<Duration>;

    /// Whether a hang of this machine's kernel would stop it, too.
    fn is_software(&self) -> bool;
}

/// Why a watchdog did not do what it was asked, with the device's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WatchdogError {
    /// Which device.
    pub device: DeviceName,
    /// What is wrong with it.
    pub fault: WatchdogFault,
}

/// What is wrong with a watchdog.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WatchdogFault {
    /// There is no such device.
    Missing,
    /// Another process holds it.
    Busy,
    /// This process may not open it.
    Forbidden,
    /// It does not accept this timeout, in seconds.
    Timeout(u32),
    /// It is not armed.
    NotArmed,
    /// It is armed already.
    AlreadyArmed,
    /// It cannot be disarmed once armed (nowayout).
    NoWayOut,
    /// It would kill processes outside the test rig's own PID namespace.
    OutsideRig,
    /// The system call failed with this error number.
    System(i32),
}

impl WatchdogError {
    /// An error of the device `name`.
    #[must_use]
    pub fn new(name: &str, fault: WatchdogFault) -> Self {
        let mut device = DeviceName::new();
        for character in name.chars() {
            if device.push(character).is_err() {
                break;
            }
        }
        Self { device, fault }
    }
}

impl fmt::Display for WatchdogError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = &self.device;
        match self.fault {
            WatchdogFault::Missing => write!(
                formatter,
                "{device} does not exist: load the board's watchdog driver (softdog at the least)"
            ),
            WatchdogFault::Busy => write!(
                formatter,
                "{device} is in use: stop the other daemon (sbd, watchdog, systemd's \
                 RuntimeWatchdogSec) or name another device"
            ),
            WatchdogFault::Forbidden => {
                write!(formatter, "{device} may not be opened: run as root")
            }
            WatchdogFault::Timeout(seconds) => write!(
                formatter,
                "{device} does not accept {seconds} s: choose a failover budget that gives a \
                 timeout within the driver's range"
            ),
            WatchdogFault::NotArmed => write!(formatter, "{device} is not armed"),
            WatchdogFault::AlreadyArmed => write!(formatter, "{device} is armed already"),
            WatchdogFault::NoWayOut => {
                write!(formatter, "{device} cannot be disarmed: its driver is loaded with nowayout")
            }
            WatchdogFault::OutsideRig => write!(
                formatter,
                "{device} refuses to arm: it kills every process it can see, and this is not the \
                 PID namespace that was named for it"
            ),
            WatchdogFault::System(number) => {
                write!(formatter, "{device} failed with error {number}")
            }
        }
    }
}

impl core::error::Error for WatchdogError {}
