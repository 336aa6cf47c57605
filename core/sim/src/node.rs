//! One simulated machine: power, clock, watchdog, a guardian, and a stand-in for the manager that
//! runs one protected service.

use core::time::Duration;
use diarch_cluster::Instant;
use diarch_cluster::config::Key;
use diarch_cluster::guardian::Guardian;
use diarch_cluster::guardian_io::Output;
use diarch_cluster::view::{BootId, View};
use std::collections::VecDeque;

/// Something that waits for a paused guardian.
#[derive(Clone, Debug)]
pub enum Waiting {
    /// A frame in a socket's buffer.
    Frame(u8, Vec<u8>),
    /// A disk's answer: the operation's serial number.
    Disk(u64),
    /// Word from the manager.
    Manager(diarch_cluster::view::Report),
    /// The manager ended.
    ManagerExited,
    /// The manager started.
    ManagerStarted,
    /// Its keys were written anew.
    Keys(KeyFile),
}

/// What a node's key file holds.
#[derive(Clone, Copy, Debug)]
pub struct KeyFile {
    /// The key in use.
    pub key: Key,
    /// The next, if there is one.
    pub next: Option<Key>,
}

/// A hardware watchdog.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watchdog {
    /// When it fires, if it is armed.
    pub fires_at: Option<u64>,
    /// Its timeout in microseconds.
    pub timeout_us: u64,
}

/// The stand-in manager.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manager {
    /// Which run of it, to tell late events of an earlier one; zero while it does not run.
    pub run: u64,
    /// What its guardian last told it.
    pub view: Option<View>,
    /// Whether a start is under way.
    pub starting: bool,
    /// Whether it was asked to leave.
    pub leaving: bool,
    /// It is stopped and will not react.
    pub hung: bool,
}

/// What comes of a machine's order to end itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reset {
    /// It is carried out at once.
    Works,
    /// The next one will hang.
    WillHang,
    /// One hangs now: the watchdog ends the machine.
    Hangs,
}

/// One machine.
#[derive(Debug)]
pub struct Node {
    /// The guardian, while the machine is up.
    pub guardian: Option<Guardian>,
    /// The identity of its newest boot, which may be over.
    pub newest: Option<BootId>,
    /// Counts boots: events of an earlier boot are void.
    pub boot: u64,
    /// When this boot's clock stood at zero, in microseconds of the world.
    pub clock_origin: u64,
    /// How fast its clock runs: parts per million beside the world's.
    pub drift_ppm: i64,
    /// The guardian does not run before this.
    pub paused_until: u64,
    /// What it was about to do when it was paused.
    pub stuck: Vec<Output>,
    /// What came meanwhile.
    pub waiting: VecDeque<Waiting>,
    /// Its watchdog.
    pub watchdog: Watchdog,
    /// Its manager.
    pub manager: Manager,
    /// Whether every manager that is started in this boot ends at once.
    pub manager_breaks: bool,
    /// Its keys: they survive the machine.
    pub key_file: KeyFile,
    /// Whether the protected service is active: survives the manager, not the machine.
    pub active: bool,
    /// Whether the machine has power.
    pub powered: bool,
    /// What comes of its order to end itself.
    pub reset: Reset,
    /// When its guardian is next due in the world's time, and the order among events then.
    pub timer: Option<(u64, u64)>,
}

/// What a socket's buffer holds at most.
pub const SOCKET_FRAMES_MAX: usize = 64;

impl Node {
    /// A machine without power.
    #[must_use]
    pub fn new(drift_ppm: i64, key: Key) -> Self {
        Self {
            guardian: None,
            newest: None,
            boot: 0,
            clock_origin: 0,
            drift_ppm,
            paused_until: 0,
            stuck: Vec::new(),
            waiting: VecDeque::new(),
            watchdog: Watchdog::default(),
            manager: Manager::default(),
            manager_breaks: false,
            key_file: KeyFile { key, next: None },
            active: false,
            powered: false,
            reset: Reset::Works,
            timer: None,
        }
    }

    /// Its clock at that moment of the world.
    #[must_use]
    pub fn clock(&self, world_us: u64) -> Instant {
        let elapsed = i128::from(world_us.saturating_sub(self.clock_origin));
        let local = elapsed + elapsed * i128::from(self.drift_ppm) / 1_000_000;
        Instant::from_micros(1_000_000 + u64::try_from(local).unwrap_or(0))
    }

    /// The moment of the world at which its clock shows `at`, or a little later.
    #[must_use]
    pub fn world_time(&self, at: Instant) -> u64 {
        let local = i128::from(at.as_micros().saturating_sub(1_000_000));
        let elapsed = local * 1_000_000 / (1_000_000 + i128::from(self.drift_ppm)) + 1;
        self.clock_origin + u64::try_from(elapsed).unwrap_or(0)
    }

    /// Everything volatile is gone.
    pub fn go_down(&mut self) {
        self.guardian = None;
        self.active = false;
        self.manager = Manager::default();
        self.watchdog = Watchdog::default();
        self.stuck.clear();
        self.waiting.clear();
        self.timer = None;
        self.paused_until = 0;
        self.manager_breaks = false;
        if self.reset == Reset::Hangs {
            self.reset = Reset::Works;
        }
        self.boot += 1;
    }
}

/// Microseconds in a duration.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
