//! What keeps the guardian punctual on a loaded machine: its pages stay in memory and it runs
//! before everything else. Both are tried, and their absence is said.

use nix::libc;
use nix::sys::mman::{MlockAllFlags, mlockall};

/// Priority among real-time processes; the kernel's own watchdog threads stay above it.
const PRIORITY: i32 = 50;

/// Locks all pages that this process has and will have.
pub(crate) fn lock_pages() {
    if let Err(error) = mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE) {
        log::warn!("pages cannot be locked ({error}): a machine short of memory may stall");
    }
}

/// Lets every thread of this process run before all others; its children do not inherit that.
pub(crate) fn run_first() {
    let parameter = libc::sched_param { sched_priority: PRIORITY };
    let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let threads = tasks.filter_map(|task| task.file_name().to_str()?.parse().ok());
    for thread in threads {
        // SAFETY: the parameter is one valid structure that is read.
        if unsafe { libc::sched_setscheduler(thread, policy, &raw const parameter) } != 0 {
            let error = std::io::Error::last_os_error();
            log::warn!("no real-time priority ({error}): a loaded machine may delay heartbeats");
            return;
        }
    }
}
