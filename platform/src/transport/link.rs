//! One end of one link, of whatever kind: what is common to all.

use super::packet::{PacketSocket, receive};
use super::serial::SerialLine;
use super::udp::{UdpLink, UdpReader};
use super::{Carrier, Half};
use crate::config::{LinkSettings, MANAGER_PORT_AFTER};
use socket2::Socket;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

/// This node's end of a link, for one of the two halves.
#[derive(Debug)]
pub(crate) enum Link {
    /// Raw frames on an interface.
    Ethernet {
        /// The interface's name.
        name: String,
        /// The socket on it.
        socket: PacketSocket,
    },
    /// Datagrams between two fixed addresses.
    Udp(UdpLink),
    /// Heartbeats on a serial line.
    Serial(Box<SerialLine>),
    /// A link that carries nothing for this half.
    Closed,
}

impl Link {
    /// The end that `settings` name, for `half`; opened by [`Self::refresh`].
    ///
    /// # Errors
    /// `InvalidInput` for a name that no interface can have.
    pub(crate) fn new(settings: &LinkSettings, half: Half) -> io::Result<Self> {
        match settings {
            LinkSettings::Ethernet(name) => {
                let socket = PacketSocket::new(name, half.ether_type())?;
                Ok(Self::Ethernet { name: name.clone(), socket })
            }
            LinkSettings::Udp { local, peer } => {
                let [local, peer] = [*local, *peer].map(|address| port_of(half, address));
                Ok(Self::Udp(UdpLink::new(local, peer)))
            }
            LinkSettings::Serial { path, baud } => match half {
                Half::Guardian => {
                    let line = SerialLine::new(path.clone(), *baud);
                    Ok(Self::Serial(Box::new(line)))
                }
                Half::Manager => Ok(Self::Closed),
            },
        }
    }

    /// Follows what the link runs on: opens, opens anew, or gives up the socket. Whether the
    /// socket is another one now.
    ///
    /// # Errors
    /// What it runs on is there, and no socket can be had on it.
    pub(crate) fn refresh(&mut self) -> io::Result<bool> {
        match self {
            Self::Ethernet { socket, .. } => socket.refresh(),
            Self::Udp(link) => link.refresh(),
            Self::Serial(line) => line.refresh(),
            Self::Closed => Ok(false),
        }
    }

    /// Whether there is a socket.
    pub(crate) const fn is_open(&self) -> bool {
        match self {
            Self::Ethernet { socket, .. } => socket.is_open(),
            Self::Udp(link) => link.is_open(),
            Self::Serial(line) => line.is_open(),
            Self::Closed => false,
        }
    }

    /// Whether frames can be sent, as far as this machine knows.
    pub(crate) fn is_up(&self, carrier: &Carrier) -> bool {
        match self {
            Self::Ethernet { name, socket } => socket.is_open() && carrier.is_up(name),
            Self::Udp(_) | Self::Serial(_) | Self::Closed => self.is_open(),
        }
    }

    /// What to wait on, while there is a socket.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Ethernet { socket, .. } => socket.descriptor(),
            Self::Udp(link) => link.descriptor(),
            Self::Serial(line) => line.descriptor(),
            Self::Closed => None,
        }
    }

    /// Sends one frame to the peer.
    ///
    /// # Errors
    /// There is no socket, no way, or no room in the queue.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Ethernet { socket, .. } => socket.send(bytes),
            Self::Udp(link) => link.send(bytes),
            Self::Serial(line) => line.send(bytes),
            Self::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The next frame that waits, in `buffer`; none if there is none.
    ///
    /// # Errors
    /// The link went down; frames may come again later.
    pub(crate) fn receive<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        match self {
            Self::Ethernet { socket, .. } => socket.receive(buffer),
            Self::Udp(link) => link.receive(buffer),
            Self::Serial(line) => line.receive(buffer),
            Self::Closed => Ok(None),
        }
    }

    /// Another hold on the socket, for whoever reads it, while there is one.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub(crate) fn reader(&self) -> io::Result<Option<Reader>> {
        match self {
            Self::Ethernet { socket, .. } => Ok(socket.reader()?.map(Reader::Ethernet)),
            Self::Udp(link) => Ok(link.reader()?.map(Reader::Udp)),
            // Read by its one holder: what is half a frame stays with it.
            Self::Serial(_) | Self::Closed => Ok(None),
        }
    }
}

/// Another hold on a link's socket.
#[derive(Debug)]
pub(crate) enum Reader {
    /// Raw frames on an interface.
    Ethernet(Socket),
    /// Datagrams between two fixed addresses.
    Udp(UdpReader),
}

impl Reader {
    /// The next frame that waits, in `buffer`; none if there is none.
    ///
    /// # Errors
    /// The link went down; frames may come again later.
    pub(crate) fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        match self {
            Self::Ethernet(socket) => receive(socket, buffer),
            Self::Udp(reader) => reader.receive(buffer),
        }
    }
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Ethernet(socket) => socket.as_fd(),
            Self::Udp(reader) => reader.as_fd(),
        }
    }
}

/// The guardians use the port that is configured, the managers the next.
fn port_of(half: Half, address: SocketAddr) -> SocketAddr {
    let port = match half {
        Half::Guardian => address.port(),
        Half::Manager => address.port().saturating_add(MANAGER_PORT_AFTER),
    };
    SocketAddr::new(address.ip(), port)
}
