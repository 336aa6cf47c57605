//! One shared disk: its worker, the operation that is under way, and what to do while the device is
//! gone or stuck.

use crate::config::DiskSettings;
use diarch_cluster::Instant;
use diarch_cluster::guardian_io::{DiskFault, SECTOR_MAX, Sector};
use diarch_watchdog::disk::{Disk, DiskWorker, Operation};
use diarch_watchdog::sbd;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::thread::JoinHandle;

/// An operation that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended<'a> {
    /// Which sector.
    pub(super) sector: u64,
    /// Whether it was a write.
    pub(super) write: bool,
    /// What was read (nothing for a write), or what went wrong.
    pub(super) result: Result<&'a [u8], DiskFault>,
}

/// What was asked for and has not been answered.
#[derive(Debug)]
struct Pending {
    sector: u64,
    data: Option<Sector>,
    deadline: Instant,
    /// The worker's ticket, once it was free to take it.
    ticket: Option<u64>,
}

#[derive(Debug)]
enum Device {
    Open(DiskWorker),
    /// Being opened by a thread of its own: even that can hang.
    Opening(JoinHandle<io::Result<DiskWorker>>),
    Closed,
}

/// A shared disk that may be there.
#[derive(Debug)]
pub(super) struct SharedDisk {
    settings: DiskSettings,
    device: Device,
    pending: Option<Pending>,
}

impl SharedDisk {
    /// A disk whose device is opened now if it is there.
    pub(super) fn new(settings: &DiskSettings) -> Self {
        let device = open(settings).map_or_else(
            |error| {
                log::error!("disk {} cannot be used: {error}", settings.path.display());
                Device::Closed
            },
            Device::Open,
        );
        Self { settings: settings.clone(), device, pending: None }
    }

    /// When the operation under way has failed.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.deadline)
    }

    /// What to wait on while the device is open.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.device {
            Device::Open(worker) => Some(worker.as_fd()),
            Device::Opening(_) | Device::Closed => None,
        }
    }

    /// Begins an operation; a worker that still hangs in an earlier one takes it when it is free.
    pub(super) fn begin(&mut self, sector: u64, data: Option<&[u8]>, deadline: Instant) {
        let data = data.map(|bytes| {
            Sector::from_slice(&bytes[..bytes.len().min(SECTOR_MAX)]).unwrap_or_default()
        });
        self.follow_device();
        self.pending = Some(Pending { sector, data, deadline, ticket: None });
        self.submit();
    }

    /// Tells `tell` about an operation that has ended or is overdue.
    pub(super) fn poll(&mut self, now: Instant, mut tell: impl FnMut(Ended<'_>)) {
        let mut gone = false;
        if let Device::Open(worker) = &mut self.device {
            let pending = &mut self.pending;
            worker.take(|completion, bytes| {
                gone = completion.result == Err(sbd::DiskFault::Missing);
                let awaited = pending.as_ref().is_some_and(|p| p.ticket == Some(completion.ticket));
                if awaited {
                    *pending = None;
                    let result = match completion.result {
                        Ok(()) if completion.write => Ok(&bytes[..0]),
                        Ok(()) => Ok(bytes),
                        Err(fault) => Err(as_told(fault)),
                    };
                    tell(Ended { sector: completion.sector, write: completion.write, result });
                }
            });
        }
        if gone {
            self.device = Device::Closed;
        }
        self.submit();
        if let Some(pending) = self.pending.take_if(|pending| pending.deadline <= now) {
            let absent = !matches!(self.device, Device::Open(_));
            let fault = if absent { DiskFault::Missing } else { DiskFault::TimedOut };
            let write = pending.data.is_some();
            tell(Ended { sector: pending.sector, write, result: Err(fault) });
        }
    }

    fn submit(&mut self) {
        if let (Device::Open(worker), Some(pending)) = (&mut self.device, &mut self.pending)
            && pending.ticket.is_none()
        {
            let sector = pending.sector;
            let operation = match &pending.data {
                Some(data) => Operation::Write { sector, data },
                None => Operation::Read { sector },
            };
            pending.ticket = worker.submit(operation).ok();
        }
    }

    /// Tries to open a device that is not open, without waiting for it.
    fn follow_device(&mut self) {
        self.device = match std::mem::replace(&mut self.device, Device::Closed) {
            Device::Open(worker) => Device::Open(worker),
            Device::Opening(thread) if !thread.is_finished() => Device::Opening(thread),
            Device::Opening(thread) => match thread.join() {
                Ok(Ok(worker)) => {
                    log::info!("disk {} is there", self.settings.path.display());
                    Device::Open(worker)
                }
                Ok(Err(_)) | Err(_) => Device::Closed,
            },
            Device::Closed => {
                let settings = self.settings.clone();
                let name = "open-disk".to_owned();
                let thread = std::thread::Builder::new().name(name).stack_size(128 << 10);
                thread.spawn(move || open(&settings)).map_or(Device::Closed, Device::Opening)
            }
        };
    }
}

const fn as_told(fault: sbd::DiskFault) -> DiskFault {
    match fault {
        sbd::DiskFault::Missing => DiskFault::Missing,
        sbd::DiskFault::Failed => DiskFault::Failed,
        sbd::DiskFault::TimedOut => DiskFault::TimedOut,
    }
}

fn open(settings: &DiskSettings) -> io::Result<DiskWorker> {
    DiskWorker::start(Disk::open(&settings.path, settings.file_sector)?, "disk")
}
