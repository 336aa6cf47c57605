//! One time budget, from which every timer is derived.

use core::time::Duration;

/// Every timer of the pair. See [`Timing::derive`] for the chain that they have to satisfy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timing {
    /// Time between two heartbeats on one link.
    pub heartbeat: Duration,
    /// Silence on every channel after which the peer counts as lost.
    pub detection: Duration,
    /// The watchdog's timeout; the driver's effective value is read back and compared.
    pub watchdog: Duration,
    /// Added to every wait for a watchdog: driver granularity and clock drift.
    pub margin: Duration,
    /// How often the own mailbox is read on each disk.
    pub disk_poll: Duration,
    /// A disk operation that takes longer than this has failed.
    pub disk_io: Duration,
    /// SBD's msgwait as written into the disk's header, whole seconds, at least twice the watchdog.
    pub msgwait: Duration,
    /// A manager that has not reported progress for this long is restarted, then condemned.
    pub manager_progress: Duration,
}
