//! One `AF_PACKET` socket on one interface, which may appear and vanish at any time.
//!
//! Ethernet fills short frames up, so each starts with its length: two bytes, big-endian.

use nix::libc;
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};
use std::ffi::CString;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};

/// Bytes of the length before a frame.
const HEAD: usize = 2;
/// The longest payload of an Ethernet frame.
pub(super) const PAYLOAD_MAX: usize = 1500;

/// A link's socket.
#[derive(Debug)]
pub(crate) struct PacketSocket {
    interface: CString,
    ether_type: u16,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    socket: Socket,
    everyone: SockAddr,
    index: libc::c_uint,
}

impl PacketSocket {
    /// A socket on `interface` for frames of `ether_type`; opened by [`Self::refresh`].
    ///
    /// # Errors
    /// `InvalidInput` for a name that no interface can have.
    pub(crate) fn new(interface: &str, ether_type: u16) -> io::Result<Self> {
        let interface = CString::new(interface)?;
        Ok(Self { interface, ether_type, open: None })
    }

    /// Follows the interface where it went: opens, opens anew, or gives up the socket. Whether the
    /// socket is another one now.
    ///
    /// # Errors
    /// The interface exists, and no socket can be had on it.
    pub(crate) fn refresh(&mut self) -> io::Result<bool> {
        // SAFETY: the name is a NUL-terminated string.
        let index = unsafe { libc::if_nametoindex(self.interface.as_ptr()) };
        if index == 0 {
            return Ok(self.open.take().is_some());
        }
        if self.open.as_ref().is_some_and(|open| open.index == index) {
            return Ok(false);
        }
        self.open = None;
        self.open = Some(Open::new(index, self.ether_type)?);
        Ok(true)
    }

    /// Whether the interface exists.
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// What to wait on, while the interface exists.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.open.as_ref().map(|open| open.socket.as_fd())
    }

    /// Sends one frame to everyone on the link.
    ///
    /// # Errors
    /// The interface is missing or down, or its queue is full.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let open = self.open.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let mut frame = [0; PAYLOAD_MAX];
        let whole = frame.get_mut(..HEAD + bytes.len()).ok_or(io::ErrorKind::InvalidInput)?;
        let length = u16::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        whole[..HEAD].copy_from_slice(&length.to_be_bytes());
        whole[HEAD..].copy_from_slice(bytes);
        open.socket.send_to(whole, &open.everyone).map(drop)
    }

    /// Another hold on the socket, for whoever reads it, while the interface exists.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub(crate) fn reader(&self) -> io::Result<Option<Socket>> {
        self.open.as_ref().map(|open| open.socket.try_clone()).transpose()
    }

    /// The next frame that waits, in `buffer`; none if there is none.
    ///
    /// # Errors
    /// The interface went down; frames may come again later.
    pub(crate) fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        self.open.as_ref().map_or(Ok(None), |open| receive(&open.socket, buffer))
    }
}

/// The next frame that waits in `socket`; none if there is none.
///
/// # Errors
/// The interface went down; frames may come again later.
pub(crate) fn receive<'a>(socket: &Socket, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
    let mut socket = socket;
    match socket.read(buffer) {
        Ok(count) => Ok(Some(payload(&buffer[..count]))),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the length leaves of a frame; all of it where the length makes no sense, for the machine to
/// count and drop.
fn payload(frame: &[u8]) -> &[u8] {
    let Some((head, rest)) = frame.split_first_chunk::<HEAD>() else {
        return frame;
    };
    rest.get(..usize::from(u16::from_be_bytes(*head))).unwrap_or(frame)
}

impl Open {
    fn new(index: libc::c_uint, ether_type: u16) -> io::Result<Self> {
        let kind = Type::DGRAM.nonblocking().cloexec();
        // With no protocol nothing arrives before it is bound to its interface.
        let socket = Socket::new(Domain::PACKET, kind, Some(Protocol::from(0)))?;
        let everyone = address(index, ether_type)?;
        socket.bind(&everyone)?;
        Ok(Self { socket, everyone, index })
    }
}

/// Every station's address behind the interface.
fn address(index: libc::c_uint, ether_type: u16) -> io::Result<SockAddr> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: a `sockaddr_ll` is plain data and fits into every storage.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::sa_family_t::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    link.sll_protocol = ether_type.to_be();
    link.sll_ifindex = libc::c_int::try_from(index).map_err(io::Error::other)?;
    link.sll_halen = 6;
    link.sll_addr = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0];
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>());
    // SAFETY: the storage holds a whole `sockaddr_ll` of that length.
    Ok(unsafe { SockAddr::new(storage, length.map_err(io::Error::other)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ethernet_filled_up_is_cut_off_again() {
        assert_eq!(payload(&[0, 2, 7, 8, 0, 0, 0]), [7, 8]);
        assert_eq!(payload(&[0, 9, 7, 8]), [0, 9, 7, 8]);
        assert_eq!(payload(&[1]), [1]);
    }

    #[test]
    fn an_interface_that_does_not_exist_is_waited_for() {
        let mut socket = PacketSocket::new("diarch-none", 0x88b5).unwrap();
        assert!(!socket.refresh().unwrap());
        assert!(!socket.is_open());
        assert!(socket.send(b"lost").is_err());
        assert!(socket.receive(&mut [0; 64]).unwrap().is_none());
    }
}
