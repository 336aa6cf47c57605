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

#[cfg(test)]
mod tests {
    use super::super::serial::tests::{carry, line};
    use super::*;
    use core::time::Duration;
    use diarch_cluster::Instant;
    use diarch_cluster::config::{Key, NodeIndex, NodeName, PairConfig};
    use diarch_cluster::guardian::Guardian;
    use diarch_cluster::guardian_io::{Event, Input, Output};
    use diarch_cluster::timing::{BUDGET_DEFAULT, Timing};
    use diarch_cluster::view::BootId;
    use std::fs::File;

    const NODES: [NodeIndex; 2] = [NodeIndex::First, NodeIndex::Second];

    /// Two guardians on two real links: a routed one and a serial line.
    struct Pair {
        now: Instant,
        guardians: [Guardian; 2],
        links: [[Link; 2]; 2],
        cable: [File; 2],
        cut: [bool; 2],
        told: [Vec<Event>; 2],
    }

    impl Pair {
        fn new() -> Self {
            let now = Instant::from_micros(1_000_000);
            let address = |host| SocketAddr::from(([127, 77, 9, host], 5405));
            let ends = [(address(1), address(2)), (address(2), address(1))];
            let [(near, first), (far, second)] = [line(), line()];
            let mut lines = [first, second].into_iter();
            let links = ends.map(|(local, peer)| {
                let settings = LinkSettings::Udp { local, peer };
                let mut udp = Link::new(&settings, Half::Guardian).unwrap();
                assert!(udp.refresh().unwrap());
                [udp, Link::Serial(Box::new(lines.next().unwrap()))]
            });
            Self {
                now,
                guardians: NODES.map(|local| {
                    let boot = BootId(7 + local.index() as u64);
                    Guardian::new(config(local), boot, 1, now)
                }),
                links,
                cable: [near, far],
                cut: [false; 2],
                told: [Vec::new(), Vec::new()],
            }
        }

        fn run_for(&mut self, length: Duration) {
            let until = self.now.after(length);
            while self.now < until {
                self.now = self.now.after(Duration::from_millis(10));
                for at in 0..2 {
                    self.guardians[at].handle_timeout(self.now);
                    self.drain(at);
                }
                carry(&self.cable[0], &self.cable[1]);
                carry(&self.cable[1], &self.cable[0]);
                for at in 0..2 {
                    self.hear(at);
                }
            }
        }

        fn drain(&mut self, at: usize) {
            while let Some(output) = self.guardians[at].poll_output() {
                if let Output::SendFrame { link, frame } = output {
                    let link = usize::from(link);
                    if !self.cut[link] {
                        self.links[at][link].send(&frame).unwrap();
                    }
                } else if let Output::Event(event) = output {
                    self.told[at].push(event);
                }
            }
        }

        fn hear(&mut self, at: usize) {
            let mut buffer = [0; 2048];
            for link in 0..2_u8 {
                let end = &mut self.links[at][usize::from(link)];
                while let Some(bytes) = end.receive(&mut buffer).unwrap() {
                    self.guardians[at].handle_input(self.now, Input::Frame { link, bytes });
                }
                self.drain(at);
            }
        }
    }

    fn config(local: NodeIndex) -> PairConfig {
        let name = |text: &str| NodeName::try_from(text).unwrap();
        PairConfig {
            cluster_name: name("heads"),
            nodes: [name("a"), name("b")],
            local,
            links: 2,
            heartbeats_only: 0b10,
            disks: 0,
            sector_bytes: heapless::Vec::new(),
            watchdog: false,
            key: Key([3; 32]),
            next_key: None,
            timing: Timing::derive(BUDGET_DEFAULT, Duration::from_secs(1)).unwrap(),
        }
    }

    #[test]
    fn two_guardians_become_a_pair_over_udp_and_a_serial_line_and_live_with_either() {
        let mut pair = Pair::new();
        pair.run_for(Duration::from_secs(2));
        for told in &pair.told {
            for event in [Event::PeerJoined, Event::LinkUp(0), Event::LinkUp(1)] {
                assert_eq!(told.iter().filter(|told| **told == event).count(), 1, "{told:?}");
            }
        }
        for cut in [0, 1] {
            pair.cut = [cut == 0, cut == 1];
            pair.run_for(Duration::from_secs(2));
            pair.cut = [false; 2];
            pair.run_for(Duration::from_secs(1));
        }
        for told in &pair.told {
            let down = |link| {
                let down =
                    |told: &&Event| matches!(told, Event::LinkDown { link: at, .. } if *at == link);
                told.iter().filter(down).count()
            };
            assert_eq!([down(0), down(1)], [1, 1], "{told:?}");
            let lost = |told: &Event| matches!(told, Event::PeerSilent { .. });
            assert!(!told.iter().any(lost), "{told:?}");
        }
        pair.cut = [true; 2];
        pair.run_for(Duration::from_secs(1));
        for told in &pair.told {
            assert!(told.iter().any(|told| matches!(told, Event::PeerSilent { .. })), "{told:?}");
        }
    }
}
