//! One UDP socket between two fixed addresses, for a link that is routed.
//!
//! It is bound while this machine has the address, and follows it when it comes and goes. Nothing
//! is looked up, and nothing is ever waited for. What another address sends is dropped unopened;
//! what the peer's address sends is believed only under its seal, as on every link.

use nix::libc;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

/// `IP_PMTUDISC_DONT` and `IPV6_PMTUDISC_DONT`: a datagram that is too long for the way is parted.
static PARTED: libc::c_int = 0;

/// A routed link's socket.
#[derive(Debug)]
pub(crate) struct UdpLink {
    local: SocketAddr,
    peer: SocketAddr,
    open: Option<UdpSocket>,
}

impl UdpLink {
    /// A socket from `local` to `peer`; opened by [`Self::refresh`].
    pub(super) const fn new(local: SocketAddr, peer: SocketAddr) -> Self {
        Self { local, peer, open: None }
    }

    /// Opens the socket once this machine has the address, gives it up when the address is gone.
    /// Whether the socket is another one now.
    ///
    /// # Errors
    /// The address is there, and no socket can be had on it.
    pub(super) fn refresh(&mut self) -> io::Result<bool> {
        let any_port = SocketAddr::new(self.local.ip(), 0);
        match bound(any_port) {
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                Ok(self.open.take().is_some())
            }
            Err(error) => Err(error),
            Ok(_) if self.open.is_some() => Ok(false),
            Ok(_) => {
                let socket = bound(self.local)?;
                part_datagrams(&socket)?;
                self.open = Some(socket.into());
                Ok(true)
            }
        }
    }

    /// Whether this machine has the address.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// What to wait on, while this machine has the address.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.open.as_ref().map(AsFd::as_fd)
    }

    /// Sends one frame to the peer.
    ///
    /// # Errors
    /// There is no way to it at the moment, or the queue is full.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let open = self.open.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        open.send_to(bytes, self.peer).map(drop)
    }

    /// Another hold on the socket, for whoever reads it.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub(super) fn reader(&self) -> io::Result<Option<UdpReader>> {
        let clone = self.open.as_ref().map(UdpSocket::try_clone).transpose()?;
        Ok(clone.map(|socket| UdpReader { socket, peer: self.peer }))
    }

    /// The next frame of the peer's that waits, in `buffer`; none if there is none.
    ///
    /// # Errors
    /// The socket failed.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        self.open.as_ref().map_or(Ok(None), |open| receive(open, self.peer, buffer))
    }
}

/// Another hold on a [`UdpLink`]'s socket.
#[derive(Debug)]
pub(crate) struct UdpReader {
    socket: UdpSocket,
    peer: SocketAddr,
}

impl UdpReader {
    /// The next frame of the peer's that waits, in `buffer`; none if there is none.
    ///
    /// # Errors
    /// The socket failed.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        receive(&self.socket, self.peer, buffer)
    }
}

impl AsFd for UdpReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// An unasked sender's datagrams, taken out of the peer's way in one turn.
const STRANGERS_MAX: usize = 64;

fn receive<'a>(
    socket: &UdpSocket,
    peer: SocketAddr,
    buffer: &'a mut [u8],
) -> io::Result<Option<&'a [u8]>> {
    for _ in 0..STRANGERS_MAX {
        match socket.recv_from(buffer) {
            Ok((count, sender)) if same(sender, peer) => return Ok(Some(&buffer[..count])),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Compares what is written in the settings: no flow label, no scope.
fn same(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip() == other.ip() && one.port() == other.port()
}

fn bound(address: SocketAddr) -> io::Result<Socket> {
    let kind = Type::DGRAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&SockAddr::from(address))?;
    Ok(socket)
}

/// Lets routers part what is too long for them, where the kernel would have it refused.
fn part_datagrams(socket: &Socket) -> io::Result<()> {
    let (level, name) = if socket.local_addr()?.is_ipv6() {
        (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER)
    } else {
        (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER)
    };
    let length = libc::socklen_t::try_from(size_of_val(&PARTED)).map_err(io::Error::other)?;
    let value = (&raw const PARTED).cast();
    // SAFETY: the descriptor is open and the value is an integer of that length.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value, length) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diarch_cluster::config::{Key, NodeIndex};
    use diarch_cluster::guardian_io::FrameFault;
    use diarch_cluster::membership::wire::{Header, Heartbeat, Kind, Seal};
    use diarch_cluster::view::BootId;
    use std::net::Ipv4Addr;

    /// Two free neighbouring addresses of this machine: each test has a network of its own.
    fn ends(network: u8) -> [SocketAddr; 2] {
        [1, 2].map(|host| SocketAddr::from((Ipv4Addr::new(127, 77, network, host), 5405)))
    }

    fn open(local: SocketAddr, peer: SocketAddr) -> UdpLink {
        let mut link = UdpLink::new(local, peer);
        assert!(link.refresh().unwrap());
        link
    }

    /// Loopback delivers before `send` returns.
    fn next(link: &UdpLink) -> Option<Vec<u8>> {
        let mut buffer = [0; 2048];
        link.receive(&mut buffer).unwrap().map(<[u8]>::to_vec)
    }

    #[test]
    fn a_sealed_heartbeat_crosses_two_sockets_unchanged() {
        let [a, b] = ends(1);
        let (first, second) = (open(a, b), open(b, a));
        let key = Key([9; 32]);
        let seals = [NodeIndex::First, NodeIndex::Second].map(|at| Seal::new(&key, "heads", at));
        let header = Header {
            kind: Kind::Heartbeat,
            sender: NodeIndex::First,
            link: 0,
            boot: BootId(3),
            sequence: 1,
        };
        let said = Heartbeat { stamp: 5, ..Heartbeat::default() };
        first.send(&seals[0].seal(header, &said.encode()).unwrap()).unwrap();
        let frame = next(&second).unwrap();
        let (got, body) = seals[1].open(&frame).unwrap();
        assert_eq!((got, Heartbeat::decode(&body)), (header, Ok(said)));
        assert_eq!(seals[0].open(&frame).unwrap_err(), FrameFault::Own);
        assert_eq!(next(&second), None);
        let longest = vec![7; diarch_cluster::guardian_io::FRAME_MAX];
        second.send(&longest).unwrap();
        assert_eq!(next(&first), Some(longest));
    }

    #[test]
    fn what_a_stranger_sends_does_not_hide_what_the_peer_sends() {
        let [a, b] = ends(2);
        let (first, second) = (open(a, b), open(b, a));
        let stranger =
            UdpSocket::bind(SocketAddr::from((Ipv4Addr::new(127, 77, 2, 9), 0))).unwrap();
        for _ in 0..3 {
            stranger.send_to(b"noise", b).unwrap();
        }
        first.send(b"word").unwrap();
        assert_eq!(next(&second).as_deref(), Some(&b"word"[..]));
        assert_eq!(next(&second), None);
    }

    #[test]
    fn a_peer_that_is_not_there_is_no_error_for_what_comes_later() {
        let [a, b] = ends(3);
        let first = open(a, b);
        first.send(b"unheard").unwrap();
        first.send(b"unheard").unwrap();
        assert_eq!(next(&first), None);
        let second = open(b, a);
        second.send(b"word").unwrap();
        assert_eq!(next(&first).as_deref(), Some(&b"word"[..]));
    }

    #[test]
    fn an_address_that_this_machine_does_not_have_is_waited_for() {
        // Of the block for documentation: no machine has it.
        let nowhere = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 5405));
        let mut link = UdpLink::new(nowhere, nowhere);
        assert!(!link.refresh().unwrap());
        assert!(!link.is_open());
        assert!(link.send(b"lost").is_err());
        assert!(link.receive(&mut [0; 64]).unwrap().is_none());
    }

    #[test]
    fn a_port_that_another_daemon_holds_is_told_and_tried_again() {
        let [a, b] = ends(4);
        let holder = UdpSocket::bind(a).unwrap();
        let mut link = UdpLink::new(a, b);
        assert_eq!(link.refresh().unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(holder);
        assert!(link.refresh().unwrap());
        assert!(!link.refresh().unwrap());
    }
}
