//! Agents as child processes: each in a process group of its own, with the environment that agents
//! expect, and never longer than it may.

mod alert;
mod capture;
mod command;

pub(crate) use alert::alert;
use capture::Tail;
use diarch_cluster::executor::ocf;
use diarch_cluster::manager_io::{AgentCall, AgentEnd, AgentResult};
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use smol::channel::Receiver;
use smol::future::{or, pending};
use smol::{Async, Timer};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::{AsFd, FromRawFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::Instant;

/// Where agents start; cores would be written here.
pub(crate) const WORKING_FOLDER: &str = "/var/lib/pacemaker/cores";

/// Runs one agent to its end. A word on `stop` kills it.
pub(crate) async fn run(call: AgentCall, stop: Receiver<()>) -> AgentResult {
    if let Some(status) = without_agent(&call) {
        return AgentResult { end: AgentEnd::Exited(status), ..empty("") };
    }
    let begun = Instant::now();
    let (within, mut tries) = command::limits(&call);
    let deadline = begun.checked_add(within);
    loop {
        let mut ended = match Running::start(&call) {
            Ok(running) => running.watch(deadline, &stop).await,
            Err(error) => AgentResult { end: cannot_start(&error), ..empty(&format!("{error}")) },
        };
        ended.run = begun.elapsed();
        tries -= 1;
        let refused = matches!(ended.end, AgentEnd::Exited(status) if status != ocf::OK);
        let late = deadline.is_some_and(|deadline| deadline <= Instant::now());
        if !refused || tries == 0 || late {
            return ended;
        }
    }
}

/// The result of what is not asked of an agent: nothing runs of a fence device, so it is stopped
/// and known not to be started without a word to the device.
fn without_agent(call: &AgentCall) -> Option<i32> {
    match (call.class.as_str(), call.action.as_str()) {
        ("stonith", "stop") => Some(ocf::OK),
        ("stonith", "probe") => Some(ocf::NOT_RUNNING),
        // It stands for the watchdog, which the guardian minds.
        ("stonith", "start" | "monitor") if call.kind == "fence_watchdog" => Some(ocf::OK),
        _ => None,
    }
}

fn empty(stderr: &str) -> AgentResult {
    AgentResult {
        end: AgentEnd::CouldNotRun,
        stdout: String::new(),
        stderr: stderr.to_owned(),
        run: std::time::Duration::ZERO,
    }
}

fn cannot_start(error: &io::Error) -> AgentEnd {
    let not_executable = error.raw_os_error() == Some(libc::ENOEXEC);
    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
        AgentEnd::NotInstalled
    } else if error.kind() == ErrorKind::PermissionDenied || not_executable {
        AgentEnd::NotPermitted
    } else {
        AgentEnd::CouldNotRun
    }
}

/// A started agent.
struct Running {
    child: Child,
    group: Pid,
    ended: Async<OwnedFd>,
    stdout: Pipe,
    stderr: Pipe,
}

/// One of its outputs.
struct Pipe {
    source: Option<Async<OwnedFd>>,
    tail: Tail,
}

/// Why the wait for an agent was interrupted.
enum Step {
    Ended,
    Overdue,
    Stopped,
    Spoke,
}

impl Running {
    fn start(call: &AgentCall) -> io::Result<Self> {
        let (command, words) = command::of(call)?;
        let limit = if matches!(call.action.as_str(), "meta-data" | "metadata") {
            capture::METADATA_MAX
        } else {
            capture::OUTPUT_MAX
        };
        Self::spawn(command, &words, limit)
    }

    /// Starts a command in a process group of its own and tells it `words`; of its standard output
    /// the last `limit` bytes are kept.
    fn spawn(mut command: Command, words: &str, limit: usize) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
        let group = Pid::from_raw(pid);
        if let Some(mut stdin) = child.stdin.take() {
            // An agent that does not listen ends by itself; the pipe has room for all of it.
            stdin.write_all(words.as_bytes()).ok();
        }
        let made = descriptor_of(pid).and_then(|ended| {
            Ok((
                Async::new_nonblocking(ended)?,
                Pipe::new(child.stdout.take(), limit)?,
                Pipe::new(child.stderr.take(), capture::OUTPUT_MAX)?,
            ))
        });
        match made {
            Ok((ended, stdout, stderr)) => Ok(Self { child, group, ended, stdout, stderr }),
            Err(error) => {
                killpg(group, Signal::SIGKILL).ok();
                child.wait()?;
                Err(error)
            }
        }
    }

    async fn watch(mut self, deadline: Option<Instant>, stop: &Receiver<()>) -> AgentResult {
        let killed = loop {
            match self.step(deadline, stop).await {
                Step::Spoke => {}
                Step::Ended => break None,
                Step::Overdue => break Some(AgentEnd::TimedOut),
                Step::Stopped => break Some(AgentEnd::Cancelled),
            }
        };
        if killed.is_some() {
            killpg(self.group, Signal::SIGKILL).ok();
            // It is dead as soon as the kernel gets to it.
            self.ended.readable().await.ok();
        }
        let status = self.child.wait();
        // What it said last; its own children may keep the pipes open for ever.
        self.stdout.drain();
        self.stderr.drain();
        AgentResult {
            end: killed.unwrap_or_else(|| end_of(status)),
            stdout: self.stdout.tail.into_text(),
            stderr: self.stderr.tail.into_text(),
            run: std::time::Duration::ZERO,
        }
    }

    async fn step(&mut self, deadline: Option<Instant>, stop: &Receiver<()>) -> Step {
        let ended = async {
            self.ended.readable().await.ok();
            Step::Ended
        };
        let overdue = async {
            match deadline {
                Some(deadline) => Timer::at(deadline).await,
                None => pending().await,
            };
            Step::Overdue
        };
        let stopped = async {
            match stop.recv().await {
                Ok(()) => Step::Stopped,
                Err(_) => pending().await,
            }
        };
        let spoke = or(self.stdout.take(), self.stderr.take());
        or(or(spoke, ended), or(overdue, stopped)).await
    }
}

impl Pipe {
    fn new(source: Option<impl Into<OwnedFd>>, limit: usize) -> io::Result<Self> {
        let source = source.map(|pipe| Async::new(pipe.into())).transpose()?;
        Ok(Self { source, tail: Tail::new(limit) })
    }

    /// Waits until it says something, and keeps it.
    async fn take(&mut self) -> Step {
        match &self.source {
            Some(source) if source.readable().await.is_ok() => self.drain(),
            Some(_) => self.source = None,
            None => pending().await,
        }
        Step::Spoke
    }

    fn drain(&mut self) {
        let mut bytes = [0; 4096];
        while let Some(source) = &self.source {
            match read(source.get_ref(), &mut bytes) {
                Ok(0) => self.source = None,
                Ok(count) => self.tail.push(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.source = None,
            }
        }
    }
}

fn read(source: &OwnedFd, bytes: &mut [u8]) -> io::Result<usize> {
    Ok(nix::unistd::read(source.as_fd(), bytes)?)
}

fn descriptor_of(pid: libc::pid_t) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers; the process is not collected yet, so it is ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, libc::O_NONBLOCK) };
    let fd = libc::c_int::try_from(Errno::result(fd)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just opened this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn end_of(status: io::Result<ExitStatus>) -> AgentEnd {
    match status.map(|status| (status.code(), status.signal())) {
        Ok((Some(code), _)) => AgentEnd::Exited(code),
        Ok((None, Some(signal))) => AgentEnd::Signalled(signal),
        Ok((None, None)) | Err(_) => AgentEnd::CouldNotRun,
    }
}

#[cfg(test)]
mod tests;
