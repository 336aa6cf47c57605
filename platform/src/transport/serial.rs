//! One serial line, for heartbeats: raw mode, never waited for, opened anew when it comes back.

use diarch_cluster::membership::line::{self, Deframer};
use nix::libc;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// Frames that may wait in the kernel: one more would come too late to be worth sending.
const FRAMES_QUEUED_MAX: usize = 2;
/// Reads in one turn, so that a line that is all noise lets the others have theirs.
const READS_PER_TURN: usize = 16;

/// A serial line.
#[derive(Debug)]
pub(crate) struct SerialLine {
    path: PathBuf,
    baud: u32,
    open: Option<File>,
    deframer: Deframer,
}

impl SerialLine {
    /// The line at `path`; opened by [`Self::refresh`].
    pub(super) fn new(path: PathBuf, baud: u32) -> Self {
        Self { path, baud, open: None, deframer: Deframer::default() }
    }

    /// Opens the line if it is there and not open. Whether it is newly open.
    ///
    /// # Errors
    /// It is there and cannot be used.
    pub(super) fn refresh(&mut self) -> io::Result<bool> {
        if self.open.is_some() {
            return Ok(false);
        }
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let line = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&self.path);
        let line = match line {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            line => line?,
        };
        make_raw(&line, self.baud)?;
        self.deframer = Deframer::default();
        self.open = Some(line);
        Ok(true)
    }

    /// Whether the line is open.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// What to wait on, while the line is open.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.open.as_ref().map(AsFd::as_fd)
    }

    /// Sends one frame, unless others still wait to go out.
    ///
    /// # Errors
    /// The line is not there or too slow, or the frame too long for it.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let line = self.open.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let framed = line::frame(bytes).ok_or(io::ErrorKind::InvalidInput)?;
        if queued(line)? >= FRAMES_QUEUED_MAX * framed.len() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        // What the kernel takes only a part of is found and dropped at the other end.
        (&*line).write(&framed).map(drop)
    }

    /// The next frame that waits, in `buffer`; none if there is none.
    ///
    /// # Errors
    /// The line went away: it is closed, and opened anew when it is there again.
    pub(super) fn receive<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        for _ in 0..READS_PER_TURN {
            if let Some(frame) = self.deframer.next_frame() {
                let place = buffer.get_mut(..frame.len()).ok_or(io::ErrorKind::InvalidInput)?;
                place.copy_from_slice(frame);
                return Ok(Some(place));
            }
            let Some(line) = &self.open else {
                return Ok(None);
            };
            match (&*line).read(self.deframer.room()) {
                Ok(count) if count > 0 => self.deframer.filled(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) => return self.close(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => return self.close(error),
            }
        }
        Ok(None)
    }

    /// A line that has hung up would be ready to be read for ever.
    fn close<T>(&mut self, error: io::Error) -> io::Result<T> {
        self.open = None;
        Err(error)
    }
}

/// Bytes as they are, no modem's wires needed, no flow control: a frame late is a frame lost.
fn make_raw(line: &File, baud: u32) -> io::Result<()> {
    let done = |result: libc::c_int| match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    };
    let fd = line.as_raw_fd();
    // SAFETY: all zeroes are a valid `termios2`.
    let mut mode: libc::termios2 = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and the call fills this structure.
    done(unsafe { libc::ioctl(fd, libc::TCGETS2, &raw mut mode) })?;
    mode.c_iflag = libc::IGNBRK | libc::IGNPAR;
    mode.c_oflag = 0;
    mode.c_lflag = 0;
    mode.c_cflag = libc::CS8 | libc::CREAD | libc::CLOCAL | libc::BOTHER;
    mode.c_ispeed = baud;
    mode.c_ospeed = baud;
    mode.c_cc[libc::VMIN] = 1;
    mode.c_cc[libc::VTIME] = 0;
    // SAFETY: the descriptor is open, and the call reads this structure.
    done(unsafe { libc::ioctl(fd, libc::TCSETS2, &raw const mode) })?;
    // SAFETY: the descriptor is open; the argument is a number.
    done(unsafe { libc::ioctl(fd, libc::TCFLSH, libc::TCIOFLUSH) })
}

/// Bytes that wait in the kernel to go out.
fn queued(line: &File) -> io::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: the descriptor is open, and the call writes one integer.
    match unsafe { libc::ioctl(line.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) } {
        0 => Ok(usize::try_from(count).unwrap_or(0)),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use diarch_cluster::config::{Key, NodeIndex};
    use diarch_cluster::membership::wire::{Header, Heartbeat, Kind, Seal};
    use diarch_cluster::view::BootId;

    /// The line's far end, and the line as a guardian opens it.
    pub(in crate::transport) fn line() -> (File, SerialLine) {
        let mut options = OpenOptions::new();
        let far = options.read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/ptmx");
        let (far, mut number, unlock): (_, libc::c_int, libc::c_int) = (far.unwrap(), 0, 0);
        // SAFETY: the descriptor is open, and the call reads one integer.
        assert_eq!(unsafe { libc::ioctl(far.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlock) }, 0);
        // SAFETY: the descriptor is open, and the call writes one integer.
        assert_eq!(unsafe { libc::ioctl(far.as_raw_fd(), libc::TIOCGPTN, &raw mut number) }, 0);
        let mut line = SerialLine::new(format!("/dev/pts/{number}").into(), 115_200);
        assert!(line.refresh().unwrap());
        assert!(!line.refresh().unwrap());
        (far, line)
    }

    fn next(line: &mut SerialLine) -> Option<Vec<u8>> {
        let mut buffer = [0; 2048];
        line.receive(&mut buffer).unwrap().map(<[u8]>::to_vec)
    }

    /// Carries what waits at one far end to the other, as a cable does.
    pub(in crate::transport) fn carry(from: &File, to: &File) -> usize {
        let mut bytes = [0; 1024];
        let count = (&*from).read(&mut bytes).unwrap_or(0);
        (&*to).write_all(&bytes[..count]).unwrap();
        count
    }

    fn sealed() -> (Vec<u8>, Seal, Heartbeat) {
        let key = Key([9; 32]);
        let header = Header {
            kind: Kind::Heartbeat,
            sender: NodeIndex::First,
            link: 0,
            boot: BootId(0xd1a5_0011_1304_0a0d),
            sequence: 1,
        };
        let said = Heartbeat { stamp: 0x0d0a_1113_0300_7f1a, ..Heartbeat::default() };
        let frame =
            Seal::new(&key, "heads", NodeIndex::First).seal(header, &said.encode()).unwrap();
        (frame.to_vec(), Seal::new(&key, "heads", NodeIndex::Second), said)
    }

    #[test]
    fn a_sealed_heartbeat_crosses_a_pair_of_lines_unchanged() {
        let ((cable_a, first), (cable_b, mut second)) = (line(), line());
        let (frame, seal, said) = sealed();
        first.send(&frame).unwrap();
        assert_eq!(next(&mut second), None);
        assert!(carry(&cable_a, &cable_b) > frame.len());
        let got = next(&mut second).unwrap();
        assert_eq!(got, frame);
        assert_eq!(Heartbeat::decode(&seal.open(&got).unwrap().1), Ok(said));
        assert_eq!(next(&mut second), None);
    }

    #[test]
    fn no_byte_is_changed_added_or_taken_for_a_command() {
        let ((cable_a, first), (cable_b, mut second)) = (line(), line());
        let all: Vec<u8> = (0..=255).collect();
        first.send(&all).unwrap();
        carry(&cable_a, &cable_b);
        assert_eq!(next(&mut second), Some(all));
        // Nothing was echoed to the sender.
        assert_eq!(carry(&cable_b, &cable_a), 0);
    }

    #[test]
    fn noise_and_a_frame_cut_in_two_do_not_cost_the_next_frame() {
        let (cable, mut line) = line();
        let (frame, ..) = sealed();
        let framed = line::frame(&frame).unwrap();
        (&cable).write_all(b"login: \x00\xff\xd1\xa5").unwrap();
        (&cable).write_all(&framed[..framed.len() / 2]).unwrap();
        (&cable).write_all(&framed).unwrap();
        assert_eq!(next(&mut line), Some(frame));
        assert_eq!(next(&mut line), None);
    }

    #[test]
    fn a_line_that_hangs_up_is_closed_and_not_read_for_ever() {
        let (cable, mut line) = line();
        drop(cable);
        assert!(line.receive(&mut [0; 2048]).is_err());
        assert!(!line.is_open());
        assert!(line.receive(&mut [0; 2048]).unwrap().is_none());
        assert!(line.send(b"lost").is_err());
    }

    #[test]
    fn a_line_that_does_not_exist_is_waited_for() {
        let mut line = SerialLine::new("/nowhere/ttyS0".into(), 115_200);
        assert!(!line.refresh().unwrap());
        assert!(!line.is_open());
    }

    #[test]
    fn a_line_that_takes_nothing_is_never_waited_for() {
        let (_cable, line) = line();
        let mut refused = 0;
        for _ in 0..4000 {
            refused += u32::from(line.send(&[0; 116]).is_err());
        }
        assert!(refused > 0, "nobody reads the other end");
    }
}
