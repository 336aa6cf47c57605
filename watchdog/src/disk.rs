//! Raw sectors of a shared disk, past every cache, and a worker so that a stuck disk blocks nobody.

use crate::sbd::{DiskFault, SECTOR_MAX};
use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

const SECTOR_SIZES: [u32; 2] = [512, 4096];
const WORKER_STACK: usize = 64 * 1024;

mod request {
    //! The block device's ioctl that is used.
    nix::ioctl_read_bad!(sector_size, nix::libc::BLKSSZGET, nix::libc::c_int);
}

/// One sector's space, aligned for direct I/O on any disk.
#[repr(C, align(4096))]
#[derive(Clone)]
struct Buffer([u8; SECTOR_MAX]);

/// A disk whose sectors can be read and written whole.
#[derive(Debug)]
pub struct Disk {
    file: File,
    sector_size: u32,
}

impl Disk {
    /// Opens a block device, or a regular file if `file_sector_size` says how long its sectors are.
    ///
    /// # Errors
    ///
    /// Whatever opening gives; `InvalidInput` for anything but a block device with sectors of 512
    /// or
    /// 4096 bytes, or for a regular file without a sector size.
    pub fn open(path: &Path, file_sector_size: Option<u32>) -> io::Result<Self> {
        let kind = std::fs::metadata(path)?.file_type();
        let flags = nix::libc::O_DIRECT | nix::libc::O_DSYNC;
        let open = |flags| OpenOptions::new().read(true).write(true).custom_flags(flags).open(path);
        let (file, sector_size) = if kind.is_block_device() {
            let file = open(flags)?;
            let size = logical_sector_size(&file)?;
            (file, size)
        } else if let (true, Some(size)) = (kind.is_file(), file_sector_size) {
            // Some file systems know no direct I/O; a file is for tests on one machine only.
            (open(flags).or_else(|_| open(nix::libc::O_DSYNC))?, size)
        } else {
            let reason = "not a block device, and no sector size is configured";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        };
        if !SECTOR_SIZES.contains(&sector_size) {
            let reason = format!("sectors of {sector_size} bytes are not supported");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        Ok(Self { file, sector_size })
    }

    /// The logical sector's size, in bytes.
    #[must_use]
    pub const fn sector_size(&self) -> u32 {
        self.sector_size
    }

    /// The number of its file descriptor, which the real tool prints.
    #[must_use]
    pub fn descriptor(&self) -> i32 {
        self.file.as_raw_fd()
    }

    /// Reads a whole sector into the first bytes of `into` and returns them.
    ///
    /// # Errors
    ///
    /// The disk's error; `UnexpectedEof` behind its end.
    pub fn read<'a>(&self, sector: u64, into: &'a mut SectorBuffer) -> io::Result<&'a [u8]> {
        let length = self.length();
        self.file.read_exact_at(&mut into.0.0[..length], sector * u64::from(self.sector_size))?;
        Ok(&into.0.0[..length])
    }

    /// Writes a whole sector and returns when it is on stable storage.
    ///
    /// # Errors
    ///
    /// The disk's error.
    pub fn write(&self, sector: u64, from: &SectorBuffer) -> io::Result<()> {
        let bytes = &from.0.0[..self.length()];
        self.file.write_all_at(bytes, sector * u64::from(self.sector_size))
    }

    fn length(&self) -> usize {
        if self.sector_size == SECTOR_SIZES[0] { 512 } else { SECTOR_MAX }
    }
}

/// Space for one sector, allocated once.
#[derive(Clone)]
pub struct SectorBuffer(Box<Buffer>);

impl SectorBuffer {
    /// A buffer of zeroes.
    #[must_use]
    pub fn new() -> Self {
        Self(Box::new(Buffer([0; SECTOR_MAX])))
    }

    /// All its bytes; a disk with smaller sectors uses the first ones.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0.0
    }
}

impl Default for SectorBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for SectorBuffer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SectorBuffer")
    }
}

/// What a worker can be asked to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation<'a> {
    /// Read a sector.
    Read {
        /// Which sector.
        sector: u64,
    },
    /// Write a sector and flush it; shorter data is filled up with zeroes.
    Write {
        /// Which sector.
        sector: u64,
        /// What it shall hold.
        data: &'a [u8],
    },
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Completion {
    /// The ticket that `submit` gave.
    pub ticket: u64,
    /// Which sector.
    pub sector: u64,
    /// Whether it was a write.
    pub write: bool,
    /// Whether it worked.
    pub result: Result<(), DiskFault>,
}

/// The worker has not finished what it was given before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Busy;

enum Job {
    Idle,
    Submitted { ticket: u64, sector: u64, write: bool, buffer: SectorBuffer },
    Running,
    Completed(Completion, SectorBuffer),
    Closed,
}

struct Shared {
    job: Mutex<Job>,
    changed: Condvar,
    done: EventFd,
}

impl Shared {
    /// A worker that panicked aborts the process in release; in tests the state is still whole.
    fn job(&self) -> MutexGuard<'_, Job> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One disk with its own thread and room for one operation: the caller never waits for the disk.
///
/// The caller watches the descriptor for reading, keeps its own deadline, and may treat the disk as
/// faulty while the thread still hangs in the kernel; `submit` then says `Busy`, and the late
/// completion arrives with its old ticket.
pub struct DiskWorker {
    shared: Arc<Shared>,
    spare: Option<SectorBuffer>,
    ticket: u64,
    sector_size: u32,
}

impl std::fmt::Debug for DiskWorker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DiskWorker").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

impl DiskWorker {
    /// Gives a disk its own thread, named `name`.
    ///
    /// # Errors
    ///
    /// The thread or its descriptor cannot be made.
    pub fn start(disk: Disk, name: &str) -> io::Result<Self> {
        let done = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        let shared = Arc::new(Shared { job: Mutex::new(Job::Idle), changed: Condvar::new(), done });
        let sector_size = disk.sector_size;
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name(name.to_owned())
            .stack_size(WORKER_STACK)
            .spawn(move || work(&disk, &theirs))?;
        Ok(Self { shared, spare: Some(SectorBuffer::new()), ticket: 0, sector_size })
    }

    /// The logical sector's size, in bytes.
    #[must_use]
    pub const fn sector_size(&self) -> u32 {
        self.sector_size
    }

    /// Begins an operation and returns its ticket.
    ///
    /// # Errors
    ///
    /// The one before has not been taken yet.
    pub fn submit(&mut self, operation: Operation<'_>) -> Result<u64, Busy> {
        let mut buffer = self.spare.take().ok_or(Busy)?;
        let (sector, write) = match operation {
            Operation::Read { sector } => (sector, false),
            Operation::Write { sector, data } => {
                let length = data.len().min(SECTOR_MAX);
                buffer.bytes_mut()[..length].copy_from_slice(&data[..length]);
                buffer.bytes_mut()[length..].fill(0);
                (sector, true)
            }
        };
        self.ticket += 1;
        *self.shared.job() = Job::Submitted { ticket: self.ticket, sector, write, buffer };
        self.shared.changed.notify_one();
        Ok(self.ticket)
    }

    /// Takes what has ended, if anything has; `see` is shown the sector that was read.
    pub fn take(&mut self, see: impl FnOnce(&Completion, &[u8])) -> Option<Completion> {
        let mut job = self.shared.job();
        match std::mem::replace(&mut *job, Job::Idle) {
            Job::Completed(completion, mut buffer) => {
                drop(job);
                match self.shared.done.read() {
                    Ok(_) | Err(Errno::EAGAIN) => {}
                    Err(error) => log::error!("a disk worker's descriptor failed: {error}"),
                }
                let length = usize::try_from(self.sector_size).unwrap_or(SECTOR_MAX);
                see(&completion, &buffer.bytes_mut()[..length]);
                self.spare = Some(buffer);
                Some(completion)
            }
            other @ (Job::Idle | Job::Submitted { .. } | Job::Running | Job::Closed) => {
                *job = other;
                None
            }
        }
    }
}

impl AsFd for DiskWorker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.done.as_fd()
    }
}

impl Drop for DiskWorker {
    /// Lets the thread end after its operation, without waiting for it.
    fn drop(&mut self) {
        *self.shared.job() = Job::Closed;
        self.shared.changed.notify_one();
    }
}

fn work(disk: &Disk, shared: &Shared) {
    loop {
        let mut job = shared.job();
        let (ticket, sector, write, mut buffer) = loop {
            match std::mem::replace(&mut *job, Job::Running) {
                Job::Submitted { ticket, sector, write, buffer } => {
                    break (ticket, sector, write, buffer);
                }
                Job::Closed => return,
                other @ (Job::Idle | Job::Running | Job::Completed(..)) => *job = other,
            }
            job = shared.changed.wait(job).unwrap_or_else(PoisonError::into_inner);
        };
        drop(job);
        let result = if write {
            disk.write(sector, &buffer)
        } else {
            disk.read(sector, &mut buffer).map(|_| ())
        };
        let result = result.map_err(|error| disk_fault(&error));
        let completion = Completion { ticket, sector, write, result };
        let mut job = shared.job();
        if matches!(*job, Job::Closed) {
            return;
        }
        *job = Job::Completed(completion, buffer);
        drop(job);
        if let Err(error) = shared.done.write(1) {
            log::error!("a disk worker cannot report: {error}");
        }
    }
}

/// How the machines see an error of the disk.
#[must_use]
pub fn disk_fault(error: &io::Error) -> DiskFault {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENODEV | Errno::ENXIO | Errno::ENOENT | Errno::ENOMEDIUM) => DiskFault::Missing,
        Some(Errno::ETIMEDOUT) => DiskFault::TimedOut,
        Some(_) | None => DiskFault::Failed,
    }
}

fn logical_sector_size(file: &File) -> io::Result<u32> {
    let mut size = 0;
    // SAFETY: the file is open for the whole call and the argument is one int that is written.
    unsafe { request::sector_size(file.as_raw_fd(), &raw mut size) }?;
    u32::try_from(size).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::path::PathBuf;

    fn image(name: &str, bytes: u64) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("diarch-disk-{}-{name}.img", std::process::id()));
        File::create(&path).unwrap().set_len(bytes).unwrap();
        path
    }

    fn wait(worker: &mut DiskWorker) -> (Completion, Vec<u8>) {
        loop {
            let mut fds = [PollFd::new(worker.as_fd(), PollFlags::POLLIN)];
            assert_eq!(poll(&mut fds, PollTimeout::from(60_000_u16)), Ok(1));
            let mut bytes = Vec::new();
            if let Some(completion) = worker.take(|_, sector| bytes = sector.to_vec()) {
                return (completion, bytes);
            }
        }
    }

    #[test]
    fn a_worker_writes_and_reads_whole_sectors_of_both_sizes() {
        for size in [512_u32, 4096] {
            let path = image(&format!("worker-{size}"), 64 * 4096);
            let disk = Disk::open(&path, Some(size)).unwrap();
            let mut worker = DiskWorker::start(disk, "disk-test").unwrap();
            assert_eq!(worker.submit(Operation::Write { sector: 5, data: b"hello" }), Ok(1));
            let (written, _) = wait(&mut worker);
            let expected = Completion { ticket: 1, sector: 5, write: true, result: Ok(()) };
            assert_eq!(written, expected);
            assert_eq!(worker.submit(Operation::Read { sector: 5 }), Ok(2));
            assert_eq!(worker.submit(Operation::Read { sector: 5 }), Err(Busy));
            let (read, bytes) = wait(&mut worker);
            assert_eq!((read.ticket, read.result, bytes.len()), (2, Ok(()), size as usize));
            assert_eq!(&bytes[..6], b"hello\0");
            assert_eq!(std::fs::read(&path).unwrap()[5 * size as usize], b'h');
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn reading_behind_the_end_fails_and_the_worker_goes_on() {
        let path = image("end", 4096);
        let disk = Disk::open(&path, Some(512)).unwrap();
        let mut worker = DiskWorker::start(disk, "disk-test").unwrap();
        worker.submit(Operation::Read { sector: 8 }).unwrap();
        assert_eq!(wait(&mut worker).0.result, Err(DiskFault::Failed));
        worker.submit(Operation::Read { sector: 7 }).unwrap();
        assert_eq!(wait(&mut worker).0.result, Ok(()));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_without_a_configured_sector_size_and_an_odd_size_are_refused() {
        let path = image("odd", 4096);
        let kind = |size| Disk::open(&path, size).unwrap_err().kind();
        assert_eq!(kind(None), io::ErrorKind::InvalidInput);
        assert_eq!(kind(Some(520)), io::ErrorKind::InvalidInput);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(kind(Some(512)), io::ErrorKind::NotFound);
    }
}
