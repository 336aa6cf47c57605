//! A watchdog without hardware, for test rigs whose nodes are PID namespaces. **It is unsafe.**
//!
//! A process of its own waits at the end of a pipe. When no byte arrives in time (the fed process
//! hangs, is stopped or is dead) it kills every process of its PID namespace and the namespace's
//! first process with them. It cannot fire when the kernel hangs, so it protects no data. It
//! refuses
//! to arm outside the one namespace that it was made for, above all in the machine's own.

use crate::device::{Watchdog, WatchdogError, WatchdogFault};
use core::time::Duration;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, pipe2};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

/// The kernel's fixed number of the PID namespace in which the machine booted.
const INITIAL_NAMESPACE: u64 = 0xefff_fffc;
const NAME: &str = "the software watchdog";
const FEED: u8 = b'.';
const DISARM: u8 = b'V';
const LAST_WORDS: &[u8] = b"diarch: the software watchdog was not fed in time: killing this node\n";

/// A process that kills its PID namespace unless it is fed.
#[derive(Debug)]
pub struct SoftwareWatchdog {
    namespace: u64,
    armed: Option<Armed>,
}

#[derive(Debug)]
struct Armed {
    pipe: File,
    process: Pid,
    timeout: Duration,
}

impl SoftwareWatchdog {
    /// A watchdog that may kill everything in the PID namespace with this inode number.
    #[must_use]
    pub const fn new(namespace: u64) -> Self {
        Self { namespace, armed: None }
    }

    fn may_kill(&self) -> bool {
        self.namespace != INITIAL_NAMESPACE && own_namespace() == Some(self.namespace)
    }
}

/// The inode number of this process's PID namespace, as in `/proc/self/ns/pid`.
#[must_use]
pub fn own_namespace() -> Option<u64> {
    Some(std::fs::metadata("/proc/self/ns/pid").ok()?.ino())
}

impl Watchdog for SoftwareWatchdog {
    fn arm(&mut self, timeout: Duration) -> Result<Duration, WatchdogError> {
        if self.armed.is_some() {
            return Err(WatchdogError::new(NAME, WatchdogFault::AlreadyArmed));
        }
        if !self.may_kill() {
            return Err(WatchdogError::new(NAME, WatchdogFault::OutsideRig));
        }
        if timeout.is_zero() {
            return Err(WatchdogError::new(NAME, WatchdogFault::Timeout(0)));
        }
        let (theirs, ours) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).map_err(system)?;
        let timeout_ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        // SAFETY: the child calls nothing but async-signal-safe functions and never returns.
        match unsafe { fork() }.map_err(system)? {
            ForkResult::Child => guard(&theirs, timeout_ms),
            ForkResult::Parent { child } => {
                log::warn!(
                    "UNSAFE: {NAME} stands in for hardware; it does not fire when the kernel \
                     hangs and protects no data"
                );
                self.armed = Some(Armed { pipe: ours.into(), process: child, timeout });
                Ok(timeout)
            }
        }
    }

    fn feed(&mut self) -> Result<(), WatchdogError> {
        let Some(armed) = &mut self.armed else {
            return Err(WatchdogError::new(NAME, WatchdogFault::NotArmed));
        };
        armed.pipe.write_all(&[FEED]).map_err(|error| io_error(&error))
    }

    fn disarm(&mut self) -> Result<(), WatchdogError> {
        let Some(armed) = &mut self.armed else {
            return Err(WatchdogError::new(NAME, WatchdogFault::NotArmed));
        };
        armed.pipe.write_all(&[DISARM]).map_err(|error| io_error(&error))?;
        let process = armed.process;
        self.armed = None;
        match waitpid(process, None) {
            Ok(_) | Err(Errno::ECHILD) => Ok(()),
            Err(error) => Err(system(error)),
        }
    }

    fn effective(&self) -> Option<Duration> {
        self.armed.as_ref().map(|armed| armed.timeout)
    }

    fn is_software(&self) -> bool {
        true
    }
}

fn system(error: Errno) -> WatchdogError {
    WatchdogError::new(NAME, WatchdogFault::System(error as i32))
}

fn io_error(error: &std::io::Error) -> WatchdogError {
    let number = error.raw_os_error().unwrap_or_default();
    WatchdogError::new(NAME, WatchdogFault::System(number))
}

/// The child's whole life: wait for bytes, and kill when none comes in time.
fn guard(pipe: &OwnedFd, timeout_ms: i64) -> ! {
    let mut fd = keep_only(pipe.as_raw_fd());
    let mut deadline = now_ms().saturating_add(timeout_ms);
    loop {
        let left = deadline.saturating_sub(now_ms());
        if left <= 0 {
            kill_namespace();
        }
        let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let left = libc::c_int::try_from(left).unwrap_or(libc::c_int::MAX);
        // SAFETY: `poll` is one valid structure; a negative descriptor is ignored by the kernel.
        let ready = unsafe { libc::poll(&raw mut poll, 1, left) };
        if ready <= 0 {
            continue;
        }
        let mut bytes = [0_u8; 64];
        // SAFETY: the pointer and the length describe `bytes`.
        let count = unsafe { libc::read(fd, bytes.as_mut_ptr().cast(), bytes.len()) };
        match usize::try_from(count) {
            // The fed process is gone without a disarm: only the deadline is left.
            Ok(0) => fd = -1,
            Ok(count) if bytes[..count].contains(&DISARM) => {
                // SAFETY: ends this process without running anything else.
                unsafe { libc::_exit(0) }
            }
            Ok(_) => deadline = now_ms().saturating_add(timeout_ms),
            Err(_) => {}
        }
    }
}

/// Moves the pipe to descriptor 3, closes what else was inherited but stderr, and leaves the
/// session, so that no signal to the fed process's group reaches this one.
fn keep_only(pipe: libc::c_int) -> libc::c_int {
    const KEPT: libc::c_int = 3;
    // SAFETY: descriptor numbers are plain integers; a failure leaves the pipe where it is.
    let moved = unsafe { libc::dup2(pipe, KEPT) };
    if moved == KEPT {
        // SAFETY: nothing in this process uses a descriptor above the kept one.
        unsafe { libc::syscall(libc::SYS_close_range, KEPT + 1, libc::c_uint::MAX, 0) };
    }
    for standard in [0, 1] {
        // SAFETY: nothing in this process uses standard input or output.
        unsafe { libc::close(standard) };
    }
    // SAFETY: no memory is involved.
    unsafe { libc::setsid() };
    // SAFETY: the name is a NUL-terminated constant.
    unsafe { libc::prctl(libc::PR_SET_NAME, c"diarch-softdog".as_ptr()) };
    if moved == KEPT { KEPT } else { pipe }
}

fn now_ms() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is one valid structure that is written.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut now) };
    now.tv_sec.saturating_mul(1000).saturating_add(now.tv_nsec / 1_000_000)
}

/// Kills all but the first process, then asks the kernel to end the namespace: inside one, a
/// restart kills its first process and with it everything else.
fn kill_namespace() -> ! {
    // SAFETY: the pointer and the length describe the constant.
    unsafe { libc::write(2, LAST_WORDS.as_ptr().cast(), LAST_WORDS.len()) };
    // SAFETY: no memory is involved; `arm` checked that this is the rig's namespace.
    unsafe { libc::kill(-1, libc::SIGKILL) };
    // SAFETY: no memory is involved; outside the initial namespace this ends the namespace only.
    unsafe { libc::reboot(libc::RB_AUTOBOOT) };
    // SAFETY: ends this process without running anything else.
    unsafe { libc::_exit(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::{Signal, raise};
    use std::process::Command;

    const SCENARIO: &str = "DIARCH_SOFTWARE_SCENARIO";
    const OUTER: &str = "DIARCH_SOFTWARE_OUTER";

    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    fn skip(reason: &str) {
        println!("skipped: {reason}");
    }

    /// Runs this very test again as the fed process of a new namespace; its first process says
    /// `alive` if it outlives the fed one by far.
    fn output_of(test: &str, scenario: &str) -> Option<String> {
        let script = format!(
            "\"$0\" --exact software::tests::{test} --nocapture & wait; \
             [ {scenario} = fed ] || sleep 60; echo alive"
        );
        let output = Command::new("unshare")
            .args(["--fork", "--pid", "--mount-proc", "--kill-child=SIGKILL", "sh", "-c"])
            .arg(script)
            .arg(std::env::current_exe().unwrap())
            .env(SCENARIO, scenario)
            .env(OUTER, own_namespace().unwrap().to_string())
            .output();
        let output = output.ok()?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if error.contains("unshare:") {
            return None;
        }
        Some(String::from_utf8_lossy(&output.stdout).into_owned() + &error)
    }

    /// An armed watchdog, if this is the fed process of a namespace made by `output_of`.
    fn armed() -> Option<(String, SoftwareWatchdog)> {
        let scenario = std::env::var(SCENARIO).ok()?;
        let namespace = own_namespace().unwrap();
        assert_ne!(std::env::var(OUTER).unwrap(), namespace.to_string());
        let mut watchdog = SoftwareWatchdog::new(namespace);
        let timeout = Duration::from_secs(if scenario == "fed" { 3 } else { 1 });
        assert_eq!(watchdog.arm(timeout), Ok(timeout));
        assert_eq!(watchdog.effective(), Some(timeout));
        Some((scenario, watchdog))
    }

    #[test]
    fn it_spares_a_process_that_feeds_and_disarms() {
        if let Some((_, mut watchdog)) = armed() {
            for _ in 0..2 {
                std::thread::sleep(Duration::from_secs(2));
                assert_eq!(watchdog.feed(), Ok(()));
            }
            assert_eq!(watchdog.disarm(), Ok(()));
            return;
        }
        match output_of("it_spares_a_process_that_feeds_and_disarms", "fed") {
            Some(output) => assert!(output.contains("alive"), "{output}"),
            None => skip("no PID namespaces here"),
        }
    }

    #[test]
    fn it_kills_the_node_whose_fed_process_was_stopped_or_killed() {
        if let Some((scenario, watchdog)) = armed() {
            let signal = if scenario == "stopped" { Signal::SIGSTOP } else { Signal::SIGKILL };
            raise(signal).unwrap();
            drop(watchdog);
            return;
        }
        let test = "it_kills_the_node_whose_fed_process_was_stopped_or_killed";
        for scenario in ["stopped", "killed"] {
            match output_of(test, scenario) {
                Some(output) => {
                    assert!(!output.contains("alive"), "{scenario}: {output}");
                    assert!(output.contains("was not fed in time"), "{scenario}: {output}");
                }
                None => skip("no PID namespaces here"),
            }
        }
    }

    #[test]
    fn it_refuses_to_arm_where_it_would_kill_more_than_the_rig() {
        let second = Duration::from_secs(1);
        for namespace in [INITIAL_NAMESPACE, 1] {
            let error = SoftwareWatchdog::new(namespace).arm(second).unwrap_err();
            assert_eq!(error.fault, WatchdogFault::OutsideRig);
        }
    }
}
