//! The only place that reads a clock.

use core::time::Duration;
use diarch_cluster::Instant;
use diarch_cluster::manager_io::WallClock;
use nix::libc;

/// Microseconds of `CLOCK_BOOTTIME`, which goes on while the machine is suspended.
pub(crate) fn now() -> Instant {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is one valid structure that the kernel fills.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let micros = u64::try_from(time.tv_nsec / 1000).unwrap_or_default();
    Instant::from_micros(seconds.saturating_mul(1_000_000).saturating_add(micros))
}

/// Seconds since 1970.
pub(crate) fn wall() -> WallClock {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = since.map(|time| time.as_secs()).unwrap_or_default();
    WallClock(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// The time from now until `deadline`; zero if it is past.
pub(crate) fn until(deadline: Instant) -> Duration {
    deadline.since(now())
}
