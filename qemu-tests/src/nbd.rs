//! The shared disks: files on the host, served to each machine over its own NBD connection.
//!
//! Whoever serves a disk sees every request with its time and its author, and can make the disk
//! slow, broken or dead for one machine or for both. The protocol is that of the NBD project's
//! `doc/proto.md`: fixed newstyle negotiation, simple replies.

use crate::trouble::Trouble;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const OPTION_MAGIC: u64 = 0x4948_4156_454f_5054; // "IHAVEOPT"
const OPTION_REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
const REQUEST_MAGIC: u32 = 0x2560_9513;
const REPLY_MAGIC: u32 = 0x6744_6698;
/// Fixed newstyle, no padding after the export's size.
const HANDSHAKE_FLAGS: u16 = 3;
/// Has flags, flush, forced unit access, write zeroes.
const EXPORT_FLAGS: u16 = 1 | 4 | 8 | 64;
const OPTION_EXPORT_NAME: u32 = 1;
const OPTION_ABORT: u32 = 2;
const OPTION_INFO: u32 = 6;
const OPTION_GO: u32 = 7;
const ANSWER_ACK: u32 = 1;
const ANSWER_INFO: u32 = 3;
const ANSWER_UNSUPPORTED: u32 = 0x8000_0001;
/// The longest option or request that is read, in bytes; QEMU sends up to 32 MiB.
const LENGTH_MAX: u32 = 64 << 20;
const EIO: u32 = 5;
const EINVAL: u32 = 22;

/// What a machine asked of a disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It read.
    Read,
    /// It wrote.
    Write,
    /// It asked for what it wrote to be made durable.
    Flush,
}

/// One request, as it was carried out.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// When, on the host.
    pub at: Instant,
    /// Which machine: 0 or 1.
    pub machine: usize,
    /// What.
    pub kind: Kind,
    /// From which byte.
    pub offset: u64,
    /// How many bytes.
    pub length: u32,
}

/// What is wrong with a disk for one machine.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Every request fails.
    Errors,
    /// No request is answered.
    Silent,
    /// Every request takes this much longer.
    Slow(Duration),
}

#[derive(Debug)]
struct Shared {
    file: File,
    size: u64,
    faults: Mutex<[Fault; 2]>,
    accesses: Mutex<Vec<Access>>,
}

/// A disk that both machines share.
#[derive(Clone, Debug)]
pub struct Disk {
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// Serves the file `image` to machine 0 and 1 on the sockets `sockets`, for as long as this
    /// process lives.
    ///
    /// # Errors
    /// If the file or a socket cannot be opened.
    pub fn serve(image: &Path, sockets: [&Path; 2]) -> Result<Self, Trouble> {
        let opening = || format!("opening {}", image.display());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(image)
            .map_err(Trouble::rig(opening()))?;
        let size = file.metadata().map_err(Trouble::rig(opening()))?.len();
        let disk = Self {
            shared: Arc::new(Shared {
                file,
                size,
                faults: Mutex::default(),
                accesses: Mutex::default(),
            }),
        };
        for (machine, socket) in sockets.into_iter().enumerate() {
            let listener = UnixListener::bind(socket)
                .map_err(Trouble::rig(format!("binding {}", socket.display())))?;
            let shared = Arc::clone(&disk.shared);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let shared = Arc::clone(&shared);
                    // A connection ends with its machine; how it ends says nothing.
                    thread::spawn(move || shared.connection(machine, stream).ok());
                }
            });
        }
        Ok(disk)
    }

    /// From now on the disk behaves like this for `machine`.
    pub fn set_fault(&self, machine: usize, fault: Fault) {
        lock(&self.shared.faults)[machine] = fault;
    }

    /// Everything that was asked so far, in order.
    #[must_use]
    pub fn accesses(&self) -> Vec<Access> {
        lock(&self.shared.accesses).clone()
    }
}

impl Shared {
    fn connection(&self, machine: usize, mut stream: UnixStream) -> io::Result<()> {
        stream.write_all(b"NBDMAGIC")?;
        stream.write_all(&OPTION_MAGIC.to_be_bytes())?;
        stream.write_all(&HANDSHAKE_FLAGS.to_be_bytes())?;
        read_u32(&mut stream)?;
        while self.option(&mut stream)? {}
        loop {
            self.request(machine, &mut stream)?;
        }
    }

    /// One option of the negotiation; whether more follow.
    fn option(&self, stream: &mut UnixStream) -> io::Result<bool> {
        if read_u64(stream)? != OPTION_MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let option = read_u32(stream)?;
        let length = read_u32(stream)?;
        read_bytes(stream, length)?;
        match option {
            OPTION_EXPORT_NAME => {
                stream.write_all(&self.size.to_be_bytes())?;
                stream.write_all(&EXPORT_FLAGS.to_be_bytes())?;
                Ok(false)
            }
            OPTION_INFO | OPTION_GO => {
                let mut export = vec![0, 0];
                export.extend_from_slice(&self.size.to_be_bytes());
                export.extend_from_slice(&EXPORT_FLAGS.to_be_bytes());
                answer(stream, option, ANSWER_INFO, &export)?;
                let mut blocks = vec![0, 3];
                for size in [512_u32, 4096, 32 << 20] {
                    blocks.extend_from_slice(&size.to_be_bytes());
                }
                answer(stream, option, ANSWER_INFO, &blocks)?;
                answer(stream, option, ANSWER_ACK, &[])?;
                Ok(option == OPTION_INFO)
            }
            OPTION_ABORT => {
                answer(stream, option, ANSWER_ACK, &[])?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            _ => {
                answer(stream, option, ANSWER_UNSUPPORTED, &[])?;
                Ok(true)
            }
        }
    }

    fn request(&self, machine: usize, stream: &mut UnixStream) -> io::Result<()> {
        if read_u32(stream)? != REQUEST_MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut head = [0; 4];
        stream.read_exact(&mut head)?;
        let kind = u16::from_be_bytes([head[2], head[3]]);
        let cookie = read_u64(stream)?;
        let offset = read_u64(stream)?;
        let length = read_u32(stream)?;
        let mut data = Vec::new();
        if kind == 1 {
            data = read_bytes(stream, length)?;
        }
        if kind == 2 {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let error = if self.endure(machine) {
            self.perform(machine, kind, offset, length, &mut data)
        } else {
            EIO
        };
        stream.write_all(&REPLY_MAGIC.to_be_bytes())?;
        stream.write_all(&error.to_be_bytes())?;
        stream.write_all(&cookie.to_be_bytes())?;
        if kind == 0 && error == 0 {
            stream.write_all(&data)?;
        }
        Ok(())
    }

    /// Lives through the disk's fault; whether the request may be carried out afterwards.
    fn endure(&self, machine: usize) -> bool {
        loop {
            match lock(&self.faults)[machine] {
                Fault::None => return true,
                Fault::Errors => return false,
                Fault::Slow(delay) => {
                    thread::sleep(delay);
                    return true;
                }
                Fault::Silent => {}
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Carries a request out and returns its error number.
    fn perform(
        &self,
        machine: usize,
        kind: u16,
        offset: u64,
        length: u32,
        data: &mut Vec<u8>,
    ) -> u32 {
        let in_range = offset.checked_add(u64::from(length)).is_some_and(|end| end <= self.size);
        if !in_range || length > LENGTH_MAX {
            return EINVAL;
        }
        // Writing and noting it is one step: the list has the order of the disk.
        let mut accesses = lock(&self.accesses);
        let (done, kind) = match kind {
            0 => {
                data.resize(length as usize, 0);
                (self.file.read_exact_at(data, offset), Kind::Read)
            }
            1 => (self.file.write_all_at(data, offset), Kind::Write),
            // The file is what a power cut of a machine leaves: the host goes on.
            3 => (Ok(()), Kind::Flush),
            6 => {
                let zeroes = vec![0; length as usize];
                (self.file.write_all_at(&zeroes, offset), Kind::Write)
            }
            _ => return EINVAL,
        };
        accesses.push(Access { at: Instant::now(), machine, kind, offset, length });
        if done.is_ok() { 0 } else { EIO }
    }
}

fn answer(stream: &mut UnixStream, option: u32, kind: u32, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&OPTION_REPLY_MAGIC.to_be_bytes())?;
    for word in [option, kind, length] {
        stream.write_all(&word.to_be_bytes())?;
    }
    stream.write_all(data)
}

fn read_u32(stream: &mut UnixStream) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

fn read_u64(stream: &mut UnixStream) -> io::Result<u64> {
    let mut bytes = [0; 8];
    stream.read_exact(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}

fn read_bytes(stream: &mut UnixStream, length: u32) -> io::Result<Vec<u8>> {
    if length > LENGTH_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut data = vec![0; length as usize];
    stream.read_exact(&mut data)?;
    Ok(data)
}
