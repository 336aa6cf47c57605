//! The manager's process as its guardian sees it: started, told, heard, killed, collected.

use crate::halves::{DATAGRAM_MAX, decode_report, encode_notice};
use diarch_cluster::view::{BootId, Notice, Report};
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::{Domain, Socket, Type};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

/// A manager that runs, or has ended and was not collected yet.
#[derive(Debug)]
pub(super) struct ManagerProcess {
    child: Child,
    pid: Pid,
    /// Readable when the process has ended.
    end: OwnedFd,
    socket: Socket,
}

impl ManagerProcess {
    /// Starts this executable as the manager, with the socket as its standard input.
    ///
    /// # Errors
    /// There is no memory or no process left.
    pub(super) fn start(boot: BootId) -> io::Result<Self> {
        let (ours, theirs) = Socket::pair(Domain::UNIX, Type::SEQPACKET.cloexec(), None)?;
        ours.set_nonblocking(true)?;
        let child = Command::new("/proc/self/exe")
            .arg0("diarch")
            .args(["manager", &format!("{:016x}", boot.0)])
            .stdin(OwnedFd::from(theirs))
            .spawn()?;
        let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
        // SAFETY: the call takes two numbers; the process is not collected yet, so it is ours.
        let end = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let end = libc::c_int::try_from(Errno::result(end)?).map_err(io::Error::other)?;
        // SAFETY: the kernel has just opened this descriptor for us.
        let end = unsafe { OwnedFd::from_raw_fd(end) };
        Ok(Self { child, pid: Pid::from_raw(pid), end, socket: ours })
    }

    /// Where its words arrive.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// What tells of its end.
    pub(super) fn end(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }

    /// Its next word, if one waits.
    pub(super) fn receive(&self) -> Option<Report> {
        let mut bytes = [0; DATAGRAM_MAX];
        let count = (&self.socket).read(&mut bytes).ok().filter(|count| *count > 0)?;
        let report = decode_report(&bytes[..count]);
        if report.is_none() {
            log::error!("the manager said something that makes no sense");
        }
        report
    }

    /// Tells it something. One that has not listened for so long that its socket is full is killed.
    pub(super) fn send(&self, notice: &Notice) {
        if let Err(error) = (&self.socket).write(&encode_notice(notice)) {
            log::error!("the manager does not listen: {error}");
            if error.kind() == io::ErrorKind::WouldBlock {
                self.kill();
            }
        }
    }

    /// Kills it.
    pub(super) fn kill(&self) {
        if let Err(error) = kill(self.pid, Signal::SIGKILL) {
            log::error!("the manager cannot be killed: {error}");
        }
    }

    /// Whether it has ended, and then whether as it wanted.
    pub(super) fn ended(&mut self) -> Option<bool> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => {
                log::info!("event=manager-ended status=\"{status}\"");
                Some(status.success())
            }
            Err(error) => {
                log::error!("the manager cannot be waited for: {error}");
                Some(false)
            }
        }
    }
}
